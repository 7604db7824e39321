/*
 * confine.c
 *		Confining the code of owners whose tables are read for somebody else.
 *
 * That a query on somebody else's table runs code of its owner is nothing new; but here it
 * runs for whoever reads a page, or refers to an object, and has chosen neither.  Even as its owner,
 * and as a security-restricted operation, it could reach what belongs to the caller: cursors,
 * pg_temp, settings of the transaction, locks.  So such code can execute queries, and as the owner
 * also INSERT, UPDATE and DELETE; no other statement, and no function of C that is VOLATILE, not even
 * as a trigger, except for those that tell a time or a random number, and nextval(), which a
 * transaction that is read only refuses.  It finds the caller's cursors in use, and leaves none behind.
 * What others have written is kept by the session in the form in which it was first used: functions
 * of PL/pgSQL are compiled, and queries planned, by the settings of that moment.  So no settings are
 * changed but harmless ones, functions of others are called with the search_path that there was, and
 * tables of others are not changed.
 * Policies that are forced upon owners are not suspended for it, but for our statement alone.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/confine.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_language.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "optimizer/planner.h"
#include "parser/parsetree.h"
#include "storage/proc.h"
#include "tcop/utility.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/plancache.h"
#include "utils/portal.h"
#include "utils/rel.h"
#include "utils/selfuncs.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

/* With this the names of our functions of C begin; only a superuser can make others. */
#define SYMBOL_PREFIX	"actstream_"

/* A cursor of the caller, and what it was. */
typedef struct OthersPortal
{
	Portal		portal;
	PortalStatus status;
	bool		pinned;
} OthersPortal;

/* The transaction in which a function has called one that must not be called here: see note_call(). */
static LocalTransactionId called_in = InvalidLocalTransactionId;

/* The longest search_path under which functions of others are called. */
#define MAX_SCHEMAS 32

/* Whose code is confined. */
typedef struct Confinement
{
	Oid			owner;			/* InvalidOid if others have called it: then its functions are as
								 * those of others */
	bool		is_own;			/* does it run in a session of its owner, to which it could do
								 * anything? */
	int			nschemas;		/* the search_path that it, or what has called it, began with; 0 if
								 * it does not run */
	Oid			schemas[MAX_SCHEMAS + 1];
	List	   *started;		/* of QueryDesc *: what has been started with it, and has not ended */
	MemoryContext context;		/* of that list */
} Confinement;

static Confinement current;

static planner_hook_type next_planner_hook = NULL;
static ExecutorStart_hook_type next_executor_start_hook = NULL;
static ExecutorRun_hook_type next_executor_run_hook = NULL;
static ExecutorEnd_hook_type next_executor_end_hook = NULL;
static ProcessUtility_hook_type next_process_utility_hook = NULL;
static object_access_hook_type next_object_access_hook = NULL;
static fmgr_hook_type next_fmgr_hook = NULL;
static get_relation_stats_hook_type next_get_relation_stats_hook = NULL;
static get_index_stats_hook_type next_get_index_stats_hook = NULL;

/* Are these flags in the security context? */
static bool
context_has(int flags)
{
	Oid			userid;
	int			sec_context;

	GetUserIdAndSecContext(&userid, &sec_context);
	return (sec_context & flags) == flags;
}

/*
 * A statement has been rewritten, so whether policies of the owner's own tables apply to it is
 * decided: for what its code reads, forced ones do.
 */
static void
obey_forced_policies(void)
{
	Oid			userid;
	int			sec_context;

	GetUserIdAndSecContext(&userid, &sec_context);
	if ((sec_context & SECURITY_CONFINED) != 0 && (sec_context & SECURITY_NOFORCE_RLS) != 0)
		SetUserIdAndSecContext(userid, sec_context & ~SECURITY_NOFORCE_RLS);
}

/* Raise an error: a confined statement is none that may be executed. */
static void
refuse_statement(PlannedStmt *statement)
{
	const char *name = GetCommandTagName(CreateCommandTag((Node *) statement));

	PreventCommandIfReadOnly(name);
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("cannot execute %s within security-restricted operation", name)));
}

/*
 * May pg_temp be the first schema of this search_path that exists?  To ask for the first one would
 * make it.
 */
static bool
may_be_temporary(char *path)
{
	List	   *names;
	ListCell   *lc;

	if (!SplitIdentifierString(path, ',', &names))
		return false;
	foreach(lc, names)
	{
		if (strcmp(lfirst(lc), "pg_temp") == 0)
			return true;
		if (strcmp(lfirst(lc), "pg_catalog") == 0)
			return false;
	}
	return false;
}

