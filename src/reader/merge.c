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

#include "base/compat.h"
#include "reader/closed_lists.h"
#include "reader/merge.h"
#include "reader/newest_action.h"

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

/* Lists with bounds that are opened in a row without a look at a row of theirs. */
#define MOST_UNPROVED			40

/* A list that has been opened. */
typedef struct MergeList
{
	ActionIndex index;
	Ref		   *object;
	bool		opened;			/* has its index been read? */
	TimestampTz oldest;			/* entries before this are not of the list */
	ActionChunk chunk;
	TimestampTz floor;			/* the next chunk does not go below this */
	TimestampTz claimed;		/* the map says that the index has an entry that is
								 * no older than this; DT_NOBEGIN: says nothing */
	bool		missing;		/* but it is not where the map says it is */
	bool		checked;		/* has its bound been lowered, if it could be? */
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
	RecencyLowerer *lowerer;
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
	int			misled;			/* bounds that were too high, and stay so, less
								 * those that were right */
	int			most_misled;	/* of them, before the merge is given up */
	int			unproved;		/* lists read since the latest entry was yielded */
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
 * context and has to be ended.  It may have rows fetched by "fetch", and bounds
 * lowered by "lowerer", and adds what it does to "counters".
 */
StreamMerge *
StreamMergeCreate(Relation action, const Oid *indexes, Snapshot snapshot,
				  RowFetch *fetch, RecencyLowerer *lowerer, ReadCounters *counters)
{
	StreamMerge *merge = palloc0(sizeof(StreamMerge));

	merge->action = action;
	merge->snapshot = snapshot;
	memcpy(merge->indexes, indexes, sizeof(merge->indexes));
	merge->fetch = fetch;
	merge->lowerer = lowerer;
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
 * these go down at most, or DT_NOBEGIN.  If more than "most_misled" bounds turn out to be
 * too high, the merge ends there.
 */
void
StreamMergeBegin(StreamMerge *merge, ActionPlace newest, const RecencyMap *map,
				 int nlists, double page, TimestampTz floor, int most_misled)
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
	merge->most_misled = most_misled;
	merge->started = false;
}

/*
 * StreamMergeReset
 *		Forget all lists; there is nothing to be read until the merge begins anew.
 */
void
StreamMergeReset(StreamMerge *merge)
{
	StreamMergeBegin(merge, OldestPlaceOf(DT_NOBEGIN), NULL, 0, 0, DT_NOBEGIN, 0);
	merge->misled = 0;
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
	const ActionPlace newest_of_all = NewestPlaceOf(DT_NOEND);
	TimestampTz newest = merge->newest.timestamp;
	bool		bounded = bound < newest ||
		(merge->map != NULL && ActionPlaceCompare(&merge->newest, &newest_of_all) == 0);

	ClosedListsAdd(&merge->closed,
				   (ClosedList) {.head = Min(newest, bound), .oldest = oldest, .object = object,
								 .index = index, .bounded = bounded});
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
	list->claimed = DT_NOBEGIN;
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
 * Let the bound of a list that was too high be lowered; false if it cannot be.
 *
 * If nothing is left of the list at "time" it goes on further down.
 */
static bool
lower_bound(StreamMerge *merge, MergeList *list, TimestampTz time)
{
	ActionChunk *chunk = &list->chunk;
	TimestampTz newest;

	if (list->checked)
		return false;
	list->checked = true;
	if (!RecencyLower(merge->lowerer, merge->map, RecencyHash(list->object), list->object,
					  list->index, &newest))
		return false;
	if (newest < time)
	{
		chunk->n = chunk->next = 0;
		chunk->more = newest >= list->oldest;
		chunk->clean = false;
		chunk->resume = NewestPlaceOf(newest);
		list->claimed = DT_NOBEGIN;
		list->floor = merge->floor > newest ? list->oldest : Max(list->oldest, merge->floor);
	}
	return true;
}

/* Where the times begin that a bound, which these are older than, stands for. */
static TimestampTz
begin_of_bound(TimestampTz bound)
{
	return RecencyTimestamp((RecencyTime(bound - 1) - 1) << BOUND_TIME_SHIFT);
}

/* Is an entry, which is from the index, the one that the map claims there is? */
static bool
is_as_claimed(const MergeList *list, const ActionEntry *entry)
{
	return list->claimed != DT_NOBEGIN && list->opened &&
		entry->place.timestamp >= list->claimed;
}

/* There is the action that the map claims. */
static void
claim_is_right(StreamMerge *merge, MergeList *list)
{
	if (merge->misled > 0)
		merge->misled--;
	list->claimed = DT_NOBEGIN;
}

/*
 * Begin a list with its newest entry as the recency map knows it, or, if that is not
 * there any more, where the next one is; false if it has to be looked for in the
 * index.
 */
static bool
begin_as_claimed(StreamMerge *merge, MergeList *list, TimestampTz bound)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(merge->list_context);
	ActionEntry newest;
	TimestampTz rest;
	bool		found = NewestActionFind(merge->map, merge->fetch, list->object, list->index,
										 bound, &newest, &rest, &list->missing);

	MemoryContextSwitchTo(oldcontext);
	if (list->missing && lower_bound(merge, list, list->claimed) &&
		list->claimed == DT_NOBEGIN)
	{
		merge->counters->false_opens++;
		return true;
	}
	if (!found || newest.place.timestamp < list->oldest)
		return false;
	merge->counters->newest_found++;
	claim_is_right(merge, list);
	ActionChunkSet(&list->chunk, &newest, merge->list_context);
	list->chunk.more = rest > list->oldest;
	if (list->chunk.more)
	{
		list->chunk.resume = NewestPlaceOf(rest - 1);
		list->claimed = begin_of_bound(rest);
	}
	if (rest <= list->floor)
		list->floor = list->oldest;
	return true;
}

/*
 * An entry of that time, which the map claims, leads to no row that can be seen, or, if
 * it is dead, to none that anybody sees: let the bound be lowered.
 */
static void
claim_is_wrong(StreamMerge *merge, MergeList *list, TimestampTz time, bool dead)
{
	merge->counters->false_opens++;
	if (!dead || !lower_bound(merge, list, time))
		merge->misled++;
	list->claimed = DT_NOBEGIN;
}

/*
 * Read the first chunk of a list in the index, and see whether there is the entry that
 * the map claims.
 *
 * Whether its row can be seen is found out when it is fetched; but of many lists with a
 * bound of the same time none would be before all have been opened.
 */
static void
read_first_chunk(StreamMerge *merge, MergeList *list)
{
	const ActionEntry *first;
	bool		dead;

	read_chunk(merge, list);
	first = list->chunk.n > 0 ? &list->chunk.entries[0] : NULL;
	if (list->claimed == DT_NOBEGIN)
		return;
	if (first == NULL || !is_as_claimed(list, first))
		claim_is_wrong(merge, list, first != NULL ? first->place.timestamp : list->claimed, true);
	else if ((list->missing || ++merge->unproved > MOST_UNPROVED) &&
			 !RowFetchSees(merge->fetch, &list->chunk.entries[0].tid, &dead))
		claim_is_wrong(merge, list, first->place.timestamp, dead);
}

/*
 * Is there one entry of the time that the map claims, while the map takes it for one of
 * several, so that it cannot say where that leads to?
 */
static bool
is_one_of_several(const StreamMerge *merge, const MergeList *list)
{
	const ActionChunk *chunk = &list->chunk;
	TimestampTz next = chunk->more ? chunk->resume.timestamp : list->oldest;

	if (list->claimed == DT_NOBEGIN || list->missing || chunk->n == 0 ||
		merge->newest.timestamp < DT_NOEND)
		return false;
	if (chunk->n > 1)
		next = chunk->entries[1].place.timestamp;
	return next < list->claimed;
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
	list->claimed = closed->bounded ? begin_of_bound(closed->head) : DT_NOBEGIN;
	if (!closed->bounded || !begin_as_claimed(merge, list, closed->head))
	{
		read_first_chunk(merge, list);
		if (is_one_of_several(merge, list))
			(void) lower_bound(merge, list, list->chunk.entries[0].place.timestamp);
	}
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
 * Opens lists and reads chunks until it is known, or too many bounds have been wrong.
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
		if ((closed == NULL && list == NULL) || StreamMergeIsMisled(merge))
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
			if (list->opened)
				read_chunk(merge, list);
			else
				read_first_chunk(merge, list);
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
	if (merge->latest_list != NULL && is_as_claimed(merge->latest_list, &merge->latest))
		claim_is_right(merge, merge->latest_list);
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
	merge->unproved = 0;
	return true;
}

/*
 * StreamMergeMissed
 *		The row of the latest entry cannot be seen, or, if it is "dead", by nobody: if
 *		the map claims that there is one, let it be corrected.
 */
void
StreamMergeMissed(StreamMerge *merge, bool dead)
{
	if (is_as_claimed(merge->latest_list, &merge->latest))
		claim_is_wrong(merge, merge->latest_list, merge->latest.place.timestamp, dead);
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

	/* what was known already is of no index, and what is skipped is skipped */
	if (list->object != NULL && list->chunk.n > 0)
		ActionChunkClean(&list->chunk, &merge->latest);
}

/*
 * StreamMergeHasLeftOut
 *		Whether lists were left out, so that there may be rows after the last.
 */
bool
StreamMergeHasLeftOut(StreamMerge *merge)
{
	return merge->closed.left_out;
}

/*
 * StreamMergeIsMisled
 *		Whether the merge has ended because too many bounds are too high, and cannot
 *		be lowered.
 */
bool
StreamMergeIsMisled(StreamMerge *merge)
{
	return merge->map != NULL && merge->misled > merge->most_misled;
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
