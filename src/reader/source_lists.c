/*
 * source_lists.c
 *		The lists of a stream's sources, opened as far as a page needs them.
 *
 * Without bounds all lists are opened and merged.  With the bounds of the recency map,
 * only lists that may have one of the rows of the next pages are opened.  If a page
 * turns out to need more, the merge begins again with more lists.
 *
 * That can be expensive if many actions have the same time, or bounds are too high.  So
 * the reader, which can use the time line instead, gets an estimate of the cost.
 */
#include "postgres.h"

#include "base/compat.h"
#include "reader/source_lists.h"

#include "miscadmin.h"

/*
 * Costs of lists, in rows of the time line.  With the recency map lists are opened in
 * another order than that of the index, which costs more.
 */
#define LIST_COST			25.0	/* opening a list, without bounds */
#define KNOWN_LIST_COST		8.0		/* on the first page, its newest action being known */
#define BOUNDED_LIST_COST	35.0	/* further down */
#define NEWER_LIST_COST		50.0	/* if it has newer actions than those wanted */
#define WRONG_BOUND_COST	200.0	/* finding that a bound is too high, but stays so */
#define CLOSED_LIST_COST	0.1		/* not opening a list, by its bound in the map */
#define KEPT_LIST_COST		0.012	/* the same, by a kept bound */

/*
 * With bounds, lists are kept for this many pages, and if that was not enough, for
 * WIDENING times as many.
 */
#define FRONT_PAGES		2
#define WIDENING		8

/*
 * Lists are opened until this number of bounds has turned out to be too high, and
 * cannot be lowered.  Then the time line has a turn that costs as much.  This goes on
 * by turns, each NEXT_MISLED times as long, as long as it costs less than doing without
 * bounds.
 */
#define FIRST_MISLED	40
#define NEXT_MISLED		4

/* Add a list of a source to the merge. */
static inline void
add_list(SourceLists *lists, int source, ActionIndex role, TimestampTz bound)
{
	TimestampTz oldest = Max(lists->oldest.timestamp,
							 SourceSetSince(lists->sources, source, role));

	if (bound >= oldest)
		StreamMergeAddList(lists->merge, role, lists->sources->sources[source].object,
						   oldest, bound);
}

/* Add all lists, in such an order that those of one index are opened in a row. */
static void
add_lists(SourceLists *lists)
{
	for (ActionIndex role = 0; role < NUM_ACTION_ROLES; role++)
	{
		for (int i = 0; i < lists->sources->n; i++)
		{
			CHECK_FOR_INTERRUPTS();
			if (lists->sources->sources[i].roles & ROLE_BIT(role))
				add_list(lists, i, role, DT_NOEND);
		}
	}
}

/* Add the lists of a source that may have an entry, with their bounds. */
static inline void
add_bounded_source(SourceLists *lists, int probe, TimestampTz newest, TimestampTz cutoff)
{
	TimestampTz bounds[NUM_ACTION_ROLES];
	RoleSet		roles = newest == DT_NOEND ?
		SourceBoundsNewer(lists->bounds, probe, cutoff, bounds) :
		SourceBoundsBelow(lists->bounds, probe, newest, cutoff, bounds);

	for (ActionIndex role = 0; roles != 0; role++, roles >>= 1)
	{
		if (roles & 1)
			add_list(lists, lists->sources->probes[probe].source, role, bounds[role]);
	}
}

/* Add the lists that may have an entry.  The merge keeps "kept" of them. */
static void
add_bounded_lists(SourceLists *lists, TimestampTz newest, int kept)
{
	const TimestampTz *cutoff = StreamMergeCutoff(lists->merge);
	int			n = lists->sources->n;

	for (int i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (i + PREFETCH_DISTANCE < n)
			SourceBoundsPrefetch(lists->bounds, i + PREFETCH_DISTANCE, *cutoff);
		add_bounded_source(lists, i, newest, *cutoff);
	}
	if (newest == DT_NOEND && lists->bounds->kept != NULL && *cutoff > DT_NOBEGIN)
		KeptBoundsSetFront(lists->sources->kept_bounds, *cutoff, kept);
}

