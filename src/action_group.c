/*
 * action_group.c
 *		The rows of the actions of one time.
 *
 * Streams are in descending order of time and, of the same time, of ids, which
 * no index knows but the rows themselves.  So actions come from the indexes in
 * groups of the same time, of which nearly all have one.  The table is visited
 * no earlier than a row is asked for.
 */
#include "postgres.h"

#include "compat.h"
#include "action_group.h"
#include "catalog.h"

#include "access/tableam.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "port.h"
#include "storage/bufmgr.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"
#include "utils/tuplesort.h"
#include "utils/typcache.h"

/* A group with more memory than for as many leaves none of it to the next. */
#define KEPT_CAPACITY	1024

struct ActionGroup
{
	Relation	action;
	Snapshot	snapshot;
	ReadCounters *counters;
	MemoryContext context;		/* of all this */
	struct IndexFetchTableData *heap_fetch;
	TupleTableSlot *row;		/* as the table has it */
	ItemPointerData row_tid;	/* where that is from, unless it is empty */
	BlockNumber nblocks;		/* of the table, at least; 0: unknown */
	TupleTableSlot *sorted_row; /* as a group has it; made when needed */
	TimestampTz time;
	ItemPointerData *tids;		/* where rows are that were not asked for yet */
	int			n;
	int			capacity;
	Tuplesortstate *sort;		/* the rows, if they are several */
};

/*
 * ActionGroupCreate
 *		Make a group, empty and newer than all actions.
 *
 * The caller holds a lock on the table.  It lives in the current memory context
 * and has to be ended.  It adds what it does to "counters".
 */
ActionGroup *
ActionGroupCreate(Relation action, Snapshot snapshot, ReadCounters *counters)
{
	ActionGroup *group = palloc0(sizeof(ActionGroup));

	group->action = action;
	group->snapshot = snapshot;
	group->counters = counters;
	group->context = CurrentMemoryContext;
	group->heap_fetch = begin_index_fetch(action);
	group->row = table_slot_create(action, NULL);
	group->time = DT_NOEND;
	return group;
}

static void
end_sort(ActionGroup *group)
{
	if (group->sort != NULL)
	{
		ExecClearTuple(group->sorted_row);
		tuplesort_end(group->sort);
		group->sort = NULL;
	}
}

/*
 * ActionGroupReset
 *		Make the group empty and newer than all actions.
 */
void
ActionGroupReset(ActionGroup *group)
{
	ActionGroupBegin(group, DT_NOEND);
	if (group->capacity > KEPT_CAPACITY)
	{
		pfree(group->tids);
		group->tids = NULL;
		group->capacity = 0;
	}
}

/*
 * ActionGroupBegin
 *		Forget what is left of the group, and begin that of another time.
 */
void
ActionGroupBegin(ActionGroup *group, TimestampTz time)
{
	end_sort(group);
	group->n = 0;
	group->time = time;
}

/*
 * ActionGroupAdd
 *		Add the action at "tid", before any row is asked for.
 */
void
ActionGroupAdd(ActionGroup *group, ItemPointer tid)
{
	if (group->n == group->capacity)
	{
		Size		size;

		group->capacity = Max(group->capacity * 2, 16);
		size = group->capacity * sizeof(ItemPointerData);
		group->tids = group->tids == NULL ?
			MemoryContextAlloc(group->context, size) : repalloc_huge(group->tids, size);
	}
	group->tids[group->n++] = *tid;
}

static int
compare_tids(const void *a, const void *b, void *arg)
{
	return ItemPointerCompare((ItemPointer) a, (ItemPointer) b);
}

/*
 * ActionGroupDropDuplicates
 *		Leave each action once: it has one place in the table.
 */
void
ActionGroupDropDuplicates(ActionGroup *group)
{
	int			kept = 1;

	if (group->n <= 1)
		return;
	qsort_interruptible(group->tids, group->n, sizeof(ItemPointerData), compare_tids, NULL);
	for (int i = 1; i < group->n; i++)
	{
		if (!ItemPointerEquals(&group->tids[i], &group->tids[kept - 1]))
			group->tids[kept++] = group->tids[i];
	}
	group->n = kept;
}

