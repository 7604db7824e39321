/*
 * source_bounds.c
 *		How new the newest action of each source of a stream can be.
 */
#include "postgres.h"

#include "compat.h"
#include "recency_build.h"
#include "source_bounds.h"

#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/timestamp.h"

/*
 * SourceBoundsFind
 *		Get ready the bounds of the sources, as far as the snapshot needs them;
 *		false if the recency map cannot be relied on.
 *
 * Asks for a map that can be, if there is only none yet.  "recency_index" is that
 * of RecencyIndexFind().
 */
bool
SourceBoundsFind(SourceBounds *bounds, SourceSet *sources, Oid recency_index, Snapshot snapshot)
{
	if (!OidIsValid(recency_index) || !RecencyMapWanted(snapshot) ||
		!RecencyMapFind(&bounds->map))
		return false;
	if (!RecencyMapIsComplete(&bounds->map, recency_index))
	{
		RecencyRequestBuild(&bounds->map);
		return false;
	}
	SourceSetHash(sources, false);
	bounds->sources = sources;
	bounds->kept = sources->kept_bounds == NULL ? NULL :
		KeptBoundsRefresh(sources->kept_bounds, &bounds->map, sources->probes);
	return true;
}

/*
 * SourceBoundsCountNewer
 *		How many lists of the sources may have an entry that is not older?
 */
int
SourceBoundsCountNewer(const SourceBounds *bounds, TimestampTz newest)
{
	TimestampTz older = Max(newest, DT_NOBEGIN + 1) - 1;
	int			count = 0;

	for (int i = 0; i < bounds->sources->n; i++)
	{
		TimestampTz found[NUM_ACTION_ROLES];

		CHECK_FOR_INTERRUPTS();
		if (i + PREFETCH_DISTANCE < bounds->sources->n)
			SourceBoundsPrefetch(bounds, i + PREFETCH_DISTANCE, older);
		count += pg_number_of_ones[SourceBoundsNewer(bounds, i, older, found)];
	}
	return count;
}