/*
 * Add only the lists that were the newest for an earlier stream, if these are known;
 * false if not.
 */
static bool
add_front(SourceLists *lists, TimestampTz newest, int kept)
{
	const TimestampTz *cutoff = StreamMergeCutoff(lists->merge);
	const KeptFront *front = newest < DT_NOEND || lists->bounds->kept == NULL ? NULL :
		KeptBoundsFront(lists->sources->kept_bounds, kept);

	if (front == NULL)
		return false;
	for (int i = 0; i < front->n; i++)
		add_bounded_source(lists, front->probes[i], newest, *cutoff);
	StreamMergeLeaveOut(lists->merge, front->cutoff);
	return true;
}

/* How many lists have to be opened before the first row after "newest" is known? */
static int
count_newer_lists(const SourceLists *lists, TimestampTz newest)
{
	return newest == DT_NOEND ? 0 :
		SourceBoundsCount(lists->bounds, newest, Max(newest, DT_NOBEGIN + 1) - 1);
}

/* The time that a page of lists from "newest" on is not likely to go below. */
static TimestampTz
expected_end(const SourceLists *lists, TimestampTz newest, int wider)
{
	const SourceHints *hints = &lists->sources->hints;

	return newest == DT_NOEND && wider == 1 && hints->page == lists->page ?
		hints->page_end : DT_NOBEGIN;
}

/*
 * SourceListsMerge
 *		Begin to merge the lists of the sources, from the place "below" on.
 *
 * With bounds, only as many lists are kept as are likely to be needed, times "wider".
 */
void
SourceListsMerge(SourceLists *lists, ActionPlace below, int wider)
{
	TimestampTz newest = below.timestamp;
	int			kept = lists->n;

	if (lists->bounds != NULL)
	{
		double		needed = count_newer_lists(lists, newest) + FRONT_PAGES * lists->page;

		kept = Min(kept, needed * wider);
	}
	if (!lists->merging)
	{
		lists->opened_before = lists->counters->lists_opened;
		lists->false_opens_before = lists->counters->false_opens;
	}
	lists->merging = true;
	lists->wider = wider;
	StreamMergeBegin(lists->merge, below,
					 lists->bounds == NULL ? NULL : &lists->bounds->map,
					 kept, lists->page, expected_end(lists, newest, wider),
					 lists->most_misled);
	if (lists->bounds != NULL && lists->bounds->kept != NULL && wider > 1)
		KeptBoundsForgetFront(lists->sources->kept_bounds);
	if (lists->bounds == NULL)
		add_lists(lists);
	else if (!add_front(lists, newest, kept))
		add_bounded_lists(lists, newest, kept);
	if (lists->bounds != NULL && !RecencyMapIsCurrent(&lists->bounds->map))
	{
		/* the bounds may be those of another partition */
		SourceListsEndBounds(lists);
		SourceListsMerge(lists, below, wider);
	}
}

/*
 * SourceListsSkipped
 *		How many lists of the current call the recency map has kept from being opened so
 *		far.
 */
int64
SourceListsSkipped(const SourceLists *lists)
{
	return lists->bounds == NULL || !lists->merging ? 0 :
		Max(lists->n - (lists->counters->lists_opened - lists->opened_before), 0);
}

/*
 * SourceListsEndBounds
 *		Use bounds no longer, if they are in use, and add what they have done to the statistics
 *		of the map.
 */
void
SourceListsEndBounds(SourceLists *lists)
{
	const ReadCounters *counters = lists->counters;

	if (lists->bounds != NULL && lists->merging)
	{
		RecencyCount(&lists->bounds->map, RECENCY_STREAMS, 1);
		RecencyCount(&lists->bounds->map, RECENCY_LISTS_SKIPPED, SourceListsSkipped(lists));
		RecencyCount(&lists->bounds->map, RECENCY_LISTS_OPENED,
					 counters->lists_opened - lists->opened_before);
		RecencyCount(&lists->bounds->map, RECENCY_FALSE_OPENS,
					 counters->false_opens - lists->false_opens_before);
		lists->skipped_before += SourceListsSkipped(lists);
	}
	lists->bounds = NULL;
}

