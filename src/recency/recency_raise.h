/*
 * recency_raise.h
 *		Raising the bounds of the recency map.
 */
#ifndef ACTSTREAM_RECENCY_RAISE_H
#define ACTSTREAM_RECENCY_RAISE_H

#include "recency/recency_map.h"

extern void RecencyRaise(const RecencyMap *map, const uint64 *hashes, RoleSet roles,
						 TimestampTz timestamp, ItemPointer tid, bool again);
extern void RecencyRaiseNewest(const RecencyMap *map, TimestampTz timestamp);
extern uint64 RecencyCountRaises(void);
extern bool RecencyFindRaise(uint64 number, uint64 *hash);

#endif							/* ACTSTREAM_RECENCY_RAISE_H */