static bool
is_one_of(const char *setting, const char *const *names, int n)
{
	for (int i = 0; i < n; i++)
	{
		if (pg_strncasecmp(setting, names[i], strlen(names[i])) == 0)
			return true;
	}
	return false;
}

/* Is it a setting that means nothing to the server, as "name=value"? */
static bool
is_of_users(const char *setting)
{
	char	   *name = pnstrdup(setting, strcspn(setting, "="));

	return strchr(name, '.') != NULL &&
		(GetConfigOption(name, true, false) == NULL ||
		 (GetConfigOptionFlags(name, true) & GUC_CUSTOM_PLACEHOLDER) != 0);
}

/* What the SET clauses of a function set. */
typedef struct FunctionSettings
{
	bool		has_path;		/* a search_path */
	bool		is_lasting;		/* something that is not undone at its end, or ends the session */
	bool		is_harmful;		/* something that what others have written could be kept with */
} FunctionSettings;

static FunctionSettings
settings_of(HeapTuple tuple)
{
	static const char *const paths[] = {"search_path="};
	static const char *const lasting[] = {"seed=", "exit_on_error="};
	static const char *const harmless[] = {
		"client_min_messages=", "jit=", "row_security=", "statement_timeout=", "work_mem="
	};
	FunctionSettings result = {0};
	bool		isnull;
	Datum		config = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_proconfig, &isnull);
	Datum	   *settings;
	int			n;

	if (isnull)
		return result;
	deconstruct_array(DatumGetArrayTypeP(config), TEXTOID, -1, false, TYPALIGN_INT, &settings, NULL, &n);
	for (int i = 0; i < n; i++)
	{
		char	   *setting = TextDatumGetCString(settings[i]);

		if (is_one_of(setting, paths, lengthof(paths)))
		{
			/* with "$user" it is not the same for everybody */
			result.has_path = strstr(setting, "$user") == NULL;
			result.is_lasting |= may_be_temporary(setting + strlen(paths[0]));
		}
		else if (is_one_of(setting, lasting, lengthof(lasting)))
			result.is_lasting = true;
		else
			result.is_harmful |= !is_one_of(setting, harmless, lengthof(harmless)) &&
				!is_of_users(setting);
	}
	return result;
}

/*
 * Is it a function of C that is VOLATILE?  That could do anything, and not even a transaction that
 * is read only keeps all of them from it.
 */
static bool
is_volatile_c(Form_pg_proc proc)
{
	static const char *const harmless[] = {
		"clock_timestamp", "timeofday", "random", "random_normal", "gen_random_uuid", "uuidv4", "uuidv7",
		"nextval"
	};

	if (proc->provolatile != PROVOLATILE_VOLATILE ||
		(proc->prolang != INTERNALlanguageId && proc->prolang != ClanguageId))
		return false;
	for (int i = 0; i < (int) lengthof(harmless); i++)
	{
		if (proc->pronamespace == PG_CATALOG_NAMESPACE &&
			strcmp(NameStr(proc->proname), harmless[i]) == 0)
			return false;
	}
	return true;
}

/*
 * A function is called that must not be called here.
 *
 * PL/pgSQL asks once in a transaction for what it calls in a simple expression.  So remember that it
 * has asked.  Not for ours, nor for nextval(), which are often called: none of these can be executed
 * here, but for nextval(), which tells a number.
 */
static void
note_call(Form_pg_proc proc, HeapTuple tuple)
{
	bool		isnull;
	char	   *symbol = TextDatumGetCString(SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &isnull));

	if (proc->prolang != ClanguageId || strncmp(symbol, SYMBOL_PREFIX, strlen(SYMBOL_PREFIX)) != 0)
		called_in = MY_LXID;
}

/* Is the search_path the one that confined code began with? */
static bool
path_is_unchanged(void)
{
	Oid			schemas[MAX_SCHEMAS + 1];
	int			n = fetch_search_path_array(schemas, lengthof(schemas));

	return n == current.nschemas && n <= MAX_SCHEMAS &&
		memcmp(schemas, current.schemas, n * sizeof(Oid)) == 0;
}

/* Is it written by somebody else, and would be kept in another form than it has for others? */
static bool
is_of_others(Form_pg_proc proc, const FunctionSettings *settings)
{
	return proc->prolang != INTERNALlanguageId && proc->prolang != ClanguageId &&
		proc->proowner != current.owner && !settings->has_path && !path_is_unchanged();
}

