/*
 * merge.c
 *		Merging many ordered lists of actions into one, newest first.
 *
 * A list is what one index has for one object, read backwards.  Open lists are in a
 * heap, ordered by their next entry.  Lists that have not been opened are ordered by an
 * upper bound of the time of that entry (see closed_lists.c); a list is opened only
 * when its bound is the newest of all.  If lists were left out, the merge ends where
 * these could have an entry.
 *
 * All lists of an index share one cursor, which is positioned again for each chunk of
 * entries that a list reads, and holds no page between chunks.  Chunks are small at
 * first.
 *
 * An entry that is in several lists is taken from the heap several times in a row, but
 * returned once.
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
 * Entries in the first chunk of a list: a page takes few from each of many lists, but
 * all from a single one.
 */
#define SMALLEST_FIRST_CHUNK	8
#define LARGEST_FIRST_CHUNK		32
#define ALL_FIRST_CHUNKS		64

/*
 * At first, lists with a bound are read no further down than a common floor.  Above it
 * there are about this many pages: a little more than one.
 */
#define FLOOR_PAGES				1.25

/* lists with bounds that may be opened in a row before one of their rows is looked at */
#define MOST_UNPROVED			40

/* A list that has been opened. */
typedef struct MergeList
{
	ActionIndex index;
	Ref		   *object;
	bool		opened;			/* has its index been read? */
	TimestampTz oldest;			/* older entries do not belong to the list */
	ActionChunk chunk;
	TimestampTz floor;			/* the next chunk does not go below this */
	TimestampTz claimed;		/* according to the map, the index has an entry no older
								 * than this; DT_NOBEGIN: not known */
	bool		missing;		/* is there no such row where the map says it is? */
	bool		checked;		/* has lowering its bound been tried? */
	ActionEntry head;			/* no entry that has not been taken is newer */
} MergeList;

struct StreamMerge
{
	Relation	action;
	Snapshot	snapshot;
	Oid			indexes[NUM_ACTION_INDEXES];
	IndexCursor *cursors[NUM_ACTION_ROLES][2];	/* NULL until needed: without and with a
												 * floor */
	RowFetch   *fetch;
	RecencyLowerer *lowerer;
	MemoryContext list_context; /* of lists: reset when the merge begins again */
	ReadCounters *counters;

	ActionPlace newest;			/* where all lists begin */
	ActionEntry latest;			/* entry returned last; at first, newer than all */
	MergeList  *latest_list;	/* its list, the first of the heap; or NULL */
	const RecencyMap *map;		/* map that bounds are from; NULL if there are none */
	int			first_chunk;	/* entries in the first chunk of a list */
	bool		started;		/* are the closed lists sorted? */
	ClosedLists closed;
	int			lists_above_floor;	/* lists whose bounds are above the floor */
	TimestampTz floor;			/* a page is not likely to go below this */
	int			misled;			/* bounds that were too high and stay so, minus bounds
								 * that were right */
	int			most_misled;	/* the merge ends if there are more */
	int			unproved;		/* lists read since an entry was last returned */
	binaryheap *heap;			/* of MergeList *, the newest head first */
};

/* For a max-heap: a list with a newer head is larger. */
static int
compare_heads(Datum a, Datum b, void *arg)
{
	return ActionEntryCompare(&((MergeList *) DatumGetPointer(a))->head,
							  &((MergeList *) DatumGetPointer(b))->head);
}

/*
 * A head for a list whose next entries have not been read: newer than all entries of
 * the place, so that all lists are read before one of these is returned.
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
 *		Make a merge over "indexes", which are those of ActionIndexesFind().  It has
 *		nothing to read before StreamMergeBegin().
 *
 * The caller holds a lock on the table.  The merge is in the current memory context and
 * has to be ended.  It uses "fetch" to fetch rows and "lowerer" to lower bounds, and
 * adds its work to "counters".
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
 *		Forget all lists and begin again from "newest" on.  The caller then adds lists,
 *		of which up to "nlists" are kept.  Their bounds are from "map"; if it is NULL,
 *		they have none.
 *
 * "page" is an estimate of how many rows will be wanted.  "floor" is a time that these
 * are not likely to go below, or DT_NOBEGIN.  If more than "most_misled" bounds turn
 * out to be too high, the merge ends there.
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
	merge->lists_above_floor = Min(page * FLOOR_PAGES, nlists);
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
 *		Forget all lists.  There is nothing to read until the merge begins again.
 */
void
StreamMergeReset(StreamMerge *merge)
{
	StreamMergeBegin(merge, OldestPlaceOf(DT_NOBEGIN), NULL, 0, 0, DT_NOBEGIN, 0);
	merge->misled = 0;
}

/*
 * StreamMergeCutoff
 *		Where to read the cutoff: lists whose bounds are not newer need not be added.
 *
 * The cutoff can rise until all lists have been added.
 */
const TimestampTz *
StreamMergeCutoff(StreamMerge *merge)
{
	return &merge->closed.cutoff;
}

/*
 * StreamMergeAddList
 *		Add the list that an index has for an object, down to "oldest" (included).  No
 *		entry of it is newer than "bound".
 *
 * "object" has to stay until the merge begins again.
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
 *		Note that there are other lists, none newer than "cutoff".  Called after all
 *		lists have been added.
 */
void
StreamMergeLeaveOut(StreamMerge *merge, TimestampTz cutoff)
{
	ClosedListsLeaveOut(&merge->closed, cutoff);
}

