/*
 * stream_append.c
 *		Reading a stream of a partitioned table, partition by partition.
 *
 * Where partitions follow one another in time, the planner makes an Append of their scans.
 * The executor prepares all of these before the first row is wanted, which takes longer than
 * to read a page: its rows are usually in one partition, or in two.  This node takes the place
 * of the Append.  It prepares a scan when it comes to it, and leaves out the partitions that
 * cannot have rows within the bounds, those that are compared as rows of two columns, too,
 * of which the planner makes no use.  As with an Append, all partitions are open from the start,
 * and privileges are those of whoever starts the query.
 */
#include "postgres.h"

#include "base/compat.h"
#include "stream/stream_append.h"
#include "stream/stream_bound.h"
#include "stream/stream_exec.h"
#include "stream/stream_scan.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/extensible.h"
#include "nodes/makefuncs.h"
#include "parser/parsetree.h"
#include "utils/partcache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

/* The name of the path and the plan node, unique among all extensions. */
#define STREAM_APPEND_NAME	"actstream Append"

/* A partition, the plan of its scan, and the places that its rows can have. */
typedef struct Part
{
	Plan	   *plan;
	PlanState  *state;			/* NULL until it is wanted */
	ActionPlace newest;
	ActionPlace oldest;
} Part;

typedef struct StreamAppendState
{
	CustomScanState css;
	int			eflags;
	Oid			userid;			/* the user who has started the query */
	int			security;		/* in this security context */
	Part	   *parts;
	int			nparts;
	int			current;		/* index of the part that is being read */
	StreamBounds bounds;
	bool		begun;			/* have these been evaluated since the last rescan? */
	ActionPlace newest;			/* what they are, if "begun" */
	ActionPlace oldest;
} StreamAppendState;

static Plan *plan_append(PlannerInfo *root, RelOptInfo *rel, CustomPath *best_path,
						 List *tlist, List *clauses, List *custom_plans);
static Node *create_state(CustomScan *scan);
static void begin_append(CustomScanState *node, EState *estate, int eflags);
static TupleTableSlot *exec_append(CustomScanState *node);
static void end_append(CustomScanState *node);
static void rescan_append(CustomScanState *node);

static const CustomPathMethods append_path_methods = {
	.CustomName = STREAM_APPEND_NAME,
	.PlanCustomPath = plan_append
};

static const CustomScanMethods append_scan_methods = {
	.CustomName = STREAM_APPEND_NAME,
	.CreateCustomScanState = create_state
};

static const CustomExecMethods append_exec_methods = {
	.CustomName = STREAM_APPEND_NAME,
	.BeginCustomScan = begin_append,
	.ExecCustomScan = exec_append,
	.EndCustomScan = end_append,
	.ReScanCustomScan = rescan_append
};

/* Is it an Append of several scans, whose paths have these methods, and of Appends of such? */
static bool
appends_only(Path *path, const CustomPathMethods *methods)
{
	AppendPath *append = (AppendPath *) path;
	ListCell   *lc;

	if (!IsA(path, AppendPath) || append->path.parallel_aware || list_length(append->subpaths) < 2)
		return false;
	foreach(lc, append->subpaths)
	{
		CustomPath *subpath = lfirst(lc);

		if (!IsA(subpath, CustomPath) ||
			(subpath->methods != methods && subpath->methods != &append_path_methods))
			return false;
	}
	return true;
}

/* The path that takes the place of that Append. */
static Path *
append_path(AppendPath *append)
{
	CustomPath *path = makeNode(CustomPath);

	path->path = append->path;
	path->path.type = T_CustomPath;
	path->path.pathtype = T_CustomScan;
	path->path.parallel_safe = false;
	path->custom_paths = append->subpaths;
	path->methods = &append_path_methods;
	return &path->path;
}

/*
 * StreamAppendPlan
 *		Replace the paths of a partitioned table, if all of them append scans of streams, whose
 *		paths have the methods "scan_methods".
 *
 * What is not a partitioned table any more for the planner keeps its paths: else it would make
 * them again, for the target list of the query.
 */
