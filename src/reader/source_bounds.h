/*
 * source_bounds.h
 *		How new the newest action of each source of a stream can be.
 */
#ifndef ACTSTREAM_SOURCE_BOUNDS_H
#define ACTSTREAM_SOURCE_BOUNDS_H

#include "reader/source_set.h"
#include "recency/recency_map.h"

/* Bounds are prefetched for this many sources ahead. */
#define PREFETCH_DISTANCE	32

/* The bounds of a set of sources, while a stream is read. */
typedef struct SourceBounds
{
	RecencyMap	map;
	const SourceSet *sources;
	TimestampTz *kept;			/* of each probe, see KeptBoundsRefresh(); or NULL */
} SourceBounds;

/* Does the map have to be asked whether a source has anything newer than "time"? */
static inline bool
SourceBoundsAsk(const SourceBounds *bounds, int probe, TimestampTz time)
{
	return bounds->kept == NULL || bounds->kept[probe] > time;
}

/* Prepare to ask about a source soon. */
static inline void
SourceBoundsPrefetch(const SourceBounds *bounds, int probe, TimestampTz time)
{
	if (SourceBoundsAsk(bounds, probe, time))
		RecencyPrefetch(&bounds->map, bounds->sources->probes[probe].hash);
}

/*
 * SourceBoundsNewer
 *		The roles in which a source is shown and may have an action newer than "time",
 *		and in "newest" the bounds in these: see RecencyNewer().
 *
 * The source is that of the given probe.  Asking in the order of the probes is fastest.
 */
static pg_attribute_always_inline RoleSet
SourceBoundsNewer(const SourceBounds *bounds, int probe, TimestampTz time, TimestampTz *newest)
{
	const RecencyProbe *probes = bounds->sources->probes;
	TimestampTz most = time;
	RoleSet		roles;

	if (!SourceBoundsAsk(bounds, probe, time))
		return 0;
	roles = RecencyNewer(&bounds->map, probes[probe].hash, time, newest) & probes[probe].roles;
	if (bounds->kept == NULL)
		return roles;
	for (ActionIndex role = 0; role < NUM_ACTION_ROLES; role++)
	{
		if (roles & ROLE_BIT(role))
			most = Max(most, newest[role]);
	}
	bounds->kept[probe] = most;
	return roles;
}

extern bool SourceBoundsMap(RecencyMap *map, Relation action, Oid recency_index,
							Snapshot snapshot);
extern void SourceBoundsBegin(SourceBounds *bounds, const RecencyMap *map, SourceSet *sources);
extern RoleSet SourceBoundsBelow(const SourceBounds *bounds, int probe, TimestampTz newest,
								 TimestampTz time, TimestampTz *found);
extern int	SourceBoundsCount(const SourceBounds *bounds, TimestampTz newest, TimestampTz time);

#endif							/* ACTSTREAM_SOURCE_BOUNDS_H */
