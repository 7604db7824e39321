/*
 * confine.c
 *		Confining the code that belongs to tables which are read for somebody else.
 *
 * A table can bring code along: in policies, index expressions, domains, casts, generated columns.
 * That a query on somebody else's table runs such code is nothing new; but here it runs for whoever
 * reads a page, or refers to an object, and has chosen neither.  Even as its owner, and as a
 * security-restricted operation, a function in a procedural language reaches what belongs to the
 * caller: cursors, pg_temp, the memory that one session has for the functions of all.
 *
 * So what runs with SECURITY_CONFINED calls no such function at all, but only functions of C that
 * are not VOLATILE, which a superuser has made, and functions in SQL, which are queries; and it
 * executes no statement but queries, which neither lock rows, but for ours, nor read foreign tables.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/confine.h"
#include "base/run_as.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_class.h"
#include "catalog/pg_language.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/selfuncs.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

static ExecutorStart_hook_type next_executor_start_hook = NULL;
static ProcessUtility_hook_type next_process_utility_hook = NULL;
static object_access_hook_type next_object_access_hook = NULL;
static needs_fmgr_hook_type next_needs_fmgr_hook = NULL;
static get_relation_stats_hook_type next_get_relation_stats_hook = NULL;
static get_index_stats_hook_type next_get_index_stats_hook = NULL;

/* Is what runs now confined? */
static bool
is_confined(void)
{
	Oid			userid;
	int			sec_context;

	GetUserIdAndSecContext(&userid, &sec_context);
	return (sec_context & SECURITY_CONFINED) != 0;
}

/* Raise an error: a confined statement is none that may be executed. */
static void
refuse_statement(PlannedStmt *statement)
{
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("cannot execute %s within security-restricted operation",
					GetCommandTagName(CreateCommandTag((Node *) statement)))));
}

/*
 * May the first schema of this search_path that exists be pg_temp?  Then to look for anything would
 * make it.
 */
static bool
may_be_temporary(char *path)
{
	List	   *names;
	ListCell   *lc;

	if (!SplitIdentifierString(path, ',', &names))
		return true;
	foreach(lc, names)
	{
		if (strcmp(lfirst(lc), "pg_temp") == 0)
			return true;
		if (strcmp(lfirst(lc), "pg_catalog") == 0)
			return false;
	}
	return false;
}

/* Do the SET clauses of a function set nothing but a search_path? */
static bool
settings_are_harmless(HeapTuple tuple)
{
	static const char path[] = "search_path=";
	bool		isnull;
	Datum		config = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_proconfig, &isnull);
	Datum	   *settings;
	int			n;

	if (isnull)
		return true;
	deconstruct_array(DatumGetArrayTypeP(config), TEXTOID, -1, false, TYPALIGN_INT,
					  &settings, NULL, &n);
	for (int i = 0; i < n; i++)
	{
		char	   *setting = TextDatumGetCString(settings[i]);

		if (pg_strncasecmp(setting, path, strlen(path)) != 0 ||
			may_be_temporary(setting + strlen(path)))
			return false;
	}
	return true;
}

/*
 * May confined code call this function?
 *
 * What a function in SQL executes is looked at in turn.  While forced policies are suspended, which
 * they are for any role, it may not be executed as another one.
 */
static bool
is_harmless(HeapTuple tuple)
{
	static const char *const harmless[] = {
		"clock_timestamp", "timeofday", "random", "random_normal", "gen_random_uuid", "uuidv4", "uuidv7"
	};
	Form_pg_proc proc = (Form_pg_proc) GETSTRUCT(tuple);

	if (proc->prolang == SQLlanguageId)
		return settings_are_harmless(tuple) && !(proc->prosecdef && InNoForceRLSOperation());
	if (proc->prolang != INTERNALlanguageId && proc->prolang != ClanguageId)
		return false;
	if (proc->provolatile != PROVOLATILE_VOLATILE)
		return true;
	for (int i = 0; i < (int) lengthof(harmless); i++)
	{
		if (proc->pronamespace == PG_CATALOG_NAMESPACE &&
			strcmp(NameStr(proc->proname), harmless[i]) == 0)
			return true;
	}
	return false;
}

/* Raise an error if confined code must not call the function. */
static void
look_at_function(Oid funcid)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(funcid));

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", funcid);
	if (!is_harmless(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("cannot call function \"%s\" within security-restricted operation",
						NameStr(((Form_pg_proc) GETSTRUCT(tuple))->proname)),
				 errdetail("Where objects are looked up for others, only SQL functions, and functions of C that are not volatile, are called."),
				 errhint("Write it in SQL, or let the owner of the tables of actstream own that table, too.")));
	ReleaseSysCache(tuple);
}

