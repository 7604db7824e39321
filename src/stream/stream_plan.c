/*
 * stream_plan.c
 *		Planning the scan of a stream.
 *
 * A stream is a scan of actstream.actions that has one of the conditions of
 * stream_functions.c among its restrictions.  The hook on the paths of a relation
 * recognizes that, and adds a path in which the reader returns the rows that meet the
 * condition, in the order of the stream.  Everything else works as in any table scan:
 * the executor checks privileges and applies the other conditions, policies first.
 *
 * The planner calls the support function of the stream functions, and of the conditions,
 * before it makes paths for the query.  That loads this library, with its hook, in any
 * session.
 */
#include "postgres.h"

#include "base/compat.h"
#include "reader/stream_tables.h"
#include "stream/stream_append.h"
#include "stream/stream_bound.h"
#include "stream/stream_estimate.h"
#include "stream/stream_exec.h"
#include "stream/stream_functions.h"
#include "stream/stream_inline.h"
#include "stream/stream_narrow.h"
#include "stream/stream_order.h"
#include "stream/stream_plan.h"
#include "stream/stream_scan.h"
#include "stream/stream_target.h"
#include "stream/stream_verbs.h"
#include "tables/local_tables.h"
#include "tables/own_tables.h"
#include "tables/spi_plan.h"
#include "tables/table_index.h"

#include "access/stratnum.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/supportnodes.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/plancat.h"
#include "optimizer/planner.h"
#include "optimizer/restrictinfo.h"
#include "parser/parsetree.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/selfuncs.h"

PG_FUNCTION_INFO_V1(actstream_stream_support);

static Plan *plan_stream(PlannerInfo *root, RelOptInfo *rel, CustomPath *best_path,
						 List *tlist, List *clauses, List *custom_plans);

static const CustomPathMethods stream_path_methods = {
	.CustomName = STREAM_SCAN_NAME,
	.PlanCustomPath = plan_stream
};

/* A scan of a stream. */
typedef struct StreamScan
{
	StreamKind	kind;
	FuncExpr   *condition;		/* identifies the stream */
	List	   *indexes;		/* see StreamTablesFind() */
	StreamEstimates estimates;
} StreamScan;

/* Rows to prepare for if it is not known that more are wanted. */
#define SMALL_PAGE		20

/* Rows to prepare for, for each group that is wanted */
#define GROUP_SIZE		8

/* actstream.enable_streamscan: may streams be read from the indexes? */
static bool enable_streamscan = true;

static set_rel_pathlist_hook_type next_set_rel_pathlist_hook = NULL;
static planner_hook_type next_planner_hook = NULL;
static get_relation_info_hook_type next_get_relation_info_hook = NULL;

/* Are the arguments for the row the columns of this relation? */
static bool
has_row_args(List *args, Index rti)
{
	for (ActionIndex role = 0; role < NUM_ACTION_ROLES; role++)
	{
		if (!IsColumnOf(list_nth(args, role), rti, ActionRoleColumns[role]))
			return false;
	}
	return IsColumnOf(list_nth(args, STREAM_TIMESTAMP_ARG), rti, Anum_action_timestamp) &&
		IsColumnOf(list_nth(args, STREAM_VERB_ARG), rti, Anum_action_verb);
}

/* Does the expression have the same value for all rows of the relation? */
static bool
is_given(PlannerInfo *root, RelOptInfo *rel, Node *expr)
{
	return !bms_overlap(pull_varnos(root, expr), rel->relids) &&
		!contain_volatile_functions(expr);
}

/* Is the clause a condition that identifies a stream, on the rows of this relation? */
static bool
is_condition_on(Node *clause, Index rti, StreamKind *kind)
{
	FuncExpr   *call = (FuncExpr *) clause;

	return IsA(clause, FuncExpr) && list_length(call->args) >= STREAM_ROW_ARGS &&
		has_row_args(call->args, rti) && StreamConditionKind(call->funcid, kind);
}

