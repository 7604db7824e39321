/*
 * time_line.c
 *		Reading public actions, newest first: all of them, or those that pass a filter.
 *
 * Actions are filtered a slice at a time, before rows of that slice are fetched.
 */
#include "postgres.h"

#include "base/compat.h"
#include "reader/time_line.h"

#include "access/stratnum.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* Least number of entries in the first chunk, if they are of some verbs only, and in those after it. */
#define FIRST_CHUNK	64
#define FIRST_OF_VERBS	24
#define NEXT_CHUNK	256

/* Entries of a slice. */
#define SLICE		64

struct TimeLine
{
	Relation	action;
	Oid			index;
	Snapshot	snapshot;
	RowFetch   *fetch;
	RecencyLowerer *lowerer;
	ReadCounters *counters;
	MemoryContext context;		/* of the chunk */
	IndexCursor *cursors[2][2]; /* NULL until needed; by whether there is a newest
								 * entry, and an oldest */

	TimestampTz oldest;
	VerbLine   *verbs;			/* to read instead of the index, or NULL */
	ActionFilter filter;		/* or NULL */
	void	   *filter_arg;
	ActionChunk chunk;			/* entries from "next" to "wanted_end" may be wanted */
	int			wanted_end;		/* in the chunk: end of these */
	int			slice_end;		/* in the chunk: first entry that was not looked at */
	const RecencyMap *map;		/* map at whose bound the time line begins; NULL if
								 * there is none, or nothing to be done about it */
	ItemPointerData top;		/* what the first entry points to */
};

/*
 * TimeLineCreate
 *		Make a time line over the index by time.  It has nothing to read before
 *		TimeLineBegin().
 *
 * The caller holds a lock on the table.  The time line is in the current memory context
 * and has to be ended.  It uses "fetch" to fetch rows and "lowerer" to lower the bound
 * of all actions, and adds its work to "counters".
 */
TimeLine *
TimeLineCreate(Relation action, Oid index, Snapshot snapshot, RowFetch *fetch,
			   RecencyLowerer *lowerer, ReadCounters *counters)
{
	TimeLine   *line = palloc0(sizeof(TimeLine));

	line->action = action;
	line->index = index;
	line->snapshot = snapshot;
	line->fetch = fetch;
	line->lowerer = lowerer;
	line->counters = counters;
	line->context = CurrentMemoryContext;
	return line;
}

/* Go on at a time, as nothing is newer, unless the time line is already below that. */
static void
go_on_at(TimeLine *line, TimestampTz newest)
{
	ActionPlace place = NewestPlaceOf(newest);

	if (ActionPlaceCompare(&place, &line->chunk.resume) < 0)
	{
		line->chunk.resume = place;
		line->chunk.clean = false;
	}
}

/*
 * TimeLineBegin
 *		Begin with the actions from "newest" to "oldest", both included, that pass
 *		"filter", or all of them if it is NULL.
 *
 * "expected" is an estimate of how many will be looked at.  "map", unless it is NULL,
 * is complete, and has to stay valid.  With "verbs", only the actions of that line are read, which
 * it begins.
 */
void
TimeLineBegin(TimeLine *line, ActionPlace newest, TimestampTz oldest, int64 expected,
			  const RecencyMap *map, VerbLine *verbs, ActionFilter filter, void *filter_arg)
{
	line->oldest = oldest;
	line->verbs = verbs;
	if (verbs != NULL)
		VerbLineBegin(verbs, newest, oldest);
	line->filter = filter;
	line->filter_arg = filter_arg;
	line->chunk.n = line->chunk.next = 0;
	line->chunk.size = verbs != NULL ? FIRST_OF_VERBS :
		Min(Max(expected, FIRST_CHUNK), LARGEST_CHUNK);
	line->chunk.more = true;
	line->chunk.clean = false;
	line->chunk.resume = newest;
	line->wanted_end = line->slice_end = 0;
	line->counters->lists_opened++;
	line->map = NULL;
	if (map != NULL && verbs == NULL && RecencyTimeLineIsBounded(line->lowerer) &&
		newest.timestamp >= RecencyNewestOfAll(map))
		line->map = map;
	if (line->map != NULL)
		go_on_at(line, RecencyNewestOfAll(map));
	ItemPointerSetInvalid(&line->top);
}

/*
 * TimeLineCheckBound
 *		Called when what was read was not enough.  If the first row is dead to all
 *		transactions, there may be many like it: lower the bound at which the time line
 *		has begun, and go on at the new bound.
 */
void
TimeLineCheckBound(TimeLine *line)
{
	TimestampTz newest;
	bool		dead;

	if (line->map == NULL || !ItemPointerIsValid(&line->top))
		return;
	if (!RowFetchSees(line->fetch, &line->top, &dead) && dead &&
		RecencyLowerNewest(line->lowerer, line->map, &newest))
		go_on_at(line, newest);
	line->map = NULL;
}

/*
 * The cursor over the index, with a key for each end of the range that is given.
 *
 * Each key is one more for the index to compare every entry with.
 */
static IndexCursor *
get_cursor(TimeLine *line, bool has_newest, bool has_oldest)
{
	IndexCursor **place = &line->cursors[has_newest][has_oldest];
	int			nkeys = 0;

	if (*place != NULL)
		return *place;
	*place = IndexCursorOpen(line->action, line->index, has_newest + has_oldest, line->snapshot);
	if (has_newest)
		IndexCursorInitPlace(*place, nkeys++, Anum_time_index_timestamp);
	if (has_oldest)
		IndexCursorInitKey(*place, nkeys++, Anum_time_index_timestamp,
						   BTGreaterEqualStrategyNumber);
	return *place;
}

