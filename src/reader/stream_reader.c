/*
 * stream_reader.c
 *		Reading a stream from the indexes.
 *
 * A stream can be read in two ways.  The time line is walked from the newest
 * action on, and what does not belong to the stream is left out: good if much
 * belongs to it.  Or the lists that the indexes have for the stream's objects
 * are merged: good if they are few.  Which is better depends on the data, so
 * the reader begins on the time line, gives it a number of rows that costs a
 * fraction of opening the lists, and goes on with the lists below the point
 * that it has come to.
 *
 * With the recency map most lists of a long merge stay closed, so that the
 * length of a page counts for more than the number of lists.
 *
 * For all objects of a type there are no lists to merge.  There the reader
 * walks the time line and collects entries by turns, each turn longer, until
 * it has all of the one or has been given enough of the other.
 */
#include "postgres.h"

#include "base/compat.h"
#include "object/registry.h"
#include "reader/label_entries.h"
#include "reader/stream_reader.h"
#include "reader/source_bounds.h"
#include "reader/time_line.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/memutils.h"

/*
 * What the lists cost, in rows of the time line: opening one; with the recency
 * map, which has them opened out of order, beginning one on the first page, where the
 * newest action is likely to be known, opening one further down, opening one that
 * has newer actions than those wanted, and finding out that a bound is too high but
 * cannot be lowered; leaving one closed, whose bound is in the map
 * or kept; each row that they yield.
 */
#define LIST_COST			25.0
#define KNOWN_LIST_COST		8.0
#define BOUNDED_LIST_COST	35.0
#define NEWER_LIST_COST		50.0
#define WRONG_BOUND_COST	200.0
#define CLOSED_LIST_COST	0.1
#define KEPT_LIST_COST		0.012
#define LIST_ROW_COST		5.0

/*
 * With bounds, lists are kept for as many pages as this, and if that was not
 * enough, for as many times more.
 */
#define FRONT_PAGES		2
#define WIDENING		8

/* With fewer lists than this the try is not worth its beginning. */
#define MIN_LISTS		16

/*
 * Where a try on the time line was in vain, that of the next as many streams of
 * the same kept list of follows would be, too.
 */
#define SKIPPED_TRIES	15

/* Of dead rows, as many are skipped before something is done about them. */
#define FEW_DEAD		32

/*
 * Lists are opened by bounds that turn out to be too high, and cannot be lowered, up to
 * this number.  Then the time line has a turn that costs as much, and so on by turns,
 * each as many times longer, as long as that costs less than to do without bounds.
 */
#define FIRST_MISLED	40
#define NEXT_MISLED		4

/*
 * Where it was better to do without bounds, it is likely to be so for the next as many
 * streams of the same kept list of follows.
 */
#define SKIPPED_BOUNDS	15

/*
 * Entries that a call may look at to lower bounds: enough for some ten thousand
 * lists.
 */
#define LOWERING_BUDGET	65536

/* Rows, and entries, of the first turn for a label. */
#define FIRST_TURN		256

struct StreamReader
{
	StreamKind	kind;
	StreamTables tables;
	Snapshot	snapshot;
	MemoryContext context;		/* of all that lives as long as the reader */
	MemoryContext call_context; /* of the current call */
	RowFetch   *fetch;
	RecencyLowerer *lowerer;
	TimeLine   *time_line;
	StreamMerge *merge;
	ReaderCounters counters;

	/* the current call */
	ActionPlace newest;
	ActionPlace oldest;
	ActionPlace below;			/* what was read, there are the next entries */
	bool		at_bottom;		/* is there no such place? */
	SourceSet  *sources;		/* NULL if the stream is not about objects */
	int			nlists;			/* of them */
	RecencyMap	map;
	bool		has_map;		/* can that be relied on? */
	SourceBounds *bounds;		/* of them; NULL: not used */
	SourceBounds bounds_space;	/* what it points to */
	const char *label;			/* of MODEL_STREAM */
	int			label_len;
	LabelEntries *entries;		/* of it; NULL between calls */
	int64		turn;			/* length of the current turn */
	bool		trying;			/* on the time line, with the lists to come */
	int64		visited_before; /* rows of the time line, in earlier calls */
	int64		found;			/* of the current one's, rows of the stream */
	int64		dead;			/* and those that are dead to everybody */
	double		page;			/* rows that the query wants, at a guess */
	double		wanted;			/* of them, those that are left */
	double		lists_cost;		/* of opening them, in rows of the time line */
	bool		counted;		/* is that more than the least? */
	bool		merging;		/* have the lists been begun? */
	int			most_misled;	/* bounds that may be too high in this turn */
	int			wider;
	bool		fell_short;		/* were a page's lists too few for one? */
	int64		opened_before;	/* what was counted before that */
	int64		too_high_before;
	int64		spared_before;	/* and in earlier calls */
};