/* Is it such a condition, whose other arguments do not depend on the row? */
static bool
is_stream_condition(PlannerInfo *root, RelOptInfo *rel, Node *clause, StreamKind *kind)
{
	return is_condition_on(clause, rel->relid, kind) &&
		is_given(root, rel, (Node *) list_copy_tail(((FuncExpr *) clause)->args, STREAM_ROW_ARGS));
}

/*
 * If the scan of the relation is one of a stream, the condition that identifies it:
 * there must be such a condition, and one that the actions are public.  Else NULL.
 */
static FuncExpr *
find_condition(PlannerInfo *root, RelOptInfo *rel, StreamKind *kind)
{
	FuncExpr   *result = NULL;
	bool		only_public = false;
	ListCell   *lc;

	foreach(lc, rel->baserestrictinfo)
	{
		Node	   *clause = (Node *) lfirst_node(RestrictInfo, lc)->clause;

		if (result == NULL && is_stream_condition(root, rel, clause, kind))
			result = (FuncExpr *) clause;
		only_public |= IsColumnOf(clause, rel->relid, Anum_action_public);
	}
	return only_public ? result : NULL;
}

/* Estimate the selectivity of a condition that identifies a stream. */
static bool
estimate_selectivity(SupportRequestSelectivity *request)
{
	StreamKind	kind;
	Node	   *first = linitial(request->args);

	if (request->is_join || !StreamConditionKind(request->funcid, &kind) || !IsA(first, Var) ||
		!has_row_args(request->args, ((Var *) first)->varno))
		return false;
	request->selectivity = StreamEstimate(request->root, kind, request->args).rows /
		clamp_row_est(find_base_rel(request->root, ((Var *) first)->varno)->tuples);
	CLAMP_PROBABILITY(request->selectivity);
	return true;
}

/* Handle a call of a function that returns a stream, or of a condition. */
static void
prepare_call(PlannerInfo *root, FuncExpr *call)
{
	/* what becomes of the call depends on which roles may execute it */
	root->glob->dependsOnRole = true;
	if (!call->funcretset)
		return;
	OwnTablesRequireOf(call->funcid);
	if (enable_streamscan)
		StreamInline(root, get_func_support(call->funcid));
}

/*
 * actstream_stream_support
 *		Support function of the functions that return streams, and of the conditions
 *		that identify streams.
 */
Datum
actstream_stream_support(PG_FUNCTION_ARGS)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);
	Node	   *result = NULL;

	if (IsA(request, SupportRequestSimplify))
	{
		SupportRequestSimplify *simplification = (SupportRequestSimplify *) request;

		if (simplification->root != NULL)
			prepare_call(simplification->root, simplification->fcall);
	}
	else if (IsA(request, SupportRequestSelectivity) &&
			 estimate_selectivity((SupportRequestSelectivity *) request))
		result = request;
	PG_RETURN_POINTER(result);
}

/* Does the clause limit the scan, by values that are the same for all of its rows? */
static bool
clause_limits(PlannerInfo *root, RelOptInfo *rel, Expr *clause)
{
	StreamBound bound;

	return StreamBoundOfClause(clause, rel->relid, &bound) &&
		is_given(root, rel, (Node *) bound.timestamp) &&
		(bound.id == NULL || is_given(root, rel, (Node *) bound.id));
}

/* The clauses that the reader does not enforce. */
static List *
other_clauses(RelOptInfo *rel, List *clauses, FuncExpr *condition)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, clauses)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);

		if ((FuncExpr *) rinfo->clause != condition &&
			!IsColumnOf((Node *) rinfo->clause, rel->relid, Anum_action_public))
			result = lappend(result, rinfo);
	}
	return result;
}

/*
 * The clauses that say which part of a stream is read: those that limit it, and
 * "public".
 */
static List *
limiting_clauses(PlannerInfo *root, RelOptInfo *rel, List *clauses)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, clauses)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);

		if (IsColumnOf((Node *) rinfo->clause, rel->relid, Anum_action_public) ||
			clause_limits(root, rel, rinfo->clause))
			result = lappend(result, rinfo);
	}
	return result;
}

