/*
 * row_fetch.c
 *		The rows that entries of the indexes lead to.
 *
 * The table is visited no earlier than a row is asked for.
 */
#include "postgres.h"

#include "base/compat.h"
#include "reader/row_fetch.h"

#include "access/tableam.h"
#include "pgstat.h"
#include "storage/bufmgr.h"
#include "utils/rel.h"

struct RowFetch
{
	Relation	action;
	Snapshot	snapshot;
	ReadCounters *counters;
	struct IndexFetchTableData *heap_fetch;
	TupleTableSlot *row;
	ItemPointerData tid;		/* where that is from, unless it is empty */
	BlockNumber nblocks;		/* of the table, at least; 0: unknown */
};

/*
 * RowFetchCreate
 *		Prepare to fetch rows of the table, on which the caller holds a lock.
 *
 * Lives in the current memory context, and has to be ended.  What it does is added
 * to "counters".
 */
RowFetch *
RowFetchCreate(Relation action, Snapshot snapshot, ReadCounters *counters)
{
	RowFetch   *fetch = palloc0(sizeof(RowFetch));

	fetch->action = action;
	fetch->snapshot = snapshot;
	fetch->counters = counters;
	fetch->heap_fetch = begin_index_fetch(action);
	fetch->row = table_slot_create(action, NULL);
	return fetch;
}

/*
 * RowFetchVisible
 *		The row that an index entry for "tid" leads to, or NULL if the snapshot does
 *		not see one; then "dead" tells whether nobody ever will.
 *
 * The result is valid until the next call of any function here.  To ask again for
 * the same row costs nothing.
 */
TupleTableSlot *
RowFetchVisible(RowFetch *fetch, ItemPointer tid, bool *dead)
{
	ItemPointerData found = *tid;	/* changes, if a later version is */
	bool		call_again = false;

	*dead = false;
	if (!TTS_EMPTY(fetch->row) && ItemPointerEquals(tid, &fetch->tid))
		return fetch->row;
	if (!table_index_fetch_tuple(fetch->heap_fetch, &found, fetch->snapshot, fetch->row,
								 &call_again, dead))
	{
		/* what the slot had is gone, though it does not know */
		ExecClearTuple(fetch->row);
		fetch->counters->heap_skips++;
		return NULL;
	}
	Assert(!call_again);		/* never so with an MVCC snapshot */
	pgstat_count_heap_fetch(fetch->action);
	fetch->counters->heap_fetches++;
	fetch->tid = *tid;
	return fetch->row;
}

/*
 * RowFetchLook
 *		The same for a place in the table where there was a row once, to which no
 *		index entry need lead any more.
 */
TupleTableSlot *
RowFetchLook(RowFetch *fetch, ItemPointer tid)
{
	bool		dead;

	/* it does not become shorter as long as the lock is held */
	if (fetch->nblocks == 0)
		fetch->nblocks = RelationGetNumberOfBlocks(fetch->action);
	return ItemPointerGetBlockNumber(tid) < fetch->nblocks ?
		RowFetchVisible(fetch, tid, &dead) : NULL;
}

/*
 * RowFetchSees
 *		Whether the snapshot sees a row that an index entry for "tid" leads to, and
 *		if not, whether nobody ever will.  That is not counted.
 */
bool
RowFetchSees(RowFetch *fetch, ItemPointer tid, bool *dead)
{
	ItemPointerData found = *tid;
	bool		call_again = false;
	bool		visible;

	*dead = false;
	visible = table_index_fetch_tuple(fetch->heap_fetch, &found, fetch->snapshot, fetch->row,
									  &call_again, dead);
	ExecClearTuple(fetch->row);
	return visible;
}

/*
 * RowFetchEnd
 *		Release what fetching holds.
 */
void
RowFetchEnd(RowFetch *fetch)
{
	table_index_fetch_end(fetch->heap_fetch);
	ExecDropSingleTupleTableSlot(fetch->row);
	pfree(fetch);
}
