/*
 * tracking_cache.h
 *		Triggers made by track(), understood once per session.
 */
#ifndef ACTSTREAM_TRACKING_CACHE_H
#define ACTSTREAM_TRACKING_CACHE_H

#include "track/track_options.h"

#include "utils/reltrigger.h"

/*
 * A trigger, understood.  Good until a catalog is read, but for the tracking, which is
 * until the end of the transaction.
 */
typedef struct CachedTracking
{
	Oid			trigger;		/* hash key */
	Oid			relation;		/* that it fires on */
	Oid			source;			/* that it was made on: a table that "relation" is, or is a
								 * partition of */
	Tracking   *tracking;		/* NULL if the arguments make no sense */
	char	   *problem;		/* what is wrong with them; NULL if nothing is */
	MemoryContext context;		/* of these two */
} CachedTracking;

extern CachedTracking TrackingOfTrigger(Relation rel, const Trigger *trigger);
extern Oid	TrackingSource(Oid relation, const Trigger *trigger);

#endif							/* ACTSTREAM_TRACKING_CACHE_H */
