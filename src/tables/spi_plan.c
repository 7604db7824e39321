/*
 * spi_plan.c
 *		SQL statements that are prepared once per session.
 *
 * Every name and operator in such a statement must be qualified, as it is parsed with
 * the caller's search_path.
 */
#include "postgres.h"

#include "base/compat.h"
#include "tables/spi_plan.h"

#include "access/xact.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "jit/jit.h"
#include "miscadmin.h"
#include "optimizer/paths.h"
#include "optimizer/plancat.h"
#include "optimizer/planner.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"
#include "utils/selfuncs.h"
#include "utils/snapmgr.h"

/*
 * What counts as large.  Of follows and exceptions, most can be of one object, with the same flag or
 * feed: so many that those are not read all.  More rows of other tables could be too many for a policy to
 * look for a value among them by a hash table.
 */
#define LARGE_TABLE_ROWS	100000
#define LARGEST_TABLE_ROWS	1000000
#define ROWS_OF_PAGE		50
#define ENTRIES_OF_PAGE		200

static bool planning_by_index = false;
static bool without_jit = false;	/* the statement that is being planned */
static List *own_relids = NIL;	/* the tables of ours in the statement that is being planned */
static planner_hook_type next_planner_hook = NULL;
static get_relation_stats_hook_type next_get_relation_stats_hook = NULL;
static get_relation_info_hook_type next_get_relation_info_hook = NULL;
static set_rel_pathlist_hook_type next_set_rel_pathlist_hook = NULL;

/*
 * Hook: plan a statement; one with CURSOR_OPT_BY_INDEX by index, whenever and by whomever that is
 * asked for, but not what functions plan that the planner evaluates meanwhile.
 *
 * Its plan is kept, perhaps for longer than what the planner knew of the tables holds.  To compile it
 * would take longer than to run it.
 */
static PlannedStmt *
plan_statement(PLANNER_HOOK_ARGS)
{
	bool		outer_by_index = planning_by_index;
	bool		outer_without_jit = without_jit;
	List	   *outer_relids = own_relids;
	PlannedStmt *result;

	PG_TRY();
	{
		planning_by_index = without_jit = (cursorOptions & CURSOR_OPT_BY_INDEX) != 0;
		own_relids = NIL;
		result = next_planner_hook ? next_planner_hook(PLANNER_HOOK_VALUES) :
			standard_planner(PLANNER_HOOK_VALUES);
		if (without_jit)
			result->jitFlags = PGJIT_NONE;
	}
	PG_FINALLY();
	{
		planning_by_index = outer_by_index;
		without_jit = outer_without_jit;
		own_relids = outer_relids;
	}
	PG_END_TRY();
	return result;
}

/*
 * PlanWithoutJit
 *		The statement that is being planned will not be compiled.
 *
 * For those that read streams: the planner counts all rows, where a page is read.  It knows about a LIMIT,
 * but not how much is fetched from a cursor.
 */
void
PlanWithoutJit(void)
{
	without_jit = true;
}

/* How many rows are assumed of a table of ours, or a partition of one; 0 for any other. */
static double
assumed_rows(PlannerInfo *root, const RelOptInfo *rel)
{
	Index		rti = rel->relid;
	Oid			relid;

	while (!IsAnyOwnTable(relid = planner_rt_fetch(rti, root)->relid))
	{
		if (root->append_rel_array == NULL || root->append_rel_array[rti] == NULL)
			return 0;
		rti = root->append_rel_array[rti]->parent_relid;
	}
	return IsOwnTable(relid, OWN_FOLLOWS) || IsOwnTable(relid, OWN_MARK_EXCEPTIONS) ?
		LARGEST_TABLE_ROWS : LARGE_TABLE_ROWS;
}

/*
 * Hooks: while a statement is planned by index, our tables have no statistics, and they and their indexes
 * count as large.  Of those that are or were small, the planner would take any index, to read all of it.
 * Nor do they have bitmaps of one scan of an index, which would read all of its entries before the first
 * row, nor sequential scans if there is another way.
 */
