/*
 * stream_bound.c
 *		Conditions that limit the part of a stream that is read.
 *
 * A condition stays a filter of the scan even where it also limits it: what is
 * made of it here need not be exact, only never too narrow.
 */
#include "postgres.h"

#include "compat.h"
#include "stream_bound.h"

#include "access/stratnum.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "utils/date.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

/* Strategy of an operator that compares timestamptz with something, or 0. */
static int
timestamp_strategy(Oid operator)
{
	Oid			opfamily = lookup_type_cache(TIMESTAMPTZOID, TYPECACHE_BTREE_OPFAMILY)->btree_opf;

	return get_op_opfamily_strategy(operator, opfamily);
}

static bool
is_time(Node *expr)
{
	Oid			type = exprType(expr);

	return type == TIMESTAMPTZOID || type == TIMESTAMPOID || type == DATEOID;
}

/*
 * StreamBoundOfClause
 *		Find out whether the clause compares "timestamp", and with what.
 *
 * "is_timestamp" tells the column in question.  Of a comparison of rows the
 * first column counts.
 */
bool
StreamBoundOfClause(Expr *clause, bool (*is_timestamp) (Node *expr, void *arg),
					void *arg, StreamBound *bound)
{
	Node	   *left;
	Node	   *right;
	Oid			operator;

	if (IsA(clause, OpExpr) && list_length(((OpExpr *) clause)->args) == 2)
	{
		left = linitial(((OpExpr *) clause)->args);
		right = lsecond(((OpExpr *) clause)->args);
		operator = ((OpExpr *) clause)->opno;
	}
	else if (IsA(clause, RowCompareExpr))
	{
		left = linitial(((RowCompareExpr *) clause)->largs);
		right = linitial(((RowCompareExpr *) clause)->rargs);
		operator = linitial_oid(((RowCompareExpr *) clause)->opnos);
	}
	else
		return false;

	if (!is_timestamp(left, arg))
	{
		Node	   *other = left;

		left = right;
		right = other;
		operator = get_commutator(operator);
		if (!is_timestamp(left, arg))
			return false;
	}
	if (!is_time(right) || !OidIsValid(operator))
		return false;
	bound->value = (Expr *) right;
	bound->strategy = timestamp_strategy(operator);
	bound->exact = IsA(clause, OpExpr);
	return bound->strategy != 0;
}

/* The value as timestamptz; "overflow" is set if there is none as small or large. */
static TimestampTz
convert_value(const StreamBound *bound, Datum value, int *overflow)
{
	*overflow = 0;
	switch (exprType((Node *) bound->value))
	{
		case DATEOID:
			return date2timestamptz_opt_overflow(DatumGetDateADT(value), overflow);
		case TIMESTAMPOID:
			return timestamp2timestamptz_opt_overflow(DatumGetTimestamp(value), overflow);
		default:
			return DatumGetTimestampTz(value);
	}
}

/* Nothing is newer than, or as new as, "value". */
static void
limit_newest(TimestampTz value, bool strictly, TimestampTz *newest, TimestampTz *oldest)
{
	if (strictly && value == DT_NOBEGIN)
		*oldest = DT_NOEND;		/* and below, newest = DT_NOBEGIN: nothing */
	else if (strictly)
		value--;
	*newest = Min(*newest, value);
}

/* Nothing is older than, or as old as, "value". */
static void
limit_oldest(TimestampTz value, bool strictly, TimestampTz *newest, TimestampTz *oldest)
{
	if (strictly && value == DT_NOEND)
		*newest = DT_NOBEGIN;
	else if (strictly)
		value++;
	*oldest = Max(*oldest, value);
}

/*
 * StreamBoundApply
 *		Narrow the part of time from "newest" to "oldest", both included, by
 *		what the bound says for a value.
 *
 * If nothing is left, "newest" is older than "oldest".
 */
void
StreamBoundApply(const StreamBound *bound, Datum value, bool isnull,
				 TimestampTz *newest, TimestampTz *oldest)
{
	TimestampTz limit;
	int			overflow;
	bool		strictly;

	if (isnull)
	{
		/* no comparison with null is true */
		*newest = DT_NOBEGIN;
		*oldest = DT_NOEND;
		return;
	}
	limit = convert_value(bound, value, &overflow);
	if (overflow != 0)
		return;					/* left to the filter */
	strictly = bound->exact &&
		(bound->strategy == BTLessStrategyNumber || bound->strategy == BTGreaterStrategyNumber);
	if (bound->strategy <= BTEqualStrategyNumber)
		limit_newest(limit, strictly, newest, oldest);
	if (bound->strategy >= BTEqualStrategyNumber)
		limit_oldest(limit, strictly, newest, oldest);
}
