/*
 * stream_append.h
 *		Reading a stream of a partitioned table, partition by partition.
 */
#ifndef ACTSTREAM_STREAM_APPEND_H
#define ACTSTREAM_STREAM_APPEND_H

#include "nodes/extensible.h"

extern void StreamAppendInit(void);
extern void StreamAppendPlan(PlannerInfo *root, RelOptInfo *rel,
							 const CustomPathMethods *scan_methods);

#endif							/* ACTSTREAM_STREAM_APPEND_H */