/*
 * The condition that restricts the stream to some verbs, as a list of a RestrictInfo; NIL if there is
 * none, or no index to make use of it.  It must be one that may be evaluated before policies.
 */
static List *
find_verbs(PlannerInfo *root, RelOptInfo *rel, const List *indexes, List *clauses)
{
	List	   *result = NIL;
	int			best = 0;
	ListCell   *lc;

	if (!OidIsValid(llast_oid(indexes)))
		return NIL;
	foreach(lc, clauses)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);
		bool		optional;
		Expr	   *verbs = StreamVerbsOfClause(rinfo->clause, rel->relid, &optional);

		int			rank;

		if (verbs == NULL || !is_given(root, rel, (Node *) verbs) ||
			!restriction_is_securely_promotable(rinfo, rel))
			continue;
		/* one verb rather than several, and what may be none last */
		rank = optional ? 1 : OidIsValid(get_element_type(exprType((Node *) verbs))) ? 2 : 3;
		if (rank > best)
			result = list_make1(rinfo);
		best = Max(best, rank);
	}
	return result;
}

/* Add a path that needs values from the relations "required_outer". */
static void
add_stream_path(PlannerInfo *root, RelOptInfo *rel, StreamScan *stream, Relids required_outer)
{
	CustomPath *path = makeNode(CustomPath);
	List	   *clauses = list_copy(rel->baserestrictinfo);
	List	   *verbs;

	path->path.pathtype = T_CustomScan;
	path->path.parent = rel;
	path->path.pathtarget = rel->reltarget;
	path->path.param_info = get_baserel_parampathinfo(root, rel, required_outer);
	/* with several child tables, workers would read each to its end and sort */
	path->path.parallel_safe = rel->consider_parallel && rel->reloptkind == RELOPT_BASEREL;
	path->path.pathkeys = StreamOrder(root, rel, false);
	path->path.rows = rel->rows;
	if (path->path.param_info)
	{
		path->path.rows = path->path.param_info->ppi_rows;
		clauses = list_concat(clauses, path->path.param_info->ppi_clauses);
	}
	verbs = find_verbs(root, rel, stream->indexes, clauses);
	StreamCost(root, &path->path, &stream->estimates,
			   list_concat(limiting_clauses(root, rel, clauses), verbs), verbs != NIL,
			   other_clauses(rel, clauses, stream->condition));
	path->flags = CUSTOMPATH_SUPPORT_PROJECTION;
	path->custom_private = list_make3(makeInteger(stream->kind), stream->condition,
									  stream->indexes);
	path->methods = &stream_path_methods;
	add_path(rel, &path->path);
}

static bool
contains_relids(List *list, Relids relids)
{
	ListCell   *lc;

	foreach(lc, list)
	{
		if (bms_equal(lfirst(lc), relids))
			return true;
	}
	return false;
}

/*
 * Add paths for conditions that compare "timestamp" with columns of other relations, one
 * for each set of such relations.
 */
static void
add_parameterized_paths(PlannerInfo *root, RelOptInfo *rel, StreamScan *stream)
{
	List	   *done = NIL;
	ListCell   *lc;

	foreach(lc, rel->joininfo)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);
		Relids		outer = bms_union(bms_difference(rinfo->clause_relids, rel->relids),
									  rel->lateral_relids);

		if (!join_clause_is_movable_to(rinfo, rel) ||
			!clause_limits(root, rel, rinfo->clause) ||
			bms_equal(outer, rel->lateral_relids) ||
			contains_relids(done, outer))
			continue;
		done = lappend(done, outer);
		add_stream_path(root, rel, stream, outer);
	}
}

/*
 * Add paths that read another stream, which contains all rows of this one that pass a
 * filter; see stream_narrow.c.  Uses only filters that may be evaluated before policies.
 */
