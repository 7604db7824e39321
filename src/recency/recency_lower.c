/*
 * recency_lower.c
 *		Lowering the bounds of the recency map.
 *
 * A bound is too high if what raised it was rolled back or has been deleted.  A backend
 * that finds such a bound looks for the newest entries of the list whose rows any
 * snapshot, present or future, may see: those that VACUUM could not remove.  Rows that
 * were rolled back are not among them, nor rows that were deleted before every
 * snapshot.  Rows of running and of prepared transactions are.
 *
 * Other backends raise the bound, and rely on it, at the same time.  They take no
 * locks, and neither do we:
 *
 *	1. We set a mark on the bound and on its rest, unless they have one.
 *	2. We check by its fingerprint that the bound belongs to the object only.
 *	3. We read the index.
 *	4. We set the bound, if it still has the mark and is otherwise unchanged.
 *	5. We count this, and do the same with the rest.
 *
 * A backend that raises a bound or a rest changes it, and one that finds it high enough
 * removes the mark (recency_raise.c).  So what we set is right if each such backend
 *
 *	(a) comes after step 4, and finds the bound as we have set it; or
 *	(b) makes step 4 fail; or
 *	(c) has left an entry in the index that step 3 finds.
 *
 * For example, a backend inserts an action while we read the index, and finds the bound
 * high enough: it removes the mark, so step 4 fails, and the bound stays.  In general:
 *
 *	- A row is put into indexes in the order of their OIDs.  If the index of a role has
 *	  a lower OID than the recency index, a row is put into it before the row raises
 *	  bounds.  A backend that came before step 1 has left an entry before step 3.  One
 *	  that came between steps 1 and 4 has removed the mark, or changed the bound.
 *	- Otherwise we go on after step 1 only if every transaction that had begun to write
 *	  by then has ended, and so has all its entries in the index.
 *	- Only one process lowers a bound at a time, in all databases.  So no other process
 *	  sets marks, and a bound that has changed cannot become again what step 4 expects.
 *	  A backend that reads a stream does not wait for its turn, but leaves the bound as
 *	  it is.
 *	- A backend that raises the bound for another object, which has come to share it,
 *	  leaves a fingerprint before it looks at the bound.  Either step 2 finds that, or
 *	  the other backend finds our mark.
 *	- A new bound, raised but not yet noted for backends that keep bounds, is not
 *	  lowered.  Otherwise a row might rely on what is left of the bound, and be visible
 *	  to a backend that keeps an older bound.  Once the raise is noted, a kept bound
 *	  is too high at worst.
 *
 * Between steps 4 and 5 the bound may be raised, or relied on.  Then the rest is
 * raised, too, or its mark is removed, so step 5 fails and the rest stays too high.
 * The block number that is left in the rest may not belong to the newest row; but
 * readers check the row in any case.  A bound from before step 4 and a rest from after
 * step 5 do not belong together, so backends that read both check that the count has
 * not changed in between.
 *
 * Snapshots that are taken later see nothing that step 3 left out, and what older ones
 * see could not be removed by VACUUM, so step 3 found it.  A transaction that holds an
 * exclusive lock on the table does not lower bounds, as its rollback could bring back
 * other indexes.
 *
 * The bound of all public actions is lowered in the same way, without a rest; it
 * belongs to one database.
 *
 * Of partitions, the map is for one at a time.  When it changes to another, its generation changes
 * first, and then the builder raises the bounds of all rows of the new one.  A backend that lowers a
 * bound to what the former one has either sees the new generation after step 1, or the builder
 * removes its mark.
 */
#include "postgres.h"

#include "base/compat.h"
#include "recency/recency_lower.h"
#include "tables/index_cursor.h"
#include "tables/table_index.h"

#include "access/parallel.h"
#include "access/stratnum.h"
#include "access/transam.h"
#include "access/xlog.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lmgr.h"
#include "storage/procarray.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* attempts to lower a bound that others keep raising */
#define MOST_ATTEMPTS	3

struct RecencyLowerer
{
	Relation	action;
	Oid			indexes[NUM_ACTION_INDEXES];
	Oid			recency_index;
	bool		patient;		/* wait while others lower bounds? */
	int64		budget;			/* index entries that may still be looked at */
	int64		lowered;		/* bounds lowered since that was set */
	MemoryContext context;		/* of cursors */
	IndexCursor *cursors[NUM_ACTION_INDEXES];	/* NULL until they are needed */
	SnapshotData non_vacuumable;	/* sees what VACUUM cannot remove */
};

