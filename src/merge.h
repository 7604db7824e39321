/*
 * merge.h
 *		The rows of many ordered lists of actions as one, newest first.
 */
#ifndef ACTSTREAM_MERGE_H
#define ACTSTREAM_MERGE_H

#include "datatype/timestamp.h"
#include "executor/tuptable.h"
#include "ref.h"
#include "storage/itemptr.h"
#include "stream_index.h"
#include "utils/snapshot.h"

typedef struct StreamMerge StreamMerge;

/* An action as an index knows it. */
typedef struct ActionEntry
{
	TimestampTz timestamp;
	ItemPointerData tid;
} ActionEntry;

/* A bound is good if it is less than this, in microseconds, above the truth. */
#define BOUND_ACCURACY	65536

/* What was done, summed up over the life of a merge. */
typedef struct MergeCounters
{
	int64		lists_opened;
	int64		bounds_too_high;	/* of the lists that were opened */
	int64		searches;		/* descents of indexes to open, or go on with, a list */
	int64		entries_read;	/* of indexes */
	int64		heap_fetches;	/* that found a visible row */
	int64		heap_skips;		/* that found none */
} MergeCounters;

/* Whether a row is wanted; may leave garbage in the current memory context. */
typedef bool (*RowFilter) (void *arg, TupleTableSlot *row);

extern StreamMerge *StreamMergeCreate(Relation action, const Oid *indexes,
									  Snapshot snapshot, MergeCounters *counters);
extern void StreamMergeBegin(StreamMerge *merge, int nlists, double page,
							 RowFilter filter, void *filter_arg);
extern const TimestampTz *StreamMergeCutoff(StreamMerge *merge);
extern void StreamMergeAddList(StreamMerge *merge, ActionIndex index, Ref *object,
							   TimestampTz newest, TimestampTz oldest, TimestampTz bound);
extern void StreamMergeLeaveOut(StreamMerge *merge, TimestampTz cutoff);
extern void StreamMergeAddEntries(StreamMerge *merge, ActionEntry *entries, int n);
extern bool StreamMergeNextGroup(StreamMerge *merge);
extern bool StreamMergeIsShort(StreamMerge *merge);
extern TimestampTz StreamMergePosition(StreamMerge *merge);
extern TupleTableSlot *StreamMergeNextRow(StreamMerge *merge);
extern void StreamMergeEnd(StreamMerge *merge);

#endif							/* ACTSTREAM_MERGE_H */