/*
 * StreamMergeAddEntries
 *		Add a list of entries that are known already, the newest first.
 *
 * The entries have to stay until the merge begins again.
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
 * The cursor over an index, for the keys that read_chunk() sets.
 *
 * A floor is one more key for the index to compare each entry with, so there is another
 * cursor for lists without one.
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
 * Afterwards the list has entries, or goes on below its floor, or is at its end.
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

/* Set the head of a list; false if it has no more entries. */
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

/* Free a list that has no more entries: there can be a million of them. */
static void
free_list(MergeList *list)
{
	/* entries that were known already belong to the caller */
	if (list->object != NULL && list->chunk.entries != NULL)
		pfree(list->chunk.entries);
	pfree(list);
}

/*
 * Move the first list of the heap to where its next entry belongs, or remove it if
 * there is none.
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
 * Lower the bound of a list, which was too high; false if that is not possible.
 *
 * If the list has no entry left at "time", it goes on at its newest one.
 */
static bool
lower_list_bound(StreamMerge *merge, MergeList *list, TimestampTz time)
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

/* The earliest of the times that a bound stands for, all of which are before "bound". */
static TimestampTz
begin_of_bound(TimestampTz bound)
{
	return RecencyTimestamp((RecencyTime(bound - 1) - 1) << BOUND_TIME_SHIFT);
}

/* Is an entry, which was read from the index, the one that the map claims there is? */
static bool
is_as_claimed(const MergeList *list, const ActionEntry *entry)
{
	return list->claimed != DT_NOBEGIN && list->opened &&
		entry->place.timestamp >= list->claimed;
}

/* The action that the map claims there is has been found. */
static void
claim_is_right(StreamMerge *merge, MergeList *list)
{
	if (merge->misled > 0)
		merge->misled--;
	list->claimed = DT_NOBEGIN;
}

/*
 * Begin a list with its newest entry as the recency map knows it, or, if that no longer
 * exists, with the next one; false if the index has to be read for that.
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
	if (list->missing && lower_list_bound(merge, list, list->claimed) &&
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
 * An entry of that time, which the map claims there is, leads to no visible row or, if
 * "dead", to none that any transaction sees: have the bound lowered.
 */
static void
claim_is_wrong(StreamMerge *merge, MergeList *list, TimestampTz time, bool dead)
{
	merge->counters->false_opens++;
	if (!dead || !lower_list_bound(merge, list, time))
		merge->misled++;
	list->claimed = DT_NOBEGIN;
}

/*
 * Read the first chunk of a list from the index, and check that it has the entry that
 * the map claims there is.
 *
 * Whether the row of that is visible is normally found out when it is fetched.  But if
 * many lists have a bound of the same time, all of them are opened before any row is
 * fetched: so rows are checked here after a while.
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
 * Is there only one entry of the time that the map claims, where the map expects
 * several, and therefore cannot say where the row is?
 */
static bool
is_only_entry(const StreamMerge *merge, const MergeList *list)
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
	/* a list that begins below the floor was reached because the floor is too high */
	list->floor = merge->floor > closed->head ? closed->oldest :
		Max(closed->oldest, merge->floor);
	list->claimed = closed->bounded ? begin_of_bound(closed->head) : DT_NOBEGIN;
	if (!closed->bounded || !begin_as_claimed(merge, list, closed->head))
	{
		read_first_chunk(merge, list);
		if (is_only_entry(merge, list))
			(void) lower_list_bound(merge, list, list->chunk.entries[0].place.timestamp);
	}
	if (update_head(list))
		binaryheap_add(merge->heap, PointerGetDatum(list));
	else
		free_list(list);
}

/*
 * start
 *		Sort the closed lists, the newest first.
 *
 * Each of the first lists with a bound, as many as a page has rows, should have a row
 * to return, so no list need be read below these bounds at first.  Nothing is known
 * about lists without a bound: they are opened in the order in which they were added,
 * index by index.
 */
static void
start(StreamMerge *merge)
{
	TimestampTz bound;

	merge->started = true;
	ClosedListsSort(&merge->closed);
	bound = ClosedListsBound(&merge->closed, merge->lists_above_floor);
	if (bound != DT_NOBEGIN)
		merge->floor = Max(merge->floor, bound - BOUND_ACCURACY);
}

/*
 * first_list
 *		The list with the newest entry of all; NULL if no list has one, or if one that
 *		was left out might have a newer one.
 *
 * Opens lists and reads chunks until it is known, or until too many bounds were wrong.
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
 *		The row of the latest entry is not visible or, if "dead", dead to all
 *		transactions: have the map corrected if it claims that there is one.
 */
void
StreamMergeMissed(StreamMerge *merge, bool dead)
{
	if (is_as_claimed(merge->latest_list, &merge->latest))
		claim_is_wrong(merge, merge->latest_list, merge->latest.place.timestamp, dead);
}

/*
 * StreamMergeClean
 *		The row of the latest entry is dead to all transactions: mark the dead entries
 *		of its list, and skip them.
 */
void
StreamMergeClean(StreamMerge *merge)
{
	MergeList  *list = merge->latest_list;

	/* known entries are from no index, and an empty chunk has already been skipped */
	if (list->object != NULL && list->chunk.n > 0)
		ActionChunkClean(&list->chunk, &merge->latest);
}

/*
 * StreamMergeHasLeftOut
 *		Have lists been left out, so that there may be rows after the last one?
 */
bool
StreamMergeHasLeftOut(StreamMerge *merge)
{
	return merge->closed.left_out;
}

/*
 * StreamMergeIsMisled
 *		Has the merge ended because too many bounds are too high, and cannot be lowered?
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