void
StreamAppendPlan(PlannerInfo *root, RelOptInfo *rel, const CustomPathMethods *scan_methods)
{
	ListCell   *lc;

	if (!IS_PARTITIONED_REL(rel) || bms_is_member(rel->relid, root->all_result_relids) ||
		rel->partial_pathlist != NIL)
		return;
	foreach(lc, rel->pathlist)
	{
		if (!appends_only(lfirst(lc), scan_methods))
			return;
	}
	foreach(lc, rel->pathlist)
		lfirst(lc) = append_path(lfirst(lc));
	rel->part_scheme = NULL;
}

/* The places that rows of a partition can have, as its constraint limits them. */
static void
find_places(PlannerInfo *root, RelOptInfo *rel, ActionPlace *newest, ActionPlace *oldest)
{
	Relation	table = table_open(planner_rt_fetch(rel->relid, root)->relid, NoLock);
	ListCell   *lc;

	*newest = NewestPlaceOf(DT_NOEND);
	*oldest = OldestPlaceOf(DT_NOBEGIN);
	foreach(lc, RelationGetPartitionQual(table))
	{
		StreamBound bound;

		/* 1 is the table in there */
		if (StreamBoundOfClause(lfirst(lc), 1, &bound) && IsA(bound.timestamp, Const) && bound.id == NULL)
			StreamBoundApply(&bound,
							 (NullableDatum) {((Const *) bound.timestamp)->constvalue,
											  ((Const *) bound.timestamp)->constisnull},
							 (NullableDatum) {.isnull = true}, newest, oldest);
	}
	table_close(table, NoLock);
}

static Const *
time_const(TimestampTz timestamp)
{
	return makeConst(TIMESTAMPTZOID, -1, InvalidOid, sizeof(TimestampTz),
					 TimestampTzGetDatum(timestamp), false, FLOAT8PASSBYVAL);
}

/* Callback of the path: make the plan.  Its custom_private has two times for each partition. */
static Plan *
plan_append(PlannerInfo *root, RelOptInfo *rel, CustomPath *best_path,
			List *tlist, List *clauses, List *custom_plans)
{
	CustomScan *scan = makeNode(CustomScan);
	ListCell   *lc;

	foreach(lc, best_path->custom_paths)
	{
		ActionPlace newest;
		ActionPlace oldest;

		find_places(root, ((Path *) lfirst(lc))->parent, &newest, &oldest);
		scan->custom_private = lappend(scan->custom_private, time_const(newest.timestamp));
		scan->custom_private = lappend(scan->custom_private, time_const(oldest.timestamp));
	}
	scan->scan.plan.targetlist = tlist;
	scan->custom_scan_tlist = copyObject(tlist);
	scan->custom_plans = custom_plans;
	scan->flags = best_path->flags;
	scan->methods = &append_scan_methods;
	return &scan->scan.plan;
}

static TimestampTz
time_of(const List *times, int n)
{
	return DatumGetTimestampTz(list_nth_node(Const, times, n)->constvalue);
}

static Node *
create_state(CustomScan *scan)
{
	StreamAppendState *state = (StreamAppendState *) newNode(sizeof(StreamAppendState),
															 T_CustomScanState);
	ListCell   *lc;

	state->css.methods = &append_exec_methods;
	state->parts = palloc0(list_length(scan->custom_plans) * sizeof(Part));
	foreach(lc, scan->custom_plans)
	{
		Part	   *part = &state->parts[state->nparts];

		part->plan = lfirst(lc);
		part->newest = NewestPlaceOf(time_of(scan->custom_private, 2 * state->nparts));
		part->oldest = OldestPlaceOf(time_of(scan->custom_private, 2 * state->nparts + 1));
		state->nparts++;
	}
	return (Node *) state;
}

/* Prepare the scan of a partition, as the user who has started the query. */
static void
begin_part(StreamAppendState *state, Part *part)
{
	EState	   *estate = state->css.ss.ps.state;
	MemoryContext oldcontext = MemoryContextSwitchTo(estate->es_query_cxt);
	Oid			userid;
	int			security;

	/* after an error, the end of the transaction sets them again */
	GetUserIdAndSecContext(&userid, &security);
	SetUserIdAndSecContext(state->userid, state->security);
	part->state = ExecInitNode(part->plan, estate, state->eflags);
	SetUserIdAndSecContext(userid, security);
	state->css.custom_ps = lappend(state->css.custom_ps, part->state);
	MemoryContextSwitchTo(oldcontext);
}

