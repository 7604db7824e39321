/*
 * group_options.c
 *		How actions are grouped: by which columns, and over which spans of time.
 *
 * Spans are those of date_bin() with the origin 2001-01-01 00:00 in UTC, a Monday.
 * What happened infinitely long ago, or will happen at infinity, has a span of its own.
 */
#include "postgres.h"

#include "base/compat.h"
#include "group/group_options.h"

#include "catalog/pg_type.h"
#include "common/int.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

/* 2001-01-01, in microseconds since 2000-01-01 */
#define ORIGIN	(INT64CONST(366) * USECS_PER_DAY)

static const char *const column_names[NUM_GROUP_COLUMNS] = {
	[GROUP_BY_VERB] = "verb",
	[GROUP_BY_ACTOR] = "actor",
	[GROUP_BY_ACTION_OBJECT] = "action_object",
	[GROUP_BY_TARGET] = "target"
};

static uint8
bit_of(const char *name)
{
	for (int i = 0; i < NUM_GROUP_COLUMNS; i++)
	{
		if (strcmp(column_names[i], name) == 0)
			return GROUP_COLUMN_BIT(i);
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("actions cannot be grouped by \"%s\"", name),
			 errhint("Group them by \"actor\", \"verb\", \"action_object\" or \"target\".")));
}

/*
 * GroupByFromArray
 *		The columns that a text[] names, as bits; a name that is there twice counts once.
 *
 * Raises ERRCODE_NULL_VALUE_NOT_ALLOWED if one is null, and ERRCODE_INVALID_PARAMETER_VALUE if
 * there is none, or one is no such column.
 */
uint8
GroupByFromArray(ArrayType *by)
{
	uint8		result = 0;
	Datum	   *elems;
	bool	   *nulls;
	int			n;

	deconstruct_array(by, TEXTOID, -1, false, TYPALIGN_INT, &elems, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("what actions are grouped by must not be null")));
		result |= bit_of(TextDatumGetCString(elems[i]));
	}
	if (result == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("actions must be grouped by something"),
				 errhint("Group them by \"actor\", \"verb\", \"action_object\" or \"target\".")));
	return result;
}

/*
 * GroupSpanFromInterval
 *		The length of a span, in microseconds; a day has 24 hours.
 *
 * Raises ERRCODE_FEATURE_NOT_SUPPORTED if it contains months, as date_bin() does, and
 * ERRCODE_INVALID_PARAMETER_VALUE if it is not positive or too long.
 */
int64
GroupSpanFromInterval(const Interval *interval)
{
	int64		result;

	if (interval->month != 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the span of groups must not contain months or years"),
				 errhint("Pass a number of days, such as '30 days'.")));
	if (pg_mul_s64_overflow(interval->day, USECS_PER_DAY, &result) ||
		pg_add_s64_overflow(result, interval->time, &result))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the span of groups is out of range")));
	if (result <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the span of groups must be greater than zero")));
	return result;
}

/*
 * GroupSpanBegin
 *		When the span begins that the timestamp lies in.
 */
TimestampTz
GroupSpanBegin(int64 span, TimestampTz timestamp)
{
	int64		remainder;
	int64		result;

	if (TIMESTAMP_NOT_FINITE(timestamp))
		return timestamp;
	remainder = (timestamp - ORIGIN) % span;
	result = timestamp - remainder;
	/* one that begins before all timestamps */
	if (remainder < 0 && pg_sub_s64_overflow(result, span, &result))
		return MIN_TIMESTAMP;
	return Max(result, MIN_TIMESTAMP);
}

/*
 * GroupSpanEnd
 *		When the span ends that begins then; exclusive.
 */
TimestampTz
GroupSpanEnd(int64 span, TimestampTz begin)
{
	int64		last;

	if (TIMESTAMP_IS_NOEND(begin))
		return begin;
	if (TIMESTAMP_IS_NOBEGIN(begin))
		return MIN_TIMESTAMP;
	/* the first span may begin before the first timestamp, from which it is counted here */
	if (pg_add_s64_overflow(begin, span, &last))
		return DT_NOEND;
	last = GroupSpanBegin(span, last);
	return IS_VALID_TIMESTAMP(last) ? last : DT_NOEND;
}
