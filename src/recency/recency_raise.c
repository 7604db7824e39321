/*
 * recency_raise.c
 *		Raising the bounds of the recency map.
 *
 * Conditions (1) and (2) of src/recency/README hold at any time.  So a row with a time
 * later than the bound first raises the rest to the bound, and then sets the bound, if
 * that has not changed meanwhile.  A row with a time that is not later raises the rest to
 * that time.
 *
 * The row that sets the bound also stores its location.  The offset number is set with
 * the bound; the block number is removed from the rest before, and the new one stored
 * after, unless the rest has changed meanwhile.  So a backend that reads the bound
 * first gets the location of a single row, or finds that the rest is no lower than the
 * bound.
 *
 * A bound may be lowered meanwhile, by a process that first marks the bound and its
 * rest.  A backend that leaves either of these unchanged, because it is high enough,
 * removes its mark.  Changing it also removes the mark.
 */
#include "postgres.h"

#include "base/compat.h"
#include "recency/recency_map.h"
#include "recency/recency_raise.h"

/* What a row raises a bound to. */
typedef struct Raise
{
	uint64		bound;			/* the new bound, without the mark */
	uint64		block;			/* block of the row, as stored in a rest */
	uint32		fingerprint;	/* of the object */
	bool		again;			/* may the row have raised it before? */
} Raise;

/*
 * Record that the bounds of the lines of some objects have been raised.  Only the upper
 * half of an object's hash is stored, together with part of the raise's number.
 *
 * All backends that raise contend for that number, so a row takes all its numbers at
 * once.
 */
static void
note_raises(SharedMemory *shared, const uint64 *hashes, int n)
{
	uint64		number = pg_atomic_fetch_add_u64(&shared->nraises, n);

	for (int i = 0; i < n; i++, number++)
	{
		uint64		hash = hashes[i] & ~(uint64) PG_UINT32_MAX;

#ifdef RECENCY_SKIP_NOTE
		/* for "make check-recency BREAK=note", whose test must notice missing rows */
		if (random() % RECENCY_SKIP_NOTE == 0)
			hash = 0;
#endif
		pg_atomic_write_u64(&shared->raises[number % RAISES_KEPT], hash | (uint32) (number + 1));
	}
}

/*
 * Leave a word unchanged, and make sure that it is not lowered as if nothing relied on
 * it.  Returns false, and its value in *present, if it has changed from that.
 */
static bool
rely_on(pg_atomic_uint64 *word, uint64 *present)
{
#ifdef RECENCY_SKIP_CLEAR
	/* for "make check-recency BREAK=lower", whose test must notice missing rows */
	if (random() % RECENCY_SKIP_CLEAR == 0)
		return true;
#endif
	return (*present & BEING_LOWERED) == 0 ||
		pg_atomic_compare_exchange_u64(word, present, *present & ~BEING_LOWERED);
}

/*
 * Raise a rest to at least "time", with or without its block number.  Returns its
 * value.
 */
static uint64
raise_rest(pg_atomic_uint64 *rest, uint64 time, bool block_stays)
{
	uint64		present = pg_atomic_read_u64(rest);
	uint64		raised;

	do
	{
		/* this removes the mark BEING_LOWERED */
		raised = Max(present >> BOUND_TIME_SHIFT, time) << BOUND_TIME_SHIFT;
		if (block_stays)
			raised |= present & REST_BLOCK_MASK;
	} while (raised != present && !pg_atomic_compare_exchange_u64(rest, &present, raised));
	return raised;
}

/*
 * Set a bound to a later one if it is still *present, and otherwise get its value.  Its
 * rest has been raised to the present bound, and has no block number.
 */
static bool
set_bound(pg_atomic_uint64 *bound, uint64 *present, uint64 rest, const Raise *raise)
{
	if (!pg_atomic_compare_exchange_u64(bound, present, raise->bound | BOUND_IS_NEW))
		return false;
	(void) pg_atomic_compare_exchange_u64(RecencyRest(bound), &rest, rest | raise->block);
	return true;
}