/* A bound that is being lowered, and its words as they were, without marks. */
typedef struct Lowering
{
	SharedMemory *shared;
	pg_atomic_uint64 *bound;
	uint64		bound_before;
	bool		bound_marked;
	pg_atomic_uint64 *rest;		/* NULL if it has none */
	uint64		rest_before;
	bool		rest_marked;
	bool		known;			/* has the index been read? */
	bool		done;			/* is nothing left to be lowered? */
	bool		lowered;		/* has either of them been lowered? */
} Lowering;

/* The newest entries of a list. */
typedef struct NewestEntries
{
	TimestampTz newest;			/* no entry is newer */
	uint64		times[2];		/* the newest time, and a bound of all others, as in
								 * words of the map; 0: no entry */
	bool		has_place;		/* is the newest entry known? */
	ItemPointerData tid;		/* what it points to */
	bool		has_above;		/* does the index have pages above it? */
} NewestEntries;

/*
 * RecencyLowererCreate
 *		Prepare to lower bounds of actstream.actions, or a partition, whose indexes these are.
 *
 * The caller holds a lock on the table.  The result is in the current memory context
 * and has to be ended.
 */
RecencyLowerer *
RecencyLowererCreate(Relation action, const Oid *indexes, Oid recency_index)
{
	RecencyLowerer *lowerer = palloc0(sizeof(RecencyLowerer));

	lowerer->action = action;
	memcpy(lowerer->indexes, indexes, sizeof(lowerer->indexes));
	lowerer->recency_index = recency_index;
	lowerer->context = CurrentMemoryContext;
	return lowerer;
}

/*
 * RecencyLowererBegin
 *		Allow "budget" index entries to be looked at from now on.  If it is negative,
 *		there is no limit, and the lowerer waits for other processes that lower bounds.
 */
void
RecencyLowererBegin(RecencyLowerer *lowerer, int64 budget)
{
	lowerer->patient = budget < 0;
	lowerer->budget = budget < 0 ? PG_INT64_MAX : budget;
	lowerer->lowered = 0;
}

/* Is a row put into the index before it raises bounds? */
static bool
entries_come_first(const RecencyLowerer *lowerer, ActionIndex index)
{
	return lowerer->indexes[index] < lowerer->recency_index;
}

/*
 * RecencyTimeLineIsBounded
 *		Whether the bound of all public actions can be relied on, if the map is
 *		complete.
 *
 * Rows do not raise that bound before their database has an entry in the shared memory.
 */
bool
RecencyTimeLineIsBounded(const RecencyLowerer *lowerer)
{
	return entries_come_first(lowerer, ACTION_BY_TIME);
}

/*
 * May this transaction lower bounds?
 *
 * With old_snapshot_threshold, rows that a snapshot sees may have been removed, and a
 * backend that uses it has to read the index to get the error.
 */
static bool
may_lower(RecencyLowerer *lowerer)
{
	return lowerer->budget > 0 && !IsParallelWorker() && !RecoveryInProgress() &&
		!snapshots_grow_too_old() &&
		!CheckRelationLockedByMe(lowerer->action, AccessExclusiveLock, false);
}

/*
 * Does the index have an entry for all that raised the bound, or relied on it, before
 * it was marked?
 */
static bool
has_all_entries(RecencyLowerer *lowerer, ActionIndex index)
{
	TransactionId next;

	if (entries_come_first(lowerer, index))
		return true;
	next = ReadNextTransactionId();
	return !TransactionIdPrecedes(oldest_active_transaction(), next);
}

