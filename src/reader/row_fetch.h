/*
 * row_fetch.h
 *		Fetching the rows that index entries lead to.
 */
#ifndef ACTSTREAM_ROW_FETCH_H
#define ACTSTREAM_ROW_FETCH_H

#include "reader/read_counters.h"

#include "executor/tuptable.h"
#include "storage/itemptr.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"

typedef struct RowFetch RowFetch;

extern RowFetch *RowFetchCreate(Relation action, Snapshot snapshot, ReadCounters *counters);
extern TupleTableSlot *RowFetchVisible(RowFetch *fetch, ItemPointer tid, bool *dead);
extern TupleTableSlot *RowFetchLook(RowFetch *fetch, ItemPointer tid);
extern bool RowFetchSees(RowFetch *fetch, ItemPointer tid, bool *dead);
extern void RowFetchEnd(RowFetch *fetch);

#endif							/* ACTSTREAM_ROW_FETCH_H */
