/*
 * verb_line.c
 *		Reading the actions that have some verbs from an index, newest first.
 *
 * The index is one that somebody has made for that, by verb and time.  It has the actions of
 * each verb in their order, and those of several verbs are merged here.  Such an index may
 * lack the id, which then is in the row; and it may go either way.  So entries are read at
 * least to the end of a time, and sorted: only if the index has the order of the stream can
 * that be the end of a place.
 */
#include "postgres.h"

#include "base/compat.h"
#include "reader/collected_entries.h"
#include "reader/verb_line.h"
#include "tables/own_tables.h"
#include "tables/table_index.h"

#include "access/stratnum.h"
#include "access/xact.h"
#include "catalog/pg_index.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

/* Entries that are read of a verb at first; each time, twice as many. */
#define FIRST_ENTRIES	32

/* Dead rows that are met, where ids are fetched, before entries are marked. */
#define FEW_DEAD		32

/*
 * Entries that lead to no row, after which the caller is asked again, as it may know of a better way to
 * read.
 */
#define MOST_SKIPPED	1024

/* Entries are marked as long as more than one in this many is dead. */
#define ENTRIES_PER_DEAD	32

/* One of the verbs. */
typedef struct Verb
{
	const text *verb;
	CollectedEntries entries;	/* read, the newest first */
	int			n;
	int			next;			/* first that has not been taken */
	int			size;			/* how many to read next */
	bool		clean;			/* mark dead entries, which takes a visit to each row? */
	bool		more;			/* may there be more after these? */
	ActionPlace resume;			/* no newer than this */
} Verb;

struct VerbLine
{
	RowFetch   *fetch;
	ReadCounters *counters;
	MemoryContext context;		/* that all of this is in */
	Relation	action;
	Oid			index;
	Snapshot	snapshot;
	IndexCursor *cursor;		/* NULL before the line begins */
	AttrNumber	id;				/* column of the index, or InvalidAttrNumber */
	ScanDirection direction;	/* in which the newest is first */
	bool		is_ordered;		/* does the index have the order of the stream? */
	ActionPlace newest;			/* newer actions do not belong to the line */
	TimestampTz oldest;			/* nor do older ones */
	int			dead;			/* rows met that are dead to all transactions */
	int			nverbs;
	Verb		verbs[FLEXIBLE_ARRAY_MEMBER];
};

/*
 * VerbLineCreate
 *		Make a line of the actions with these verbs.  They may be private ones.  There is
 *		nothing to read before VerbLineBegin().
 *
 * The caller holds a lock on the table; "index" is that of VerbIndexFind().  The verbs have to
 * stay until the line is ended.  It is in the current memory context.
 */
VerbLine *
VerbLineCreate(Relation action, Oid index, Snapshot snapshot, RowFetch *fetch,
			   const VerbList *verbs, ReadCounters *counters)
{
	VerbLine   *line = palloc0(offsetof(VerbLine, verbs) + verbs->n * sizeof(Verb));

	line->fetch = fetch;
	line->counters = counters;
	line->context = CurrentMemoryContext;
	line->action = action;
	line->index = index;
	line->snapshot = snapshot;
	line->nverbs = verbs->n;
	for (int i = 0; i < verbs->n; i++)
		line->verbs[i].verb = verbs->verbs[i];
	return line;
}

/* Open the cursor, and find out what the index is like. */
static void
open_cursor(VerbLine *line, bool has_oldest)
{
	IndexCursor *cursor = IndexCursorOpen(line->action, line->index, 2 + has_oldest, line->snapshot);
	Relation	index = IndexCursorIndex(cursor);

	line->id = IndexCursorFindColumn(cursor, Anum_action_id);
	line->direction = index->rd_indoption[Anum_verb_index_timestamp - 1] & INDOPTION_DESC ?
		ForwardScanDirection : BackwardScanDirection;
	line->is_ordered = VerbIndexIsOrdered(index);
	IndexCursorInitKey(cursor, 0, Anum_verb_index_verb, BTEqualStrategyNumber);
	if (line->is_ordered)
		IndexCursorInitPlace(cursor, 1, Anum_verb_index_timestamp);
	else
		IndexCursorInitKey(cursor, 1, Anum_verb_index_timestamp, BTLessEqualStrategyNumber);
	if (has_oldest)
		IndexCursorInitKey(cursor, 2, Anum_verb_index_timestamp, BTGreaterEqualStrategyNumber);
	line->cursor = cursor;
}