/* The scan of a partition, without what the planner has put over it, if all rows pass that or none. */
static CustomScan *
scan_of(Plan *plan)
{
	while (IsA(plan, Result))
		plan = outerPlan(plan);
	return castNode(CustomScan, plan);
}

/* Open the tables of all scans, for others of this session not to change them. */
static void
open_tables(CustomScan *scan, EState *estate, int eflags)
{
	ListCell   *lc;

	if (scan->methods == &stream_scan_methods)
		(void) ExecOpenScanRelation(estate, scan->scan.scanrelid, eflags);
	foreach(lc, scan->custom_plans)
		open_tables(scan_of(lfirst(lc)), estate, eflags);
}

/* The bounds, which are those of each scan. */
static StreamBounds
init_bounds(CustomScan *scan, PlanState *node)
{
	if (scan->methods != &stream_scan_methods)
		return init_bounds(scan_of(linitial(scan->custom_plans)), node);
	return StreamBoundsInit(list_nth(scan->custom_exprs, STREAM_SCAN_BOUNDS), scan->scan.scanrelid, node);
}

/*
 * Callback: begin the execution of the plan.
 *
 * Prepares the first scan, which checks the right to call what all of them call; all of them if they
 * are to be explained.
 */
static void
begin_append(CustomScanState *node, EState *estate, int eflags)
{
	StreamAppendState *state = (StreamAppendState *) node;
	CustomScan *scan = (CustomScan *) node->ss.ps.plan;
	bool		all = (eflags & EXEC_FLAG_EXPLAIN_ONLY) || estate->es_instrument != 0;

	/* the rows are those of the scans, in slots of their kind */
	node->ss.ps.resultopsset = true;
	node->ss.ps.resultopsfixed = false;
	state->eflags = eflags;
	GetUserIdAndSecContext(&state->userid, &state->security);
	state->bounds = init_bounds(scan, &node->ss.ps);
	open_tables(scan, estate, eflags);
	for (int i = 0; i < (all ? state->nparts : 1); i++)
		begin_part(state, &state->parts[i]);
}

/* Can the partition have rows within the bounds? */
static bool
is_wanted(const StreamAppendState *state, const Part *part)
{
	return ActionPlaceCompare(&state->newest, &part->oldest) >= 0 &&
		ActionPlaceCompare(&state->oldest, &part->newest) <= 0;
}

/* Callback: the next row. */
static TupleTableSlot *
exec_append(CustomScanState *node)
{
	StreamAppendState *state = (StreamAppendState *) node;

	if (!state->begun)
	{
		StreamBoundsApply(&state->bounds, node->ss.ps.ps_ExprContext, &state->newest, &state->oldest);
		ResetExprContext(node->ss.ps.ps_ExprContext);
		state->begun = true;
	}
	for (; state->current < state->nparts; state->current++)
	{
		Part	   *part = &state->parts[state->current];
		TupleTableSlot *row;

		if (!is_wanted(state, part))
			continue;
		if (part->state == NULL)
			begin_part(state, part);
		row = ExecProcNode(part->state);
		if (!TupIsNull(row))
			return row;
	}
	return ExecClearTuple(node->ss.ps.ps_ResultTupleSlot);
}

/* Callback: release what the scans hold. */
static void
end_append(CustomScanState *node)
{
	ListCell   *lc;

	foreach(lc, node->custom_ps)
		ExecEndNode(lfirst(lc));
}

/* Callback: start again, perhaps with other parameters. */
static void
rescan_append(CustomScanState *node)
{
	StreamAppendState *state = (StreamAppendState *) node;
	ListCell   *lc;

	state->begun = false;
	state->current = 0;
	foreach(lc, node->custom_ps)
	{
		PlanState  *scan = lfirst(lc);

		if (node->ss.ps.chgParam != NULL)
			UpdateChangedParamSet(scan, node->ss.ps.chgParam);
		/* else its first row starts it again */
		if (scan->chgParam == NULL)
			ExecReScan(scan);
	}
}

/*
 * StreamAppendInit
 *		Make the node known; called once, when the library is loaded.
 */
void
StreamAppendInit(void)
{
	RegisterCustomScanMethods(&append_scan_methods);
}