/*
 * SourceListsBegin
 *		Begin a call of the reader.  Opens no lists yet, and uses no bounds.
 */
void
SourceListsBegin(SourceLists *lists, SourceSet *sources, ActionPlace newest, ActionPlace oldest,
				 double page)
{
	lists->sources = sources;
	lists->n = sources == NULL ? 0 : SourceSetCountLists(sources);
	lists->newest = newest;
	lists->oldest = oldest;
	lists->page = page;
	lists->bounds = NULL;
	lists->merging = false;
}

/*
 * SourceListsUseBounds
 *		Use the bounds of the sources, unless they are likely to be wrong.
 */
void
SourceListsUseBounds(SourceLists *lists, const RecencyMap *map)
{
	if (lists->sources->hints.skip_bounds > 0)
	{
		lists->sources->hints.skip_bounds--;
		return;
	}
	lists->most_misled = FIRST_MISLED;
	SourceBoundsBegin(&lists->bounds_space, map, lists->sources);
	lists->bounds = &lists->bounds_space;
}

/*
 * SourceListsCost
 *		The estimated cost of opening lists for a page, in rows of the time line.
 *
 * With bounds it is a minimum: see SourceListsCostOfNewer().
 */
double
SourceListsCost(const SourceLists *lists)
{
	if (lists->bounds == NULL)
		return lists->n * LIST_COST;
	return Min(lists->page, lists->n) *
		(lists->newest.timestamp == DT_NOEND ? KNOWN_LIST_COST : BOUNDED_LIST_COST) +
		lists->n * (lists->bounds->kept == NULL ? CLOSED_LIST_COST : KEPT_LIST_COST);
}

/*
 * SourceListsCostOfNewer
 *		The further cost, with bounds, of opening all lists that have to be opened
 *		before the first row after "newest" is known.  Counting these takes a while.
 */
double
SourceListsCostOfNewer(const SourceLists *lists, TimestampTz newest)
{
	return count_newer_lists(lists, newest) * NEWER_LIST_COST;
}

/*
 * SourceListsRefuted
 *		The time line has "found" rows from the top down to "time".  Does that show that
 *		many bounds are too high?
 */
bool
SourceListsRefuted(const SourceLists *lists, TimestampTz time, int64 found)
{
	TimestampTz above = Min(time, DT_NOEND - BOUND_ACCURACY) + BOUND_ACCURACY;

	return found > 0 && lists->newest.timestamp == DT_NOEND &&
		SourceBoundsCount(lists->bounds, DT_NOEND, above) >
		found * NUM_ACTION_ROLES + FIRST_MISLED;
}

/*
 * SourceListsWiden
 *		There were too few lists: merge again, from the place "below" on, with more of
 *		them.
 */
void
SourceListsWiden(SourceLists *lists, ActionPlace below)
{
	SourceListsMerge(lists, below, lists->wider * WIDENING);
}

/*
 * SourceListsDoubtBounds
 *		Too many bounds are too high: stop the merge, and use bounds no longer if they
 *		have cost too much.
 *
 * Returns how many rows of the time line to read before the merge goes on.
 */
double
SourceListsDoubtBounds(SourceLists *lists)
{
	double		cost = lists->most_misled * WRONG_BOUND_COST;

	StreamMergeReset(lists->merge);
	lists->most_misled *= NEXT_MISLED;
	if (cost * NEXT_MISLED <= lists->n * LIST_COST)
		return cost;
	SourceListsEndBounds(lists);
	lists->sources->hints.skip_bounds = SKIPPED_BOUNDS;
	lists->merging = false;
	return SourceListsCost(lists);
}
