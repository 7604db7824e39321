/*
 * recency_lower.c
 *		Lowering the bounds of the recency map.
 *
 * A bound that is higher than anything in its list has to come down: what raised it
 * was rolled back, or has been deleted.  Whoever finds one too high looks for the
 * newest entries of the list whose rows anybody might still or yet see: those that no
 * VACUUM could remove.  Rows that were rolled back are not among them, nor are those
 * that were deleted before every snapshot; those of transactions that go on are, and
 * of prepared ones.
 *
 * Others raise the bound, and rely on it, at the same time.  They lock nothing, and
 * neither do we:
 *
 *	1. We put a mark on the bound, and on its rest, unless there is one.
 *	2. We see by its fingerprint whether the bound belongs to the object alone.
 *	3. We read the index.
 *	4. We set the bound, if it still has the mark, and is else what it was.
 *	5. We count this, and do the same with the rest.
 *
 * Whoever raises a word changes it, and whoever finds it high enough takes the mark
 * away (recency_raise.c).  So what we set is right if each of them either comes
 * after step 4 (and finds the bound as we have set it), or lets that fail, or has an
 * entry in the index that step 3 finds:
 *
 *	- An entry is put into the index of a role before the row raises bounds, if that
 *	  has a lower OID than the recency index, for in that order a row comes into the
 *	  indexes.  Whoever came before step 1 has left an entry before step 3.  Whoever
 *	  came between steps 1 and 4 has taken the mark away, or changed the word.
 *	- Otherwise we go on after step 1 only if every transaction that had begun to
 *	  write by then has ended, with all its entries.
 *	- No word is marked, and so is like what we expect in step 4, but by ourselves:
 *	  only one process lowers a bound at a time, of whatever database.  That is
 *	  not waited for: whoever reads a stream then leaves the bound as it is.
 *	- Who raises the bound of another object, which has come to share it, leaves
 *	  a fingerprint before he looks at the bound.  Either step 2 finds that, or
 *	  he finds our mark.
 *	- A bound that is new, raised but not yet noted for those who keep bounds, is not
 *	  lowered.  Otherwise somebody might rely on what is left of it, and be seen
 *	  by one who keeps a bound from before.  A kept bound is too high, at worst.
 *
 * Between steps 4 and 5 the bound may be raised, or relied on.  Then the rest is
 * raised, too, or its mark is taken away, so that step 5 fails and it stays too high.
 * What was left of the rest's block says of the newest row what the rows in the table
 * have to confirm anyway.  A bound from before step 4 with a rest from after step 5
 * would be wrong together: whoever reads both reads the count before and after.
 *
 * Snapshots that are taken later see nothing that step 3 left out, and older ones hold
 * back what they see.  Where this transaction has taken the table for itself, its
 * indexes may be others than those of a rollback, so it does not lower anything.
 *
 * The bound of all public actions is lowered in the same way, without a rest; it
 * belongs to one database.
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

/* If others raise a bound all the time, it is not tried for ever to lower it. */
#define MOST_ATTEMPTS	3

struct RecencyLowerer
{
	Relation	action;
	Oid			indexes[NUM_ACTION_INDEXES];
	Oid			recency_index;
	bool		patient;		/* wait for others that lower bounds? */
	int64		budget;			/* entries that may still be looked at */
	int64		lowered;		/* bounds, since that was set */
	MemoryContext context;		/* of cursors */
	IndexCursor *cursors[NUM_ACTION_INDEXES];	/* NULL until they are needed */
	SnapshotData living;		/* sees what VACUUM cannot remove */
};

/* A bound that is being lowered: words as they were, without the mark. */
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
	bool		done;			/* are they as high as they need be? */
	bool		lowered;		/* is one of them lower now? */
} Lowering;

/* The newest entries of a list. */
typedef struct NewestEntries
{
	TimestampTz newest;			/* no entry is newer */
	uint64		times[2];		/* of the newest, and of all others, as bounds have
								 * them; none is later, and 0 if there is none */
	bool		has_place;		/* is it known which is the newest? */
	ItemPointerData tid;		/* where that leads to */
	bool		has_above;		/* does the index go on for pages above that? */
} NewestEntries;