/*
 * StreamReaderCreate
 *		Make a reader of one kind of stream from tables that are open.
 *
 * It lives in the current memory context and has to be ended before the tables
 * are closed.
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
	reader->fetch = RowFetchCreate(tables->action, snapshot, &reader->counters.read);
	reader->lowerer = RecencyLowererCreate(tables->action, tables->indexes, tables->recency_index);
	reader->time_line = TimeLineCreate(tables->action, tables->indexes[ACTION_BY_TIME], snapshot,
									   reader->fetch, reader->lowerer, &reader->counters.read);
	reader->merge = StreamMergeCreate(tables->action, tables->indexes, snapshot, reader->fetch,
									  reader->lowerer, &reader->counters.read);
	return reader;
}

/* Filter: an action that one of the sources plays its role in. */
static bool
shows_source(void *arg, const ActionRefs *action)
{
	return SourceSetShows(((StreamReader *) arg)->sources, action);
}

/* Filter: an action with an object of the type in any role. */
static bool
shows_label(void *arg, const ActionRefs *action)
{
	StreamReader *reader = arg;

	return ActionHasLabel(action, reader->label, reader->label_len);
}

/* Fill in what the stream is about. */
static void
collect_sources(StreamReader *reader, const StreamCall *call)
{
	reader->label = call->label;
	reader->label_len = call->label == NULL ? 0 : strlen(call->label);
	reader->sources = call->sources;
	if (reader->sources != NULL)
	{
		reader->counters.sources += reader->sources->n;
		reader->nlists = SourceSetCountLists(reader->sources);
	}
}

/* Read the time line, below what was read. */
static void
begin_time_line(StreamReader *reader, ActionFilter filter)
{
	reader->counters.strategy = READ_TIME_LINE;
	TimeLineBegin(reader->time_line, reader->below, reader->oldest.timestamp,
				  reader->sources == NULL ? 0 : reader->sources->hints.visited,
				  reader->has_map ? &reader->map : NULL, filter, reader);
}

/* Add a list of a source to the merge. */
static inline void
add_list(StreamReader *reader, int source, ActionIndex role, TimestampTz bound)
{
	TimestampTz oldest = Max(reader->oldest.timestamp,
							 SourceSetSince(reader->sources, source, role));

	if (bound >= oldest)
		StreamMergeAddList(reader->merge, role, reader->sources->sources[source].object,
						   oldest, bound);
}

/* Add all lists, ordered so that those of one index are opened in a row. */
static void
add_lists(StreamReader *reader)
{
	for (ActionIndex role = 0; role < NUM_ACTION_ROLES; role++)
	{
		for (int i = 0; i < reader->sources->n; i++)
		{
			CHECK_FOR_INTERRUPTS();
			if (reader->sources->sources[i].roles & ROLE_BIT(role))
				add_list(reader, i, role, DT_NOEND);
		}
	}
}

/* Add the lists of a source that may have an entry, under their bounds. */
static inline void
add_bounded_source(StreamReader *reader, int probe, TimestampTz newest, TimestampTz cutoff)
{
	TimestampTz bounds[NUM_ACTION_ROLES];
	RoleSet		roles = newest == DT_NOEND ?
		SourceBoundsNewer(reader->bounds, probe, cutoff, bounds) :
		SourceBoundsBelow(reader->bounds, probe, newest, cutoff, bounds);

	for (ActionIndex role = 0; roles != 0; role++, roles >>= 1)
	{
		if (roles & 1)
			add_list(reader, reader->sources->probes[probe].source, role, bounds[role]);
	}
}