static bool
find_relation_stats(PlannerInfo *root, RangeTblEntry *rte, AttrNumber attnum,
					VariableStatData *vardata)
{
	if (list_member_oid(own_relids, rte->relid))
	{
		vardata->statsTuple = NULL;
		return true;
	}
	return next_get_relation_stats_hook != NULL &&
		next_get_relation_stats_hook(root, rte, attnum, vardata);
}

static void
assume_large(RELATION_HOOK_ARGS)
{
	double		rows;
	ListCell   *lc;

	if (next_get_relation_info_hook != NULL)
		next_get_relation_info_hook(RELATION_HOOK_VALUES);
	rows = planning_by_index ? assumed_rows(root, rel) : 0;
	if (rows == 0)
		return;
	own_relids = lappend_oid(own_relids, planner_rt_fetch(rel->relid, root)->relid);
	rel->statlist = NIL;
	rel->pages = Max(rel->pages, rows / ROWS_OF_PAGE);
	rel->tuples = Max(rel->tuples, rows);
	foreach(lc, rel->indexlist)
	{
		IndexOptInfo *index = lfirst_node(IndexOptInfo, lc);

		index->pages = Max(index->pages, rows / ENTRIES_OF_PAGE);
		index->tuples = Max(index->tuples, rows);
	}
}

static bool
has_array(const IndexPath *path)
{
	ListCell   *lc;
	ListCell   *qual;

	foreach(lc, path->indexclauses)
	{
		foreach(qual, lfirst_node(IndexClause, lc)->indexquals)
		{
			if (IsA(lfirst_node(RestrictInfo, qual)->clause, ScalarArrayOpExpr))
				return true;
		}
	}
	return false;
}

/*
 * PlainIndexPath
 *		The scan of one index that the path is, or could be instead of one by way of a bitmap; NULL
 *		if it is none, or if the index can be read in no other way.
 */
IndexPath *
PlainIndexPath(Path *path)
{
	IndexPath  *result;

	if (IsA(path, IndexPath))
		return (IndexPath *) path;
	if (!IsA(path, BitmapHeapPath) || !IsA(((BitmapHeapPath *) path)->bitmapqual, IndexPath))
		return NULL;
	result = (IndexPath *) ((BitmapHeapPath *) path)->bitmapqual;
	return result->indexinfo->amhasgettuple &&
		(result->indexinfo->amsearcharray || !has_array(result)) ? result : NULL;
}

static void
avoid_reading_whole(PlannerInfo *root, RelOptInfo *rel, Index rti, RangeTblEntry *rte)
{
	ListCell   *lc;

	if (next_set_rel_pathlist_hook != NULL)
		next_set_rel_pathlist_hook(root, rel, rti, rte);
	if (!list_member_oid(own_relids, rte->relid))
		return;
	foreach(lc, rel->pathlist)
	{
		Path	   *path = lfirst(lc);

		if (path->pathtype == T_SeqScan)
			disable_path(path);
		else if (PlainIndexPath(path) != NULL)
			lfirst(lc) = PlainIndexPath(path);
	}
}

/*
 * SpiPlanInit
 *		Called once, when the library is loaded.
 */
void
SpiPlanInit(void)
{
	next_planner_hook = planner_hook;
	planner_hook = plan_statement;
	next_get_relation_stats_hook = get_relation_stats_hook;
	get_relation_stats_hook = find_relation_stats;
	next_get_relation_info_hook = get_relation_info_hook;
	get_relation_info_hook = assume_large;
	next_set_rel_pathlist_hook = set_rel_pathlist_hook;
	set_rel_pathlist_hook = avoid_reading_whole;
}

/*
 * Make sure that the statement is prepared with the current type of references, which
 * has another OID after DROP and CREATE EXTENSION.
 */