/*
 * ActionGroupTime
 *		The time of the group's actions.
 */
TimestampTz
ActionGroupTime(const ActionGroup *group)
{
	return group->time;
}

/*
 * fetch_row
 *		The row at "tid", or NULL if the snapshot does not see it.
 *
 * The result is valid until the next call.  To ask again costs nothing.
 */
static TupleTableSlot *
fetch_row(ActionGroup *group, ItemPointer tid)
{
	ItemPointerData found = *tid;	/* changes, if a later version is */
	bool		call_again = false;

	if (!TTS_EMPTY(group->row) && ItemPointerEquals(tid, &group->row_tid))
		return group->row;
	if (!table_index_fetch_tuple(group->heap_fetch, &found, group->snapshot, group->row,
								 &call_again, NULL))
	{
		/* what the slot had is gone, though it does not know */
		ExecClearTuple(group->row);
		group->counters->heap_skips++;
		return NULL;
	}
	Assert(!call_again);		/* never so with an MVCC snapshot */
	pgstat_count_heap_fetch(group->action);
	group->counters->heap_fetches++;
	group->row_tid = *tid;
	return group->row;
}

/*
 * ActionGroupLook
 *		The row at a place in the table where there was one once, or NULL if the
 *		snapshot does not see one there.
 *
 * The result is valid until the next call of any function here.
 */
TupleTableSlot *
ActionGroupLook(ActionGroup *group, ItemPointer tid)
{
	/* it does not become shorter as long as the lock is held */
	if (group->nblocks == 0)
		group->nblocks = RelationGetNumberOfBlocks(group->action);
	return ItemPointerGetBlockNumber(tid) < group->nblocks ? fetch_row(group, tid) : NULL;
}

/* Put the rows in order. */
static void
sort_rows(ActionGroup *group)
{
	AttrNumber	column = Anum_action_id;
	Oid			operator = lookup_type_cache(INT8OID, TYPECACHE_GT_OPR)->gt_opr;
	Oid			collation = InvalidOid;
	bool		nulls_first = true;

	if (group->sorted_row == NULL)
		group->sorted_row = MakeSingleTupleTableSlot(RelationGetDescr(group->action),
													 &TTSOpsMinimalTuple);
	group->sort = tuplesort_begin_heap(RelationGetDescr(group->action), 1, &column,
									   &operator, &collation, &nulls_first,
									   work_mem, NULL, TUPLESORT_NONE);
	for (int i = 0; i < group->n; i++)
	{
		TupleTableSlot *row = fetch_row(group, &group->tids[i]);

		CHECK_FOR_INTERRUPTS();
		if (row != NULL)
			tuplesort_puttupleslot(group->sort, row);
	}
	group->n = 0;
	tuplesort_performsort(group->sort);
}

/*
 * ActionGroupNextRow
 *		The next row of the group, or NULL if there are no more.
 *
 * It has the columns of the table, and is valid until the next call of any
 * function here.
 */
TupleTableSlot *
ActionGroupNextRow(ActionGroup *group)
{
	if (group->n == 1)
	{
		group->n = 0;
		return fetch_row(group, &group->tids[0]);
	}
	if (group->n > 1)
		sort_rows(group);
	if (group->sort != NULL &&
		tuplesort_gettupleslot(group->sort, true, false, group->sorted_row, NULL))
		return group->sorted_row;
	return NULL;
}

/*
 * ActionGroupEnd
 *		Release what the group holds.
 */
void
ActionGroupEnd(ActionGroup *group)
{
	end_sort(group);
	if (group->sorted_row != NULL)
		ExecDropSingleTupleTableSlot(group->sorted_row);
	table_index_fetch_end(group->heap_fetch);
	ExecDropSingleTupleTableSlot(group->row);
	if (group->tids != NULL)
		pfree(group->tids);
	pfree(group);
}
