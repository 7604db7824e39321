/*
 * kept_bounds.c
 *		Bounds of the recency map, kept with the list of follows that they are of.
 *
 * Thousands of bounds are in as many places of the map, which the processor has
 * to fetch one by one.  Kept in a row with the list of a follower they are read
 * in a moment; but others raise those in the map.  They note each raise in a
 * ring, so that it is enough to look at the bounds of which something was noted
 * since: a bound that is kept is too low for no raise that has been caught up
 * with.
 *
 * Whoever stores a row has noted the raise, or found it noted, before anyone can
 * see the row.  So who takes his snapshot first and then catches up has missed
 * nothing that he can see.  That a bound was lowered nobody notes: one that is kept
 * may be too high, until it is looked at in the map again.
 *
 * A page needs the newest few of the bounds, and they are likely to be the same for
 * the next.  So it is kept, too, which these are: the front.  What is raised joins
 * them, until they are too many.
 */
#include "postgres.h"

#include "base/compat.h"
#include "reader/kept_bounds.h"
#include "recency/recency_raise.h"

#include "utils/timestamp.h"

/*
 * Raises that are caught up with one by one, as a part of the number of bounds
 * and at least: a search takes some four times as long as a look at the map.
 */
#define PART_OF_BOUNDS	4
#define FEWEST_RAISES	64

/* No front is kept of fewer bounds than this, nor one with more than half of this. */
#define LARGEST_FRONT	256

struct KeptBounds
{
	uint64		raises;			/* those up to this have been caught up with */
	int			n;
	bool		has_front;
	int			front_lists;	/* as many lists were wanted when it was made */
	KeptFront	front;
	TimestampTz bounds[FLEXIBLE_ARRAY_MEMBER];
};

/* Know nothing of any bound, but all raises. */
static void
begin_anew(KeptBounds *kept, uint64 raises)
{
	for (int i = 0; i < kept->n; i++)
		kept->bounds[i] = DT_NOEND;
	kept->has_front = false;
	kept->raises = raises;
}

/*
 * KeptBoundsCreate
 *		Keep "n" bounds, in the current memory context.
 */
KeptBounds *
KeptBoundsCreate(int n)
{
	KeptBounds *kept = palloc_extended(offsetof(KeptBounds, bounds) + n * sizeof(TimestampTz),
									   MCXT_ALLOC_HUGE);

	kept->n = n;
	kept->front.probes = n < LARGEST_FRONT ? NULL : palloc(LARGEST_FRONT * sizeof(int));
	begin_anew(kept, 0);
	return kept;
}

/* Let a probe whose bound may be newer join the front, if it is not there. */
static void
join_front(KeptBounds *kept, int probe)
{
	for (int i = 0; i < kept->front.n; i++)
	{
		if (kept->front.probes[i] == probe)
			return;
	}
	if (kept->front.n == LARGEST_FRONT)
		kept->has_front = false;
	else
		kept->front.probes[kept->front.n++] = probe;
}

/* Know nothing of the bounds of the objects of a line. */
static void
forget_line(KeptBounds *kept, const RecencyProbe *probes, uint64 hash, int shift)
{
	int			low = 0;
	int			high = kept->n;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (probes[middle].hash >> shift < hash >> shift)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < kept->n && probes[low].hash >> shift == hash >> shift; low++)
	{
		kept->bounds[low] = DT_NOEND;
		if (kept->has_front)
			join_front(kept, low);
	}
}

/*
 * KeptBoundsRefresh
 *		For each probe what none of its bounds, in its roles, is newer than; DT_NOEND
 *		where nothing is known.
 *
 * The probes, of which there are as many as bounds, are in the order of their
 * hashes.  Whoever looks at the map after this, and before the next call, may put
 * what he finds into the array.
 */
TimestampTz *
KeptBoundsRefresh(KeptBounds *kept, const RecencyMap *map, const RecencyProbe *probes)
{
	int			shift = Max(map->line_shift, 32);	/* no more of a hash is noted */
	uint64		raises = RecencyCountRaises();
	uint64		hash;

	if (raises - kept->raises > (uint64) Min(Max(kept->n / PART_OF_BOUNDS, FEWEST_RAISES), RAISES_KEPT))
		begin_anew(kept, raises);
	for (uint64 i = kept->raises; i < raises; i++)
	{
		if (!RecencyFindRaise(i, &hash))
		{
			begin_anew(kept, raises);
			break;
		}
		forget_line(kept, probes, hash, shift);
	}
	kept->raises = raises;
	return kept->bounds;
}

/*
 * KeptBoundsFront
 *		The front of the bounds, as of the latest refresh; NULL if none is known that
 *		is likely to do for so many lists.
 */
const KeptFront *
KeptBoundsFront(const KeptBounds *kept, int nlists)
{
	return kept->has_front && kept->front_lists >= nlists ? &kept->front : NULL;
}

/*
 * KeptBoundsForgetFront
 *		The front has not been enough, or is not what is newest any more.
 */
void
KeptBoundsForgetFront(KeptBounds *kept)
{
	kept->has_front = false;
}

/*
 * KeptBoundsSetFront
 *		Let the front be what is newer than "cutoff".
 *
 * To be called when all bounds have been looked at, for so many lists.
 */
void
KeptBoundsSetFront(KeptBounds *kept, TimestampTz cutoff, int nlists)
{
	int			n = 0;

	kept->has_front = false;
	if (kept->front.probes == NULL)
		return;
	for (int i = 0; i < kept->n; i++)
	{
		if (kept->bounds[i] <= cutoff)
			continue;
		if (n == LARGEST_FRONT / 2)
			return;
		kept->front.probes[n++] = i;
	}
	kept->front.n = n;
	kept->front.cutoff = cutoff;
	kept->front_lists = nlists;
	kept->has_front = true;
}