/*
 * VerbLineBegin
 *		Begin with the actions from "newest" to "oldest", both included.
 */
void
VerbLineBegin(VerbLine *line, ActionPlace newest, TimestampTz oldest)
{
	if (line->cursor == NULL)
	{
		MemoryContext oldcontext = MemoryContextSwitchTo(line->context);

		open_cursor(line, oldest > DT_NOBEGIN);
		MemoryContextSwitchTo(oldcontext);
	}
	line->newest = newest;
	line->oldest = oldest;
	line->dead = 0;
	for (int i = 0; i < line->nverbs; i++)
	{
		Verb	   *verb = &line->verbs[i];

		verb->n = verb->next = 0;
		verb->size = FIRST_ENTRIES;
		verb->more = true;
		verb->clean = false;
		verb->resume = newest;
	}
}

/*
 * VerbLineClean
 *		Many rows are dead to all transactions: mark the entries of those that are still to be read.
 */
void
VerbLineClean(VerbLine *line)
{
	for (int i = 0; i < line->nverbs; i++)
		line->verbs[i].clean = true;
}

/* Position the cursor before the entries that a verb goes on with. */
static void
seek_verb(VerbLine *line, const Verb *verb)
{
	IndexCursorSetKey(line->cursor, 0, PointerGetDatum(verb->verb));
	if (line->is_ordered)
		IndexCursorSetPlace(line->cursor, 1, &verb->resume);
	else
		IndexCursorSetKey(line->cursor, 1, TimestampTzGetDatum(verb->resume.timestamp));
	if (line->oldest > DT_NOBEGIN)
		IndexCursorSetKey(line->cursor, 2, TimestampTzGetDatum(line->oldest));
	IndexCursorSeek(line->cursor);
	line->counters->searches++;
}

/* The current entry of the cursor, as far as the index tells. */
static ActionEntry
current_entry(VerbLine *line)
{
	IndexCursor *cursor = line->cursor;
	ActionEntry entry;
	bool		isnull;

	entry.place = NewestPlaceOf(DatumGetTimestampTz(IndexCursorColumn(cursor, Anum_verb_index_timestamp,
																	  &isnull)));
	entry.tid = *IndexCursorTid(cursor);
	if (AttributeNumberIsValid(line->id))
	{
		Datum		id = IndexCursorColumn(cursor, line->id, &isnull);

		if (!isnull)
			entry.place.id = DatumGetInt64(id);
	}
	return entry;
}

/*
 * Fill in ids that the index does not have, and drop the entries that lead to no row.
 *
 * Nothing can be done about dead rows on a standby.
 */
static void
fetch_ids(VerbLine *line, CollectedEntries *entries)
{
	Size		kept = 0;
	int			ndead = 0;

	for (Size i = 0; i < entries->n; i++)
	{
		ActionEntry entry = entries->entries[i];
		ItemPointerData tid = entry.tid;
		TupleTableSlot *row;
		bool		dead;
		bool		isnull;
		Datum		id;

		CHECK_FOR_INTERRUPTS();
		row = RowFetchVisible(line->fetch, &tid, &dead);
		if (row == NULL)
		{
			ndead += dead;
			continue;
		}
		id = slot_getattr(row, Anum_action_id, &isnull);
		if (!isnull)
			entry.place.id = DatumGetInt64(id);
		entries->entries[kept++] = entry;
	}
	entries->n = kept;
	line->dead += ndead;
	if (ndead > 0 && line->dead > FEW_DEAD && !TransactionStartedDuringRecovery())
		VerbLineClean(line);
}

/* Can reading stop before the entry, as those before it are of another time or place? */
static bool
is_boundary(const VerbLine *line, const ActionEntry *before, const ActionEntry *entry)
{
	return line->is_ordered ? ActionPlaceCompare(&before->place, &entry->place) != 0 :
		before->place.timestamp != entry->place.timestamp;
}

/*
 * Read the next entries of a verb whose entries have all been taken; they may turn out to be none, even
 * if there are more.
 */
