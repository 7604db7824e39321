/*
 * tracking_cache.h
 *		The parsed arguments of triggers made by track().
 */
#ifndef ACTSTREAM_TRACKING_CACHE_H
#define ACTSTREAM_TRACKING_CACHE_H

#include "track/track_options.h"

#include "utils/reltrigger.h"

/* A trigger's parsed arguments; pointers are valid until the end of the transaction. */
typedef struct CachedTracking
{
	Oid			trigger;		/* hash key */
	Oid			relation;		/* the table that it fires on */
	Oid			source;			/* the table that it was made on: "relation", or one that
								 * this is a partition of */
	Tracking   *tracking;		/* NULL if the arguments are malformed */
	char	   *problem;		/* as part of a message; NULL if there is none */
	MemoryContext context;		/* holds both */
} CachedTracking;

extern CachedTracking TrackingOfTrigger(Relation rel, const Trigger *trigger);
extern Oid	TrackingSource(Oid relation, const Trigger *trigger);

#endif							/* ACTSTREAM_TRACKING_CACHE_H */