/* The cursor over an index, with keys for all its columns but the id. */
static IndexCursor *
get_cursor(RecencyLowerer *lowerer, ActionIndex index)
{
	MemoryContext oldcontext;
	IndexCursor *cursor = lowerer->cursors[index];

	if (cursor != NULL)
		return cursor;
	oldcontext = MemoryContextSwitchTo(lowerer->context);
	InitNonVacuumableSnapshot(lowerer->non_vacuumable, GlobalVisTestFor(lowerer->action));
	if (index == ACTION_BY_TIME)
	{
		cursor = IndexCursorOpen(lowerer->action, lowerer->indexes[index],
								 Anum_time_index_timestamp, &lowerer->non_vacuumable);
		IndexCursorInitKey(cursor, 0, Anum_time_index_timestamp, BTLessEqualStrategyNumber);
		IndexCursorSetKey(cursor, 0, TimestampTzGetDatum(DT_NOEND));
	}
	else
	{
		cursor = IndexCursorOpen(lowerer->action, lowerer->indexes[index],
								 Anum_role_index_timestamp, &lowerer->non_vacuumable);
		IndexCursorInitKey(cursor, 0, Anum_role_index_object, BTEqualStrategyNumber);
		IndexCursorInitKey(cursor, 1, Anum_role_index_public, BTEqualStrategyNumber);
		IndexCursorInitKey(cursor, 2, Anum_role_index_timestamp, BTLessEqualStrategyNumber);
		IndexCursorSetKey(cursor, 1, BoolGetDatum(true));
		/* this excludes entries without a time */
		IndexCursorSetKey(cursor, 2, TimestampTzGetDatum(DT_NOEND));
	}
	MemoryContextSwitchTo(oldcontext);
	lowerer->cursors[index] = cursor;
	return cursor;
}

/*
 * Find the newest entries, up to "wanted" (one or two), that the cursor's keys accept.
 *
 * If the budget is used up, all further entries are assumed to be as new as the last
 * one that was looked at.
 */
static void
find_newest(RecencyLowerer *lowerer, IndexCursor *cursor, AttrNumber column, int wanted,
			NewestEntries *entries)
{
	int			n = 0;

	entries->newest = DT_NOBEGIN;
	entries->times[0] = entries->times[1] = 0;
	entries->has_place = entries->has_above = false;
	IndexCursorSeek(cursor);
	while (n < wanted && IndexCursorNext(cursor, BackwardScanDirection))
	{
		bool		isnull;
		TimestampTz timestamp =
			DatumGetTimestampTz(IndexCursorColumn(cursor, column, &isnull));
		bool		may_be_seen = lowerer->budget-- > 0 && IndexCursorIsVisible(cursor);

		CHECK_FOR_INTERRUPTS();
		if (!may_be_seen && lowerer->budget >= 0)
			continue;
		if (n == 0)
		{
			entries->newest = timestamp;
			entries->tid = *IndexCursorTid(cursor);
			entries->has_place = may_be_seen;
			entries->has_above = !IndexCursorIsOnLastPage(cursor);
		}
		entries->times[n++] = RecencyTime(timestamp);
		if (!may_be_seen)
		{
			entries->times[1] = RecencyTime(timestamp);
			break;
		}
	}
	/* release the page, as VACUUM may wait for it */
	IndexCursorSeek(cursor);
}

/*
 * Take the turn to lower a bound; false if another process has it.  That seldom lasts
 * long, so a patient lowerer waits for it.
 */
static bool
take_turn(RecencyLowerer *lowerer, SharedMemory *shared)
{
	uint32		expected = 0;

	while (!pg_atomic_compare_exchange_u32(&shared->lowerer, &expected, MyProcPid))
	{
		if (!lowerer->patient)
			return false;
		CHECK_FOR_INTERRUPTS();
		pg_usleep(1000L);
		expected = 0;
	}
	return true;
}

/* Mark a word as being lowered, if it has neither that mark nor any of "others". */
static bool
mark(pg_atomic_uint64 *word, uint64 others, uint64 *before)
{
	*before = pg_atomic_read_u64(word);
	return (*before & (BEING_LOWERED | others)) == 0 &&
		pg_atomic_compare_exchange_u64(word, before, *before | BEING_LOWERED);
}

/* Mark the words as being lowered; false if one cannot be marked, or the map is not current. */
static bool
mark_words(Lowering *lowering, const RecencyMap *map)
{
	lowering->bound_marked = mark(lowering->bound, lowering->rest == NULL ? 0 : BOUND_IS_NEW,
								  &lowering->bound_before);
	if (lowering->bound_marked && lowering->rest != NULL)
		lowering->rest_marked = mark(lowering->rest, 0, &lowering->rest_before);
	/* no index or fingerprint may be read before others can see the marks */
	pg_memory_barrier();
	return lowering->bound_marked && (lowering->rest == NULL || lowering->rest_marked) &&
		RecencyMapIsCurrent(map);
}

