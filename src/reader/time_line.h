/*
 * time_line.h
 *		Reading public actions, newest first: all of them, or those that pass a filter.
 */
#ifndef ACTSTREAM_TIME_LINE_H
#define ACTSTREAM_TIME_LINE_H

#include "reader/action_screen.h"
#include "reader/read_counters.h"
#include "reader/row_fetch.h"
#include "reader/verb_line.h"
#include "recency/recency_lower.h"

typedef struct TimeLine TimeLine;

extern TimeLine *TimeLineCreate(Relation action, Oid index, Snapshot snapshot, RowFetch *fetch,
								RecencyLowerer *lowerer, ReadCounters *counters);
extern void TimeLineBegin(TimeLine *line, ActionPlace newest, TimestampTz oldest,
						  int64 expected, const RecencyMap *map, VerbLine *verbs,
						  ActionFilter filter, void *filter_arg);
extern void TimeLineCheckBound(TimeLine *line);
extern bool TimeLineNext(TimeLine *line, ActionEntry *entry);
extern void TimeLineClean(TimeLine *line, const ActionEntry *dead);
extern ActionFilter TimeLineFilter(const TimeLine *line);
extern bool TimeLineMayPause(const TimeLine *line);
extern void TimeLineEnd(TimeLine *line);

#endif							/* ACTSTREAM_TIME_LINE_H */
