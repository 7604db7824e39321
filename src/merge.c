/*
 * merge.c
 *		The rows of many ordered lists of actions as one, newest first.
 *
 * A list is what one index has for one object, read backwards.  Open lists
 * stand in a heap by the time of their next entry.  Lists that have not been
 * opened wait under an upper bound of that time, see closed_lists.c; one is opened
 * only when its bound is the newest of all.  Where some were left out, the merge
 * ends where these could have an entry.
 *
 * All lists of an index share one cursor, which is positioned anew for each
 * chunk of entries that a list takes, and holds no page between them.  Chunks
 * are small at first.  None ends between entries of the same time, so that the
 * time of the entry after it is a good place to go on from.
 *
 * Entries of the same time leave the heap together, as a group: one entry met
 * in several lists is one row, and rows of the same time come in descending
 * order of their ids, which only the rows themselves know.  The heap of the
 * table is visited no earlier than that.
 */
#include "postgres.h"

#include "compat.h"
#include "catalog.h"
#include "closed_lists.h"
#include "index_cursor.h"
#include "merge.h"

#include "access/stratnum.h"
#include "access/tableam.h"
#include "catalog/pg_type.h"
#include "lib/binaryheap.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "port.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"
#include "utils/tuplesort.h"
#include "utils/typcache.h"

/*
 * Entries in the first chunk of a list: a page takes few from each of many
 * lists, and all from one.  Later chunks double up to the last figure, where the
 * cost of positioning has long been lost in that of reading.
 */
#define SMALLEST_FIRST_CHUNK	8
#define LARGEST_FIRST_CHUNK		32
#define ALL_FIRST_CHUNKS		64
#define LARGEST_CHUNK			1024

/*
 * Lists with a bound that are read down to the same floor at first, in pages: a
 * little more than one.
 */
#define FLOOR_PAGES				1.25

/* A list that has been opened. */
typedef struct MergeList
{
	ActionIndex index;
	Ref		   *object;			/* NULL: the whole index */
	TimestampTz oldest;			/* entries before this are not of the list */
	ActionEntry *entries;		/* the current chunk */
	int			n;
	int			capacity;
	int			next;			/* the first that has not been taken */
	int			chunk;			/* size of the next chunk */
	bool		more;			/* may there be entries after the chunk? */
	TimestampTz resume;			/* none of which is newer than this */
	TimestampTz floor;			/* the next chunk need not go below this */
	TimestampTz head;			/* nor is any entry that has not been taken */
} MergeList;

struct StreamMerge
{
	Relation	action;
	Snapshot	snapshot;
	Oid			indexes[NUM_ACTION_INDEXES];
	IndexCursor *cursors[NUM_ACTION_INDEXES][2];	/* NULL until they are needed:
													 * to the end, and to a floor */
	struct IndexFetchTableData *heap_fetch;
	TupleTableSlot *row;		/* as the table has it */
	TupleTableSlot *sorted_row; /* as a group has it; made when needed */
	MemoryContext list_context; /* of lists: reset when the merge begins anew */
	MemoryContext filter_context;	/* reset after each row */
	MergeCounters *counters;

	RowFilter	filter;			/* or NULL */
	void	   *filter_arg;
	int			first_chunk;	/* entries in it */
	bool		started;		/* are closed lists in order? */
	ClosedLists closed;
	int			page;			/* lists whose bounds are above the floor */
	TimestampTz floor;			/* a page is not likely to go below this */
	binaryheap *heap;			/* of MergeList *, the newest head first */

	/* the current group */
	TimestampTz position;		/* its time */
	ItemPointerData *tids;
	int			ntids;
	int			tids_capacity;
	Tuplesortstate *sort;		/* its rows, if they are several */
};

/* For a max-heap: the list with the newer head is the larger one. */
static int
compare_heads(Datum a, Datum b, void *arg)
{
	TimestampTz head_a = ((MergeList *) DatumGetPointer(a))->head;
	TimestampTz head_b = ((MergeList *) DatumGetPointer(b))->head;

	return (head_a > head_b) - (head_a < head_b);
}

/*
 * StreamMergeCreate
 *		Make a merge over "indexes", those of ActionIndexesFind(), to be begun.
 *
 * The caller holds a lock on the table.  The merge lives in the current memory
 * context and has to be ended.  It adds what it does to "counters".
 */
