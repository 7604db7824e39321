/*
 * recency_raise.c
 *		Raising the bounds of the recency map.
 *
 * What holds at any time for a bound, its rest, and the actions that have raised
 * to the bound so far: none is later than the bound; none but one is later than
 * the rest, and that one, if there is one, has set the bound.  So whoever comes with
 * a later time lets the rest be as high as the bound is, and then sets the bound,
 * if it is still the same; and whoever comes with a time that is not later lets
 * the rest be as high as that.
 *
 * Who has set the bound says where his row is.  Its offset on a page is set with
 * the bound; the number of the page is taken out of the rest before, and put in
 * after, unless someone has changed the rest since.  So what is read of both, the
 * bound first, is of one row, or the rest is no lower than the bound.
 *
 * A bound may be lowered meanwhile.  Whoever lowers one has put a mark on both words
 * before, so whoever leaves a bound or a rest as it is, because it is high enough,
 * takes the mark away; and whoever changes it has taken it away by that.
 */
#include "postgres.h"

#include "base/compat.h"
#include "recency/recency_map.h"
#include "recency/recency_raise.h"

/* What a row raises a bound to. */
typedef struct Raise
{
	uint64		bound;			/* as it will be, but for the mark */
	uint64		block;			/* of the row, as a rest has it */
	uint32		fingerprint;	/* of the object */
	bool		again;			/* may the row have done so before? */
} Raise;

/*
 * Remember that the bounds of the lines of some objects have changed.  Only the
 * upper half of the hash of an object is kept, beside a part of the raise's number.
 *
 * That number is what all who raise have in common, so a row takes its numbers
 * together.
 */
static void
note_raises(SharedMemory *shared, const uint64 *hashes, int n)
{
	uint64		number = pg_atomic_fetch_add_u64(&shared->nraises, n);

	for (int i = 0; i < n; i++, number++)
	{
		uint64		hash = hashes[i] & ~(uint64) PG_UINT32_MAX;

#ifdef RECENCY_SKIP_NOTE
		/* for "make check-recency BREAK=note": rows go missing, which its test must see */
		if (random() % RECENCY_SKIP_NOTE == 0)
			hash = 0;
#endif
		pg_atomic_write_u64(&shared->raises[number % RAISES_KEPT], hash | (uint32) (number + 1));
	}
}

/*
 * Leave a word as it was present, and make sure that it is not lowered as if nobody
 * relied on it; false, and what it is then, if it has changed.
 */
static bool
rely_on(pg_atomic_uint64 *word, uint64 *present)
{
#ifdef RECENCY_SKIP_CLEAR
	/* for "make check-recency BREAK=lower": rows go missing, which its test must see */
	if (random() % RECENCY_SKIP_CLEAR == 0)
		return true;
#endif
	return (*present & BEING_LOWERED) == 0 ||
		pg_atomic_compare_exchange_u64(word, present, *present & ~BEING_LOWERED);
}

/*
 * Let a rest have no lower a time; its block stays, or is taken out.  Returns what
 * it is then.
 */
static uint64
raise_rest(pg_atomic_uint64 *rest, uint64 time, bool block_stays)
{
	uint64		present = pg_atomic_read_u64(rest);
	uint64		raised;

	do
	{
		/* without the mark of one that is being lowered */
		raised = Max(present >> BOUND_TIME_SHIFT, time) << BOUND_TIME_SHIFT;
		if (block_stays)
			raised |= present & REST_BLOCK_MASK;
	} while (raised != present && !pg_atomic_compare_exchange_u64(rest, &present, raised));
	return raised;
}

/*
 * Set a bound to a later one, if it is still as it was present, and else find out
 * what it is.  Its rest has been raised to that, without a block.
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
 * Has the row that raises set the bound already, as far as its place tells?
 *
 * A row that is new in that place has not, whoever was there before: when a table
 * is rewritten, that one goes elsewhere, and is another one of the same time.
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
 * Let a bound that is not free be no lower, and have a mark if that raises it.
 * Returns whether it has one.
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
	/* for "make check-recency BREAK=rest": rows go missing, which its test must see */
	if (random() % RECENCY_SKIP_REST == 0)
		return (present & BOUND_IS_NEW) != 0;
#endif
	if (!was_set_by(bound, present, raise))
		(void) raise_rest(RecencyRest(bound), time, true);
	return (present & BOUND_IS_NEW) != 0;
}

/*
 * Leave a fingerprint in a place, before its bound is looked at or touched: if it is
 * not the first, and another one, then it is one of several objects.
 *
 * Whoever lowers the bound looks here after the mark is on it.  So he finds that it is
 * shared, or his mark is found.
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
 * Raise the bound that has this tag in a line, or put it there; NULL if the line is
 * full and does not have it.
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
		/* who takes the first free place a moment before us may be our like */
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
 *		Let the bounds of the objects that have these hashes, each in its role, be
 *		no lower than "timestamp", which is that of the row at "tid".
 *
 * "again" is for who has found the two newest rows of each object in an index: the
 * newest is then not taken for one more, if it has raised them before.
 *
 * Whoever finds a bound high enough may commit, and be seen, before we come to
 * note that we have raised it: as long as the mark is there, he notes it, too.
 * Objects that share a bound are of the same line, so it is the same to note any of
 * them.
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

		/* who has raised it further in between left a mark of his own */
		(void) pg_atomic_compare_exchange_u64(places[i], &present, bounds[i]);
	}
}

/*
 * RecencyRaiseNewest
 *		Let the bound of all public actions of the database be no lower than
 *		"timestamp".
 *
 * It nearly always is, if actions come in the order of their times.
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
 *		How many raises there were so far.  Whoever reads bounds afterwards reads
 *		them as these have left them, or higher.
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
 *		The upper half of the hash of the object that a raise was for, with zeros
 *		below it; false if that is forgotten, or not yet noted.
 */
bool
RecencyFindRaise(uint64 number, uint64 *hash)
{
	uint64		raise = pg_atomic_read_u64(&SharedMemoryKnown()->raises[number % RAISES_KEPT]);

	*hash = raise & ~(uint64) PG_UINT32_MAX;
	return (uint32) raise == (uint32) (number + 1);
}
