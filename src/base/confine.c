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
 * Policies that are forced upon owners are not suspended for it, but for our statement alone.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/confine.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/objectaccess.h"
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
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/plancache.h"
#include "utils/portal.h"
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

/*
 * Who has called a function that must not be called here, and in which transaction: see
 * note_call().
 */
static Oid	caller = InvalidOid;
static bool several_callers = false;
static LocalTransactionId called_in = InvalidLocalTransactionId;

static planner_hook_type next_planner_hook = NULL;
static ExecutorStart_hook_type next_executor_start_hook = NULL;
static ProcessUtility_hook_type next_process_utility_hook = NULL;
static object_access_hook_type next_object_access_hook = NULL;

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

/* Does this search_path begin with pg_temp?  To ask for its first schema makes that. */
static bool
is_temporary_first(char *path)
{
	List	   *names;

	return SplitIdentifierString(path, ',', &names) && names != NIL &&
		strcmp(linitial(names), "pg_temp") == 0;
}

/* Does its SET clause set what is not undone at its end, or ends the session? */
static bool
has_lasting_setting(HeapTuple tuple)
{
	static const char *const lasting[] = {"seed=", "exit_on_error="};
	static const char path[] = "search_path=";
	bool		isnull;
	Datum		config = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_proconfig, &isnull);
	Datum	   *settings;
	int			n;

	if (isnull)
		return false;
	deconstruct_array(DatumGetArrayTypeP(config), TEXTOID, -1, false, TYPALIGN_INT, &settings, NULL, &n);
	for (int i = 0; i < n; i++)
	{
		char	   *setting = TextDatumGetCString(settings[i]);

		for (int j = 0; j < (int) lengthof(lasting); j++)
		{
			if (pg_strncasecmp(setting, lasting[j], strlen(lasting[j])) == 0)
				return true;
		}
		if (pg_strncasecmp(setting, path, strlen(path)) == 0 &&
			is_temporary_first(setting + strlen(path)))
			return true;
	}
	return false;
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
 * has asked, and for which role.
 */
static void
note_call(void)
{
	if (called_in != MY_LXID)
	{
		called_in = MY_LXID;
		caller = InvalidOid;
		several_callers = false;
	}
	several_callers |= OidIsValid(caller) && caller != GetUserId();
	caller = GetUserId();
}

/* A function is about to be called: raise an error if it must not be. */
static void
look_at_function(Oid funcid)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(funcid));
	Form_pg_proc proc;
	bool		refused;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", funcid);
	proc = (Form_pg_proc) GETSTRUCT(tuple);
	refused = is_volatile_c(proc) || has_lasting_setting(tuple);
	if (refused && context_has(SECURITY_CONFINED))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("cannot call function \"%s\" within security-restricted operation",
						NameStr(proc->proname))));
	if (refused)
		note_call();
	ReleaseSysCache(tuple);
}

/*
 * Raise an error if a trigger of the table is a function of C, other than PostgreSQL's and ours,
 * that must not be called.  The executor asks nobody before it calls a trigger.
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
		char	   *symbol;
		bool		isnull;

		if (!HeapTupleIsValid(tuple))
			elog(ERROR, "cache lookup failed for function %u", funcid);
		symbol = TextDatumGetCString(SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &isnull));
		if (((Form_pg_proc) GETSTRUCT(tuple))->prolang == ClanguageId &&
			strncmp(symbol, SYMBOL_PREFIX, strlen(SYMBOL_PREFIX)) != 0)
			look_at_function(funcid);
		ReleaseSysCache(tuple);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
}

/*
 * Look at the triggers of all tables that a confined statement may change.  As the owner, it may read
 * no foreign table, whose connection could decide about the caller's COMMIT.
 */
static void
look_at_tables(const PlannedStmt *statement)
{
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

	foreach(lc, statement->resultRelations)
	{
		RangeTblEntry *rte = rt_fetch(lfirst_int(lc), statement->rtable);
		ListCell   *cell;

		foreach(cell, find_all_inheritors(rte->relid, NoLock, NULL))
			look_at_triggers(lfirst_oid(cell));
	}
}

/* Have expressions be looked at again that another role has prepared to evaluate. */
static void
forget_expressions(void)
{
	if (called_in != MY_LXID || !OidIsValid(caller) || (!several_callers && caller == GetUserId()))
		return;
	ResetPlanCache();
	caller = InvalidOid;
	several_callers = false;
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
		look_at_tables(queryDesc->plannedstmt);
	if (next_executor_start_hook != NULL)
		next_executor_start_hook(queryDesc, eflags);
	else
		standard_ExecutorStart(queryDesc, eflags);
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
		(context_has(SECURITY_LOCAL_USERID_CHANGE) ||
		 (error_context_stack != NULL && GetUserId() != GetSessionUserId())))
		look_at_function(objid);
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
	next_process_utility_hook = ProcessUtility_hook;
	ProcessUtility_hook = process_utility;
	next_object_access_hook = object_access_hook;
	object_access_hook = object_is_accessed;
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
 *		RUN_AS_CONVERSION or RUN_AS_READER.
 *
 * Cursors that are there afterwards, and were not before, are closed.
 */
void
Confine(Oid userid, RunAsMode mode, ConfinedFunction function, void *arg)
{
	List	   *portals = list_portals();
	OthersPortal *volatile occupied = occupy_portals(portals);
	ListCell   *lc;

	PG_TRY();
	{
		RunAs		before;

		forget_expressions();
		RunAsBegin(&before, userid, mode);
		function(arg);
		RunAsEnd(&before);
	}
	PG_FINALLY();
	{
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