/* A function is about to be called: raise an error if it must not be. */
static void
look_at_function(Oid funcid)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(funcid));
	Form_pg_proc proc;
	FunctionSettings settings;
	bool		refused;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", funcid);
	proc = (Form_pg_proc) GETSTRUCT(tuple);
	settings = settings_of(tuple);
	refused = is_volatile_c(proc) || settings.is_lasting;
	if (context_has(SECURITY_CONFINED) &&
		(refused || (!current.is_own && (settings.is_harmful || is_of_others(proc, &settings)))))
	{
		/* the function may have set exit_on_error already */
		if (settings.is_lasting)
			ExitOnAnyError = false;
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("cannot call function \"%s\" within security-restricted operation",
						NameStr(proc->proname))));
	}
	if (refused)
		note_call(proc, tuple);
	ReleaseSysCache(tuple);
}

/*
 * Raise an error if a trigger of the table, other than PostgreSQL's and ours, is a function that must
 * not be called.  The executor asks nobody before it calls a trigger.
 */
static void
look_at_triggers(Oid relid)
{
	Relation	catalog = table_open(TriggerRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	trigger;

	ScanKeyInit(&key, Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(catalog, TriggerRelidNameIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(trigger = systable_getnext(scan)))
	{
		Oid			funcid = ((Form_pg_trigger) GETSTRUCT(trigger))->tgfoid;
		HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(funcid));
		Oid			language;
		char	   *symbol;
		bool		isnull;

		if (!HeapTupleIsValid(tuple))
			elog(ERROR, "cache lookup failed for function %u", funcid);
		language = ((Form_pg_proc) GETSTRUCT(tuple))->prolang;
		symbol = TextDatumGetCString(SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &isnull));
		ReleaseSysCache(tuple);
		if (language != INTERNALlanguageId &&
			(language != ClanguageId || strncmp(symbol, SYMBOL_PREFIX, strlen(SYMBOL_PREFIX)) != 0))
			look_at_function(funcid);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
}

/*
 * Raise an error if the table has an index that is no btree: to put a range into it calls functions
 * of the type, whoever has made them, and the index asks nobody.
 */
static void
look_at_indexes(Oid relid)
{
	Relation	rel = table_open(relid, NoLock);
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(rel))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		if (index->rd_rel->relam != BTREE_AM_OID)
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("cannot change table \"%s\" with index \"%s\" within security-restricted operation",
							RelationGetRelationName(rel), RelationGetRelationName(index))));
		index_close(index, AccessShareLock);
	}
	table_close(rel, NoLock);
}

/*
 * Raise an error if a confined statement changes a table of somebody else, or one with a trigger that
 * must not be called; or does not wait for a lock, so that the caller would seem not to; or reads as
 * the owner a foreign table, whose connection could decide about the caller's COMMIT.
 *
 * Locks the partitions of what it changes, so that they get no other trigger.
 */
static void
look_at_statement(const PlannedStmt *statement)
{
	Bitmapset  *changed = changed_relations(statement);
	int			rti = -1;
	ListCell   *lc;

	foreach(lc, statement->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

		if (rte->rtekind == RTE_RELATION && rte->relkind == RELKIND_FOREIGN_TABLE &&
			!context_has(SECURITY_READER))
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("cannot read foreign table \"%s\" within security-restricted operation",
							get_rel_name(rte->relid))));
	}
	foreach(lc, statement->rowMarks)
	{
		if (lfirst_node(PlanRowMark, lc)->waitPolicy == LockWaitError)
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("cannot use NOWAIT within security-restricted operation")));
	}
	while ((rti = bms_next_member(changed, rti)) >= 0)
	{
		Oid			relid = rt_fetch(rti, statement->rtable)->relid;

		foreach(lc, find_all_inheritors(relid, RowExclusiveLock, NULL))
		{
			if (!current.is_own && TableOwner(lfirst_oid(lc)) != current.owner)
				ereport(ERROR,
						(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						 errmsg("cannot change table \"%s\" within security-restricted operation",
								get_rel_name(lfirst_oid(lc)))));
			look_at_triggers(lfirst_oid(lc));
			look_at_indexes(lfirst_oid(lc));
		}
	}
}

/* Have expressions be looked at again that have been prepared for evaluation in this transaction. */
static void
forget_expressions(void)
{
	if (called_in == MY_LXID)
		ResetPlanCache();
	called_in = InvalidLocalTransactionId;
}

/* Hook: a statement is planned, which can evaluate functions. */
static PlannedStmt *
plan_statement(PLANNER_PARAMETERS)
{
	obey_forced_policies();
	return next_planner_hook != NULL ? next_planner_hook(PLANNER_ARGUMENTS) :
		standard_planner(PLANNER_ARGUMENTS);
}

