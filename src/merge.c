/*
 * merge.c
 *		The rows of many ordered lists of actions as one, newest first.
 *
 * A list is what one index has for one object, read backwards.  Open lists
 * stand in a heap by their next entry.  Lists that have not been opened wait under
 * an upper bound of the time of that, see closed_lists.c; one is opened
 * only when its bound is the newest of all.  Where some were left out, the merge
 * ends where these could have an entry.
 *
 * All lists of an index share one cursor, which is positioned anew for each
 * chunk of entries that a list takes, and holds no page between them.  Chunks
 * are small at first.
 *
 * An entry that several lists have leaves the heap several times in a row, and the
 * merge once.
 */
#include "postgres.h"

#include "compat.h"
#include "closed_lists.h"
#include "merge.h"
#include "newest_action.h"

#include "access/stratnum.h"
#include "lib/binaryheap.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/*
 * Entries in the first chunk of a list: a page takes few from each of many
 * lists, and all from one.
 */
#define SMALLEST_FIRST_CHUNK	8
#define LARGEST_FIRST_CHUNK		32
#define ALL_FIRST_CHUNKS		64

/*
 * Lists with a bound that are read down to the same floor at first, in pages: a
 * little more than one.
 */
#define FLOOR_PAGES				1.25

/* A list that has been opened. */
typedef struct MergeList
{
	ActionIndex index;
	Ref		   *object;
	bool		opened;			/* has its index been read? */
	TimestampTz oldest;			/* entries before this are not of the list */
	ActionChunk chunk;
	TimestampTz floor;			/* the next chunk does not go below this */
	ActionEntry head;			/* nothing that has not been taken is newer */
} MergeList;

struct StreamMerge
{
	Relation	action;
	Snapshot	snapshot;
	Oid			indexes[NUM_ACTION_INDEXES];
	IndexCursor *cursors[NUM_ACTION_ROLES][2];	/* NULL until they are needed:
													 * to the end, and to a floor */
	RowFetch   *fetch;
	MemoryContext list_context; /* of lists: reset when the merge begins anew */
	ReadCounters *counters;

	ActionPlace newest;			/* where all lists begin */
	ActionEntry latest;			/* what was yielded; at first, newer than all */
	MergeList  *latest_list;	/* whose it is, the first of the heap; or NULL */
	const RecencyMap *map;		/* that bounds are from; NULL if there are none */
	int			first_chunk;	/* entries in it */
	bool		started;		/* are closed lists in order? */
	ClosedLists closed;
	int			page;			/* lists whose bounds are above the floor */
	TimestampTz floor;			/* a page is not likely to go below this */
	binaryheap *heap;			/* of MergeList *, the newest head first */
};

/* For a max-heap: the list with the newer head is the larger one. */
static int
compare_heads(Datum a, Datum b, void *arg)
{
	return ActionEntryCompare(&((MergeList *) DatumGetPointer(a))->head,
							  &((MergeList *) DatumGetPointer(b))->head);
}

/*
 * A head for a list whose next entries have not been read: newer than any entry of
 * the place, so that all are read before one of them is yielded.
 */
static ActionEntry
head_before(ActionPlace place)
{
	ActionEntry head = {.place = place};

	ItemPointerSet(&head.tid, MaxBlockNumber, PG_UINT16_MAX);
	return head;
}

/*
 * StreamMergeCreate
 *		Make a merge over "indexes", those of ActionIndexesFind(), to be begun.
 *
 * The caller holds a lock on the table.  The merge lives in the current memory
 * context and has to be ended.  It may have rows fetched by "fetch", and adds what
 * it does to "counters".
 */
StreamMerge *
StreamMergeCreate(Relation action, const Oid *indexes, Snapshot snapshot,
				  RowFetch *fetch, ReadCounters *counters)
{
	StreamMerge *merge = palloc0(sizeof(StreamMerge));

	merge->action = action;
	merge->snapshot = snapshot;
	memcpy(merge->indexes, indexes, sizeof(merge->indexes));
	merge->fetch = fetch;
	merge->counters = counters;
	merge->list_context = AllocSetContextCreate(CurrentMemoryContext, "actstream lists",
												ALLOCSET_DEFAULT_SIZES);
	StreamMergeReset(merge);
	return merge;
}

/*
 * StreamMergeBegin
 *		Forget all lists and begin anew from "newest" on, with lists that are to be
 *		added, of which "nlists" will be kept, and whose bounds are from "map", or
 *		which have none if that is NULL.
 *
 * "page" is how many rows will be wanted, at a guess, and "floor" a time to which
 * these go down at most, or DT_NOBEGIN.
 */
