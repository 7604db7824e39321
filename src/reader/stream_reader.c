/*
 * stream_reader.c
 *		Reading a stream from the indexes.
 *
 * The reader chooses between the time line and the lists of the stream's sources, by
 * trying the time line first: see src/reader/README.
 */
#include "postgres.h"

#include "base/compat.h"
#include "reader/reader_state.h"
#include "reader/source_filter.h"
#include "reader/stream_reader.h"
#include "tables/own_tables.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/memutils.h"

/* Cost of each row from lists, in rows of the time line: see source_lists.c. */
#define LIST_ROW_COST	5.0

/* With fewer lists than this, trying the time line is not worth starting. */
#define MIN_LISTS		16

/*
 * After the time line was tried in vain, it is not tried for this many further streams
 * of the same kept list of follows.
 */
#define SKIPPED_TRIES	15

/* Dead rows that are skipped before something is done about them. */
#define FEW_DEAD		32

/*
 * Index entries that a call may look at to lower bounds: enough for some ten thousand
 * lists.
 */
#define LOWERING_BUDGET	65536

/* Rows of the time line, and then entries, in the first turn for a label. */
#define FIRST_TURN		256

/*
 * For each verb, what the line of verbs costs at least, in its rows; and what is read in the first
 * turn of the lists.
 */
#define VERB_COST		32
#define VERB_TURN		128

/*
 * StreamReaderCreate
 *		Make a reader of one kind of stream from tables that are open.
 *
 * It is in the current memory context and has to be ended before the tables are closed.
 */
StreamReader *
StreamReaderCreate(StreamKind kind, const StreamTables *tables, Snapshot snapshot)
{
	StreamReader *reader;

	reader = palloc0(sizeof(StreamReader));
	reader->kind = kind;
	reader->tables = *tables;
	reader->snapshot = snapshot;
	reader->context = CurrentMemoryContext;
	reader->call_context = AllocSetContextCreate(CurrentMemoryContext, "actstream reader",
												 ALLOCSET_DEFAULT_SIZES);
	reader->filter_context = AllocSetContextCreate(CurrentMemoryContext, "actstream filter",
												   ALLOCSET_SMALL_SIZES);
	reader->fetch = RowFetchCreate(tables->action, snapshot, &reader->counters.read);
	reader->lowerer = RecencyLowererCreate(tables->action, tables->indexes, tables->recency_index);
	reader->time_line = TimeLineCreate(tables->action, tables->indexes[ACTION_BY_TIME], snapshot,
									   reader->fetch, reader->lowerer, &reader->counters.read);
	reader->lists.counters = &reader->counters.read;
	reader->lists.merge = StreamMergeCreate(tables->action, tables->indexes, snapshot,
											reader->fetch, reader->lowerer,
											&reader->counters.read);
	return reader;
}

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

	if (RecencyLowererCount(reader->lowerer) == 0)
		return;
	(void) RecencyLowerNewest(reader->lowerer, &reader->map, &newest);
	if (reader->lists.bounds->kept == NULL || reader->lists.newest.timestamp < DT_NOEND)
		return;
	KeptBoundsForgetFront(reader->lists.sources->kept_bounds);
	reader->below = reader->lists.newest;
	begin_lists(reader);
}

/*
 * StreamReaderReset
 *		Stop reading, and forget everything that the call pointed to.
 */