StreamMerge *
StreamMergeCreate(Relation action, const Oid *indexes, Snapshot snapshot,
				  MergeCounters *counters)
{
	StreamMerge *merge = palloc0(sizeof(StreamMerge));

	merge->action = action;
	merge->snapshot = snapshot;
	memcpy(merge->indexes, indexes, sizeof(merge->indexes));
	merge->counters = counters;
	merge->heap_fetch = begin_index_fetch(action);
	merge->row = table_slot_create(action, NULL);
	merge->list_context = AllocSetContextCreate(CurrentMemoryContext, "actstream lists",
												ALLOCSET_DEFAULT_SIZES);
	merge->filter_context = AllocSetContextCreate(CurrentMemoryContext, "actstream filter",
												  ALLOCSET_SMALL_SIZES);
	return merge;
}

static void
end_sort(StreamMerge *merge)
{
	if (merge->sort != NULL)
	{
		ExecClearTuple(merge->sorted_row);
		tuplesort_end(merge->sort);
		merge->sort = NULL;
	}
}

/*
 * StreamMergeBegin
 *		Forget all lists and begin anew, with lists that are to be added, of
 *		which "nlists" will be kept.
 *
 * "page" is how many rows will be wanted, at a guess.  The merge will yield the
 * rows for which "filter", unless it is NULL, is true.
 */
void
StreamMergeBegin(StreamMerge *merge, int nlists, double page,
				 RowFilter filter, void *filter_arg)
{
	MemoryContext oldcontext;

	end_sort(merge);
	MemoryContextReset(merge->list_context);
	merge->filter = filter;
	merge->filter_arg = filter_arg;
	merge->first_chunk = Min(LARGEST_FIRST_CHUNK,
							 Max(SMALLEST_FIRST_CHUNK, ALL_FIRST_CHUNKS / Max(nlists, 1)));
	merge->ntids = 0;
	merge->tids = NULL;
	merge->tids_capacity = 0;

	oldcontext = MemoryContextSwitchTo(merge->list_context);
	merge->heap = binaryheap_allocate(Max(nlists, 1), compare_heads, NULL);
	ClosedListsInit(&merge->closed, nlists);
	MemoryContextSwitchTo(oldcontext);
	merge->page = Min(page * FLOOR_PAGES, nlists);
	merge->floor = DT_NOBEGIN;
	merge->position = DT_NOEND;
	merge->started = false;
}

/*
 * StreamMergeCutoff
 *		Where to read how new a list has to be to be kept: lists whose bounds are
 *		no newer need not be added.
 *
 * Before all have been added that may rise.
 */
const TimestampTz *
StreamMergeCutoff(StreamMerge *merge)
{
	return &merge->closed.cutoff;
}

/*
 * StreamMergeAddList
 *		Add what an index has for an object, from "newest" to "oldest", both
 *		included, and known not to be newer than "bound".
 *
 * "object" is NULL for the index by time; else it has to stay until the merge
 * begins anew.
 */
void
StreamMergeAddList(StreamMerge *merge, ActionIndex index, Ref *object,
				   TimestampTz newest, TimestampTz oldest, TimestampTz bound)
{
	ClosedListsAdd(&merge->closed,
				   (ClosedList) {.head = Min(newest, bound), .oldest = oldest, .object = object,
								 .index = index, .bounded = bound < newest});
}

/*
 * StreamMergeLeaveOut
 *		After all have been added: there are other lists, none of them newer than
 *		"cutoff".
 */
void
StreamMergeLeaveOut(StreamMerge *merge, TimestampTz cutoff)
{
	ClosedListsLeaveOut(&merge->closed, cutoff);
}

/*
 * StreamMergeAddEntries
 *		Add a list that is known already, in descending order of time.
 *
 * The entries have to stay until the merge begins anew.
 */
void
StreamMergeAddEntries(StreamMerge *merge, ActionEntry *entries, int n)
{
	MergeList  *list;

	if (n == 0)
		return;
	list = MemoryContextAllocZero(merge->list_context, sizeof(MergeList));
	list->head = entries[0].timestamp;
	list->entries = entries;
	list->n = n;
	binaryheap_add(merge->heap, PointerGetDatum(list));
}

/*
 * The cursor over an index, for the keys of position_cursor().
 *
 * A floor is one more key for the index to compare each entry with, so where
 * there is none, there is none.
 */