static void
prepare(SpiPlan *plan)
{
	Oid			ref_type = RefTypeId();
	Oid			argtypes[SPI_PLAN_MAX_ARGS];

	/* not freed: an outer call may be executing the plan of a dropped extension */
	if (plan->plan != NULL && plan->ref_type == ref_type)
		return;
	plan->plan = NULL;

	for (int i = 0; i < plan->nargs; i++)
	{
		argtypes[i] = plan->argtypes[i];
		if (argtypes[i] == REF_ARG)
			argtypes[i] = ref_type;
		else if (argtypes[i] == REF_ARRAY_ARG)
			argtypes[i] = get_array_type(ref_type);
	}

	plan->plan = SPI_prepare_cursor(plan->sql, plan->nargs, argtypes,
									plan->by_index ? CURSOR_OPT_BY_INDEX | CURSOR_OPT_GENERIC_PLAN : 0);
	if (plan->plan == NULL)
		elog(ERROR, "SPI_prepare_cursor returned %s for %s",
			 SPI_result_code_string(SPI_result), plan->sql);
	SPI_keepplan(plan->plan);
	plan->ref_type = ref_type;
}

/*
 * Run the statement.  The snapshots may be InvalidSnapshot: then it sees what any
 * statement of a volatile function sees.
 */
static uint64
execute(SpiPlan *plan, Datum *values, const char *nulls, Snapshot snapshot,
		Snapshot crosscheck,
		bool fire_triggers)
{
	int			result;

	prepare(plan);
	result = SPI_execute_snapshot(plan->plan, values, nulls, snapshot,
								  crosscheck, false, fire_triggers, 0);
	if (result < 0)
		elog(ERROR, "SPI_execute_snapshot returned %s for %s",
			 SPI_result_code_string(result), plan->sql);
	if (result == SPI_OK_REWRITTEN)
	{
		/*
		 * A plan without queries is not invalidated when the rule is dropped, so forget
		 * it.  It is not freed, as an outer call may be executing it.
		 */
		plan->plan = NULL;
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("a rule has replaced a statement on a table of extension \"actstream\""),
				 errdetail("The statement is: %s", plan->sql),
				 errhint("Drop the rule, and use a trigger instead.")));
	}
	return SPI_processed;
}

/*
 * SpiPlanRead
 *		Run a SELECT as the current user, with the snapshot of the query that is being run;
 *		SPI must be connected.  For functions that are STABLE.
 */
uint64
SpiPlanRead(SpiPlan *plan, Datum *values, const char *nulls)
{
	int			result;

	prepare(plan);
	result = SPI_execute_plan(plan->plan, values, nulls, true, 0);
	if (result != SPI_OK_SELECT)
		elog(ERROR, "SPI_execute_plan returned %s for %s",
			 SPI_result_code_string(result), plan->sql);
	return SPI_processed;
}

/*
 * SpiPlanOpen
 *		The same, but as a cursor, which the caller closes.
 */
Portal
SpiPlanOpen(SpiPlan *plan, Datum *values, const char *nulls)
{
	prepare(plan);
	return SPI_cursor_open(NULL, plan->plan, values, nulls, true);
}

/*
 * SpiPlanExecute
 *		Run the statement as the current user; SPI must be connected.
 *
 * Returns the number of rows processed or returned.  "nulls" is as for
 * SPI_execute_plan().
 */
uint64
SpiPlanExecute(SpiPlan *plan, Datum *values, const char *nulls)
{
	return execute(plan, values, nulls, InvalidSnapshot, InvalidSnapshot, true);
}

/*
 * SpiPlanExecuteSnapshot
 *		The same, on the state of the database that the snapshot sees, with what this
 *		transaction has done since.
 */
uint64
SpiPlanExecuteSnapshot(SpiPlan *plan, Datum *values, const char *nulls, Snapshot snapshot)
{
	return execute(plan, values, nulls, snapshot, InvalidSnapshot, true);
}

/*
 * Run the statement as the current user on the latest state of the database.  Without
 * "fire_triggers" AFTER triggers are queued for the query that is being run.
 */
