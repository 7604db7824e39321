/*
 * kept_bounds.c
 *		Bounds of the recency map, copied and kept with a list of follows.
 *
 * Thousands of bounds are spread over the map, and the processor has to fetch each of
 * them from memory.  Copied to an array that is kept with the list of a follower, they
 * are read much faster.  But other backends raise bounds in the map.  They note each
 * raise in a ring buffer, so only the bounds for which a raise was noted have to be
 * looked up again: after a backend has caught up with all raises, none of its kept
 * bounds is too low.
 *
 * A transaction that stores a row has noted the raise, or found it noted, before
 * any other can see the row.  So a backend that takes its snapshot first, and then
 * catches up, misses nothing that the snapshot sees.  Lowering a bound is not noted:
 * a kept bound may be too high until it is looked up in the map again.
 *
 * A page needs the newest few of the bounds, which are likely to be the same for the
 * next page.  So the set of these, called the front, is kept, too.  Bounds that are
 * raised join it until there are too many.
 */
#include "postgres.h"

#include "base/compat.h"
#include "reader/kept_bounds.h"
#include "recency/recency_raise.h"

#include "utils/timestamp.h"

/*
 * Raises are caught up with one by one if there are fewer than 1/PART_OF_BOUNDS of the
 * number of bounds, or FEWEST_RAISES: to search for a bound takes some four times as
 * long as to look it up in the map.
 */
#define PART_OF_BOUNDS	4
#define FEWEST_RAISES	64

/*
 * Most bounds in a front; when it is made, it has at most half as many, enough for counting
 * notifications up to the usual cap.  No front is made if there are fewer bounds than
 * FEWEST_BOUNDS in all.
 */
#define LARGEST_FRONT	512
#define FEWEST_BOUNDS	256

struct KeptBounds
{
	uint64		raises;			/* number of raises that have been caught up with */
	int			n;
	bool		has_front;
	int			front_lists;	/* number of lists wanted when it was made */
	KeptFront	front;
	TimestampTz bounds[FLEXIBLE_ARRAY_MEMBER];
};

/* Forget all bounds; all raises count as caught up with. */
static void
forget_all(KeptBounds *kept, uint64 raises)
{
	for (int i = 0; i < kept->n; i++)
		kept->bounds[i] = DT_NOEND;
	kept->has_front = false;
	kept->raises = raises;
}

/*
 * KeptBoundsCreate
 *		Make room for "n" bounds, none of them known, in the current memory context.
 */
KeptBounds *
KeptBoundsCreate(int n)
{
	KeptBounds *kept = palloc_extended(offsetof(KeptBounds, bounds) + n * sizeof(TimestampTz),
									   MCXT_ALLOC_HUGE);

	kept->n = n;
	kept->front.probes = n < FEWEST_BOUNDS ? NULL : palloc(LARGEST_FRONT * sizeof(int));
	forget_all(kept, 0);
	return kept;
}

/* Add a probe whose bound may be newer to the front, unless it is there. */
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

/* Forget the bounds of the objects of a line. */
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
 *		For each probe a time that none of its bounds, in its roles, is newer than;
 *		DT_NOEND if nothing is known.
 *
 * There are as many probes as bounds, in the order of their hashes.  A caller that
 * looks up bounds in the map after this, and before the next call, may store them in
 * the array.
 */
TimestampTz *
KeptBoundsRefresh(KeptBounds *kept, const RecencyMap *map, const RecencyProbe *probes)
{
	int			shift = Max(map->line_shift, 32);	/* no more of a hash is noted */
	uint64		raises = RecencyCountRaises();
	uint64		hash;

	if (raises - kept->raises > (uint64) Min(Max(kept->n / PART_OF_BOUNDS, FEWEST_RAISES), RAISES_KEPT))
		forget_all(kept, raises);
	for (uint64 i = kept->raises; i < raises; i++)
	{
		if (!RecencyFindRaise(i, &hash))
		{
			forget_all(kept, raises);
			break;
		}
		forget_line(kept, probes, hash, shift);
	}
	kept->raises = raises;
	return kept->bounds;
}

/*
 * KeptBoundsFront
 *		The front of the bounds, as of the latest refresh; NULL if there is none that is
 *		likely to suffice for that many lists.
 */
const KeptFront *
KeptBoundsFront(const KeptBounds *kept, int nlists)
{
	return kept->has_front && kept->front_lists >= nlists ? &kept->front : NULL;
}

/*
 * KeptBoundsForgetFront
 *		Forget the front, which was not enough, or no longer has the newest bounds.
 */
void
KeptBoundsForgetFront(KeptBounds *kept)
{
	kept->has_front = false;
}

/*
 * KeptBoundsSetFront
 *		Make a front of the bounds that are newer than "cutoff".
 *
 * Called after all bounds have been looked up, for a merge of that many lists.
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