static void
add_narrow_paths(PlannerInfo *root, RelOptInfo *rel, const StreamScan *stream)
{
	ListCell   *lc;

	foreach(lc, rel->baserestrictinfo)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);
		StreamScan	narrow = *stream;

		if (!restriction_is_securely_promotable(rinfo, rel))
			continue;
		narrow.condition = StreamNarrow(root, stream->condition, rinfo->clause);
		if (narrow.condition == NULL ||
			!is_stream_condition(root, rel, (Node *) narrow.condition, &narrow.kind))
			continue;
		narrow.estimates = StreamEstimate(root, narrow.kind, narrow.condition->args);
		add_stream_path(root, rel, &narrow, rel->lateral_relids);
		add_parameterized_paths(root, rel, &narrow);
	}
}

/*
 * Does the path look for one id, or for each of an array?  In a partitioned table that is not all of a
 * unique index, but there are hardly more rows.
 */
static bool
is_by_id(const IndexPath *path, bool *is_array)
{
	bool		result = false;
	ListCell   *lc;

	*is_array = true;
	foreach(lc, path->indexclauses)
	{
		const IndexClause *index_clause = lfirst_node(IndexClause, lc);
		const Node *clause;
		Oid			operator;

		if (index_clause->indexcol != 0 || path->indexinfo->indexkeys[0] != Anum_action_id ||
			list_length(index_clause->indexquals) != 1)
			continue;
		clause = (Node *) linitial_node(RestrictInfo, index_clause->indexquals)->clause;
		if (IsA(clause, OpExpr))
			operator = ((OpExpr *) clause)->opno;
		else if (IsA(clause, ScalarArrayOpExpr))
			operator = ((ScalarArrayOpExpr *) clause)->opno;
		else
			continue;
		if (get_op_opfamily_strategy(operator, path->indexinfo->opfamily[0]) != BTEqualStrategyNumber)
			continue;
		result = true;
		if (IsA(clause, OpExpr))
			*is_array = false;
	}
	return result;
}

/*
 * Add paths that look up rows in a unique index: "before" are those that the planner has made.  They
 * are by columns of other relations or by ids.  Where it is by one id, nothing else is worth a thought,
 * whatever statistics say; by several, the rows are put in the order of the stream.
 *
 * Returns whether there is any need to read the stream.
 */
static bool
add_lookup_paths(PlannerInfo *root, RelOptInfo *rel, List *before)
{
	bool		is_needed = true;
	ListCell   *lc;

	foreach(lc, before)
	{
		IndexPath  *path = PlainIndexPath(lfirst(lc));
		bool		is_array;
		bool		by_id;

		if (path == NULL || !path->indexinfo->unique)
			continue;
		by_id = is_by_id(path, &is_array);
		if (!bms_equal(PATH_REQ_OUTER(&path->path), rel->lateral_relids))
			rel->pathlist = lappend(rel->pathlist, path);
		else if (by_id && !is_array)
		{
			rel->pathlist = lappend(rel->pathlist, path);
			is_needed = false;
		}
		else if (by_id && rel->reloptkind == RELOPT_BASEREL && bms_is_empty(rel->lateral_relids))
			rel->pathlist = lappend(rel->pathlist, StreamOrderPath(root, rel, path));
	}
	return is_needed;
}

/* Can the reader read the table?  If so, fills in the indexes. */
static bool
is_readable(const RangeTblEntry *rte, List **indexes)
{
	Relation	table;
	bool		result;

	*indexes = StreamInlineIndexes(rte);
	if (*indexes != NIL)
		return true;
	table = table_open(rte->relid, NoLock);
	result = StreamTablesFind(table, indexes);
	table_close(table, NoLock);
	return result;
}

/*
 * Can the reader read the stream?  If so, fills in what the path needs.
 *
 * Not if a single row is wanted, which is looked up as in any table.
 */
static bool
find_stream(PlannerInfo *root, RelOptInfo *rel, const RangeTblEntry *rte, StreamScan *stream)
{
	if (is_single_row(root, rel) || !is_readable(rte, &stream->indexes))
		return false;
	stream->estimates = StreamEstimate(root, stream->kind, stream->condition->args);
	return true;
}

