/*
 * stream_turns.c
 *		Choosing how a stream is read: along the time line, or by merging lists.
 *
 * The time line is tried first, and what is read by verb or label is read both ways by
 * turns: see src/reader/README.
 */
#include "postgres.h"

#include "reader/reader_state.h"
#include "reader/source_filter.h"
#include "reader/stream_turns.h"

#include "access/xact.h"

/* Cost of each row from lists, in rows of the time line: see source_lists.c. */
#define LIST_ROW_COST	5.0

/* With fewer lists than this, trying the time line is not worth starting. */
#define MIN_LISTS		16

/*
 * After the time line was tried in vain, it is not tried for this many further streams
 * of the same kept list of follows.
 */
#define SKIPPED_TRIES	15

/* Rows of the time line, and then entries, in the first turn for a label. */
#define FIRST_TURN		256

/*
 * For each verb, what the line of verbs costs at least, in its rows; and what is read in the first
 * turn of the lists.
 */
#define VERB_COST		32
#define VERB_TURN		128

/* Filter: does one of the sources play its role in the action? */
static bool
shows_source(void *arg, const ActionRefs *action)
{
	return SourceSetShows(((StreamReader *) arg)->lists.sources, action);
}

/* Filter: does an object of the type play any role in the action? */
static bool
shows_label(void *arg, const ActionRefs *action)
{
	StreamReader *reader = arg;

	return ActionHasLabel(action, reader->label, reader->label_len);
}

/* Read the time line, below what has been read. */
static void
begin_time_line(StreamReader *reader, ActionFilter filter)
{
	reader->counters.strategy = READ_TIME_LINE;
	TimeLineBegin(reader->time_line, reader->below, reader->lists.oldest.timestamp,
				  reader->lists.sources == NULL ? 0 : reader->lists.sources->hints.visited,
				  reader->has_map ? &reader->map : NULL, reader->verbs, filter, reader);
}

/* A measure of what was read so far. */
static int64
work_done(const StreamReader *reader)
{
	const ReadCounters *counters = &reader->counters.read;

	return counters->time_line_rows + counters->entries_read + counters->searches +
		counters->heap_fetches + counters->heap_skips;
}

/*
 * A way to read has had its turn, as only some verbs are wanted: let the next turn be twice as
 * long, but not shorter than what was spent.  So what a way costs to begin with is soon a small
 * part of its turns.
 */
static void
end_turn(StreamReader *reader)
{
	int64		done = work_done(reader);

	reader->turn = Max(reader->turn * 2, done - reader->turn_began);
	reader->turn_began = done;
}

/* Merge the lists of the sources, below what has been read. */
static void
begin_lists(StreamReader *reader)
{
	if (!reader->lists.merging)
		reader->fell_short = false;
	reader->opening = true;
	SourceListsMerge(&reader->lists, reader->below, 1);
}

/* Merge what was collected for the label, below what has been read. */
static void
begin_entries(StreamReader *reader)
{
	int			n;
	ActionEntry *entries = LabelEntriesSort(reader->entries, reader->below, reader->lists.oldest, &n);

	StreamMergeBegin(reader->lists.merge, reader->below, NULL, 1, reader->lists.page, DT_NOBEGIN, 0);
	StreamMergeAddEntries(reader->lists.merge, entries, n);
}

/*
 * Prepare for going on in another way after any entry: others of its place may be left,
 * which lead to other versions of the row.  None are where an entry had no row.
 */
static void
read_place_again(StreamReader *reader)
{
	if (!reader->has_latest || !ItemPointerIsValid(&reader->latest.tid))
		return;
	reader->below = reader->latest.place;
	reader->again = true;
}

static int64
count_visits(StreamReader *reader)
{
	return reader->counters.read.time_line_rows - reader->visited_before;
}