static IndexCursor *
get_cursor(StreamMerge *merge, ActionIndex index, bool has_floor)
{
	IndexCursor **place = &merge->cursors[index][has_floor];
	IndexCursor *cursor = *place;
	int			nkeys = 0;
	AttrNumber	timestamp = index == ACTION_BY_TIME ?
		Anum_time_index_timestamp : Anum_role_index_timestamp;

	if (cursor != NULL)
		return cursor;
	cursor = IndexCursorOpen(merge->action, merge->indexes[index], timestamp + has_floor,
							 merge->snapshot);
	if (index != ACTION_BY_TIME)
	{
		IndexCursorInitKey(cursor, nkeys++, Anum_role_index_object, BTEqualStrategyNumber);
		IndexCursorInitKey(cursor, nkeys++, Anum_role_index_public, BTEqualStrategyNumber);
	}
	IndexCursorInitKey(cursor, nkeys++, timestamp, BTLessEqualStrategyNumber);
	if (has_floor)
		IndexCursorInitKey(cursor, nkeys++, timestamp, BTGreaterEqualStrategyNumber);
	*place = cursor;
	return cursor;
}

/* Go to the next entry of the cursor that belongs to the list. */
static bool
advance_cursor(StreamMerge *merge, MergeList *list, IndexCursor *cursor, TimestampTz *timestamp)
{
	CHECK_FOR_INTERRUPTS();
	if (!IndexCursorNext(cursor, BackwardScanDirection))
		return false;
	merge->counters->entries_read++;
	*timestamp = DatumGetTimestampTz(IndexCursorColumn(cursor,
													   list->index == ACTION_BY_TIME ?
													   Anum_time_index_timestamp :
													   Anum_role_index_timestamp));
	return true;
}

/*
 * Position the cursor on the first entry of the list that it has not taken, for
 * entries down to the list's floor.
 */
static bool
position_cursor(StreamMerge *merge, MergeList *list, IndexCursor *cursor, TimestampTz *timestamp)
{
	int			nkeys = 0;

	merge->counters->searches++;
	if (list->index != ACTION_BY_TIME)
	{
		IndexCursorSetKey(cursor, nkeys++, PointerGetDatum(list->object));
		IndexCursorSetKey(cursor, nkeys++, BoolGetDatum(true));
	}
	IndexCursorSetKey(cursor, nkeys++, TimestampTzGetDatum(list->resume));
	if (list->floor > DT_NOBEGIN)
		IndexCursorSetKey(cursor, nkeys++, TimestampTzGetDatum(list->floor));
	IndexCursorSeek(cursor);
	return advance_cursor(merge, list, cursor, timestamp);
}

static void
add_entry(StreamMerge *merge, MergeList *list, TimestampTz timestamp, ItemPointer tid)
{
	if (list->n == list->capacity)
	{
		Size		size;

		list->capacity = Max(list->capacity * 2, list->chunk);
		size = list->capacity * sizeof(ActionEntry);
		list->entries = list->entries == NULL ?
			MemoryContextAlloc(merge->list_context, size) :
			repalloc_huge(list->entries, size);
	}
	list->entries[list->n].timestamp = timestamp;
	list->entries[list->n].tid = *tid;
	list->n++;
}

/*
 * read_chunk
 *		Read the next entries of a list whose entries have all been taken.
 *
 * Afterwards the list has entries, or goes on below its floor, or there are no
 * more.
 */
static void
read_chunk(StreamMerge *merge, MergeList *list)
{
	IndexCursor *cursor = get_cursor(merge, list->index, list->floor > DT_NOBEGIN);
	TimestampTz timestamp;
	bool		found = position_cursor(merge, list, cursor, &timestamp);

	list->next = list->n = 0;
	while (found && (list->n < list->chunk ||
					 timestamp == list->entries[list->n - 1].timestamp))
	{
		add_entry(merge, list, timestamp, IndexCursorTid(cursor));
		found = advance_cursor(merge, list, cursor, &timestamp);
	}
	IndexCursorRest(cursor);
	list->chunk = Min(list->chunk * 2, LARGEST_CHUNK);

	list->more = found || list->floor > list->oldest;
	if (list->more)
		list->resume = found ? timestamp : list->floor - 1;
	list->floor = list->oldest;
}

/* Find out the head of a list; false if it has no more entries. */
static bool
update_head(MergeList *list)
{
	if (list->next < list->n)
		list->head = list->entries[list->next].timestamp;
	else if (list->more)
		list->head = list->resume;
	else
		return false;
	return true;
}

/* Give the first list of the heap the place that its next entry deserves. */
static void
replace_first(StreamMerge *merge, MergeList *list)
{
	if (update_head(list))
		binaryheap_replace_first(merge->heap, PointerGetDatum(list));
	else
		(void) binaryheap_remove_first(merge->heap);
}