/* Set a word, if it still has its mark and is otherwise unchanged. */
static bool
set_marked(pg_atomic_uint64 *word, uint64 before, bool *marked, uint64 value)
{
	before |= BEING_LOWERED;
	*marked = false;
	return pg_atomic_compare_exchange_u64(word, &before, value);
}

/* Callback: a lowering ends, perhaps by an error.  Removes marks that are left. */
static void
end_turn(int code, Datum arg)
{
	Lowering   *lowering = (Lowering *) DatumGetPointer(arg);

	if (lowering->bound_marked)
		(void) set_marked(lowering->bound, lowering->bound_before, &lowering->bound_marked,
						  lowering->bound_before);
	if (lowering->rest_marked)
		(void) set_marked(lowering->rest, lowering->rest_before, &lowering->rest_marked,
						  lowering->rest_before);
	pg_memory_barrier();
	pg_atomic_write_u32(&lowering->shared->lowerer, 0);
}

/* For "make check-recency SLOW=…": between all steps, let others raise what we lower. */
static void
let_others_raise(RecencyLowerer *lowerer)
{
#ifdef RECENCY_SLOW_LOWERING
	if (!lowerer->patient)
		pg_usleep(RECENCY_SLOW_LOWERING);
#endif
}

/* Set the words to what the entries tell. */
static void
set_words(RecencyLowerer *lowerer, Lowering *lowering, const NewestEntries *entries)
{
	uint64		bound = entries->times[0] << BOUND_TIME_SHIFT;
	uint64		rest = entries->times[1] << BOUND_TIME_SHIFT;

	/* a newer entry has yet to raise the bound */
	if (entries->times[0] > lowering->bound_before >> BOUND_TIME_SHIFT)
		return;
	if (lowering->rest != NULL)
	{
		RecencySetPlace(&bound, &rest, entries->has_place ? &entries->tid : NULL);
		bound |= lowering->bound_before & BOUND_TAG;
	}
	else if (entries->has_above)
		bound |= ENTRIES_ABOVE;
	lowering->done = bound == lowering->bound_before && rest == lowering->rest_before;
	if (lowering->done)
		return;
	let_others_raise(lowerer);
	if (!set_marked(lowering->bound, lowering->bound_before, &lowering->bound_marked, bound))
		return;
	lowering->done = true;
	lowering->lowered = entries->times[0] < lowering->bound_before >> BOUND_TIME_SHIFT;
	if (lowering->rest == NULL)
		return;
	pg_atomic_fetch_add_u64(&lowering->shared->lowerings, 1);
	let_others_raise(lowerer);
	lowering->done = set_marked(lowering->rest, lowering->rest_before, &lowering->rest_marked, rest);
	lowering->lowered |= lowering->done &&
		entries->times[1] < lowering->rest_before >> BOUND_TIME_SHIFT;
}

/* The place of an object's bound in a role; NULL if it is not known to have its own. */
static pg_atomic_uint64 *
find_own_bound(const RecencyMap *map, uint64 hash, ActionIndex role)
{
	uint64		hashes[2] = {hash, RecencySecondHash(hash)};

	for (int line = 0; line < (int) lengthof(hashes); line++)
	{
		pg_atomic_uint64 *bounds = RecencyLine(map, hashes[line]);

		for (int i = 0; i < SHARED_BOUND; i++)
		{
			uint64		present = pg_atomic_read_u64(&bounds[i]);

			if (present == 0)
				return NULL;
			if ((present & BOUND_TAG) == RecencyTag(hash, role))
				return &bounds[i];
		}
	}
	return NULL;
}

static bool
belongs_to_one(const RecencyMap *map, const pg_atomic_uint64 *bound, uint64 hash)
{
	return pg_atomic_read_u32(RecencyFingerprintAt(map, bound)) == RecencyFingerprint(hash);
}

static void
count_lowered(RecencyLowerer *lowerer, const RecencyMap *map, const Lowering *lowering)
{
	lowerer->lowered += lowering->lowered;
	RecencyCount(map, RECENCY_LOWERED, lowering->lowered);
}

/*
 * Try once to lower a bound, if it belongs to the object only; the outcome is in
 * "lowering".
 */
