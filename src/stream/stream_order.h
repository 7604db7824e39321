/*
 * stream_order.h
 *		The order of a stream, as the planner knows it.
 */
#ifndef ACTSTREAM_STREAM_ORDER_H
#define ACTSTREAM_STREAM_ORDER_H

#include "nodes/pathnodes.h"

extern List *StreamOrder(PlannerInfo *root, RelOptInfo *rel, bool whole);
extern Path *StreamOrderPath(PlannerInfo *root, RelOptInfo *rel, const IndexPath *lookup);

#endif							/* ACTSTREAM_STREAM_ORDER_H */