/*
 * Read the next entries of the index, once all have been taken.
 *
 * Rows are compared on one page of the index only: see place_to_resume().
 */
static void
read_index(TimeLine *line)
{
	const ActionPlace newest_of_all = NewestPlaceOf(DT_NOEND);
	bool		has_newest = ActionPlaceCompare(&line->chunk.resume, &newest_of_all) < 0;
	bool		has_oldest = line->oldest > DT_NOBEGIN;
	bool		by_row = has_newest && line->chunk.resume.id < PG_INT64_MAX;
	int			expected = line->chunk.size;
	IndexCursor *cursor = get_cursor(line, has_newest, has_oldest);
	int			nkeys = 0;

	line->chunk.whole_pages = by_row;
	if (has_newest)
		IndexCursorSetPlace(cursor, nkeys++, &line->chunk.resume);
	if (has_oldest)
		IndexCursorSetKey(cursor, nkeys++, TimestampTzGetDatum(line->oldest));
	IndexCursorSeek(cursor);
	ActionChunkRead(&line->chunk, cursor, Anum_time_index_timestamp, line->context,
					line->counters);
	if (line->chunk.n < expected)
		line->chunk.size = expected - line->chunk.n;
	line->chunk.size = Max(line->chunk.size, NEXT_CHUNK);
}

/* Read the next entries, once all have been taken. */
static void
read_chunk(TimeLine *line)
{
	if (line->verbs != NULL)
		VerbLineRead(line->verbs, &line->chunk, line->context);
	else
		read_index(line);
	line->slice_end = 0;
}

/* The end of the next slice.  Entries of the same place are in one slice. */
static int
find_slice_end(const TimeLine *line)
{
	const ActionChunk *chunk = &line->chunk;
	int			end = line->slice_end + (line->filter == NULL ? 1 : SLICE);

	if (end >= chunk->n)
		return chunk->n;
	while (end < chunk->n &&
		   ActionPlaceCompare(&chunk->entries[end].place, &chunk->entries[end - 1].place) == 0)
		end++;
	return end;
}

/*
 * Look at the next slice; false if there are no more entries.
 *
 * A serializable transaction has to lock what it has looked at, as fetching a row does,
 * so its entries are not filtered here.
 */
static bool
next_slice(TimeLine *line)
{
	ActionChunk *chunk = &line->chunk;
	int			n;

	if (line->slice_end == chunk->n)
	{
		if (!chunk->more)
			return false;
		TimeLineCheckBound(line);
		read_chunk(line);
		line->wanted_end = 0;
		if (chunk->n == 0)
			return chunk->more;
		if (!ItemPointerIsValid(&line->top))
			line->top = chunk->entries[0].tid;
	}
	chunk->next = line->slice_end;
	line->slice_end = find_slice_end(line);
	n = line->slice_end - chunk->next;
	line->counters->time_line_rows += n;
	if (line->filter != NULL && !IsolationIsSerializable())
		n = ActionScreen(line->action, &chunk->entries[chunk->next], n,
						 line->filter, line->filter_arg);
	line->wanted_end = chunk->next + n;
	return true;
}

/*
 * TimeLineNext
 *		The next entry; false if there are no more.
 *
 * An entry may have no row, and only tell how far the time line has been read.
 */
bool
TimeLineNext(TimeLine *line, ActionEntry *entry)
{
	ActionChunk *chunk = &line->chunk;

	if (chunk->next == line->wanted_end && !next_slice(line))
		return false;
	if (chunk->next < line->wanted_end)
		*entry = chunk->entries[chunk->next++];
	else
	{
		entry->place = chunk->resume;
		if (chunk->n > 0)
			entry->place = chunk->entries[line->slice_end - 1].place;
		else
			(void) ActionPlaceGoUp(&entry->place);
		ItemPointerSetInvalid(&entry->tid);
	}
	return true;
}

/*
 * TimeLineClean
 *		The row of the latest entry is dead to all transactions: mark the dead entries
 *		after it, and skip them; of those of some verbs, the ones that are still to be read.
 *
 * Visits each row, even those that the filter would exclude.
 */
void
TimeLineClean(TimeLine *line, const ActionEntry *dead)
{
	if (line->verbs != NULL)
	{
		VerbLineClean(line->verbs);
		return;
	}
	ActionChunkClean(&line->chunk, dead);
	line->wanted_end = line->slice_end = 0;
}

/*
 * TimeLineFilter
 *		The filter that a row to which an entry has led has to pass, or NULL.
 */
ActionFilter
TimeLineFilter(const TimeLine *line)
{
	return line->filter;
}

/*
 * TimeLineMayPause
 *		Have all entries that were looked at been returned, and all of their places?
 */
bool
TimeLineMayPause(const TimeLine *line)
{
	/* after TimeLineClean() others of the same place may be left */
	return line->chunk.next == line->wanted_end && !(line->chunk.n == 0 && line->chunk.clean);
}

/*
 * TimeLineEnd
 *		Release what the time line holds.
 */
void
TimeLineEnd(TimeLine *line)
{
	for (int i = 0; i < 2; i++)
	{
		for (int j = 0; j < 2; j++)
		{
			if (line->cursors[i][j] != NULL)
				IndexCursorClose(line->cursors[i][j]);
		}
	}
	if (line->chunk.entries != NULL)
		pfree(line->chunk.entries);
	pfree(line);
}