static void
try_to_lower(RecencyLowerer *lowerer, const RecencyMap *map, uint64 hash, Ref *object,
			 ActionIndex role, Lowering *lowering, TimestampTz *newest)
{
	lowering->bound = find_own_bound(map, hash, role);
	if (lowering->bound == NULL || !belongs_to_one(map, lowering->bound, hash) ||
		!take_turn(lowerer, map->shared))
		return;
	lowering->rest = RecencyRest(lowering->bound);
	PG_ENSURE_ERROR_CLEANUP(end_turn, PointerGetDatum(lowering));
	{
		if (mark_words(lowering, map) && belongs_to_one(map, lowering->bound, hash) &&
			has_all_entries(lowerer, role))
		{
			IndexCursor *cursor = get_cursor(lowerer, role);
			NewestEntries entries;

			IndexCursorSetKey(cursor, 0, PointerGetDatum(object));
			find_newest(lowerer, cursor, Anum_role_index_timestamp, 2, &entries);
			set_words(lowerer, lowering, &entries);
			*newest = entries.newest;
			lowering->known = true;
		}
	}
	PG_END_ENSURE_ERROR_CLEANUP(end_turn, PointerGetDatum(lowering));
	end_turn(0, PointerGetDatum(lowering));
	count_lowered(lowerer, map, lowering);
}

/*
 * RecencyLower
 *		Lower the bound of an object in a role, and its rest, as far as possible.
 *
 * Returns whether the index was read for that: then no action of the list that a
 * snapshot of this transaction sees is newer than "newest".  "hash" is that of the
 * object.
 */
bool
RecencyLower(RecencyLowerer *lowerer, const RecencyMap *map, uint64 hash,
			 Ref *object, ActionIndex role, TimestampTz *newest)
{
	int			attempts = lowerer->patient ? MOST_ATTEMPTS : 1;
	Lowering	lowering = {.shared = map->shared};

	for (int i = 0; i < attempts && !lowering.done && may_lower(lowerer); i++)
		try_to_lower(lowerer, map, hash, object, role, &lowering, newest);
	return lowering.known;
}

/*
 * RecencyLowerNewest
 *		The same for the bound of all public actions of the database.
 */
bool
RecencyLowerNewest(RecencyLowerer *lowerer, const RecencyMap *map, TimestampTz *newest)
{
	Lowering	lowering = {.shared = map->shared, .bound = &map->database->newest};

	if (!RecencyTimeLineIsBounded(lowerer) || !may_lower(lowerer) ||
		!take_turn(lowerer, map->shared))
		return false;
	PG_ENSURE_ERROR_CLEANUP(end_turn, PointerGetDatum(&lowering));
	{
		if (mark_words(&lowering, map))
		{
			NewestEntries entries;

			find_newest(lowerer, get_cursor(lowerer, ACTION_BY_TIME),
						Anum_time_index_timestamp, 1, &entries);
			set_words(lowerer, &lowering, &entries);
			*newest = entries.newest;
			lowering.known = true;
		}
	}
	PG_END_ENSURE_ERROR_CLEANUP(end_turn, PointerGetDatum(&lowering));
	end_turn(0, PointerGetDatum(&lowering));
	count_lowered(lowerer, map, &lowering);
	return lowering.known;
}

/*
 * RecencyLowererCount
 *		How many bounds have been lowered since RecencyLowererBegin().
 */
int64
RecencyLowererCount(const RecencyLowerer *lowerer)
{
	return lowerer->lowered;
}

/*
 * RecencyLowererRest
 *		Release the memory for reading indexes.
 */
void
RecencyLowererRest(RecencyLowerer *lowerer)
{
	for (int i = 0; i < NUM_ACTION_INDEXES; i++)
	{
		if (lowerer->cursors[i] != NULL)
			IndexCursorRest(lowerer->cursors[i]);
	}
}

/*
 * RecencyLowererEnd
 *		Release what the lowerer holds, except for locks.
 */
void
RecencyLowererEnd(RecencyLowerer *lowerer)
{
	for (int i = 0; i < NUM_ACTION_INDEXES; i++)
	{
		if (lowerer->cursors[i] != NULL)
			IndexCursorClose(lowerer->cursors[i]);
	}
	pfree(lowerer);
}
