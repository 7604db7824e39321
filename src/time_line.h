/*
 * time_line.h
 *		All public actions, newest first, and those of them that are wanted.
 */
#ifndef ACTSTREAM_TIME_LINE_H
#define ACTSTREAM_TIME_LINE_H

#include "action_screen.h"
#include "read_counters.h"

typedef struct TimeLine TimeLine;

extern TimeLine *TimeLineCreate(Relation action, Oid index, Snapshot snapshot,
								ReadCounters *counters);
extern void TimeLineBegin(TimeLine *line, ActionPlace newest, TimestampTz oldest,
						  int64 expected, ActionFilter filter, void *filter_arg);
extern bool TimeLineNext(TimeLine *line, ActionEntry *entry);
extern void TimeLineClean(TimeLine *line, const ActionEntry *dead);
extern bool TimeLineWants(TimeLine *line, TupleTableSlot *row);
extern bool TimeLineMayPause(const TimeLine *line);
extern void TimeLineEnd(TimeLine *line);

#endif							/* ACTSTREAM_TIME_LINE_H */