void
StreamReaderReset(StreamReader *reader)
{
	if (reader->lists.sources != NULL)
		leave_hints(reader);
	if (reader->lists.bounds != NULL)
	{
		follow_lowered(reader);
		SourceListsEndBounds(&reader->lists);
	}
	if (reader->entries != NULL)
		LabelEntriesEnd(reader->entries);
	reader->entries = NULL;
	if (reader->verbs != NULL)
		VerbLineEnd(reader->verbs);
	reader->verbs = NULL;
	reader->label = NULL;
	reader->lists.sources = NULL;
	reader->lists.n = 0;
	reader->trying = reader->lists.merging = false;
	reader->counters.strategy = READ_NOTHING;
	StreamMergeReset(reader->lists.merge);
	RecencyLowererRest(reader->lowerer);
	MemoryContextReset(reader->call_context);
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
 * StreamReaderBegin
 *		Begin to read a stream, of the reader's kind, instead of the one before.
 */
void
StreamReaderBegin(StreamReader *reader, const StreamCall *call)
{
	MemoryContext oldcontext;

	StreamReaderReset(reader);
	oldcontext = MemoryContextSwitchTo(reader->call_context);
	SourceListsBegin(&reader->lists, call->sources, call->newest, call->oldest,
					 Max(call->page, 1));
	reader->below = call->newest;
	reader->at_bottom = reader->has_latest = reader->again = false;
	reader->wanted = reader->lists.page;
	reader->visited_before = reader->counters.read.time_line_rows;
	reader->found = reader->found_before = reader->missed = reader->dead = 0;
	reader->label = call->label;
	reader->label_len = call->label == NULL ? 0 : strlen(call->label);
	if (!call->continued && call->sources != NULL)
		reader->counters.sources += call->sources->n;
	reader->counters.recency_map = false;
	reader->has_map = SourceBoundsMap(&reader->map, reader->tables.recency_index,
									  reader->snapshot);
	RecencyLowererBegin(reader->lowerer, LOWERING_BUDGET);
	if (call->sources != NULL && SourceSetFilters(call->sources))
		SourceSetIndex(call->sources);
	prepare_verbs(reader, call);
	reader->counters.by_verb = reader->verbs != NULL;
	reader->counters.by_turns &= call->continued;
	if (reader->kind == PUBLIC_STREAM)
		begin_time_line(reader, NULL);
	else if (reader->label != NULL)
		begin_label(reader);
	else
		begin_sources(reader);
	MemoryContextSwitchTo(oldcontext);
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

/* The next entry, unless another way to read is better; false if there are no more. */
static bool
read_entry(StreamReader *reader, ActionEntry *entry)
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
				return read_entry(reader, entry);
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
 * next_entry
 *		The next entry, which may have no row; false at the end of the stream.
 */
static bool
next_entry(StreamReader *reader, ActionEntry *entry)
{
	do
	{
		if (!read_entry(reader, entry))
			return false;
	} while (reader->again && ActionEntryCompare(entry, &reader->latest) >= 0);
	reader->again = false;
	reader->latest = *entry;
	reader->has_latest = true;
	reader->below = entry->place;
	reader->at_bottom = !ActionPlaceGoDown(&reader->below);
	return ActionPlaceCompare(&entry->place, &reader->lists.oldest) >= 0;
}

/*
 * The row of the latest entry is dead to all transactions.
 *
 * Nothing can be done about that on a standby.
 */
static void
skip_dead(StreamReader *reader, const ActionEntry *entry)
{
	if (++reader->dead <= FEW_DEAD || TransactionStartedDuringRecovery())
		return;
	if (reader->counters.strategy == READ_TIME_LINE)
		TimeLineClean(reader->time_line, entry);
	else
		StreamMergeClean(reader->lists.merge);
}

/*
 * What a row to which an entry has led has to pass, or NULL.  On the time line, entries are of
 * any objects; those of a list are of a source, of which only some actions may be shown.
 */
static ActionFilter
find_filter(const StreamReader *reader)
{
	if (reader->counters.strategy == READ_TIME_LINE)
		return TimeLineFilter(reader->time_line);
	return reader->lists.sources != NULL && SourceSetFilters(reader->lists.sources) ?
		shows_source : NULL;
}

/*
 * Where only some verbs are wanted, is the row, to which an entry has led, one of these?  Entries
 * by verb may be of private actions, those of lists of any verb.
 */
static bool
passes_as_verb(StreamReader *reader, TupleTableSlot *row)
{
	bool		by_verb = reader->counters.strategy == READ_TIME_LINE;
	bool		isnull;
	Datum		value = slot_getattr(row, by_verb ? Anum_action_public : Anum_action_verb, &isnull);

	return !isnull &&
		(by_verb ? DatumGetBool(value) : VerbLineHas(reader->verbs, DatumGetTextPP(value)));
}

/* Is the row, to which an entry has led, shown? */
static bool
is_wanted(StreamReader *reader, TupleTableSlot *row)
{
	ActionFilter filter = find_filter(reader);
	MemoryContext oldcontext;
	bool		result;

	if (filter == NULL && reader->verbs == NULL)
		return true;
	oldcontext = MemoryContextSwitchTo(reader->filter_context);
	result = (reader->verbs == NULL || passes_as_verb(reader, row)) &&
		(filter == NULL || ActionRowPasses(row, filter, reader));
	MemoryContextSwitchTo(oldcontext);
	MemoryContextReset(reader->filter_context);
	if (!result)
		reader->counters.rows_filtered++;
	return result;
}

/*
 * next_row
 *		The next row of the stream, or NULL at its end.
 */
static TupleTableSlot *
next_row(StreamReader *reader)
{
	ActionEntry entry;

	while (next_entry(reader, &entry))
	{
		TupleTableSlot *row;
		bool		dead;

		CHECK_FOR_INTERRUPTS();
		if (!ItemPointerIsValid(&entry.tid))
			continue;
		row = RowFetchVisible(reader->fetch, &entry.tid, &dead);
		reader->missed += row == NULL;
		if (row == NULL && reader->counters.strategy != READ_TIME_LINE)
			StreamMergeMissed(reader->lists.merge, dead);
		if (dead)
			skip_dead(reader, &entry);
		if (row == NULL || !is_wanted(reader, row))
			continue;
		reader->found++;
		if (--reader->wanted <= 0)
			reader->wanted += reader->lists.page;
		return row;
	}
	return NULL;
}

/*
 * StreamReaderNext
 *		The next row of the stream, or NULL at its end.
 *
 * The row has the columns of the table, and is valid until the next call.
 */
TupleTableSlot *
StreamReaderNext(StreamReader *reader)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(reader->context);
	TupleTableSlot *row = next_row(reader);

	MemoryContextSwitchTo(oldcontext);
	return row;
}

/*
 * StreamReaderGetCounters
 *		What the reader has done so far.
 */
const ReaderCounters *
StreamReaderGetCounters(StreamReader *reader)
{
	reader->counters.lists_skipped = reader->lists.skipped_before + SourceListsSkipped(&reader->lists);
	return &reader->counters;
}

/*
 * StreamReaderEnd
 *		Release what the reader holds, except for locks.
 */
void
StreamReaderEnd(StreamReader *reader)
{
	StreamReaderReset(reader);
	StreamMergeEnd(reader->lists.merge);
	TimeLineEnd(reader->time_line);
	RecencyLowererEnd(reader->lowerer);
	RowFetchEnd(reader->fetch);
	MemoryContextDelete(reader->filter_context);
	MemoryContextDelete(reader->call_context);
	pfree(reader);
}