/* Store what this stream has shown for the next one of the same sources. */
static void
leave_hints(StreamReader *reader)
{
	SourceHints *hints = &reader->lists.sources->hints;

	if (reader->verbs != NULL)
		return;
	if (reader->trying)
		hints->visited = count_visits(reader);
	if (reader->trying && reader->lists.merging)
		hints->skip_bounds = SKIPPED_BOUNDS;
	/* bounds were right, but did not tell which lists to open */
	if (reader->lists.merging && reader->fell_short &&
		reader->counters.read.false_opens == reader->lists.false_opens_before)
		hints->skip_tries = 0;
	if (reader->lists.newest.timestamp == DT_NOEND &&
		reader->found >= reader->lists.page && reader->found < 2 * reader->lists.page)
	{
		hints->page = reader->lists.page;
		hints->page_end = reader->below.timestamp;
	}
}

/*
 * After bounds were lowered, do now what the next stream would otherwise have to do.
 *
 * What had raised them has also raised the bound of all actions, at which the time line
 * would begin.  And find out which of the kept bounds are the newest now; otherwise the
 * next stream of the same sources would have to look at all of them.
 */
static void
follow_lowered(StreamReader *reader)
{
	TimestampTz newest;

	if (RecencyLowererCount(reader->lowerer) == 0 || !RecencyMapIsCurrent(&reader->map))
		return;
	(void) RecencyLowerNewest(reader->lowerer, &reader->map, &newest);
	if (reader->lists.bounds->kept == NULL || reader->lists.newest.timestamp < DT_NOEND)
		return;
	KeptBoundsForgetFront(reader->lists.sources->kept_bounds);
	reader->below = reader->lists.newest;
	begin_lists(reader);
}

/*
 * The place where lists begin after the time line was tried.  If there was no row, not even one
 * that is not visible, that is the top, where the map knows the newest actions.
 */
static ActionPlace
begin_of_lists(const StreamReader *reader)
{
	bool		at_top = reader->found == 0 && reader->missed == 0 &&
		reader->lists.newest.timestamp == DT_NOEND;

	return at_top ? reader->lists.newest : reader->below;
}

/*
 * Complete the cost of the lists; false if it was complete already.
 *
 * If many actions have the same time, as after an import, most lists have one of these,
 * and have to be opened before the first row is known.
 */
static bool
add_newer_lists(StreamReader *reader)
{
	if (reader->lists.bounds == NULL || reader->counted)
		return false;
	reader->lists_cost +=
		SourceListsCostOfNewer(&reader->lists, begin_of_lists(reader).timestamp);
	reader->counted = true;
	/*
	 * then the next stream of the same sources begins with its lists, which lowers
	 * bounds
	 */
	if (SourceListsRefuted(&reader->lists, reader->below.timestamp, reader->found))
		reader->lists.sources->hints.skip_tries = SKIPPED_TRIES;
	return true;
}

/* Is it known without trying the time line that the lists are better? */
static bool
lists_are_better(StreamReader *reader)
{
	/* they may lead to few actions with the verbs, and are given up again then */
	if (reader->verbs != NULL)
	{
		double		verbs_cost = reader->nverbs * VERB_COST;
		double		cost = SourceListsCost(&reader->lists);

		if (verbs_cost > cost && reader->lists.bounds != NULL)
			cost += SourceListsCostOfNewer(&reader->lists, reader->below.timestamp);
		return verbs_cost > cost;
	}
	return reader->lists.n < MIN_LISTS ||
		(reader->lists.bounds != NULL && reader->lists.newest.timestamp == DT_NOEND &&
		 reader->lists.sources->hints.skip_tries-- > 0);
}

/* Try the time line, with lists to follow that would cost that much. */
static void
begin_try(StreamReader *reader, double lists_cost)
{
	reader->lists_cost = lists_cost;
	reader->trying = true;
	SourceSetIndex(reader->lists.sources);
	begin_time_line(reader, shows_source);
}

/*
 * Begin on the time line, or with the lists if it is known that these are better.
 *
 * A serializable transaction that has read the end of the time line would conflict with
 * every action that is sent, so it reads its lists.
 */
