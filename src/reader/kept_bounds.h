/*
 * kept_bounds.h
 *		Bounds of the recency map, copied and kept with a list of follows.
 */
#ifndef ACTSTREAM_KEPT_BOUNDS_H
#define ACTSTREAM_KEPT_BOUNDS_H

#include "recency/recency_map.h"

/* An object to be looked up in the recency map. */
typedef struct RecencyProbe
{
	uint64		hash;			/* of the object */
	int			source;			/* its number in the set of sources */
	RoleSet		roles;
} RecencyProbe;

typedef struct KeptBounds KeptBounds;

/* The newest of the kept bounds. */
typedef struct KeptFront
{
	int		   *probes;			/* probes that they belong to, in no order, each once */
	int			n;
	TimestampTz cutoff;			/* none of the other bounds is newer */
} KeptFront;

extern KeptBounds *KeptBoundsCreate(int n);
extern TimestampTz *KeptBoundsRefresh(KeptBounds *kept, const RecencyMap *map,
									  const RecencyProbe *probes);
extern const KeptFront *KeptBoundsFront(const KeptBounds *kept, int nlists);
extern void KeptBoundsForgetFront(KeptBounds *kept);
extern void KeptBoundsSetFront(KeptBounds *kept, TimestampTz cutoff, int nlists);

#endif							/* ACTSTREAM_KEPT_BOUNDS_H */