void
StreamMergeBegin(StreamMerge *merge, ActionPlace newest, const RecencyMap *map,
				 int nlists, double page, TimestampTz floor)
{
	MemoryContext oldcontext;

	MemoryContextReset(merge->list_context);
	merge->first_chunk = Min(LARGEST_FIRST_CHUNK,
							 Max(SMALLEST_FIRST_CHUNK, ALL_FIRST_CHUNKS / Max(nlists, 1)));

	oldcontext = MemoryContextSwitchTo(merge->list_context);
	merge->heap = binaryheap_allocate(Max(nlists, 1), compare_heads, NULL);
	ClosedListsInit(&merge->closed, nlists);
	MemoryContextSwitchTo(oldcontext);
	merge->page = Min(page * FLOOR_PAGES, nlists);
	merge->floor = floor;
	merge->newest = newest;
	merge->latest = head_before(NewestPlaceOf(DT_NOEND));
	merge->latest_list = NULL;
	merge->map = map;
	merge->started = false;
}

/*
 * StreamMergeReset
 *		Forget all lists; there is nothing to be read until the merge begins anew.
 */
void
StreamMergeReset(StreamMerge *merge)
{
	StreamMergeBegin(merge, OldestPlaceOf(DT_NOBEGIN), NULL, 0, 0, DT_NOBEGIN);
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
 *		Add what an index has for an object, down to "oldest", which is included,
 *		and known not to be newer than "bound".
 *
 * "object" has to stay until the merge begins anew.
 */
void
StreamMergeAddList(StreamMerge *merge, ActionIndex index, Ref *object,
				   TimestampTz oldest, TimestampTz bound)
{
	TimestampTz newest = merge->newest.timestamp;

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
 *		Add a list that is known already, the newest entry first.
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
	list->head = entries[0];
	list->chunk.entries = entries;
	list->chunk.n = n;
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

	if (cursor != NULL)
		return cursor;
	cursor = IndexCursorOpen(merge->action, merge->indexes[index],
							 Anum_role_index_timestamp + has_floor, merge->snapshot);
	IndexCursorInitKey(cursor, nkeys++, Anum_role_index_object, BTEqualStrategyNumber);
	IndexCursorInitKey(cursor, nkeys++, Anum_role_index_public, BTEqualStrategyNumber);
	IndexCursorInitPlace(cursor, nkeys++, Anum_role_index_timestamp);
	if (has_floor)
		IndexCursorInitKey(cursor, nkeys++, Anum_role_index_timestamp,
						   BTGreaterEqualStrategyNumber);
	*place = cursor;
	return cursor;
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
	ActionChunk *chunk = &list->chunk;
	bool		has_floor = list->floor > DT_NOBEGIN;
	IndexCursor *cursor = get_cursor(merge, list->index, has_floor);
	int			nkeys = 0;

	merge->counters->lists_opened += !list->opened;
	list->opened = true;
	IndexCursorSetKey(cursor, nkeys++, PointerGetDatum(list->object));
	IndexCursorSetKey(cursor, nkeys++, BoolGetDatum(true));
	IndexCursorSetPlace(cursor, nkeys++, &chunk->resume);
	if (has_floor)
		IndexCursorSetKey(cursor, nkeys++, TimestampTzGetDatum(list->floor));
	IndexCursorSeek(cursor);
	ActionChunkRead(chunk, cursor, Anum_role_index_timestamp, merge->list_context,
					merge->counters);
	if (!chunk->more && list->floor > list->oldest)
	{
		chunk->more = true;
		chunk->resume = NewestPlaceOf(list->floor - 1);
		list->floor = list->oldest;
	}
}

/* Find out the head of a list; false if it has no more entries. */
static bool
update_head(MergeList *list)
{
	const ActionChunk *chunk = &list->chunk;

	if (chunk->next < chunk->n)
		list->head = chunk->entries[chunk->next];
	else if (chunk->more)
		list->head = head_before(chunk->resume);
	else
		return false;
	return true;
}

/* Forget a list that has no more entries: there can be a million of them. */
static void
free_list(MergeList *list)
{
	/* what was known already is the caller's */
	if (list->object != NULL && list->chunk.entries != NULL)
		pfree(list->chunk.entries);
	pfree(list);
}

/*
 * Give the first list of the heap the place that its next entry deserves, or remove
 * it if there is none.
 */
static void
replace_first(StreamMerge *merge, MergeList *list)
{
	if (update_head(list))
		binaryheap_replace_first(merge->heap, PointerGetDatum(list));
	else
	{
		(void) binaryheap_remove_first(merge->heap);
		free_list(list);
	}
}

/*
 * Begin a list with its newest entry as the recency map knows it; false if that
 * does not.
 */
static bool
take_newest(StreamMerge *merge, MergeList *list, const ClosedList *closed)
{
	MemoryContext oldcontext;
	ActionEntry newest;
	TimestampTz rest;
	bool		found;

	if (merge->map == NULL || !closed->bounded)
		return false;
	oldcontext = MemoryContextSwitchTo(merge->list_context);
	found = NewestActionFind(merge->map, merge->fetch, closed->object, closed->index,
							 closed->head, &newest, &rest);
	MemoryContextSwitchTo(oldcontext);
	if (!found || newest.place.timestamp < closed->oldest)
		return false;
	merge->counters->newest_found++;
	ActionChunkSet(&list->chunk, &newest, merge->list_context);
	list->chunk.more = rest > list->oldest;
	if (list->chunk.more)
		list->chunk.resume = NewestPlaceOf(rest - 1);
	if (rest <= list->floor)
		list->floor = list->oldest;
	return true;
}

/* Read the first chunk of a list. */
static void
read_first_chunk(StreamMerge *merge, MergeList *list, const ClosedList *closed)
{
	read_chunk(merge, list);
	if (closed->bounded &&
		(list->chunk.n == 0 || list->chunk.entries[0].place.timestamp < closed->head - BOUND_ACCURACY))
		merge->counters->bounds_too_high++;
}

/* Open a list, and put it into the heap of open ones if it has entries. */
static void
open_list(StreamMerge *merge, const ClosedList *closed)
{
	MergeList  *list = MemoryContextAllocZero(merge->list_context, sizeof(MergeList));

	list->index = closed->index;
	list->object = closed->object;
	list->oldest = closed->oldest;
	list->chunk.size = merge->first_chunk;
	list->chunk.resume = closed->bounded ? NewestPlaceOf(closed->head) : merge->newest;
	/* a list that begins below the floor was come to because that is too high */
	list->floor = merge->floor > closed->head ? closed->oldest :
		Max(closed->oldest, merge->floor);
	if (!take_newest(merge, list, closed))
		read_first_chunk(merge, list, closed);
	if (update_head(list))
		binaryheap_add(merge->heap, PointerGetDatum(list));
	else
		free_list(list);
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
		merge->floor = Max(merge->floor, bound - BOUND_ACCURACY);
}

/*
 * first_list
 *		The list with the newest entry of all, or NULL if no list has one, or one
 *		that was left out might have a newer one.
 *
 * Opens lists and reads chunks until it is known.
 */
static MergeList *
first_list(StreamMerge *merge)
{
	for (;;)
	{
		MergeList  *list = binaryheap_empty(merge->heap) ? NULL :
			(MergeList *) DatumGetPointer(binaryheap_first(merge->heap));
		ClosedList *closed = ClosedListsFirst(&merge->closed);
		bool		is_closed = closed != NULL &&
			(list == NULL || closed->head >= list->head.place.timestamp);
		TimestampTz head;

		CHECK_FOR_INTERRUPTS();
		if (closed == NULL && list == NULL)
			return NULL;
		head = is_closed ? closed->head : list->head.place.timestamp;
		if (merge->closed.left_out && head <= merge->closed.cutoff)
			return NULL;
		if (is_closed)
		{
			ClosedListsRemoveFirst(&merge->closed);
			open_list(merge, closed);
		}
		else if (list->chunk.next < list->chunk.n)
			return list;
		else
		{
			read_chunk(merge, list);
			replace_first(merge, list);
		}
	}
}

/*
 * StreamMergeNext
 *		The next entry; false if there are no more.
 */
bool
StreamMergeNext(StreamMerge *merge, ActionEntry *entry)
{
	MergeList  *list;

	if (!merge->started)
		start(merge);
	do
	{
		if (merge->latest_list != NULL)
			replace_first(merge, merge->latest_list);
		merge->latest_list = list = first_list(merge);
		if (list == NULL)
			return false;
		*entry = list->chunk.entries[list->chunk.next++];
	} while (ActionEntryCompare(entry, &merge->latest) == 0);
	merge->latest = *entry;
	return true;
}

/*
 * StreamMergeClean
 *		The row of the latest entry is dead to everybody: skip, and mark, what is
 *		dead in the list that it is from.
 */
void
StreamMergeClean(StreamMerge *merge)
{
	MergeList  *list = merge->latest_list;

	/* what was known already is of no index */
	if (list->object != NULL)
		ActionChunkClean(&list->chunk, &merge->latest);
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
 * StreamMergeEnd
 *		Release what the merge holds.
 */
void
StreamMergeEnd(StreamMerge *merge)
{
	for (int i = 0; i < NUM_ACTION_ROLES; i++)
	{
		for (int j = 0; j < 2; j++)
		{
			if (merge->cursors[i][j] != NULL)
				IndexCursorClose(merge->cursors[i][j]);
		}
	}
	MemoryContextDelete(merge->list_context);
	pfree(merge);
}
