/*
 * stream_plan.c
 *		Planning the scan of a stream.
 *
 * The support function of the stream functions is called while a query that
 * has one is planned, which loads this library, whose hook then replaces the
 * scan of the function by a scan of the stream.  Where the reader would not
 * show the current user what a query does, the support function has already
 * replaced the call by one of its SQL form, which the planner inlines.
 *
 * Either way the plan is good for the role and the tables that it was made
 * for, and is marked so.
 */
#include "postgres.h"

#include "compat.h"
#include "catalog.h"
#include "stream.h"
#include "stream_bound.h"
#include "stream_estimate.h"
#include "stream_scan.h"
#include "stream_sql.h"

#include "access/sysattr.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/supportnodes.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/restrictinfo.h"
#include "utils/acl.h"
#include "utils/typcache.h"

PG_FUNCTION_INFO_V1(actstream_stream_support);

static Plan *plan_stream(PlannerInfo *root, RelOptInfo *rel, CustomPath *best_path,
						 List *tlist, List *clauses, List *custom_plans);

static const CustomPathMethods stream_path_methods = {
	.CustomName = STREAM_SCAN_NAME,
	.PlanCustomPath = plan_stream
};

static set_rel_pathlist_hook_type next_set_rel_pathlist_hook = NULL;

/* Make the plan one for the current role, to be made anew if our tables change. */
static void
depend_on_tables(PlannerInfo *root, StreamKind kind)
{
	PlannerGlobal *glob = root->glob;

	glob->dependsOnRole = true;
	glob->relationOids = list_append_unique_oid(glob->relationOids, ActionRelationId());
	if (kind == USER_STREAM)
		glob->relationOids = list_append_unique_oid(glob->relationOids, FollowRelationId());
}

static bool
may_execute(Oid function)
{
	return object_aclcheck(ProcedureRelationId, function, GetUserId(), ACL_EXECUTE) == ACLCHECK_OK;
}

/*
 * The call of the SQL form, or NULL if the call may stay as it is.
 */
static Node *
simplify(PlannerInfo *root, FuncExpr *call)
{
	StreamKind	kind;

	if (root == NULL || !StreamFunctionKind(call->funcid, &kind))
		return NULL;
	depend_on_tables(root, kind);
	/* who may not call the one is not to be given the other */
	if (StreamReaderUsable(kind) || !may_execute(call->funcid))
		return NULL;
	call = copyObject(call);
	call->funcid = StreamSqlFunction(call->funcid);
	return (Node *) call;
}

/*
 * actstream_stream_support
 *		Support function of the functions that return streams.
 */
Datum
actstream_stream_support(PG_FUNCTION_ARGS)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);
	Node	   *result = NULL;

	if (IsA(request, SupportRequestSimplify))
	{
		SupportRequestSimplify *simplification = (SupportRequestSimplify *) request;

		result = simplify(simplification->root, simplification->fcall);
	}
	else if (IsA(request, SupportRequestRows))
	{
		SupportRequestRows *rows = (SupportRequestRows *) request;
		StreamKind	kind;

		if (rows->node != NULL && IsA(rows->node, FuncExpr) &&
			StreamFunctionKind(rows->funcid, &kind))
		{
			rows->rows = StreamEstimate(kind, ((FuncExpr *) rows->node)->args).rows;
			result = request;
		}
	}
	PG_RETURN_POINTER(result);
}

/*
 * The call of a stream function that is all of the relation, or NULL.
 */
static FuncExpr *
stream_call(RangeTblEntry *rte, StreamKind *kind)
{
	Node	   *expr;

	if (rte->rtekind != RTE_FUNCTION || rte->funcordinality ||
		list_length(rte->functions) != 1)
		return NULL;
	expr = linitial_node(RangeTblFunction, rte->functions)->funcexpr;
	if (!IsA(expr, FuncExpr) || !((FuncExpr *) expr)->funcretset ||
		!StreamFunctionKind(((FuncExpr *) expr)->funcid, kind))
		return NULL;
	return (FuncExpr *) expr;
}

