/*
 * stream_bound.h
 *		Conditions that limit the part of a stream that is read.
 */
#ifndef ACTSTREAM_STREAM_BOUND_H
#define ACTSTREAM_STREAM_BOUND_H

#include "datatype/timestamp.h"
#include "nodes/pathnodes.h"
#include "nodes/primnodes.h"

/* What a condition says of "timestamp". */
typedef struct StreamBound
{
	Expr	   *value;			/* what it is compared with */
	int			strategy;		/* as of a btree, "timestamp" on the left */
	bool		exact;			/* is that all that it says? */
} StreamBound;

extern bool StreamBoundOfClause(Expr *clause, bool (*is_timestamp) (Node *expr, void *arg),
								void *arg, StreamBound *bound);
extern void StreamBoundApply(const StreamBound *bound, Datum value, bool isnull,
							 TimestampTz *newest, TimestampTz *oldest);

#endif							/* ACTSTREAM_STREAM_BOUND_H */
