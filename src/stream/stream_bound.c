/*
 * stream_bound.c
 *		Conditions that limit the part of a stream that is read.
 *
 * A condition remains a filter of the scan even if it also limits it, so the limits made
 * here need not be exact, but must never be too narrow.
 */
#include "postgres.h"

#include "base/compat.h"
#include "stream/stream_bound.h"
#include "tables/own_tables.h"
#include "tables/table_index.h"

#include "access/stratnum.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "nodes/nodeFuncs.h"
#include "utils/date.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

/*
 * The btree strategy of an operator that compares a column of that type with something;
 * 0 if it is none.
 */
static int
operator_strategy(Oid operator, Oid type)
{
	Oid			opfamily = lookup_type_cache(type, TYPECACHE_BTREE_OPFAMILY)->btree_opf;

	return get_op_opfamily_strategy(operator, opfamily);
}

static bool
is_time(Node *expr)
{
	Oid			type = exprType(expr);

	return type == TIMESTAMPTZOID || type == TIMESTAMPOID || type == DATEOID;
}

static bool
is_integer(Node *expr)
{
	Oid			type = exprType(expr);

	return type == INT8OID || type == INT4OID || type == INT2OID;
}

/*
 * If a comparison of two expressions compares the column, the expression that it is
 * compared with; else NULL.  Sets *strategy, of a btree with the column on the left.
 */
static Expr *
compared_with(Node *left, Node *right, Oid operator, Index rti, AttrNumber column, Oid type,
			  int *strategy)
{
	if (!IsColumnOf(left, rti, column))
	{
		Node	   *other = left;

		left = right;
		right = other;
		operator = get_commutator(operator);
		if (!IsColumnOf(left, rti, column))
			return NULL;
	}
	*strategy = OidIsValid(operator) ? operator_strategy(operator, type) : 0;
	return *strategy != 0 ? (Expr *) right : NULL;
}

/* Make a bound of a row comparison; false if that does not compare "timestamp" first. */
static bool
bound_of_rows(RowCompareExpr *rows, Index rti, StreamBound *bound)
{
	int			strategy;

	bound->timestamp = compared_with(linitial(rows->largs), linitial(rows->rargs),
									 linitial_oid(rows->opnos), rti, Anum_action_timestamp,
									 TIMESTAMPTZOID, &bound->strategy);
	if (bound->timestamp == NULL)
		return false;
	bound->id = compared_with(lsecond(rows->largs), lsecond(rows->rargs),
							  lsecond_oid(rows->opnos), rti, Anum_action_id,
							  INT8OID, &strategy);
	/* the columns may be on different sides */
	if (bound->id != NULL && (strategy != bound->strategy || !is_integer((Node *) bound->id)))
		bound->id = NULL;
	bound->exact = bound->id != NULL && list_length(rows->opnos) == 2;
	return true;
}

/*
 * StreamBoundOfClause
 *		Does the clause limit the places of actions?  If so, fills in the bound.
 *
 * It does if it compares "timestamp", or a row that begins with that.  "rti" is the index of
 * actstream.actions in the range table.
 */
bool
StreamBoundOfClause(Expr *clause, Index rti, StreamBound *bound)
{
	if (IsA(clause, OpExpr) && list_length(((OpExpr *) clause)->args) == 2)
	{
		OpExpr	   *op = (OpExpr *) clause;

		bound->timestamp = compared_with(linitial(op->args), lsecond(op->args), op->opno,
										 rti, Anum_action_timestamp, TIMESTAMPTZOID,
										 &bound->strategy);
		bound->id = NULL;
		bound->exact = true;
		if (bound->timestamp == NULL)
			return false;
	}
	else if (!IsA(clause, RowCompareExpr) ||
			 !bound_of_rows((RowCompareExpr *) clause, rti, bound))
		return false;
	return is_time((Node *) bound->timestamp);
}

/* The value as timestamptz; sets *overflow if it is out of range for that type. */
static TimestampTz
convert_timestamp(const StreamBound *bound, Datum value, int *overflow)
{
	*overflow = 0;
	switch (exprType((Node *) bound->timestamp))
	{
		case DATEOID:
			return date2timestamptz_opt_overflow(DatumGetDateADT(value), overflow);
		case TIMESTAMPOID:
			return timestamp2timestamptz_opt_overflow(DatumGetTimestamp(value), overflow);
		default:
			return DatumGetTimestampTz(value);
	}
}

static int64
convert_id(const StreamBound *bound, Datum value)
{
	switch (exprType((Node *) bound->id))
	{
		case INT2OID:
			return DatumGetInt16(value);
		case INT4OID:
			return DatumGetInt32(value);
		default:
			return DatumGetInt64(value);
	}
}