/* Open a list, and put it into the heap of open ones if it has entries. */
static void
open_list(StreamMerge *merge, const ClosedList *closed)
{
	MergeList  *list = MemoryContextAllocZero(merge->list_context, sizeof(MergeList));

	list->index = closed->index;
	list->object = closed->object;
	list->oldest = closed->oldest;
	list->more = true;
	list->resume = list->head = closed->head;
	/* a list that begins below the floor was come to because that is too high */
	list->floor = merge->floor > closed->head ? closed->oldest :
		Max(closed->oldest, merge->floor);
	list->chunk = merge->first_chunk;
	merge->counters->lists_opened++;
	read_chunk(merge, list);
	if (closed->bounded &&
		(list->n == 0 || list->entries[0].timestamp < closed->head - BOUND_ACCURACY))
		merge->counters->bounds_too_high++;
	if (update_head(list))
		binaryheap_add(merge->heap, PointerGetDatum(list));
}

/*
 * start
 *		Put the closed lists in order, the newest first.
 *
 * As many of those with a bound as there are rows on a page should each have a
 * row to yield, so lists need not be read below these at first.  Of lists without
 * a bound nothing is known: they are opened in the order in which they were
 * added, index by index.
 */
static void
start(StreamMerge *merge)
{
	TimestampTz bound;

	merge->started = true;
	ClosedListsSort(&merge->closed);
	bound = ClosedListsBound(&merge->closed, merge->page);
	if (bound != DT_NOBEGIN)
		merge->floor = bound - BOUND_ACCURACY;
}

/*
 * first_list
 *		The list with the newest entry of all, or NULL if no list has an entry
 *		as new as "oldest", or one that was left out might have a newer one.
 *
 * Opens lists and reads chunks until it is known.
 */
static MergeList *
first_list(StreamMerge *merge, TimestampTz oldest)
{
	for (;;)
	{
		MergeList  *list = binaryheap_empty(merge->heap) ? NULL :
			(MergeList *) DatumGetPointer(binaryheap_first(merge->heap));
		ClosedList *closed = ClosedListsFirst(&merge->closed);
		bool		is_closed = closed != NULL && (list == NULL || closed->head >= list->head);
		TimestampTz head;

		CHECK_FOR_INTERRUPTS();
		if (closed == NULL && list == NULL)
			return NULL;
		head = is_closed ? closed->head : list->head;
		if (head < oldest || (merge->closed.left_out && head <= merge->closed.cutoff))
			return NULL;
		if (is_closed)
		{
			ClosedListsRemoveFirst(&merge->closed);
			open_list(merge, closed);
		}
		else if (list->next < list->n)
			return list;
		else
		{
			read_chunk(merge, list);
			replace_first(merge, list);
		}
	}
}

/* Take the entries of the group's time from the first list. */
static void
take_entries(StreamMerge *merge, MergeList *list)
{
	while (list->next < list->n &&
		   list->entries[list->next].timestamp == merge->position)
	{
		if (merge->ntids == merge->tids_capacity)
		{
			Size		size;

			merge->tids_capacity = Max(merge->tids_capacity * 2, 16);
			size = merge->tids_capacity * sizeof(ItemPointerData);
			merge->tids = merge->tids == NULL ?
				MemoryContextAlloc(merge->list_context, size) :
				repalloc_huge(merge->tids, size);
		}
		merge->tids[merge->ntids++] = list->entries[list->next++].tid;
	}
	replace_first(merge, list);
}

static int
compare_tids(const void *a, const void *b, void *arg)
{
	return ItemPointerCompare((ItemPointer) a, (ItemPointer) b);
}

/* Leave each entry of the group once: an action has one place in the table. */
static void
drop_duplicates(StreamMerge *merge)
{
	int			kept = 1;

	if (merge->ntids <= 1)
		return;
	qsort_interruptible(merge->tids, merge->ntids, sizeof(ItemPointerData), compare_tids, NULL);
	for (int i = 1; i < merge->ntids; i++)
	{
		if (!ItemPointerEquals(&merge->tids[i], &merge->tids[kept - 1]))
			merge->tids[kept++] = merge->tids[i];
	}
	merge->ntids = kept;
}

/*
 * fetch_row
 *		The row at "tid", or NULL if the snapshot does not see it or the filter
 *		does not want it.
 *
 * The result is valid until the next call.
 */