/* Add the lists that may have an entry; all but "kept" will be left out. */
static void
add_bounded_lists(StreamReader *reader, TimestampTz newest, int kept)
{
	const TimestampTz *cutoff = StreamMergeCutoff(reader->merge);
	int			n = reader->sources->n;

	for (int i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (i + PREFETCH_DISTANCE < n)
			SourceBoundsPrefetch(reader->bounds, i + PREFETCH_DISTANCE, *cutoff);
		add_bounded_source(reader, i, newest, *cutoff);
	}
	if (newest == DT_NOEND && reader->bounds->kept != NULL && *cutoff > DT_NOBEGIN)
		KeptBoundsSetFront(reader->sources->kept_bounds, *cutoff, kept);
}

/*
 * Add those of them that were the newest for a stream before, if that is known;
 * false if not.
 */
static bool
add_front(StreamReader *reader, TimestampTz newest, int kept)
{
	const TimestampTz *cutoff = StreamMergeCutoff(reader->merge);
	const KeptFront *front = newest < DT_NOEND || reader->bounds->kept == NULL ? NULL :
		KeptBoundsFront(reader->sources->kept_bounds, kept);

	if (front == NULL)
		return false;
	for (int i = 0; i < front->n; i++)
		add_bounded_source(reader, front->probes[i], newest, *cutoff);
	StreamMergeLeaveOut(reader->merge, front->cutoff);
	return true;
}

/* How many lists have to be opened to know the first row after "newest"? */
static int
count_newer_lists(StreamReader *reader, TimestampTz newest)
{
	return newest == DT_NOEND ? 0 :
		SourceBoundsCount(reader->bounds, newest, Max(newest, DT_NOBEGIN + 1) - 1);
}

/* Where a page of lists from "newest" on is likely to end at the latest. */
static TimestampTz
expected_end(StreamReader *reader, TimestampTz newest, int wider)
{
	const SourceHints *hints = &reader->sources->hints;

	return newest == DT_NOEND && wider == 1 && hints->page == reader->page ?
		hints->page_end : DT_NOBEGIN;
}

/*
 * Merge the lists of the sources, below what was read.
 *
 * With bounds it is no more of them than are likely to be needed, and after
 * those "wider" times as many.
 */
static void
begin_lists(StreamReader *reader, int wider)
{
	TimestampTz newest = reader->below.timestamp;
	int			kept = reader->nlists;

	if (reader->bounds != NULL)
	{
		double		needed = count_newer_lists(reader, newest) + FRONT_PAGES * reader->page;

		kept = Min(kept, needed * wider);
	}
	if (!reader->merging)
	{
		reader->fell_short = false;
		reader->opened_before = reader->counters.read.lists_opened;
		reader->too_high_before = reader->counters.read.bounds_too_high;
	}
	reader->merging = true;
	reader->wider = wider;
	StreamMergeBegin(reader->merge, reader->below,
					 reader->bounds == NULL ? NULL : &reader->bounds->map,
					 kept, reader->page, expected_end(reader, newest, wider),
					 reader->most_misled);
	if (reader->bounds != NULL && reader->bounds->kept != NULL && wider > 1)
		KeptBoundsForgetFront(reader->sources->kept_bounds);
	if (reader->bounds == NULL)
		add_lists(reader);
	else if (!add_front(reader, newest, kept))
		add_bounded_lists(reader, newest, kept);
}

/* Merge what was collected for the label, below what was read. */
static void
begin_entries(StreamReader *reader)
{
	int			n;
	ActionEntry *entries = LabelEntriesSort(reader->entries, reader->below, reader->oldest, &n);

	StreamMergeBegin(reader->merge, reader->below, NULL, 1, reader->page, DT_NOBEGIN, 0);
	StreamMergeAddEntries(reader->merge, entries, n);
}

/* How many lists of the current call the recency map has left closed so far. */
static int64
count_spared(StreamReader *reader)
{
	return reader->bounds == NULL || !reader->merging ? 0 :
		Max(reader->nlists - (reader->counters.read.lists_opened - reader->opened_before), 0);
}

