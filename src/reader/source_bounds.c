/*
 * source_bounds.c
 *		How new the newest action of each source of a stream can be.
 */
#include "postgres.h"

#include "base/compat.h"
#include "reader/source_bounds.h"
#include "recency/recency_build.h"

#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

/*
 * SourceBoundsMap
 *		Find the recency map; false if it cannot be relied on for what the snapshot
 *		sees.
 *
 * Requests that the map be completed if nothing else is missing.  "recency_index" is
 * that of RecencyIndexFind() or, for a partition, of RecencyIndexOfPartition().
 */
bool
SourceBoundsMap(RecencyMap *map, Relation action, Oid recency_index, Snapshot snapshot)
{
	if ((!OidIsValid(recency_index) && !action->rd_rel->relispartition) ||
		!RecencyMapWanted(snapshot) || !RecencyMapFind(map))
		return false;
	if (OidIsValid(recency_index) && RecencyMapIsComplete(map, recency_index))
		return true;
	RecencyRequestBuild(map, action);
	return false;
}

/*
 * SourceBoundsBegin
 *		Prepare to get the bounds of the sources from the map.
 */
void
SourceBoundsBegin(SourceBounds *bounds, const RecencyMap *map, SourceSet *sources)
{
	bounds->map = *map;
	SourceSetHash(sources, false);
	bounds->sources = sources;
	bounds->kept = sources->kept_bounds == NULL ? NULL :
		KeptBoundsRefresh(sources->kept_bounds, map, sources->probes);
}

/*
 * SourceBoundsBelow
 *		The same as SourceBoundsNewer(), but actions newer than "newest" do not count.
 */
RoleSet
SourceBoundsBelow(const SourceBounds *bounds, int probe, TimestampTz newest, TimestampTz time,
				  TimestampTz *found)
{
	RoleSet		roles = SourceBoundsNewer(bounds, probe, time, found);
	uint64		hash = bounds->sources->probes[probe].hash;

	for (ActionIndex role = 0; role < NUM_ACTION_ROLES; role++)
	{
		if ((roles & ROLE_BIT(role)) == 0)
			continue;
		found[role] = RecencyBoundBelow(&bounds->map, hash, role, newest, found[role]);
		if (found[role] <= time)
			roles &= ~ROLE_BIT(role);
	}
	return roles;
}

/*
 * SourceBoundsCount
 *		How many lists of the sources may have an action newer than "time", and no newer
 *		than "newest"?
 */
int
SourceBoundsCount(const SourceBounds *bounds, TimestampTz newest, TimestampTz time)
{
	int			count = 0;

	for (int i = 0; i < bounds->sources->n; i++)
	{
		TimestampTz found[NUM_ACTION_ROLES];

		CHECK_FOR_INTERRUPTS();
		if (i + PREFETCH_DISTANCE < bounds->sources->n)
			SourceBoundsPrefetch(bounds, i + PREFETCH_DISTANCE, time);
		count += pg_number_of_ones[SourceBoundsBelow(bounds, i, newest, time, found)];
	}
	return count;
}
