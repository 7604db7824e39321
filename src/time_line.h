/*
 * time_line.h
 *		All public actions, newest first, and those of them that are wanted.
 */
#ifndef ACTSTREAM_TIME_LINE_H
#define ACTSTREAM_TIME_LINE_H

#include "action_group.h"
#include "action_screen.h"

typedef struct TimeLine TimeLine;

extern TimeLine *TimeLineCreate(Relation action, Oid index, Snapshot snapshot,
								ActionGroup *group, ReadCounters *counters);
extern void TimeLineBegin(TimeLine *line, TimestampTz newest, TimestampTz oldest,
						  int64 expected, ActionFilter filter, void *filter_arg);
extern bool TimeLineNextGroup(TimeLine *line);
extern TupleTableSlot *TimeLineNextRow(TimeLine *line);
extern bool TimeLineMayPause(const TimeLine *line);
extern void TimeLineEnd(TimeLine *line);

#endif							/* ACTSTREAM_TIME_LINE_H */