/* Add what the recency map has done for the call to what is known of it. */
static void
end_bounds_use(StreamReader *reader)
{
	ReadCounters *counters = &reader->counters.read;

	if (reader->merging)
	{
		RecencyCount(&reader->bounds->map, RECENCY_STREAMS, 1);
		RecencyCount(&reader->bounds->map, RECENCY_LISTS_SPARED, count_spared(reader));
		RecencyCount(&reader->bounds->map, RECENCY_LISTS_OPENED,
					 counters->lists_opened - reader->opened_before);
		RecencyCount(&reader->bounds->map, RECENCY_TOO_HIGH,
					 counters->bounds_too_high - reader->too_high_before);
		reader->spared_before += count_spared(reader);
	}
	reader->bounds = NULL;
}

static int64
count_visits(StreamReader *reader)
{
	return reader->counters.read.time_line_rows - reader->visited_before;
}

/* Leave a note of what this stream has met for the next of the same sources. */
static void
leave_hints(StreamReader *reader)
{
	SourceHints *hints = &reader->sources->hints;

	if (reader->trying)
		hints->visited = count_visits(reader);
	if (reader->trying && reader->merging)
		hints->skip_bounds = SKIPPED_BOUNDS;
	/* bounds were right, and yet did not tell which lists to open */
	if (reader->merging && reader->fell_short &&
		reader->counters.read.bounds_too_high == reader->too_high_before)
		hints->skip_tries = 0;
	if (reader->newest.timestamp == DT_NOEND &&
		reader->found >= reader->page && reader->found < 2 * reader->page)
	{
		hints->page = reader->page;
		hints->page_end = reader->below.timestamp;
	}
}

/*
 * Where bounds have come down, do now what the next stream would have to do.
 *
 * What had raised them has raised that of all actions, too, and the time line would come
 * to it.  And of bounds that are kept, find out which are the newest: else the next
 * stream of the same sources would have to look at all of them.
 */
static void
follow_lowered(StreamReader *reader)
{
	TimestampTz newest;

	if (RecencyLowererCount(reader->lowerer) == 0)
		return;
	(void) RecencyLowerNewest(reader->lowerer, &reader->map, &newest);
	if (reader->bounds->kept == NULL || reader->newest.timestamp < DT_NOEND)
		return;
	KeptBoundsForgetFront(reader->sources->kept_bounds);
	reader->below = reader->newest;
	begin_lists(reader, 1);
}

/*
 * StreamReaderReset
 *		Forget what is being read, and whatever the call pointed to.
 */
void
StreamReaderReset(StreamReader *reader)
{
	if (reader->sources != NULL)
		leave_hints(reader);
	if (reader->bounds != NULL)
	{
		follow_lowered(reader);
		end_bounds_use(reader);
	}
	if (reader->entries != NULL)
		LabelEntriesEnd(reader->entries);
	reader->entries = NULL;
	reader->label = NULL;
	reader->sources = NULL;
	reader->nlists = 0;
	reader->trying = reader->merging = false;
	reader->counters.strategy = READ_NOTHING;
	StreamMergeReset(reader->merge);
	RecencyLowererRest(reader->lowerer);
	MemoryContextReset(reader->call_context);
}

/* Use the bounds of the sources, if there are any, and they are likely to be right. */
static void
find_bounds(StreamReader *reader)
{
	if (!reader->has_map)
		return;
	if (reader->sources->hints.skip_bounds > 0)
	{
		reader->sources->hints.skip_bounds--;
		return;
	}
	reader->most_misled = FIRST_MISLED;
	SourceBoundsBegin(&reader->bounds_space, &reader->map, reader->sources);
	reader->bounds = &reader->bounds_space;
	reader->counters.recency_map = true;
}

/*
 * What it would cost to open lists for a page, in rows of the time line: with
 * bounds, at least.  What has to be opened before the first row is known is
 * added by add_newer_lists(), as it takes a while to count.
 */