static uint64
execute_latest(SpiPlan *plan, Datum *values, const char *nulls, bool fire_triggers)
{
	Snapshot	snapshot = InvalidSnapshot;
	Snapshot	crosscheck = InvalidSnapshot;

	if (IsolationUsesXactSnapshot())
	{
		CommandCounterIncrement();
		snapshot = GetLatestSnapshot();
		crosscheck = GetTransactionSnapshot();
	}
	return execute(plan, values, nulls, snapshot, crosscheck, fire_triggers);
}

/*
 * SpiPlanExecuteLatest
 *		Run the statement as the current user on the latest state of the database; SPI
 *		must be connected.
 *
 * It is the latest state also under REPEATABLE READ and SERIALIZABLE, where a
 * transaction that holds a lock must see what was committed before it got that lock.  A
 * row to be changed that the transaction's own snapshot does not see raises
 * ERRCODE_T_R_SERIALIZATION_FAILURE, as it does in a foreign key's trigger.
 */
uint64
SpiPlanExecuteLatest(SpiPlan *plan, Datum *values, const char *nulls)
{
	return execute_latest(plan, values, nulls, true);
}

/*
 * Run a statement of a cascade as "owner", and then its AFTER triggers as the user whose
 * statement it comes from, as the server does for a foreign key.  So what they do under
 * names that this user's search_path resolves is not done with the owner's rights.  From 18
 * on the server itself makes them run as the owner, there and here.
 */
static uint64
execute_cascade(Oid owner, SpiPlan *plan, Datum *values, const char *nulls)
{
	EState	   *estate = CreateExecutorState();
	RunAs		before;
	uint64		result;

	AfterTriggerBeginQuery();
	RunAsBegin(&before, owner, RUN_AS_CASCADE);
	result = execute_latest(plan, values, nulls, false);
	RunAsEnd(&before);
	AfterTriggerEndQuery(estate);
	ExecResetTupleTable(estate->es_tupleTable, false);
	ExecCloseResultRelations(estate);
	FreeExecutorState(estate);
	return result;
}

/*
 * SpiPlanExecuteAs
 *		The same, but as the owner of that table of ours, which the statement is on (see
 *		RunAsBegin()).  In a cascade, AFTER triggers run as
 *		execute_cascade() says.
 */
uint64
SpiPlanExecuteAs(OwnTable table, RunAsMode mode, SpiPlan *plan, Datum *values,
				 const char *nulls)
{
	Oid			owner = OwnTableOwner(table);
	RunAs		before;
	uint64		result;

	if (mode == RUN_AS_CASCADE)
		return execute_cascade(owner, plan, values, nulls);
	RunAsBegin(&before, owner, mode);
	result = execute_latest(plan, values, nulls, true);
	RunAsEnd(&before);
	return result;
}

/*
 * SpiPlanResult
 *		The whole-row column that the last statement returned, in the memory context
 *		outside of SPI; null if it returned no row.
 *
 * INSERT returns no row if a user's trigger suppresses it.
 */
Datum
SpiPlanResult(bool *isnull)
{
	Datum		value;

	*isnull = true;
	if (SPI_processed == 0)
		return (Datum) 0;
	value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, isnull);
	return SPI_datumTransfer(value, false, -1);
}

/*
 * SpiPlanArg
 *		An argument of a function as one of a statement.
 */
Datum
SpiPlanArg(FunctionCallInfo fcinfo, int arg, char *isnull)
{
	*isnull = PG_ARGISNULL(arg) ? 'n' : ' ';
	return PG_ARGISNULL(arg) ? (Datum) 0 : PG_GETARG_DATUM(arg);
}

/*
 * SpiPlanColumn
 *		A column of the first row that the last statement returned, as an argument of
 *		another; in the memory context of SPI.
 */
Datum
SpiPlanColumn(int column, char *isnull)
{
	bool		is_null;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column,
									  &is_null);

	*isnull = is_null ? 'n' : ' ';
	return value;
}

/*
 * SpiPlanColumnIsTrue
 *		The same as a condition; null is false.
 */
bool
SpiPlanColumnIsTrue(int column)
{
	char		isnull;
	Datum		value = SpiPlanColumn(column, &isnull);

	return isnull == ' ' && DatumGetBool(value);
}