/* Hook: the execution of a query starts. */
static void
executor_start(QueryDesc *queryDesc, int eflags)
{
	obey_forced_policies();
	if (context_has(SECURITY_READER))
	{
		/* before 16, RESET makes a transaction that is read only one that writes */
		XactReadOnly = true;
		if (queryDesc->plannedstmt->commandType != CMD_SELECT ||
			queryDesc->plannedstmt->hasModifyingCTE)
			refuse_statement(queryDesc->plannedstmt);
	}
	if (context_has(SECURITY_CONFINED))
		look_at_statement(queryDesc->plannedstmt);
	if (next_executor_start_hook != NULL)
		next_executor_start_hook(queryDesc, eflags);
	else
		standard_ExecutorStart(queryDesc, eflags);
	if (context_has(SECURITY_CONFINED) && current.nschemas > 0 && path_is_unchanged())
	{
		MemoryContext oldcontext = MemoryContextSwitchTo(current.context);

		current.started = lappend(current.started, queryDesc);
		MemoryContextSwitchTo(oldcontext);
	}
}

/*
 * Hook: a query is executed.  The functions that it calls were looked at when it was started, with the
 * search_path of that time; a cursor could be fetched from with another.
 */
static void
executor_run(EXECUTOR_RUN_PARAMETERS)
{
	if (context_has(SECURITY_CONFINED) && list_member_ptr(current.started, queryDesc) &&
		!path_is_unchanged())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("cannot execute query with another search_path within security-restricted operation")));
	if (next_executor_run_hook != NULL)
		next_executor_run_hook(EXECUTOR_RUN_ARGUMENTS);
	else
		standard_ExecutorRun(EXECUTOR_RUN_ARGUMENTS);
}

/* Hook: the execution of a query ends. */
static void
executor_end(QueryDesc *queryDesc)
{
	current.started = list_delete_ptr(current.started, queryDesc);
	if (next_executor_end_hook != NULL)
		next_executor_end_hook(queryDesc);
	else
		standard_ExecutorEnd(queryDesc);
}

/* Hook: a command that is no query. */
static void
process_utility(PlannedStmt *pstmt, const char *queryString, bool readOnlyTree,
				ProcessUtilityContext context, ParamListInfo params, QueryEnvironment *queryEnv,
				DestReceiver *dest, QueryCompletion *qc)
{
	if (context_has(SECURITY_CONFINED))
		refuse_statement(pstmt);
	if (next_process_utility_hook != NULL)
		next_process_utility_hook(pstmt, queryString, readOnlyTree, context, params, queryEnv,
								  dest, qc);
	else
		standard_ProcessUtility(pstmt, queryString, readOnlyTree, context, params, queryEnv,
								dest, qc);
}

/*
 * Hook: an object is accessed.
 *
 * What is called by the session itself, outside of any function, is in no expression that is kept.
 */
static void
object_is_accessed(ObjectAccessType access, Oid classid, Oid objid, int subid, void *arg)
{
	if (next_object_access_hook != NULL)
		next_object_access_hook(access, classid, objid, subid, arg);
	if (access == OAT_FUNCTION_EXECUTE &&
		(context_has(SECURITY_LOCAL_USERID_CHANGE) || error_context_stack != NULL))
		look_at_function(objid);
}

/*
 * Hook: a function with SET clauses is called, or one with SECURITY DEFINER, perhaps by what does not
 * access it as an object, such as the support functions of a type.
 */
static void
function_is_called(FmgrHookEventType event, FmgrInfo *flinfo, Datum *arg)
{
	if (next_fmgr_hook != NULL)
		next_fmgr_hook(event, flinfo, arg);
	if (event == FHET_START && context_has(SECURITY_CONFINED))
		look_at_function(flinfo->fn_oid);
}

/*
 * Hooks: the planner looks for statistics of a column, with which it would call the functions of
 * operators and types, whoever has made them.  For confined statements there are none.
 */