static double
cost_of_lists(StreamReader *reader)
{
	if (reader->bounds == NULL)
		return reader->nlists * LIST_COST;
	return Min(reader->page, reader->nlists) *
		(reader->newest.timestamp == DT_NOEND ? KNOWN_LIST_COST : BOUNDED_LIST_COST) +
		reader->nlists * (reader->bounds->kept == NULL ? CLOSED_LIST_COST : KEPT_LIST_COST);
}

/*
 * Where lists begin after a try: if that has found nothing, at the top, as the map knows
 * where newest actions are, and of none that is not there.
 */
static ActionPlace
begin_of_lists(const StreamReader *reader)
{
	return reader->found == 0 && reader->newest.timestamp == DT_NOEND ? reader->newest : reader->below;
}

/*
 * Does what the time line has from the top on show that many bounds are too high?  Then
 * the next stream of the same sources is to begin with its lists, which lowers them.
 */
static bool
has_refuted_bounds(const StreamReader *reader)
{
	TimestampTz above = Min(reader->below.timestamp, DT_NOEND - BOUND_ACCURACY) + BOUND_ACCURACY;

	return reader->found > 0 && reader->newest.timestamp == DT_NOEND &&
		SourceBoundsCount(reader->bounds, DT_NOEND, above) >
		reader->found * NUM_ACTION_ROLES + FIRST_MISLED;
}

/*
 * Let the cost be complete; false if it was.
 *
 * Where many actions have the same time, as after an import, there is one of it in most
 * lists, which all have to be opened to know the first.
 */
static bool
add_newer_lists(StreamReader *reader)
{
	if (reader->bounds == NULL || reader->counted)
		return false;
	reader->lists_cost +=
		count_newer_lists(reader, begin_of_lists(reader).timestamp) * NEWER_LIST_COST;
	reader->counted = true;
	if (has_refuted_bounds(reader))
		reader->sources->hints.skip_tries = SKIPPED_TRIES;
	return true;
}

/* Is it known without a try that the lists are better? */
static bool
lists_are_better(StreamReader *reader)
{
	return reader->nlists < MIN_LISTS ||
		(reader->bounds != NULL && reader->newest.timestamp == DT_NOEND &&
		 reader->sources->hints.skip_tries-- > 0);
}

/* Go on on the time line, and have lists that would cost so much to come. */
static void
begin_try(StreamReader *reader, double lists_cost)
{
	reader->lists_cost = lists_cost;
	reader->trying = true;
	SourceSetIndex(reader->sources);
	begin_time_line(reader, shows_source);
}

/*
 * Begin on the time line, or with the lists if those are known to be better.
 *
 * A serializable transaction that has read the end of the time line conflicts
 * with every action that is sent, so it reads its lists.
 */
static void
begin_sources(StreamReader *reader)
{
	if (reader->nlists == 0)
		return;
	find_bounds(reader);
	if (IsolationIsSerializable() || lists_are_better(reader))
	{
		begin_lists(reader, 1);
		reader->counters.strategy = READ_LISTS;
	}
	else
	{
		reader->counted = false;
		begin_try(reader, cost_of_lists(reader));
	}
}