/*
 * Hook: have a stream read by the reader.
 *
 * Removes the other paths, except those that look up rows.  For a query with a join or
 * an ORDER BY, the planner assumes that all rows are wanted, and would sort the whole
 * table to return 20 of them; without an ORDER BY, other paths would not return the rows
 * in the order of the stream.
 */
static void
set_stream_pathlist(PlannerInfo *root, RelOptInfo *rel, Index rti, RangeTblEntry *rte)
{
	StreamScan	stream = {0};
	List	   *others;

	if (next_set_rel_pathlist_hook)
		next_set_rel_pathlist_hook(root, rel, rti, rte);
	if (!enable_streamscan || rte->rtekind != RTE_RELATION || IS_DUMMY_REL(rel))
		return;
	stream.condition = find_condition(root, rel, &stream.kind);
	if (stream.condition == NULL)
		return;
	if (rel->reloptkind == RELOPT_BASEREL)
		LocalTablesRefuseDistributed();
	root->glob->dependsOnRole = true;
	if (rte->inh)
		StreamAppendPlan(root, rel, &stream_path_methods);
	if (rte->inh || rte->tablesample != NULL || !find_stream(root, rel, rte, &stream))
		return;
	others = rel->pathlist;
	rel->pathlist = rel->partial_pathlist = NIL;
	PlanWithoutJit();
	if (!add_lookup_paths(root, rel, others))
		return;
	add_stream_path(root, rel, &stream, rel->lateral_relids);
	add_parameterized_paths(root, rel, &stream);
	add_narrow_paths(root, rel, &stream);
}

/*
 * Does the join tree give the relation, at its own place, a condition that identifies a
 * stream?  There is no join tree when CLUSTER or CREATE INDEX plans.
 */
static bool
has_condition(Node *jtnode, Index rti)
{
	ListCell   *lc;

	if (jtnode == NULL)
		return false;
	if (IsA(jtnode, JoinExpr))
		return has_condition(((JoinExpr *) jtnode)->larg, rti) ||
			has_condition(((JoinExpr *) jtnode)->rarg, rti);
	if (!IsA(jtnode, FromExpr))
		return false;
	foreach(lc, (List *) ((FromExpr *) jtnode)->quals)
	{
		StreamKind	kind;

		if (is_condition_on(lfirst(lc), rti, &kind))
			return true;
	}
	foreach(lc, ((FromExpr *) jtnode)->fromlist)
	{
		if (has_condition(lfirst(lc), rti))
			return true;
	}
	return false;
}

/* The relation whose child this is. */
static RelOptInfo *
parent_of(PlannerInfo *root, RelOptInfo *child)
{
	return find_base_rel(root, root->append_rel_array[child->relid]->parent_relid);
}

/* Will the relation be read as a stream?  Called before its restrictions are known. */
static bool
is_stream(PlannerInfo *root, RelOptInfo *rel, RangeTblEntry *rte)
{
	bool		is_child = rel->reloptkind == RELOPT_OTHER_MEMBER_REL;
	StreamKind	kind;
	List	   *indexes;

	if (!enable_streamscan || rte->rtekind != RTE_RELATION || rte->inh)
		return false;
	if (is_child ? find_condition(root, parent_of(root, rel), &kind) == NULL :
		rte->relid != OwnTableFind(OWN_ACTIONS) ||
		!has_condition((Node *) root->parse->jointree, rel->relid))
		return false;
	return is_readable(rte, &indexes);
}

/*
 * Hook: keep the planner from considering paths that would not be used.  Besides the
 * reader's indexes, which it finds itself, only unique indexes are useful for a stream,
 * to look up single rows.
 */
static void
forget_indexes(RELATION_HOOK_ARGS)
{
	ListCell   *lc;

	if (next_get_relation_info_hook)
		next_get_relation_info_hook(RELATION_HOOK_VALUES);
	if (rel->indexlist == NIL || !is_stream(root, rel, planner_rt_fetch(rel->relid, root)))
		return;
	foreach(lc, rel->indexlist)
	{
		if (!lfirst_node(IndexOptInfo, lc)->unique)
			rel->indexlist = foreach_delete_current(rel->indexlist, lc);
	}
}

