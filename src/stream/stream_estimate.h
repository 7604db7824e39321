/*
 * stream_estimate.h
 *		How large a stream is, and what it costs to read.
 */
#ifndef ACTSTREAM_STREAM_ESTIMATE_H
#define ACTSTREAM_STREAM_ESTIMATE_H

#include "reader/stream_call.h"

#include "nodes/pathnodes.h"

typedef struct StreamEstimates
{
	double		lists;			/* number of lists to merge */
	double		rows;
	bool		in_order;		/* are its rows stored in about the order of the stream? */
} StreamEstimates;

extern StreamEstimates StreamEstimate(PlannerInfo *root, StreamKind kind, List *args);
extern void StreamCost(PlannerInfo *root, Path *path, const StreamEstimates *estimates,
					   List *limits, bool by_verb, List *filters);

#endif							/* ACTSTREAM_STREAM_ESTIMATE_H */
