/*
 * recency_lower.h
 *		Lowering the bounds of the recency map.
 */
#ifndef ACTSTREAM_RECENCY_LOWER_H
#define ACTSTREAM_RECENCY_LOWER_H

#include "recency/recency_map.h"

#include "utils/relcache.h"

typedef struct RecencyLowerer RecencyLowerer;

extern RecencyLowerer *RecencyLowererCreate(Relation action, const Oid *indexes,
											Oid recency_index);
extern void RecencyLowererBegin(RecencyLowerer *lowerer, int64 budget);
extern bool RecencyTimeLineIsBounded(const RecencyLowerer *lowerer);
extern bool RecencyLower(RecencyLowerer *lowerer, const RecencyMap *map, uint64 hash,
						 Ref *object, ActionIndex role, TimestampTz *newest);
extern bool RecencyLowerNewest(RecencyLowerer *lowerer, const RecencyMap *map,
							   TimestampTz *newest);
extern int64 RecencyLowererCount(const RecencyLowerer *lowerer);
extern void RecencyLowererRest(RecencyLowerer *lowerer);
extern void RecencyLowererEnd(RecencyLowerer *lowerer);

#endif							/* ACTSTREAM_RECENCY_LOWER_H */