/* Is the expression a column of the relation? */
static bool
is_column(Node *expr, AttrNumber column, void *arg)
{
	RelOptInfo *rel = arg;
	Var		   *var = (Var *) expr;

	return IsA(expr, Var) && var->varno == (int) rel->relid && var->varlevelsup == 0 &&
		var->varattno == column;
}

/* Is the expression the same for all rows of the relation? */
static bool
is_constant(PlannerInfo *root, RelOptInfo *rel, Expr *expr)
{
	return !bms_overlap(pull_varnos(root, (Node *) expr), rel->relids) &&
		!contain_volatile_functions((Node *) expr);
}

/* Whether the clause limits the scan, by values that are the same for all of its rows. */
static bool
clause_limits(PlannerInfo *root, RelOptInfo *rel, Expr *clause)
{
	StreamBound bound;

	return StreamBoundOfClause(clause, is_column, rel, &bound) &&
		is_constant(root, rel, bound.timestamp) &&
		(bound.id == NULL || is_constant(root, rel, bound.id));
}

/* The order of a stream, as far as the query takes an interest in it. */
static List *
stream_pathkeys(PlannerInfo *root, RelOptInfo *rel)
{
	static const AttrNumber columns[] = {Anum_action_timestamp, Anum_action_id};
	static const Oid types[] = {TIMESTAMPTZOID, INT8OID};
	List	   *result = NIL;

	for (int i = 0; i < (int) lengthof(columns); i++)
	{
		Var		   *var = makeVar(rel->relid, columns[i], types[i], -1, InvalidOid, 0);
		Oid			operator = lookup_type_cache(types[i], TYPECACHE_GT_OPR)->gt_opr;
		List	   *pathkey = expression_pathkey(root, (Expr *) var, operator, rel->relids);

		if (pathkey == NIL)
			break;
		/* what is constant has no place in an order */
		if (!EC_MUST_BE_REDUNDANT(linitial_node(PathKey, pathkey)->pk_eclass))
			result = list_concat(result, pathkey);
	}
	return result;
}

/* Add the path that needs the rows of the relations "required_outer". */
static void
add_stream_path(PlannerInfo *root, RelOptInfo *rel, StreamKind kind, FuncExpr *call,
				Relids required_outer)
{
	CustomPath *path = makeNode(CustomPath);
	StreamEstimates estimates = StreamEstimate(kind, call->args);
	List	   *clauses = rel->baserestrictinfo;

	path->path.pathtype = T_CustomScan;
	path->path.parent = rel;
	path->path.pathtarget = rel->reltarget;
	path->path.param_info = get_baserel_parampathinfo(root, rel, required_outer);
	path->path.parallel_safe = rel->consider_parallel;
	path->path.pathkeys = stream_pathkeys(root, rel);
	path->path.rows = rel->rows;
	if (path->path.param_info)
	{
		path->path.rows = path->path.param_info->ppi_rows;
		clauses = list_concat_copy(clauses, path->path.param_info->ppi_clauses);
	}
	StreamCost(root, &path->path, &estimates, clauses);
	path->flags = CUSTOMPATH_SUPPORT_PROJECTION;
	path->custom_private = list_make2(makeInteger(kind), call);
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
 * Add paths for conditions that compare "timestamp" with columns of other
 * relations, each set of those once.
 */
static void
add_parameterized_paths(PlannerInfo *root, RelOptInfo *rel, StreamKind kind, FuncExpr *call)
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
		add_stream_path(root, rel, kind, call, outer);
	}
}

/*
 * Hook: replace the scan of a stream function by a scan of the stream.
 */