/* Exclude all places. */
static void
exclude_all(ActionPlace *newest, ActionPlace *oldest)
{
	*newest = OldestPlaceOf(DT_NOBEGIN);
	*oldest = NewestPlaceOf(DT_NOEND);
}

/* Exclude what is newer than "place", and if "strictly" also that place. */
static void
limit_newest(ActionPlace place, bool strictly, ActionPlace *newest, ActionPlace *oldest)
{
	if (strictly && !ActionPlaceGoDown(&place))
		exclude_all(newest, oldest);
	else if (ActionPlaceCompare(&place, newest) < 0)
		*newest = place;
}

/* Exclude what is older than "place", and if "strictly" also that place. */
static void
limit_oldest(ActionPlace place, bool strictly, ActionPlace *newest, ActionPlace *oldest)
{
	if (strictly && !ActionPlaceGoUp(&place))
		exclude_all(newest, oldest);
	else if (ActionPlaceCompare(&place, oldest) > 0)
		*oldest = place;
}

/*
 * StreamBoundApply
 *		Narrow the part of a stream from "newest" to "oldest", both included, by the
 *		bound with these values of a time and, if it has one, an id.
 *
 * If nothing is left, "newest" is older than "oldest".
 */
void
StreamBoundApply(const StreamBound *bound, NullableDatum timestamp, NullableDatum id,
				 ActionPlace *newest, ActionPlace *oldest)
{
	TimestampTz limit;
	int			overflow;
	bool		is_less = bound->strategy < BTEqualStrategyNumber;
	bool		is_greater = bound->strategy > BTEqualStrategyNumber;
	bool		strictly = bound->exact &&
		(bound->strategy == BTLessStrategyNumber || bound->strategy == BTGreaterStrategyNumber);

	if (timestamp.isnull)
	{
		/* no comparison with null is true */
		exclude_all(newest, oldest);
		return;
	}
	limit = convert_timestamp(bound, timestamp.value, &overflow);
	if (overflow != 0)
		return;					/* the filter does it */
	if (bound->id != NULL && !id.isnull)
	{
		ActionPlace place = {limit, convert_id(bound, id.value)};

		if (is_less)
			limit_newest(place, strictly, newest, oldest);
		else
			limit_oldest(place, strictly, newest, oldest);
		return;
	}
	/* "less than a time" excludes all places of that time */
	if (!is_greater)
		limit_newest(strictly ? OldestPlaceOf(limit) : NewestPlaceOf(limit), strictly,
					 newest, oldest);
	if (!is_less)
		limit_oldest(strictly ? NewestPlaceOf(limit) : OldestPlaceOf(limit), strictly,
					 newest, oldest);
}

/*
 * StreamBoundsInit
 *		Prepare the clauses, each of which is a bound, for a node of the plan.
 */
StreamBounds
StreamBoundsInit(List *clauses, Index rti, PlanState *node)
{
	StreamBounds result = {.bounds = palloc0(list_length(clauses) * sizeof(StreamBoundState))};
	ListCell   *lc;

	foreach(lc, clauses)
	{
		StreamBoundState *state = &result.bounds[result.nbounds++];

		if (!StreamBoundOfClause(lfirst(lc), rti, &state->bound))
			elog(ERROR, "clause of stream scan is not a bound");
		state->timestamp = ExecInitExpr(state->bound.timestamp, node);
		state->id = ExecInitExpr(state->bound.id, node);
	}
	return result;
}

/* The value of an expression; null for NULL. */
NullableDatum
StreamEvaluate(ExprState *expr, ExprContext *econtext)
{
	NullableDatum result = {.isnull = true};

	if (expr != NULL)
		result.value = ExecEvalExpr(expr, econtext, &result.isnull);
	return result;
}

/*
 * StreamBoundsApply
 *		The places, from "newest" to "oldest", that are within all bounds; see
 *		StreamBoundApply().  Evaluates the expressions.
 */
void
StreamBoundsApply(const StreamBounds *bounds, ExprContext *econtext,
				  ActionPlace *newest, ActionPlace *oldest)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(econtext->ecxt_per_tuple_memory);

	*newest = NewestPlaceOf(DT_NOEND);
	*oldest = OldestPlaceOf(DT_NOBEGIN);
	for (int i = 0; i < bounds->nbounds; i++)
	{
		const StreamBoundState *state = &bounds->bounds[i];

		StreamBoundApply(&state->bound, StreamEvaluate(state->timestamp, econtext),
						 StreamEvaluate(state->id, econtext), newest, oldest);
	}
	MemoryContextSwitchTo(oldcontext);
}