static void
begin_sources(StreamReader *reader)
{
	if (reader->lists.n == 0)
		return;
	if (reader->has_map)
		SourceListsUseBounds(&reader->lists, &reader->map);
	reader->counters.recency_map = reader->lists.bounds != NULL;
	reader->counted = reader->verbs != NULL;
	if (IsolationIsSerializable() || lists_are_better(reader))
	{
		begin_lists(reader);
		reader->counters.strategy = READ_LISTS;
	}
	else
	{
		begin_try(reader, SourceListsCost(&reader->lists));
	}
}

/* Give the time line another turn, for as many rows as "cost". */
static void
try_again(StreamReader *reader, double cost)
{
	read_place_again(reader);
	reader->visited_before = reader->counters.read.time_line_rows;
	reader->found_before = reader->found;
	reader->missed = 0;
	reader->counters.by_turns = reader->verbs != NULL;
	begin_try(reader, cost);
}

/*
 * Have the lists, of which all actions are read, had enough for a turn, as only some verbs are
 * wanted?  What it takes to open them does not count.
 */
static bool
is_turn_of_verbs(const StreamReader *reader)
{
	return reader->verbs != NULL && reader->label == NULL && !reader->at_bottom &&
		reader->counters.strategy != READ_TIME_LINE && !reader->opening &&
		work_done(reader) - reader->opened >= reader->turn;
}

/* Begin the first turn on the time line. */
static void
begin_label(StreamReader *reader)
{
	reader->entries = LabelEntriesCreate(reader->tables.action, reader->tables.indexes,
										 reader->snapshot, reader->label, &reader->counters.read);
	reader->turn = FIRST_TURN;
	reader->trying = true;
	begin_time_line(reader, shows_label);
}

/*
 * If only some verbs are wanted, and there is an index for that, have the time line read from that.
 *
 * It is not known how many actions have the verbs.
 */
static void
prepare_verbs(StreamReader *reader, const StreamCall *call)
{
	const VerbList *verbs = call->verbs;

	if (!OidIsValid(reader->tables.verb_index))
		return;
	if (call->sources != NULL)
		verbs = VerbListIntersect(verbs, SourceSetVerbs(call->sources));
	if (verbs == NULL || verbs->n > MOST_VERBS)
		return;
	reader->verbs = VerbLineCreate(reader->tables.action, reader->tables.verb_index,
								   reader->snapshot, reader->fetch, verbs, &reader->counters.read);
	reader->nverbs = verbs->n;
	if (!call->continued || reader->turn == 0)
		reader->turn = Max(reader->nverbs, 1) * VERB_TURN;
	reader->turn_began = work_done(reader);
}

/*
 * StreamTurnsBegin
 *		Begin to read a stream, whose sources are in reader->lists, in the way that comes first.
 */
void
StreamTurnsBegin(StreamReader *reader, const StreamCall *call)
{
	prepare_verbs(reader, call);
	reader->counters.by_verb = reader->verbs != NULL;
	reader->counters.by_turns &= call->continued;
	if (reader->kind == PUBLIC_STREAM)
		begin_time_line(reader, NULL);
	else if (reader->label != NULL)
		begin_label(reader);
	else
		begin_sources(reader);
}

/*
 * try_is_over
 *		Has the time line had enough rows for this turn?
 *
 * Rows that are there, but not visible, are in the lists as well, where they take longer.
 */
static bool
try_is_over(StreamReader *reader)
{
	int64		visited = count_visits(reader);

	if (reader->label != NULL)
		return visited >= reader->turn;
	if (reader->verbs != NULL)
	{
		int64		spent = work_done(reader) - reader->turn_began;

		if (spent < reader->turn)
			return false;
		/* entries that lead to no row may be none of the rows */
		visited = Max(visited, spent / 4);
	}
	if (visited > reader->lists_cost +
		LIST_ROW_COST * (reader->found - reader->found_before + reader->missed))
		return true;
	/* if bounds are in doubt, or verbs are wanted, it is not known what the lists cost */
	if (reader->lists.merging || reader->verbs != NULL)
		return false;
	/*
	 * Compare with the rows of the time line that the rest of the page would take at
	 * this rate.  One more row counts as found, as nothing is known about the rate
	 * while none is.
	 */
	return reader->wanted * (visited - reader->missed) / (reader->found + 1) >
		reader->lists_cost + LIST_ROW_COST * reader->wanted;
}