static void
read_verb(VerbLine *line, Verb *verb)
{
	CollectedEntries *entries = &verb->entries;
	ActionEntry before;
	int			nread = 0;
	int			ndead = 0;

	entries->n = 0;
	verb->more = false;
	seek_verb(line, verb);
	for (; IndexCursorNext(line->cursor, line->direction); nread++)
	{
		ActionEntry entry = current_entry(line);

		CHECK_FOR_INTERRUPTS();
		if (((int) entries->n >= verb->size || ndead >= MOST_SKIPPED) && nread > 0 &&
			is_boundary(line, &before, &entry))
		{
			verb->more = true;
			verb->resume = line->is_ordered ? entry.place : NewestPlaceOf(entry.place.timestamp);
			break;
		}
		before = entry;
		line->counters->entries_read++;
		if (verb->clean && IndexCursorMarkDead(line->cursor))
		{
			line->counters->heap_skips++;
			ndead++;
			continue;
		}
		CollectedEntriesAdd(entries, &entry);
	}
	IndexCursorRest(line->cursor);
	verb->clean &= ndead > (int) entries->n / ENTRIES_PER_DEAD;
	verb->size = Min(verb->size * 2, LARGEST_CHUNK);
	if (!AttributeNumberIsValid(line->id))
		fetch_ids(line, entries);
	CollectedEntriesSort(entries, line->newest, OldestPlaceOf(line->oldest), &verb->n);
	verb->next = 0;
}

/* The place of the next entry of a verb or, if that has not been read, one that is not older. */
static ActionPlace
next_place(const Verb *verb)
{
	return verb->next < verb->n ? verb->entries.entries[verb->next].place : verb->resume;
}

/* Does "a" go before "b"?  At the same place, what has not been read goes first. */
static bool
goes_before(const Verb *a, const Verb *b)
{
	ActionPlace a_place = next_place(a);
	ActionPlace b_place = next_place(b);
	int			order = ActionPlaceCompare(&a_place, &b_place);

	if (order != 0 || a->next == a->n || b->next == b->n)
		return order > 0 || (order == 0 && a->next == a->n);
	return ActionEntryCompare(&a->entries.entries[a->next], &b->entries.entries[b->next]) > 0;
}

/* The verb to go on with; NULL at the end. */
static Verb *
newest_verb(VerbLine *line)
{
	Verb	   *result = NULL;

	for (int i = 0; i < line->nverbs; i++)
	{
		Verb	   *verb = &line->verbs[i];

		if ((verb->next < verb->n || verb->more) && (result == NULL || goes_before(verb, result)))
			result = verb;
	}
	return result;
}

/*
 * VerbLineRead
 *		Replace the entries of the chunk, which have all been taken, by the next ones: as many
 *		as its size, to the end of a place.
 *
 * There may be fewer, or none, if many lead to no row, and yet more after these: "resume" is then the
 * newest place that they can have.  Entries are allocated in "context".
 */
void
VerbLineRead(VerbLine *line, ActionChunk *chunk, MemoryContext context)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(line->context);
	bool		in_vain = false;
	Verb	   *verb;

	chunk->n = chunk->next = 0;
	chunk->more = chunk->clean = false;
	while ((verb = newest_verb(line)) != NULL)
	{
		ActionPlace place = next_place(verb);
		/* have all entries been read of the place before, and of the one where the line began? */
		bool		may_end = ActionPlaceCompare(&place, chunk->n == 0 ? &line->newest :
												 &chunk->entries[chunk->n - 1].place) < 0;

		if (may_end && (in_vain || (chunk->n > 0 && chunk->n >= chunk->size)))
		{
			chunk->more = true;
			chunk->resume = place;
			break;
		}
		if (verb->next < verb->n)
			ActionChunkAdd(chunk, &verb->entries.entries[verb->next++], context);
		else
		{
			read_verb(line, verb);
			in_vain |= verb->n == 0 && verb->more;
		}
	}
	chunk->size = Min(chunk->size * 2, LARGEST_CHUNK);
	MemoryContextSwitchTo(oldcontext);
}

/*
 * VerbLineHas
 *		Is it one of the verbs of the line?
 */
bool
VerbLineHas(const VerbLine *line, const text *verb)
{
	for (int i = 0; i < line->nverbs; i++)
	{
		if (VerbCompare(line->verbs[i].verb, verb) == 0)
			return true;
	}
	return false;
}

/*
 * VerbLineEnd
 *		Release what the line holds, except for memory.
 */
void
VerbLineEnd(VerbLine *line)
{
	if (line->cursor != NULL)
		IndexCursorClose(line->cursor);
}
