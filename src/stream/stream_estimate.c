/*
 * stream_estimate.c
 *		How large a stream is, and what it costs to read.
 *
 * The estimates come from the statistics of the tables.  They affect how the scan of a
 * stream is joined to other tables, never how it is executed.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "ref/ref_ops.h"
#include "stream/stream_estimate.h"
#include "stream/stream_functions.h"
#include "tables/own_tables.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_statistic.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/plancat.h"
#include "parser/parsetree.h"
#include "port/pg_bitutils.h"
#include "storage/lockdefs.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/selfuncs.h"
#include "utils/syscache.h"

/* Assumed number of objects in an array that is not known at plan time. */
#define DEFAULT_NUM_OBJECTS		10

/* Lists that a page opens, at most: which ones, the recency map tells, or the time line. */
#define LISTS_PER_PAGE	20

/* Lists per follow: some are only for the followee as the actor, some for all roles. */
#define LISTS_PER_FOLLOW		2

/* What to look for in a column's statistics. */
typedef struct Question
{
	const Ref  *ref;			/* a reference; NULL if not known */
	const char *label;			/* or all references with a label; NULL if not known */
} Question;

/* The number of rows of one of our tables, estimated as the planner does. */
static double
estimate_tuples(Oid relid)
{
	Relation	rel = table_open(relid, AccessShareLock);
	BlockNumber pages;
	double		tuples;
	double		allvisfrac;

	estimate_rel_size(rel, NULL, &pages, &tuples, &allvisfrac);
	table_close(rel, NoLock);
	return clamp_row_est(tuples);
}

static bool
matches(const Question *question, Datum value)
{
	const Ref  *ref = DatumGetRefPP(value);

	if (question->label != NULL)
		return RefHasLabel(ref, question->label, strlen(question->label));
	return question->ref != NULL && RefCompare(ref, question->ref) == 0;
}

/* The fraction of a histogram's values that match; 0 if there is none. */
static double
histogram_fraction(HeapTuple stats, const Question *question)
{
	AttStatsSlot slot;
	int			nmatching = 0;
	double		result = 0;

	if (!get_attstatsslot(&slot, stats, STATISTIC_KIND_HISTOGRAM, InvalidOid, ATTSTATSSLOT_VALUES))
		return 0;
	for (int i = 0; i < slot.nvalues; i++)
		nmatching += matches(question, slot.values[i]);
	if (slot.nvalues > 0)
		result = (double) nmatching / slot.nvalues;
	free_attstatsslot(&slot);
	return result;
}

/*
 * The fraction of a table's rows that match the question in a column.
 *
 * The frequencies of common values are known.  The other values are assumed to be
 * equally frequent; for a label, the histogram says how many of them match.
 */
static double
stats_fraction(HeapTuple stats, const Question *question, double tuples)
{
	Form_pg_statistic form = (Form_pg_statistic) GETSTRUCT(stats);
	double		ndistinct = form->stadistinct < 0 ?
		-form->stadistinct * tuples : form->stadistinct;
	double		rest = 1.0 - form->stanullfrac;
	double		result = 0;
	AttStatsSlot slot;

	if (question->ref == NULL && question->label == NULL)
		return rest / Max(ndistinct, 1);
	if (get_attstatsslot(&slot, stats, STATISTIC_KIND_MCV, InvalidOid,
						 ATTSTATSSLOT_VALUES | ATTSTATSSLOT_NUMBERS))
	{
		for (int i = 0; i < slot.nvalues; i++)
		{
			if (matches(question, slot.values[i]))
				result += slot.numbers[i];
			rest -= slot.numbers[i];
		}
		ndistinct -= slot.nvalues;
		free_attstatsslot(&slot);
	}
	rest = Max(rest, 0);
	if (question->label != NULL)
		result += rest * histogram_fraction(stats, question);
	else if (result == 0)
		result = rest / Max(ndistinct, 1);
	return result;
}

/* The number of rows of a table that match the question in a column. */
static double
matching_rows(Oid relid, AttrNumber column, const Question *question, double tuples)
{
	HeapTuple	stats = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(relid),
										Int16GetDatum(column), BoolGetDatum(false));
	double		fraction = 1.0 / DEFAULT_NUM_DISTINCT;

	if (HeapTupleIsValid(stats))
	{
		fraction = stats_fraction(stats, question, tuples);
		ReleaseSysCache(stats);
	}
	return fraction * tuples;
}

/*
 * The number of actions, of "tuples" in the table, that match the question in any of the
 * roles.
 */
static double
role_rows(Oid relid, RoleSet roles, const Question *question, double tuples)
{
	double		result = 0;

	for (ActionIndex role = 0; role < NUM_ACTION_ROLES; role++)
	{
		if (roles & ROLE_BIT(role))
			result += matching_rows(relid, ActionRoleColumns[role], question, tuples);
	}
	return result;
}

/* The value of an argument, if it is a constant that is not null; else NULL. */
static Const *
known_arg(List *args, int arg)
{
	Node	   *node = list_nth(args, arg);

	return IsA(node, Const) && !((Const *) node)->constisnull ? (Const *) node : NULL;
}

/* The question about a reference, which may not be known. */
static Question
ref_question(const Const *known)
{
	Question	question = {NULL, NULL};

	if (known != NULL)
		question.ref = DatumGetRefPP(known->constvalue);
	return question;
}

