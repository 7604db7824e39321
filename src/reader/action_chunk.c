/*
 * action_chunk.c
 *		A few entries of an index of actions at a time.
 *
 * Chunks double in size up to LARGEST_CHUNK.  None ends between entries of the
 * same place, so that the place of the entry after it is a good one to go on from.
 *
 * Entries of rows that are dead to everybody, after a rollback or a DELETE, stay in
 * an index until VACUUM comes.  An index scan marks those that it meets, and later
 * ones skip them.  But entries are read here long before their rows are looked at,
 * if ever.  So who meets many of them has a chunk read in another way, row by row.
 */
#include "postgres.h"

#include "base/compat.h"
#include "reader/action_chunk.h"

#include "miscadmin.h"
#include "port.h"
#include "utils/memutils.h"

/*
 * A chunk is read without dead entries if there was more than one of them in as
 * many in the one before.
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
 * ActionChunkSet
 *		Let the chunk have one entry, which is known already.
 *
 * Where to go on, if there are more, is for the caller to fill in.  Entries are
 * allocated in "context".
 */
void
ActionChunkSet(ActionChunk *chunk, const ActionEntry *entry, MemoryContext context)
{
	if (chunk->capacity == 0)
		enlarge(chunk, context);
	chunk->entries[0] = *entry;
	chunk->next = 0;
	chunk->n = 1;
}

static bool
same_place(const ActionEntry *a, const ActionEntry *b)
{
	return ActionPlaceCompare(&a->place, &b->place) == 0;
}

/*
 * Where to go on if the chunk ends before an entry that has another place than the
 * one before it.
 *
 * Seldom have they the same time.  From the beginning of a time on, an index
 * compares less.
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
 * Put the entries in order.
 *
 * They are, but where the index keeps several of one place in one tuple: it yields
 * these in ascending order, in whatever direction it is read.
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
 *		The row of an entry, the last that was taken, is dead to everybody: let the
 *		rest be read anew, from this one on, without such entries, and mark these.
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
 * Read one entry that is not dead, and count those that are; returns how many were
 * read, which is none if there are no more.
 */
static int
read_live(ActionChunk *chunk, IndexCursor *cursor, AttrNumber timestamp, ActionEntry *entry,
		  int *ndead, ReadCounters *counters)
{
	while (IndexCursorPrevEntry(cursor, timestamp, entry))
	{
		CHECK_FOR_INTERRUPTS();
		if (ActionEntryCompare(entry, &chunk->first) > 0)
			continue;			/* it has been taken */
		if (!IndexCursorMarkDead(cursor))
			return 1;
		(*ndead)++;
		counters->heap_skips++;
	}
	return 0;
}

/*
 * ActionChunkRead
 *		Replace the entries, which have all been taken, by those that the cursor
 *		has next, and put it to rest.
 *
 * The cursor has been positioned; "timestamp" is the column that is the time, and
 * the one after it is the id.  Entries are allocated in "context".
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
