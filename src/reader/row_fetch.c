/*
 * row_fetch.c
 *		Fetching the rows that index entries lead to.
 *
 * The table is not visited before a row is asked for.
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
	ItemPointerData tid;		/* that it was fetched for, unless it is empty */
	BlockNumber nblocks;		/* of the table, at least; 0: not known */
};

/*
 * RowFetchCreate
 *		Prepare to fetch rows of the table, on which the caller holds a lock.
 *
 * The result is in the current memory context and has to be ended.  Adds its work to
 * "counters".
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
 *		The row that an index entry for "tid" leads to, or NULL if the snapshot sees
 *		none; "dead" is then set if no transaction will ever see one.
 *
 * The result is valid until the next call of any function here.  Asking again for the
 * same row costs nothing.
 */
TupleTableSlot *
RowFetchVisible(RowFetch *fetch, ItemPointer tid, bool *dead)
{
	ItemPointerData found = *tid;	/* changes if a later version is visible */
	bool		call_again = false;

	*dead = false;
	if (!TTS_EMPTY(fetch->row) && ItemPointerEquals(tid, &fetch->tid))
		return fetch->row;
	if (!table_index_fetch_tuple(fetch->heap_fetch, &found, fetch->snapshot, fetch->row,
								 &call_again, dead))
	{
		/* what was in the slot is gone, but the slot does not know */
		ExecClearTuple(fetch->row);
		fetch->counters->heap_skips++;
		return NULL;
	}
	Assert(!call_again);		/* never set with an MVCC snapshot */
	pgstat_count_heap_fetch(fetch->action);
	fetch->counters->heap_fetches++;
	fetch->tid = *tid;
	return fetch->row;
}

/*
 * RowFetchLook
 *		The same for a location where there once was a row.  There may no longer be an
 *		index entry that leads to it.
 */
TupleTableSlot *
RowFetchLook(RowFetch *fetch, ItemPointer tid)
{
	bool		dead;

	/* the table is not truncated as long as we hold a lock on it */
	if (fetch->nblocks == 0)
		fetch->nblocks = RelationGetNumberOfBlocks(fetch->action);
	return ItemPointerGetBlockNumber(tid) < fetch->nblocks ?
		RowFetchVisible(fetch, tid, &dead) : NULL;
}

/*
 * RowFetchSees
 *		Does the snapshot see a row that an index entry for "tid" leads to?  If not,
 *		"dead" is set if no transaction ever will.  Not counted.
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