static void
set_stream_pathlist(PlannerInfo *root, RelOptInfo *rel, Index rti, RangeTblEntry *rte)
{
	StreamKind	kind;
	FuncExpr   *call;

	if (next_set_rel_pathlist_hook)
		next_set_rel_pathlist_hook(root, rel, rti, rte);
	call = stream_call(rte, &kind);
	if (call == NULL || IS_DUMMY_REL(rel))
		return;
	depend_on_tables(root, kind);
	if (!StreamReaderUsable(kind))
		return;
	rel->pathlist = NIL;
	add_stream_path(root, rel, kind, call, rel->lateral_relids);
	add_parameterized_paths(root, rel, kind, call);
}

/* The columns of a stream, as those of the relation "rti". */
static List *
stream_tlist(Index rti, Oid rowtype, bool whole_row)
{
	TupleDesc	tupdesc = lookup_rowtype_tupdesc(rowtype, -1);
	List	   *result = NIL;

	for (int i = 0; i < tupdesc->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(tupdesc, i);
		Expr	   *expr = column->attisdropped ?
			(Expr *) makeNullConst(INT4OID, -1, InvalidOid) :
			(Expr *) makeVar(rti, i + 1, column->atttypid, column->atttypmod,
							 column->attcollation, 0);

		result = lappend(result, makeTargetEntry(expr, i + 1, NULL, false));
	}
	if (whole_row)
		result = lappend(result,
						 makeTargetEntry((Expr *) makeVar(rti, 0, rowtype, -1, InvalidOid, 0),
										 tupdesc->natts + 1, NULL, false));
	ReleaseTupleDesc(tupdesc);
	return result;
}

/*
 * Is the whole row wanted as a value?
 *
 * The target list of the plan is not asked: it may be replaced by another one
 * that is made of what the relation yields.
 */
static bool
wants_whole_row(RelOptInfo *rel, List *clauses)
{
	Bitmapset  *columns = NULL;

	pull_varattnos((Node *) rel->reltarget->exprs, rel->relid, &columns);
	pull_varattnos((Node *) clauses, rel->relid, &columns);
	return bms_is_member(0 - FirstLowInvalidHeapAttributeNumber, columns);
}

/* How many rows of the path the query will want, as far as it is known. */
static double
wanted_rows(PlannerInfo *root, Path *path)
{
	if (root->limit_tuples > 0)
		return root->limit_tuples;
	if (root->tuple_fraction >= 1)
		return root->tuple_fraction;
	return root->tuple_fraction > 0 ? root->tuple_fraction * path->rows : path->rows;
}

/* Callback of the path: make the plan. */
static Plan *
plan_stream(PlannerInfo *root, RelOptInfo *rel, CustomPath *best_path,
			List *tlist, List *clauses, List *custom_plans)
{
	CustomScan *scan = makeNode(CustomScan);
	FuncExpr   *call = lsecond_node(FuncExpr, best_path->custom_private);
	bool		whole_row;
	ListCell   *lc;

	clauses = extract_actual_clauses(clauses, false);
	whole_row = wants_whole_row(rel, clauses);

	scan->scan.plan.targetlist = tlist;
	scan->scan.plan.qual = clauses;
	scan->flags = best_path->flags;
	scan->methods = &stream_scan_methods;
	scan->custom_scan_tlist = stream_tlist(rel->relid, call->funcresulttype, whole_row);
	scan->custom_private = list_make3(linitial(best_path->custom_private),
									  makeInteger(Min(wanted_rows(root, &best_path->path), INT_MAX)),
									  makeBoolean(whole_row));
	scan->custom_exprs = list_make1(call);
	foreach(lc, clauses)
	{
		if (clause_limits(root, rel, lfirst(lc)))
			scan->custom_exprs = lappend(scan->custom_exprs, lfirst(lc));
	}
	return &scan->scan.plan;
}

/*
 * StreamPlanInit
 *		Let the planner know of streams; called once, when the library is loaded.
 */
void
StreamPlanInit(void)
{
	RegisterCustomScanMethods(&stream_scan_methods);
	next_set_rel_pathlist_hook = set_rel_pathlist_hook;
	set_rel_pathlist_hook = set_stream_pathlist;
}