/*
 * RecencyLowererCreate
 *		Get ready to lower bounds of actstream.actions, whose indexes these are.
 *
 * The caller holds a lock on the table.  The result lives in the current memory
 * context and has to be ended.
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
 *		Let as many entries of indexes be looked at, or any number, patiently, if
 *		that is negative.
 */
void
RecencyLowererBegin(RecencyLowerer *lowerer, int64 budget)
{
	lowerer->patient = budget < 0;
	lowerer->budget = budget < 0 ? PG_INT64_MAX : budget;
	lowerer->lowered = 0;
}

/* Does a row come into the index before it raises bounds? */
static bool
entries_come_first(const RecencyLowerer *lowerer, ActionIndex index)
{
	return lowerer->indexes[index] < lowerer->recency_index;
}

/*
 * RecencyTimeLineIsBounded
 *		Whether the bound of all public actions can be relied on, where the map is
 *		complete.
 *
 * Before a database has an entry in the shared memory, nobody raises that bound.
 */
bool
RecencyTimeLineIsBounded(const RecencyLowerer *lowerer)
{
	return entries_come_first(lowerer, ACTION_BY_TIME);
}

/*
 * May bounds be lowered by this transaction?
 *
 * Where snapshots grow too old, rows that they see may have been removed, and who reads
 * by one has to come to the index to hear of that.
 */
static bool
may_lower(RecencyLowerer *lowerer)
{
	return lowerer->budget > 0 && !IsParallelWorker() && !RecoveryInProgress() &&
		!snapshots_grow_too_old() &&
		!CheckRelationLockedByMe(lowerer->action, AccessExclusiveLock, false);
}

/* Does the index have an entry for all that was raised, or relied on, before the marks? */
static bool
has_all_entries(RecencyLowerer *lowerer, ActionIndex index)
{
	TransactionId next;

	if (entries_come_first(lowerer, index))
		return true;
	next = ReadNextTransactionId();
	return !TransactionIdPrecedes(oldest_active_transaction(), next);
}

/* The cursor over an index, for keys of all its columns but the id. */
static IndexCursor *
get_cursor(RecencyLowerer *lowerer, ActionIndex index)
{
	MemoryContext oldcontext;
	IndexCursor *cursor = lowerer->cursors[index];

	if (cursor != NULL)
		return cursor;
	oldcontext = MemoryContextSwitchTo(lowerer->context);
	InitNonVacuumableSnapshot(lowerer->living, GlobalVisTestFor(lowerer->action));
	if (index == ACTION_BY_TIME)
	{
		cursor = IndexCursorOpen(lowerer->action, lowerer->indexes[index],
								 Anum_time_index_timestamp, &lowerer->living);
		IndexCursorInitKey(cursor, 0, Anum_time_index_timestamp, BTLessEqualStrategyNumber);
		IndexCursorSetKey(cursor, 0, TimestampTzGetDatum(DT_NOEND));
	}
	else
	{
		cursor = IndexCursorOpen(lowerer->action, lowerer->indexes[index],
								 Anum_role_index_timestamp, &lowerer->living);
		IndexCursorInitKey(cursor, 0, Anum_role_index_object, BTEqualStrategyNumber);
		IndexCursorInitKey(cursor, 1, Anum_role_index_public, BTEqualStrategyNumber);
		IndexCursorInitKey(cursor, 2, Anum_role_index_timestamp, BTLessEqualStrategyNumber);
		IndexCursorSetKey(cursor, 1, BoolGetDatum(true));
		/* entries without a time are beyond that */
		IndexCursorSetKey(cursor, 2, TimestampTzGetDatum(DT_NOEND));
	}
	MemoryContextSwitchTo(oldcontext);
	lowerer->cursors[index] = cursor;
	return cursor;
}

/*
 * Find the newest entries, one or two, that the cursor has from its keys on.
 *
 * If the budget does not last for that, all others are taken for as new as the last
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
		bool		living = lowerer->budget-- > 0 && IndexCursorIsVisible(cursor);

		CHECK_FOR_INTERRUPTS();
		if (!living && lowerer->budget >= 0)
			continue;
		if (n == 0)
		{
			entries->newest = timestamp;
			entries->tid = *IndexCursorTid(cursor);
			entries->has_place = living;
			entries->has_above = !IndexCursorIsOnLastPage(cursor);
		}
		entries->times[n++] = RecencyTime(timestamp);
		if (!living)
		{
			entries->times[1] = RecencyTime(timestamp);
			break;
		}
	}
	/* let go of the page, as VACUUM may wait for it */
	IndexCursorSeek(cursor);
}