/*
 * How many rows of the path the query will want: to prepare for at first, and to prepare
 * for if more are wanted.
 *
 * The body of a stream function has no LIMIT, but the query around it may have one.
 * Without one, the query may want all rows, or stop after a few, as a cursor or a loop
 * does.  It is not known of how many rows groups are made that a
 * LIMIT is on.
 */
static List *
wanted_rows(PlannerInfo *root, Path *path)
{
	double		rows = path->rows;
	bool		in_groups = false;

	for (PlannerInfo *level = root; level != NULL; level = level->parent_root)
	{
		in_groups |= level->parse->hasTargetSRFs;
		if (level->limit_tuples > 0)
		{
			int			limit = Min(level->limit_tuples, INT_MAX);

			if (in_groups)
				return list_make2_int(Min(rows, (double) limit * GROUP_SIZE), Min(rows, INT_MAX));
			return list_make2_int(limit, limit);
		}
	}
	if (root->tuple_fraction >= 1 && !in_groups)
		rows = root->tuple_fraction;
	else if (root->tuple_fraction > 0 && root->tuple_fraction < 1)
		rows *= root->tuple_fraction;
	return list_make2_int(Min(rows, SMALL_PAGE), Min(rows, INT_MAX));
}

/* Callback of the path: make the plan. */
static Plan *
plan_stream(PlannerInfo *root, RelOptInfo *rel, CustomPath *best_path,
			List *tlist, List *clauses, List *custom_plans)
{
	CustomScan *scan = makeNode(CustomScan);
	FuncExpr   *condition = lsecond_node(FuncExpr, best_path->custom_private);
	Var		   *public = makeVar(rel->relid, Anum_action_public, BOOLOID, -1, InvalidOid, 0);
	List	   *verbs = find_verbs(root, rel, lthird(best_path->custom_private), clauses);
	List	   *bounds = NIL;
	ListCell   *lc;

	clauses = extract_actual_clauses(other_clauses(rel, clauses, condition), false);
	foreach(lc, clauses)
	{
		if (clause_limits(root, rel, lfirst(lc)))
			bounds = lappend(bounds, lfirst(lc));
	}
	scan->scan.plan.targetlist = tlist;
	scan->scan.plan.qual = clauses;
	scan->scan.scanrelid = rel->relid;
	scan->flags = best_path->flags;
	scan->methods = &stream_scan_methods;
	scan->custom_private = list_make3(linitial(best_path->custom_private),
									  wanted_rows(root, &best_path->path),
									  lthird(best_path->custom_private));
	scan->custom_exprs = list_make3(list_make2(public, condition), bounds,
									get_actual_clauses(verbs));
	return &scan->scan.plan;
}

/* Hook: plan a statement, with streams where they can be read from the indexes. */
static PlannedStmt *
plan_statement(PLANNER_HOOK_ARGS)
{
	if (enable_streamscan)
		StreamTargetsMove(parse);
	return next_planner_hook ? next_planner_hook(PLANNER_HOOK_VALUES) :
		standard_planner(PLANNER_HOOK_VALUES);
}

/*
 * StreamPlanInit
 *		Install the hooks and the setting; called once, when the library is loaded.
 */
void
StreamPlanInit(void)
{
	DefineCustomBoolVariable("actstream.enable_streamscan",
							 "Enables the planner's use of stream scans.",
							 "If off, streams are planned like any query, and sorted.",
							 &enable_streamscan,
							 true,
							 PGC_USERSET,
							 0,
							 NULL,
							 NULL,
							 NULL);
	RegisterCustomScanMethods(&stream_scan_methods);
	StreamAppendInit();
	next_planner_hook = planner_hook;
	planner_hook = plan_statement;
	next_set_rel_pathlist_hook = set_rel_pathlist_hook;
	set_rel_pathlist_hook = set_stream_pathlist;
	next_get_relation_info_hook = get_relation_info_hook;
	get_relation_info_hook = forget_indexes;
}