/*
 * end_try
 *		The turn of the time line is over: go on with the lists, or give it another
 *		turn.
 */
static void
end_try(StreamReader *reader)
{
	if (reader->label != NULL && !LabelEntriesCollect(reader->entries, reader->turn))
	{
		reader->turn *= 2;
		return;
	}
	if (reader->found == 0)
		TimeLineCheckBound(reader->time_line);
	reader->trying = false;
	reader->counters.strategy = READ_BOTH;
	if (reader->at_bottom)
	{
		StreamMergeReset(reader->lists.merge);
		return;
	}
	if (reader->label != NULL)
		begin_entries(reader);
	else
	{
		if (reader->verbs == NULL || !reader->lists.merging)
			reader->below = begin_of_lists(reader);
		if (reader->verbs == NULL)
			reader->lists.sources->hints.skip_tries = SKIPPED_TRIES;
		else
			end_turn(reader);
		begin_lists(reader);
	}
}

/*
 * StreamTurnsNext
 *		The next entry, unless another way to read is better; false if there are no more.
 *
 * After a change of ways, entries of the latest place come again.
 */
bool
StreamTurnsNext(StreamReader *reader, ActionEntry *entry)
{
	if (reader->trying && TimeLineMayPause(reader->time_line) && try_is_over(reader) &&
		!(add_newer_lists(reader) && !try_is_over(reader)))
		end_try(reader);
	if (is_turn_of_verbs(reader))
	{
		end_turn(reader);
		try_again(reader, 0);
	}
	if (reader->counters.strategy == READ_TIME_LINE)
	{
		if (!TimeLineNext(reader->time_line, entry))
			return false;
	}
	else
	{
		while (!StreamMergeNext(reader->lists.merge, entry))
		{
			if (!reader->lists.merging || reader->at_bottom)
				return false;
			if (StreamMergeIsMisled(reader->lists.merge))
			{
				/* too many bounds are too high */
				try_again(reader, SourceListsDoubtBounds(&reader->lists));
				return StreamTurnsNext(reader, entry);
			}
			if (!StreamMergeHasLeftOut(reader->lists.merge))
				return false;
			reader->fell_short |= reader->found < reader->lists.page;
			SourceListsWiden(&reader->lists, reader->below);
		}
		if (reader->opening)
			reader->opened = work_done(reader);
		reader->opening = false;
	}
	return true;
}

/*
 * StreamTurnsFilter
 *		What a row to which an entry has led has to pass, or NULL.
 *
 * On the time line, entries are of
 * any objects; those of a list are of a source, of which only some actions may be shown.
 */
ActionFilter
StreamTurnsFilter(const StreamReader *reader)
{
	if (reader->counters.strategy == READ_TIME_LINE)
		return TimeLineFilter(reader->time_line);
	return reader->lists.sources != NULL && SourceSetFilters(reader->lists.sources) ?
		shows_source : NULL;
}

/*
 * StreamTurnsEnd
 *		Stop reading: leave what this stream has shown for the next one of the same sources.
 */
void
StreamTurnsEnd(StreamReader *reader)
{
	if (reader->lists.sources != NULL)
		leave_hints(reader);
	if (reader->lists.bounds != NULL)
		follow_lowered(reader);
	SourceListsEndBounds(&reader->lists);
	if (reader->entries != NULL)
		LabelEntriesEnd(reader->entries);
	reader->entries = NULL;
	if (reader->verbs != NULL)
		VerbLineEnd(reader->verbs);
	reader->verbs = NULL;
	reader->trying = reader->lists.merging = false;
	reader->counters.strategy = READ_NOTHING;
}
