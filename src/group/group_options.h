/*
 * group_options.h
 *		How actions are grouped.
 */
#ifndef ACTSTREAM_GROUP_OPTIONS_H
#define ACTSTREAM_GROUP_OPTIONS_H

#include "datatype/timestamp.h"
#include "utils/array.h"

/* What the actions of a group have in common, as bits 1 << GROUP_BY_… */
typedef enum GroupColumn
{
	GROUP_BY_VERB,
	GROUP_BY_ACTOR,
	GROUP_BY_ACTION_OBJECT,
	GROUP_BY_TARGET
} GroupColumn;

#define NUM_GROUP_COLUMNS	(GROUP_BY_TARGET + 1)
#define GROUP_COLUMN_BIT(column)	((uint8) (1 << (column)))

typedef struct GroupOptions
{
	uint8		by;				/* bits of GroupColumn, at least one */
	int64		span;			/* microseconds */
	int			sample;			/* number of actors and actions to name */
} GroupOptions;

extern uint8 GroupByFromArray(ArrayType *by);
extern int64 GroupSpanFromInterval(const Interval *interval);
extern TimestampTz GroupSpanBegin(int64 span, TimestampTz timestamp);
extern TimestampTz GroupSpanEnd(int64 span, TimestampTz begin);

#endif							/* ACTSTREAM_GROUP_OPTIONS_H */
