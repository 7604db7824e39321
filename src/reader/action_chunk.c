/*
 * action_chunk.c
 *		Reading index entries of actions a chunk at a time.
 *
 * Chunks double in size up to LARGEST_CHUNK.  A chunk never ends between entries of the
 * same place; hence the next chunk can start at a place.
 *
 * Entries of rows that are dead to all transactions, after a rollback or a DELETE, stay
 * in an index until VACUUM removes them.  An index scan marks those that it meets, and
 * later ones skip them.  But here entries are read long before their rows are looked
 * at, if ever.  So a reader that meets many dead rows has the next chunk read in
 * another way, row by row.
 */
#include "postgres.h"

#include "base/compat.h"
#include "reader/action_chunk.h"

#include "miscadmin.h"
#include "port.h"
#include "utils/memutils.h"

/*
 * A chunk is read without dead entries if the one before had more than one in this
 * many.
 */
#define ENTRIES_PER_DEAD	32

static void
enlarge(ActionChunk *chunk, MemoryContext context)
{
	Size		size;

	chunk->capacity = Max(chunk->capacity * 2, chunk->size + 1);
	size = chunk->capacity * sizeof(ActionEntry);
	chunk->entries = chunk->entries == NULL ?
		MemoryContextAlloc(context, size) : repalloc_huge(chunk->entries, size);
}

/*
 * ActionChunkAdd
 *		Add an entry to the chunk, older than those in it.  Entries are allocated in "context".
 */
void
ActionChunkAdd(ActionChunk *chunk, const ActionEntry *entry, MemoryContext context)
{
	if (chunk->n == chunk->capacity)
		enlarge(chunk, context);
	chunk->entries[chunk->n++] = *entry;
}

/*
 * ActionChunkSet
 *		Make the chunk consist of one entry, which is known already.
 *
 * If there are more, the caller has to fill in where to go on.  Entries are allocated
 * in "context".
 */
void
ActionChunkSet(ActionChunk *chunk, const ActionEntry *entry, MemoryContext context)
{
	chunk->next = chunk->n = 0;
	ActionChunkAdd(chunk, entry, context);
}

static bool
same_place(const ActionEntry *a, const ActionEntry *b)
{
	return ActionPlaceCompare(&a->place, &b->place) == 0;
}

/*
 * The place to go on from if the chunk ends before "entry", which has another place
 * than the entry before it.
 *
 * They seldom have the same time.  If they do not, going on from the newest place of a
 * time takes fewer comparisons in the index.
 */
static ActionPlace
place_to_resume(const ActionEntry *entry)
{
	return entry->place.timestamp == entry[-1].place.timestamp ?
		entry->place : NewestPlaceOf(entry->place.timestamp);
}

/*
 * Leave the entries of the oldest place to the next chunk; false if there are no
 * others.
 */
static bool
drop_oldest(ActionChunk *chunk)
{
	int			n = chunk->n - 1;

	while (n > 0 && same_place(&chunk->entries[n - 1], &chunk->entries[n]))
		n--;
	if (n == 0)
		return false;
	chunk->resume = place_to_resume(&chunk->entries[n]);
	chunk->n = n;
	return true;
}

static int
compare_entries(const void *a, const void *b, void *arg)
{
	return ActionEntryCompare(b, a);
}

/*
 * Sort the entries.
 *
 * They are in order already, except where the index stores several of one place in one
 * tuple: it returns these in ascending order, even when it is read backwards.
 */
static void
sort_entries(ActionChunk *chunk)
{
	for (int i = 1; i < chunk->n; i++)
	{
		if (ActionEntryCompare(&chunk->entries[i - 1], &chunk->entries[i]) < 0)
		{
			qsort_interruptible(chunk->entries, chunk->n, sizeof(ActionEntry),
								compare_entries, NULL);
			break;
		}
	}
}

/*
 * ActionChunkClean
 *		The row of "dead", the entry taken last, is dead to all transactions: have the
 *		entries from this one on read again without dead ones, which are marked.
 */
void
ActionChunkClean(ActionChunk *chunk, const ActionEntry *dead)
{
	chunk->n = chunk->next = 0;
	chunk->more = true;
	chunk->clean = true;
	chunk->first = *dead;
	chunk->resume = dead->place;
}

/*
 * Read one entry that is not dead, and count the dead ones before it; returns how many
 * were read: one, or none if there are no more.
 */
static int
read_live(ActionChunk *chunk, IndexCursor *cursor, AttrNumber timestamp, ActionEntry *entry,
		  int *ndead, ReadCounters *counters)
{
	while (IndexCursorPrevEntry(cursor, timestamp, entry))
	{
		CHECK_FOR_INTERRUPTS();
		if (ActionEntryCompare(entry, &chunk->first) > 0)
			continue;			/* already taken */
		if (!IndexCursorMarkDead(cursor))
			return 1;
		(*ndead)++;
		counters->heap_skips++;
	}
	return 0;
}

/*
 * ActionChunkRead
 *		Replace the entries, which have all been taken, by the next ones of the cursor,
 *		and put the cursor to rest.
 *
 * The cursor has been positioned; "timestamp" is the column of the time, and the one
 * after it is the id.  Entries are allocated in "context".
 */
void
ActionChunkRead(ActionChunk *chunk, IndexCursor *cursor, AttrNumber timestamp,
				MemoryContext context, ReadCounters *counters)
{
	int			ndead = 0;

	chunk->next = chunk->n = 0;
	chunk->more = true;
	counters->searches++;
	for (;;)
	{
		int			missing = chunk->size - chunk->n;
		ActionEntry *entry;
		bool		ends_page = false;
		int			n;

		CHECK_FOR_INTERRUPTS();
		if (chunk->n == chunk->capacity)
			enlarge(chunk, context);
		entry = &chunk->entries[chunk->n];
		if (chunk->clean)
			n = read_live(chunk, cursor, timestamp, entry, &ndead, counters);
		else
			n = IndexCursorPrevEntries(cursor, timestamp, entry,
									   Min(Max(missing, 1), chunk->capacity - chunk->n),
									   &ends_page);
		if (n == 0)
		{
			chunk->more = false;
			break;
		}
		counters->entries_read += n;
		if (missing <= 0 && !same_place(entry, entry - 1))
		{
			chunk->resume = place_to_resume(entry);
			break;
		}
		chunk->n += n;
		if (ends_page && chunk->whole_pages && drop_oldest(chunk))
			break;
	}
	IndexCursorRest(cursor);
	sort_entries(chunk);
	chunk->clean = ndead > chunk->n / ENTRIES_PER_DEAD;
	chunk->size = Min(chunk->size * 2, LARGEST_CHUNK);
}