/*
 * Has the row that raises the bound set it already, as far as its location tells?
 *
 * A new row has not, whatever row was at its location before: when a table is
 * rewritten, the same location can belong to another row of the same time.
 */
static bool
was_set_by(pg_atomic_uint64 *bound, uint64 present, const Raise *raise)
{
	if (!raise->again || raise->block == 0 ||
		((present ^ raise->bound) & ~(BOUND_IS_NEW | BEING_LOWERED)) != 0)
		return false;
	pg_read_barrier();
	return (pg_atomic_read_u64(RecencyRest(bound)) & REST_BLOCK_MASK) == raise->block;
}

/*
 * Raise a bound, which is not zero, and mark it as new if that changes it.  Returns
 * whether it is marked.
 */
static bool
raise_bound(pg_atomic_uint64 *bound, const Raise *raise)
{
	uint64		time = raise->bound >> BOUND_TIME_SHIFT;
	uint64		present = pg_atomic_read_u64(bound);

	do
	{
		while (present >> BOUND_TIME_SHIFT < time)
		{
			uint64		rest = raise_rest(RecencyRest(bound), present >> BOUND_TIME_SHIFT, false);

			if (set_bound(bound, &present, rest, raise))
				return true;
		}
	} while (!rely_on(bound, &present));
#ifdef RECENCY_SKIP_REST
	/* for "make check-recency BREAK=rest", whose test must notice missing rows */
	if (random() % RECENCY_SKIP_REST == 0)
		return (present & BOUND_IS_NEW) != 0;
#endif
	if (!was_set_by(bound, present, raise))
		(void) raise_rest(RecencyRest(bound), time, true);
	return (present & BOUND_IS_NEW) != 0;
}

/*
 * Leave a fingerprint at a place before its bound is looked at or changed.  If another
 * object has left one there, the place becomes one of several objects.
 *
 * A process that lowers the bound looks at the fingerprint after setting its mark.  So
 * either it finds that the place is shared, or we find its mark.
 */
static void
leave_fingerprint(pg_atomic_uint32 *place, uint32 fingerprint)
{
	uint32		present = pg_atomic_read_u32(place);

	if (present == fingerprint ||
		(present == 0 && pg_atomic_compare_exchange_u32(place, &present, fingerprint)) ||
		present == fingerprint)
		return;
	if (present != SHARED_FINGERPRINT)
		pg_atomic_write_u32(place, SHARED_FINGERPRINT);
	pg_memory_barrier();
}

/*
 * Raise the bound that has this tag in a line, or add it; NULL if the line is full and
 * does not have it.
 */
static pg_atomic_uint64 *
raise_in_line(const RecencyMap *map, pg_atomic_uint64 *line, const Raise *raise, bool *marked)
{
	for (int i = 0; i < SHARED_BOUND; i++)
	{
		uint64		present = pg_atomic_read_u64(&line[i]);

		if (present != 0 && ((present ^ raise->bound) & BOUND_TAG) != 0)
			continue;
		leave_fingerprint(RecencyFingerprintAt(map, &line[i]), raise->fingerprint);
		/* another backend may take the place before us, even for the same tag */
		if (present == 0 && set_bound(&line[i], &present, 0, raise))
		{
			*marked = true;
			return &line[i];
		}
		if (((present ^ raise->bound) & BOUND_TAG) == 0)
		{
			*marked = raise_bound(&line[i], raise);
			return &line[i];
		}
	}
	return NULL;
}

/* Raise the bound of an object, wherever it is; returns its place. */
static pg_atomic_uint64 *
raise_in_map(const RecencyMap *map, uint64 hash, const Raise *raise, bool *marked)
{
	pg_atomic_uint64 *place = raise_in_line(map, RecencyLine(map, hash), raise, marked);

	if (place == NULL)
		place = raise_in_line(map, RecencyLine(map, RecencySecondHash(hash)), raise, marked);
	if (place == NULL)
	{
		place = &RecencyLine(map, hash)[SHARED_BOUND];
		*marked = raise_bound(place, raise);
	}
	return place;
}

