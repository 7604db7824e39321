/*
 * kept_bounds.h
 *		Bounds of the recency map, kept with the list of follows that they are of.
 */
#ifndef ACTSTREAM_KEPT_BOUNDS_H
#define ACTSTREAM_KEPT_BOUNDS_H

#include "recency/recency_map.h"

/* What the recency map is asked for an object. */
typedef struct RecencyProbe
{
	uint64		hash;			/* of it */
	int			source;			/* which it is, for whoever asks */
	RoleSet		roles;
} RecencyProbe;

typedef struct KeptBounds KeptBounds;

/* The bounds that are newer than the others. */
typedef struct KeptFront
{
	int		   *probes;			/* whose they are, in no order, each once */
	int			n;
	TimestampTz cutoff;			/* none of the others is newer */
} KeptFront;

extern KeptBounds *KeptBoundsCreate(int n);
extern TimestampTz *KeptBoundsRefresh(KeptBounds *kept, const RecencyMap *map,
									  const RecencyProbe *probes);
extern const KeptFront *KeptBoundsFront(const KeptBounds *kept, int nlists);
extern void KeptBoundsForgetFront(KeptBounds *kept);
extern void KeptBoundsSetFront(KeptBounds *kept, TimestampTz cutoff, int nlists);

#endif							/* ACTSTREAM_KEPT_BOUNDS_H */
