/*
 * kept_bounds.h
 *		Bounds of the recency map, kept with the list of follows that they are of.
 */
#ifndef ACTSTREAM_KEPT_BOUNDS_H
#define ACTSTREAM_KEPT_BOUNDS_H

#include "recency.h"

/* What the recency map is asked for an object. */
typedef struct RecencyProbe
{
	uint64		hash;			/* of it */
	int			source;			/* which it is, for whoever asks */
	RoleSet		roles;
} RecencyProbe;

typedef struct KeptBounds KeptBounds;

extern KeptBounds *KeptBoundsCreate(int n);
extern TimestampTz *KeptBoundsRefresh(KeptBounds *kept, const RecencyMap *map,
									  const RecencyProbe *probes);

#endif							/* ACTSTREAM_KEPT_BOUNDS_H */