/* What a row raises the bound of an object in a role to. */
static Raise
make_raise(TimestampTz timestamp, uint64 hash, ActionIndex role, ItemPointer tid, bool again)
{
	Raise		raise = {.bound = RecencyLimit(timestamp) | RecencyTag(hash, role),
	.fingerprint = RecencyFingerprint(hash), .again = again};

	RecencySetPlace(&raise.bound, &raise.block, tid);
	return raise;
}

/*
 * RecencyRaise
 *		Raise the bounds of the objects with these hashes, each in its role, to at least
 *		"timestamp", which is that of the row at "tid".
 *
 * "again" is for a caller that has found the two newest rows of each object in an
 * index: if the newest has set the bound before, it is not taken for another row.
 *
 * A backend that finds a bound high enough may commit, and its row be seen, before the
 * backend that raised the bound has noted that.  So while the mark is set, other
 * backends note the raise, too.  Objects that share a bound share the line, so
 * noting any of them suffices.
 */
void
RecencyRaise(const RecencyMap *map, const uint64 *hashes, RoleSet roles,
			 TimestampTz timestamp, ItemPointer tid, bool again)
{
	pg_atomic_uint64 *places[NUM_ACTION_ROLES];
	uint64		bounds[NUM_ACTION_ROLES];
	uint64		noted[NUM_ACTION_ROLES];
	int			n = 0;

	for (ActionIndex role = 0; role < NUM_ACTION_ROLES; role++)
	{
		Raise		raise;
		bool		marked;

		if ((roles & ROLE_BIT(role)) == 0)
			continue;
		raise = make_raise(timestamp, hashes[role], role, tid, again);
		bounds[n] = raise.bound;
		places[n] = raise_in_map(map, hashes[role], &raise, &marked);
		if (marked)
			noted[n++] = hashes[role];
	}
	if (n == 0)
		return;
	note_raises(map->shared, noted, n);
	for (int i = 0; i < n; i++)
	{
		uint64		present = bounds[i] | BOUND_IS_NEW;

		/* a backend that has raised it further meanwhile has left its own mark */
		(void) pg_atomic_compare_exchange_u64(places[i], &present, bounds[i]);
	}
}

/*
 * RecencyRaiseNewest
 *		Raise the bound of all public actions of the database to at least "timestamp".
 */
void
RecencyRaiseNewest(const RecencyMap *map, TimestampTz timestamp)
{
	uint64		limit = RecencyLimit(timestamp);
	pg_atomic_uint64 *newest;
	uint64		present;

	if (map->database == NULL)
		return;
	newest = &map->database->newest;
	present = pg_atomic_read_u64(newest);
	while (present < limit ?
		   !pg_atomic_compare_exchange_u64(newest, &present, limit | (present & ENTRIES_ABOVE)) :
		   !rely_on(newest, &present))
		;
}

/*
 * RecencyCountRaises
 *		The number of raises so far.  Bounds that are read afterwards include all of
 *		these.
 */
uint64
RecencyCountRaises(void)
{
	uint64		count = pg_atomic_read_u64(&SharedMemoryKnown()->nraises);

	pg_read_barrier();
	return count;
}

/*
 * RecencyFindRaise
 *		The upper half of the hash of the object that a raise was for, with zeros below;
 *		false if that has been overwritten, or is not yet noted.
 */
bool
RecencyFindRaise(uint64 number, uint64 *hash)
{
	uint64		raise = pg_atomic_read_u64(&SharedMemoryKnown()->raises[number % RAISES_KEPT]);

	*hash = raise & ~(uint64) PG_UINT32_MAX;
	return (uint32) raise == (uint32) (number + 1);
}
