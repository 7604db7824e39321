/*
 * merge.h
 *		Merging many ordered lists of actions into one, newest first.
 */
#ifndef ACTSTREAM_MERGE_H
#define ACTSTREAM_MERGE_H

#include "reader/action_chunk.h"
#include "reader/row_fetch.h"
#include "recency/recency_lower.h"
#include "ref/ref.h"
#include "tables/table_index.h"

typedef struct StreamMerge StreamMerge;

/*
 * A correct bound exceeds the time of the newest action by less than this, in
 * microseconds.
 */
#define BOUND_ACCURACY	65536

extern StreamMerge *StreamMergeCreate(Relation action, const Oid *indexes, Snapshot snapshot,
									  RowFetch *fetch, RecencyLowerer *lowerer,
									  ReadCounters *counters);
extern void StreamMergeBegin(StreamMerge *merge, ActionPlace newest, const RecencyMap *map,
							 int nlists, double page, TimestampTz floor, int most_misled);
extern const TimestampTz *StreamMergeCutoff(StreamMerge *merge);
extern void StreamMergeAddList(StreamMerge *merge, ActionIndex index, Ref *object,
							   TimestampTz oldest, TimestampTz bound);
extern void StreamMergeLeaveOut(StreamMerge *merge, TimestampTz cutoff);
extern void StreamMergeAddEntries(StreamMerge *merge, ActionEntry *entries, int n);
extern bool StreamMergeNext(StreamMerge *merge, ActionEntry *entry);
extern void StreamMergeMissed(StreamMerge *merge, bool dead);
extern void StreamMergeClean(StreamMerge *merge);
extern bool StreamMergeHasLeftOut(StreamMerge *merge);
extern bool StreamMergeIsMisled(StreamMerge *merge);
extern void StreamMergeReset(StreamMerge *merge);
extern void StreamMergeEnd(StreamMerge *merge);

#endif							/* ACTSTREAM_MERGE_H */