/* Is it our turn to lower a bound?  If others are at it, it seldom takes long. */
static bool
take_turn(RecencyLowerer *lowerer, SharedMemory *shared)
{
	uint32		nobody = 0;

	while (!pg_atomic_compare_exchange_u32(&shared->lowerer, &nobody, MyProcPid))
	{
		if (!lowerer->patient)
			return false;
		CHECK_FOR_INTERRUPTS();
		pg_usleep(1000L);
		nobody = 0;
	}
	return true;
}

/* Put the mark on a word that has none, and none of "others" either. */
static bool
mark(pg_atomic_uint64 *word, uint64 others, uint64 *before)
{
	*before = pg_atomic_read_u64(word);
	return (*before & (BEING_LOWERED | others)) == 0 &&
		pg_atomic_compare_exchange_u64(word, before, *before | BEING_LOWERED);
}

/* Put marks on the words; false if one cannot have one. */
static bool
mark_words(Lowering *lowering)
{
	lowering->bound_marked = mark(lowering->bound, lowering->rest == NULL ? 0 : BOUND_IS_NEW,
								  &lowering->bound_before);
	if (lowering->bound_marked && lowering->rest != NULL)
		lowering->rest_marked = mark(lowering->rest, 0, &lowering->rest_before);
	/* nothing is read of an index, or a fingerprint, before others can see them */
	pg_memory_barrier();
	return lowering->bound_marked && (lowering->rest == NULL || lowering->rest_marked);
}

/* Set a word that still has its mark, and is else as it was. */
static bool
set_marked(pg_atomic_uint64 *word, uint64 before, bool *marked, uint64 value)
{
	before |= BEING_LOWERED;
	*marked = false;
	return pg_atomic_compare_exchange_u64(word, &before, value);
}

/* Callback for whatever way a lowering ends: take marks away that are still there. */
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

/* For "make check-recency SLOW=…": others raise what we lower, between all steps. */
static void
let_others_come(RecencyLowerer *lowerer)
{
#ifdef RECENCY_SLOW_LOWERING
	if (!lowerer->patient)
		pg_usleep(RECENCY_SLOW_LOWERING);
#endif
}

/* Let the words be as the entries say. */
static void
set_words(RecencyLowerer *lowerer, Lowering *lowering, const NewestEntries *entries)
{
	uint64		bound = entries->times[0] << BOUND_TIME_SHIFT;
	uint64		rest = entries->times[1] << BOUND_TIME_SHIFT;

	/* an entry that is newer has yet to raise the bound */
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
	let_others_come(lowerer);
	if (!set_marked(lowering->bound, lowering->bound_before, &lowering->bound_marked, bound))
		return;
	lowering->done = true;
	lowering->lowered = entries->times[0] < lowering->bound_before >> BOUND_TIME_SHIFT;
	if (lowering->rest == NULL)
		return;
	pg_atomic_fetch_add_u64(&lowering->shared->lowerings, 1);
	let_others_come(lowerer);
	lowering->done = set_marked(lowering->rest, lowering->rest_before, &lowering->rest_marked, rest);
	lowering->lowered |= lowering->done &&
		entries->times[1] < lowering->rest_before >> BOUND_TIME_SHIFT;
}

/* The place of a bound that an object has in a role, for itself as far as is known. */
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
 * Lower a bound once, if it belongs to the object alone; "lowering" tells what has
 * become of it.
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
		if (mark_words(lowering) && belongs_to_one(map, lowering->bound, hash) &&
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
 *		Let the bound of an object in a role, and its rest, be as high as they need
 *		be.
 *
 * Returns whether the index was read for that: then no action of the list that a
 * snapshot of this transaction sees is newer than "newest".  The hash is that of the
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
		if (mark_words(&lowering))
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
 *		Let go of memory for reading indexes.
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