/*
 * The question about the object of an array with one element, and the number of
 * elements.
 */
static Question
object_question(List *args, double *nobjects)
{
	Question	question = {NULL, NULL};
	Node	   *node = list_nth(args, STREAM_ROW_ARGS);
	Const	   *known = known_arg(args, STREAM_ROW_ARGS);

	*nobjects = DEFAULT_NUM_OBJECTS;
	if (known != NULL)
	{
		ArrayType  *objects = DatumGetArrayTypeP(known->constvalue);

		*nobjects = ArrayGetNItems(ARR_NDIM(objects), ARR_DIMS(objects));
		if (*nobjects == 1)
		{
			Datum		object;
			bool		isnull;

			if (array_iterate(array_create_iterator(objects, 0, NULL), &object, &isnull) && !isnull)
				question.ref = DatumGetRefPP(object);
		}
	}
	else if (IsA(node, ArrayExpr) && !((ArrayExpr *) node)->multidims)
		*nobjects = list_length(((ArrayExpr *) node)->elements);
	return question;
}

/* The estimated number of follows of a follower. */
static double
count_follows(List *args)
{
	Question	question = ref_question(known_arg(args, STREAM_ROW_ARGS));
	double		tuples = estimate_tuples(OwnTableId(OWN_FOLLOWS));

	return clamp_row_est(matching_rows(OwnTableId(OWN_FOLLOWS), Anum_follow_follower, &question, tuples));
}

/*
 * StreamEstimate
 *		Estimate a stream, given the arguments of the condition that identifies it.
 */
StreamEstimates
StreamEstimate(PlannerInfo *root, StreamKind kind, List *args)
{
	static const Question unknown = {NULL, NULL};
	Index		rti = linitial_node(Var, args)->varno;
	Oid			relid = planner_rt_fetch(rti, root)->relid;
	double		total = clamp_row_est(root->simple_rel_array[rti]->tuples);
	StreamEstimates result = {.lists = 1};
	Question	question = unknown;
	Const	   *known;
	RoleSet		roles;

	switch (kind)
	{
		case PUBLIC_STREAM:
			result.rows = total;
			result.in_order = true;
			break;
		case MODEL_STREAM:
			/* the label is looked up in the registry */
			known = known_arg(list_make1(estimate_expression_value(root, list_nth(args, STREAM_ROW_ARGS))), 0);
			if (known != NULL)
			{
				Ref		   *ref = DatumGetRefPP(known->constvalue);

				question.label = pnstrdup(VARDATA_ANY(ref), RefLabelLength(ref));
			}
			result.rows = role_rows(relid, ALL_ROLES, &question, total);
			result.in_order = true;
			break;
		case STREAM_OF:
			question = object_question(args, &result.lists);
			known = known_arg(args, STREAM_ROW_ARGS + 1);
			roles = known == NULL ? ALL_ROLES : DatumGetInt32(known->constvalue);
			result.rows = result.lists * role_rows(relid, roles, &question, total);
			result.lists *= pg_number_of_ones[roles];
			break;
		case USER_STREAM:
			result.lists = count_follows(args);
			result.rows = result.lists * role_rows(relid, ALL_ROLES, &unknown, total);
			result.lists *= LISTS_PER_FOLLOW;
			break;
	}
	result.rows = clamp_row_est(Min(result.rows, total));
	return result;
}

/*
 * StreamCost
 *		Fill in the costs of a path that reads the part of the stream within "limits",
 *		and filters it by "filters".
 *
 * Assumes that all rows within the limits are read, and the filters evaluated on each of
 * them, even if few rows pass.  "by_verb" says that the limits contain one of verbs, whose actions may
 * be read instead of lists.
 *
 * Opening a list costs as much as descending an index, see btcostestimate().  Few are opened
 * before the first rows come; this keeps the plan for a reader with few follows from looking so
 * much cheaper than that for any reader that each page would be planned again.  Then each
 * row costs an index entry and a visit to the heap, see cost_index().  On the time line,
 * successive rows are mostly on the same or adjacent pages, since actions are usually
 * inserted in the order of time.
 */
void
StreamCost(PlannerInfo *root, Path *path, const StreamEstimates *estimates, List *limits,
		   bool by_verb, List *filters)
{
	RelOptInfo *rel = path->parent;
	Cost		descent = 50.0 * cpu_operator_cost * 3;
	Cost		per_row = cpu_index_tuple_cost + cpu_tuple_cost;
	double		visited = clamp_row_est(estimates->rows *
										clauselist_selectivity(root, limits, rel->relid, JOIN_INNER, NULL));
	double		few_lists = Min(estimates->lists, LISTS_PER_PAGE);
	double		pages;
	QualCost	qual_cost;

	cost_qual_eval(&qual_cost, filters, root);
	pages = estimates->in_order ?
		ceil(visited / Max(rel->tuples, 1) * rel->pages) :
		index_pages_fetched(visited, rel->pages, rel->pages, root);
	path->startup_cost = few_lists * descent + qual_cost.startup;
	path->total_cost = (by_verb ? few_lists : estimates->lists) * descent + qual_cost.startup +
		visited * (per_row + qual_cost.per_tuple) + pages * random_page_cost;
}
