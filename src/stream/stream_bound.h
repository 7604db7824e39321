/*
 * stream_bound.h
 *		Conditions that limit the part of a stream that is read.
 */
#ifndef ACTSTREAM_STREAM_BOUND_H
#define ACTSTREAM_STREAM_BOUND_H

#include "tables/action_place.h"

#include "nodes/execnodes.h"
#include "postgres_ext.h"

/* How a condition limits the places of actions. */
typedef struct StreamBound
{
	Expr	   *timestamp;		/* what "timestamp" is compared with */
	Expr	   *id;				/* what id is compared with if the timestamps are equal;
								 * or NULL */
	int			strategy;		/* of a btree, with the columns on the left */
	bool		exact;			/* does the bound express the whole condition? */
} StreamBound;

/* A bound of a scan, and the expressions for its values. */
typedef struct StreamBoundState
{
	StreamBound bound;
	ExprState  *timestamp;
	ExprState  *id;				/* NULL if the bound has no id */
} StreamBoundState;

typedef struct StreamBounds
{
	StreamBoundState *bounds;
	int			nbounds;
} StreamBounds;

extern bool StreamBoundOfClause(Expr *clause, Index rti, StreamBound *bound);
extern void StreamBoundApply(const StreamBound *bound, NullableDatum timestamp, NullableDatum id,
							 ActionPlace *newest, ActionPlace *oldest);
extern NullableDatum StreamEvaluate(ExprState *expr, ExprContext *econtext);
extern StreamBounds StreamBoundsInit(List *clauses, Index rti, PlanState *node);
extern void StreamBoundsApply(const StreamBounds *bounds, ExprContext *econtext,
							  ActionPlace *newest, ActionPlace *oldest);

#endif							/* ACTSTREAM_STREAM_BOUND_H */