static TupleTableSlot *
fetch_row(StreamMerge *merge, ItemPointer tid)
{
	bool		call_again = false;
	bool		wanted;
	MemoryContext oldcontext;

	if (!table_index_fetch_tuple(merge->heap_fetch, tid, merge->snapshot, merge->row,
								 &call_again, NULL))
	{
		merge->counters->heap_skips++;
		return NULL;
	}
	Assert(!call_again);		/* never so with an MVCC snapshot */
	pgstat_count_heap_fetch(merge->action);
	merge->counters->heap_fetches++;
	if (merge->filter == NULL)
		return merge->row;

	oldcontext = MemoryContextSwitchTo(merge->filter_context);
	wanted = merge->filter(merge->filter_arg, merge->row);
	MemoryContextSwitchTo(oldcontext);
	MemoryContextReset(merge->filter_context);
	return wanted ? merge->row : NULL;
}

/* Put the rows of a group in order. */
static void
sort_group(StreamMerge *merge)
{
	AttrNumber	column = Anum_action_id;
	Oid			operator = lookup_type_cache(INT8OID, TYPECACHE_GT_OPR)->gt_opr;
	Oid			collation = InvalidOid;
	bool		nulls_first = true;

	if (merge->sorted_row == NULL)
		merge->sorted_row = MakeSingleTupleTableSlot(RelationGetDescr(merge->action),
													 &TTSOpsMinimalTuple);
	merge->sort = tuplesort_begin_heap(RelationGetDescr(merge->action), 1, &column,
									   &operator, &collation, &nulls_first,
									   work_mem, NULL, TUPLESORT_NONE);
	for (int i = 0; i < merge->ntids; i++)
	{
		TupleTableSlot *row = fetch_row(merge, &merge->tids[i]);

		CHECK_FOR_INTERRUPTS();
		if (row != NULL)
			tuplesort_puttupleslot(merge->sort, row);
	}
	merge->ntids = 0;
	tuplesort_performsort(merge->sort);
}

/*
 * StreamMergeNextGroup
 *		Go to the next group: the newest entries that have not been taken; false
 *		if there are none.
 *
 * What is left of the current group is forgotten.
 */
bool
StreamMergeNextGroup(StreamMerge *merge)
{
	MergeList  *list;

	end_sort(merge);
	merge->ntids = 0;
	if (!merge->started)
		start(merge);
	list = first_list(merge, DT_NOBEGIN);
	if (list == NULL)
		return false;
	Assert(list->head <= merge->position);
	merge->position = list->head;
	do
	{
		take_entries(merge, list);
		list = first_list(merge, merge->position);
	} while (list != NULL);
	drop_duplicates(merge);
	return true;
}

/*
 * StreamMergeIsShort
 *		Whether lists were left out, so that there may be rows after the last.
 */
bool
StreamMergeIsShort(StreamMerge *merge)
{
	return merge->closed.left_out;
}

/*
 * StreamMergePosition
 *		The time of the current group: all newer rows have been yielded.
 */
TimestampTz
StreamMergePosition(StreamMerge *merge)
{
	return merge->position;
}

/*
 * StreamMergeNextRow
 *		The next row of the current group, or NULL if there are no more.
 *
 * It has the columns of the table, and is valid until the next call of any
 * function here.
 */
TupleTableSlot *
StreamMergeNextRow(StreamMerge *merge)
{
	if (merge->ntids == 1)
	{
		merge->ntids = 0;
		return fetch_row(merge, &merge->tids[0]);
	}
	if (merge->ntids > 1)
		sort_group(merge);
	if (merge->sort != NULL &&
		tuplesort_gettupleslot(merge->sort, true, false, merge->sorted_row, NULL))
		return merge->sorted_row;
	return NULL;
}

/*
 * StreamMergeEnd
 *		Release what the merge holds.
 */
void
StreamMergeEnd(StreamMerge *merge)
{
	end_sort(merge);
	if (merge->sorted_row != NULL)
		ExecDropSingleTupleTableSlot(merge->sorted_row);
	for (int i = 0; i < NUM_ACTION_INDEXES; i++)
	{
		for (int j = 0; j < 2; j++)
		{
			if (merge->cursors[i][j] != NULL)
				IndexCursorClose(merge->cursors[i][j]);
		}
	}
	table_index_fetch_end(merge->heap_fetch);
	ExecDropSingleTupleTableSlot(merge->row);
	MemoryContextDelete(merge->list_context);
	MemoryContextDelete(merge->filter_context);
	pfree(merge);
}