/* Too many bounds are too high: let the time line have a turn, or do without bounds. */
static void
doubt_bounds(StreamReader *reader)
{
	double		cost = reader->most_misled * WRONG_BOUND_COST;

	StreamMergeReset(reader->merge);
	reader->most_misled *= NEXT_MISLED;
	if (cost * NEXT_MISLED > reader->nlists * LIST_COST)
	{
		end_bounds_use(reader);
		reader->sources->hints.skip_bounds = SKIPPED_BOUNDS;
		reader->merging = false;
		cost = cost_of_lists(reader);
	}
	reader->visited_before = reader->counters.read.time_line_rows;
	begin_try(reader, cost);
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
 * StreamReaderBegin
 *		Begin to read a stream, of the reader's kind, and forget what was read
 *		before.
 */
void
StreamReaderBegin(StreamReader *reader, const StreamCall *call)
{
	MemoryContext oldcontext;

	StreamReaderReset(reader);
	oldcontext = MemoryContextSwitchTo(reader->call_context);
	reader->newest = reader->below = call->newest;
	reader->oldest = call->oldest;
	reader->at_bottom = false;
	reader->page = reader->wanted = Max(call->page, 1);
	reader->visited_before = reader->counters.read.time_line_rows;
	reader->found = reader->dead = 0;
	reader->counters.recency_map = false;
	reader->has_map = SourceBoundsMap(&reader->map, reader->tables.recency_index,
									  reader->snapshot);
	RecencyLowererBegin(reader->lowerer, LOWERING_BUDGET);
	collect_sources(reader, call);
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
 *		Whether the time line has been given enough.
 */
static bool
try_is_over(StreamReader *reader)
{
	int64		visited = count_visits(reader);

	if (reader->label != NULL)
		return visited >= reader->turn;
	if (visited > reader->lists_cost + LIST_ROW_COST * reader->found)
		return true;
	/* where bounds are in doubt it is not known what the lists cost */
	if (reader->merging)
		return false;
	/*
	 * Rows to the end of the page, if they go on to be found like this: one more
	 * than have been, for who has found nothing yet knows little.
	 */
	return reader->wanted * visited / (reader->found + 1) >
		reader->lists_cost + LIST_ROW_COST * reader->wanted;
}

/*
 * end_try
 *		The time line has been given enough: go on with the lists, or give it
 *		another turn.
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
		return;
	if (reader->label != NULL)
		begin_entries(reader);
	else
	{
		reader->below = begin_of_lists(reader);
		reader->sources->hints.skip_tries = SKIPPED_TRIES;
		begin_lists(reader, 1);
	}
}

/*
 * next_entry
 *		The next entry, which may be one of no row; false at the end of the stream.
 */
static bool
next_entry(StreamReader *reader, ActionEntry *entry)
{
	if (reader->trying && TimeLineMayPause(reader->time_line) && try_is_over(reader) &&
		!(add_newer_lists(reader) && !try_is_over(reader)))
		end_try(reader);
	if (reader->counters.strategy == READ_TIME_LINE)
	{
		if (!TimeLineNext(reader->time_line, entry))
			return false;
	}
	else
	{
		while (!StreamMergeNext(reader->merge, entry))
		{
			if (!reader->merging || reader->at_bottom)
				return false;
			if (StreamMergeIsMisled(reader->merge))
			{
				doubt_bounds(reader);
				return next_entry(reader, entry);
			}
			if (!StreamMergeIsShort(reader->merge))
				return false;
			reader->fell_short |= reader->found < reader->page;
			begin_lists(reader, reader->wider * WIDENING);
		}
	}
	reader->below = entry->place;
	reader->at_bottom = !ActionPlaceGoDown(&reader->below);
	return ActionPlaceCompare(&entry->place, &reader->oldest) >= 0;
}

/*
 * The row of the latest entry is dead to everybody.
 *
 * On a standby nothing can be done about that.
 */
static void
skip_dead(StreamReader *reader, const ActionEntry *entry)
{
	if (++reader->dead <= FEW_DEAD || TransactionStartedDuringRecovery())
		return;
	if (reader->counters.strategy == READ_TIME_LINE)
		TimeLineClean(reader->time_line, entry);
	else
		StreamMergeClean(reader->merge);
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
		if (row == NULL && reader->counters.strategy != READ_TIME_LINE)
			StreamMergeMissed(reader->merge, dead);
		if (dead)
			skip_dead(reader, &entry);
		if (row == NULL || (reader->counters.strategy == READ_TIME_LINE &&
							!TimeLineWants(reader->time_line, row)))
			continue;
		reader->found++;
		if (--reader->wanted <= 0)
			reader->wanted += reader->page;
		return row;
	}
	return NULL;
}

/*
 * StreamReaderNext
 *		The next row of the stream, or NULL at its end.
 *
 * It has the columns of the table, and is valid until the next call.
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
	reader->counters.lists_spared = reader->spared_before + count_spared(reader);
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
	StreamMergeEnd(reader->merge);
	TimeLineEnd(reader->time_line);
	RecencyLowererEnd(reader->lowerer);
	RowFetchEnd(reader->fetch);
	MemoryContextDelete(reader->call_context);
	pfree(reader);
}