static bool
find_relation_stats(PlannerInfo *root, RangeTblEntry *rte, AttrNumber attnum, VariableStatData *vardata)
{
	if (context_has(SECURITY_CONFINED))
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
	if (context_has(SECURITY_CONFINED))
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
	next_planner_hook = planner_hook;
	planner_hook = plan_statement;
	next_executor_start_hook = ExecutorStart_hook;
	ExecutorStart_hook = executor_start;
	next_executor_run_hook = ExecutorRun_hook;
	ExecutorRun_hook = executor_run;
	next_executor_end_hook = ExecutorEnd_hook;
	ExecutorEnd_hook = executor_end;
	next_process_utility_hook = ProcessUtility_hook;
	ProcessUtility_hook = process_utility;
	next_object_access_hook = object_access_hook;
	object_access_hook = object_is_accessed;
	next_fmgr_hook = fmgr_hook;
	fmgr_hook = function_is_called;
	next_get_relation_stats_hook = get_relation_stats_hook;
	get_relation_stats_hook = find_relation_stats;
	next_get_index_stats_hook = get_index_stats_hook;
	get_index_stats_hook = find_index_stats;
}

/* The cursors that there are, as the view pg_cursors has them: a list of Portal. */
static List *
list_portals(void)
{
	ExprContext *econtext = CreateStandaloneExprContext();
	ReturnSetInfo result = {
		.type = T_ReturnSetInfo, .econtext = econtext, .allowedModes = SFRM_Materialize,
		.returnMode = SFRM_ValuePerCall
	};
	FmgrInfo	pg_cursor;
	TupleTableSlot *slot;
	List	   *portals = NIL;

	LOCAL_FCINFO(fcinfo, 0);

	fmgr_info(F_PG_CURSOR, &pg_cursor);
	InitFunctionCallInfoData(*fcinfo, &pg_cursor, 0, InvalidOid, NULL, (Node *) &result);
	(void) FunctionCallInvoke(fcinfo);
	slot = MakeSingleTupleTableSlot(result.setDesc, &TTSOpsMinimalTuple);
	while (tuplestore_gettupleslot(result.setResult, true, false, slot))
	{
		bool		isnull;
		char	   *name = TextDatumGetCString(slot_getattr(slot, 1, &isnull));

		portals = lappend(portals, GetPortalByName(name));
	}
	ExecDropSingleTupleTableSlot(slot);
	tuplestore_end(result.setResult);
	FreeExprContext(econtext, true);
	return portals;
}

/* Have all cursors be in use, so that they can be neither read nor closed: an array of them. */
static OthersPortal *
occupy_portals(List *portals)
{
	OthersPortal *occupied = palloc(Max(list_length(portals), 1) * sizeof(OthersPortal));
	ListCell   *lc;

	foreach(lc, portals)
	{
		Portal		portal = lfirst(lc);

		occupied[foreach_current_index(lc)] = (OthersPortal) {portal, portal->status, portal->portalPinned};
		if (portal->status == PORTAL_READY)
			portal->status = PORTAL_ACTIVE;
		portal->portalPinned = true;
	}
	return occupied;
}

static void
release_portals(const OthersPortal *occupied, int n)
{
	for (int i = 0; i < n; i++)
	{
		occupied[i].portal->status = occupied[i].status;
		occupied[i].portal->portalPinned = occupied[i].pinned;
	}
}

/*
 * Confine
 *		Call function(arg) as the role in one of the modes that confine: RUN_AS_LOOKUP,
 *		RUN_AS_CONVERSION or RUN_AS_READER.  "owner" is the role whose code that may run.
 *
 * Cursors that are there afterwards, and were not before, are closed.
 */
void
Confine(Oid userid, RunAsMode mode, Oid owner, ConfinedFunction function, void *arg)
{
	List	   *portals = list_portals();
	OthersPortal *volatile occupied = occupy_portals(portals);
	Confinement before = current;
	ListCell   *lc;

	PG_TRY();
	{
		RunAs		as_before;
		bool		is_own = owner == GetSessionUserId() &&
			!context_has(SECURITY_LOCAL_USERID_CHANGE);

		forget_expressions();
		RunAsBegin(&as_before, userid, mode);
		current.owner = before.nschemas > 0 && before.owner != owner ? InvalidOid : owner;
		current.is_own = is_own;
		current.started = NIL;
		current.context = CurrentMemoryContext;
		if (before.nschemas == 0)
			current.nschemas = fetch_search_path_array(current.schemas, lengthof(current.schemas));
		function(arg);
		RunAsEnd(&as_before);
	}
	PG_FINALLY();
	{
		current = before;
		release_portals(occupied, list_length(portals));
	}
	PG_END_TRY();
	foreach(lc, list_portals())
	{
		Portal		portal = lfirst(lc);

		if (list_member_ptr(portals, portal))
			continue;
		if (portal->portalPinned)
			UnpinPortal(portal);
		PortalDrop(portal, false);
	}
	list_free(portals);
	pfree(occupied);
}
