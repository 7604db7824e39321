/*
 * group_span.h
 *		The groups of one span of time.
 */
#ifndef ACTSTREAM_GROUP_SPAN_H
#define ACTSTREAM_GROUP_SPAN_H

#include "group/group_options.h"
#include "ref/ref.h"
#include "tables/action_place.h"

/* An action that is to be grouped. */
typedef struct GroupedAction
{
	ActionPlace place;
	const struct varlena *columns[NUM_GROUP_COLUMNS];	/* NULL where there is none */
} GroupedAction;

/* A group of the span. */
typedef struct SpanGroup
{
	uint64		hash;			/* of the columns that it is made by */
	int			number;			/* in the order in which the groups were met */
	bool		has_place;
	ActionPlace place;			/* of its newest action not above "as_of" */
	TimestampTz newest;
	TimestampTz oldest;
	const struct varlena *columns[NUM_GROUP_COLUMNS];	/* NULL where there is none, or
														 * where actions differ */
	int64		actions;
	int64		actors;
	int			nactors;		/* those in the samples, newest first */
	Datum	   *actor_sample;
	int			nids;
	Datum	   *action_sample;
} SpanGroup;

typedef struct GroupSpan GroupSpan;

extern GroupSpan *GroupSpanCreate(MemoryContext parent);
extern void GroupSpanReset(GroupSpan *span, const GroupOptions *options, const ActionPlace *as_of,
						   TimestampTz begin);
extern TimestampTz GroupSpanBeginning(const GroupSpan *span);
extern void GroupSpanAdd(GroupSpan *span, const GroupedAction *action);
extern int	GroupSpanFinish(GroupSpan *span, SpanGroup ***groups);

#endif							/* ACTSTREAM_GROUP_SPAN_H */