/*
 * Hook: an object is accessed, such as a function by what prepares an expression for evaluation.
 */
static void
object_is_accessed(ObjectAccessType access, Oid classid, Oid objid, int subid, void *arg)
{
	if (next_object_access_hook != NULL)
		next_object_access_hook(access, classid, objid, subid, arg);
	if (access == OAT_FUNCTION_EXECUTE && is_confined())
		look_at_function(objid);
}

/*
 * Hook: a function that is not built in is looked up, to be called by whatever it is, such as a cast
 * that to_jsonb() finds, or is about to be inlined.
 */
static bool
needs_hook(Oid funcid)
{
	if (is_confined())
		look_at_function(funcid);
	return next_needs_fmgr_hook != NULL && next_needs_fmgr_hook(funcid);
}

/*
 * Raise an error if a confined statement is no query, or reads a foreign table, whose connection
 * could decide about the caller's COMMIT.
 */
static void
look_at_statement(PlannedStmt *statement)
{
	ListCell   *lc;

	if (statement->commandType != CMD_SELECT || statement->hasModifyingCTE)
		refuse_statement(statement);
	foreach(lc, statement->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

		if (rte->rtekind == RTE_RELATION && rte->relkind == RELKIND_FOREIGN_TABLE)
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("cannot read foreign table \"%s\" within security-restricted operation",
							get_rel_name(rte->relid))));
	}
}

/*
 * Hook: the execution of a statement starts.
 *
 * Once a confined one of ours has started, what it calls is read only, until RunAsEnd(): it locks no
 * rows.
 */
static void
executor_start(QueryDesc *queryDesc, int eflags)
{
	bool		confined = is_confined();

	if (confined)
		look_at_statement(queryDesc->plannedstmt);
	if (next_executor_start_hook != NULL)
		next_executor_start_hook(queryDesc, eflags);
	else
		standard_ExecutorStart(queryDesc, eflags);
	if (confined)
		XactReadOnly = true;
}

/* Hook: a command that is no query. */
static void
process_utility(PlannedStmt *pstmt, const char *queryString, bool readOnlyTree,
				ProcessUtilityContext context, ParamListInfo params, QueryEnvironment *queryEnv,
				DestReceiver *dest, QueryCompletion *qc)
{
	if (is_confined())
		refuse_statement(pstmt);
	if (next_process_utility_hook != NULL)
		next_process_utility_hook(pstmt, queryString, readOnlyTree, context, params, queryEnv,
								  dest, qc);
	else
		standard_ProcessUtility(pstmt, queryString, readOnlyTree, context, params, queryEnv,
								dest, qc);
}

/*
 * Hooks: the planner looks for statistics of a column, with which it would call the functions of
 * operators and types without looking them up again.  For confined statements there are none.
 */
static bool
find_relation_stats(PlannerInfo *root, RangeTblEntry *rte, AttrNumber attnum,
					VariableStatData *vardata)
{
	if (is_confined())
	{
		vardata->statsTuple = NULL;
		return true;
	}
	return next_get_relation_stats_hook != NULL &&
		next_get_relation_stats_hook(root, rte, attnum, vardata);
}

static bool
find_index_stats(PlannerInfo *root, Oid index, AttrNumber attnum, VariableStatData *vardata)
{
	if (is_confined())
	{
		vardata->statsTuple = NULL;
		return true;
	}
	return next_get_index_stats_hook != NULL &&
		next_get_index_stats_hook(root, index, attnum, vardata);
}

/*
 * ConfineInit
 *		Called once, when the library is loaded.
 */
void
ConfineInit(void)
{
	next_executor_start_hook = ExecutorStart_hook;
	ExecutorStart_hook = executor_start;
	next_process_utility_hook = ProcessUtility_hook;
	ProcessUtility_hook = process_utility;
	next_object_access_hook = object_access_hook;
	object_access_hook = object_is_accessed;
	next_needs_fmgr_hook = needs_fmgr_hook;
	needs_fmgr_hook = needs_hook;
	next_get_relation_stats_hook = get_relation_stats_hook;
	get_relation_stats_hook = find_relation_stats;
	next_get_index_stats_hook = get_index_stats_hook;
	get_index_stats_hook = find_index_stats;
}
