/*
 * confine.c
 *		Confining what belongs to tables that are read for somebody else.
 *
 * A table can bring code along: in policies, index expressions, domains, casts, generated columns.
 * That a query on somebody else's table runs such code is nothing new; but here it runs for whoever
 * reads a page, or refers to an object, and has chosen neither.  Even as its owner, and as a
 * security-restricted operation, a function in a procedural language reaches what belongs to the
 * caller: cursors, pg_temp, the memory that one session has for the functions of all.  And as the
 * caller, a policy could find ways to tell its owner what only the caller may read.
 *
 * So what runs with SECURITY_CONFINED is few functions: in SQL, which are queries, and in C, which a
 * superuser has made, as far as they have no effects and tell nothing of the session.  And it executes
 * nothing but queries, on tables that their owner may read anyway.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/confine.h"
#include "base/run_as.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_class.h"
#include "catalog/pg_language.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "optimizer/plancat.h"
#include "parser/parsetree.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc_tables.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"
#include "utils/selfuncs.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

static ExecutorStart_hook_type next_executor_start_hook = NULL;
static ProcessUtility_hook_type next_process_utility_hook = NULL;
static object_access_hook_type next_object_access_hook = NULL;
static needs_fmgr_hook_type next_needs_fmgr_hook = NULL;
static fmgr_hook_type next_fmgr_hook = NULL;
static get_relation_stats_hook_type next_get_relation_stats_hook = NULL;
static get_index_stats_hook_type next_get_index_stats_hook = NULL;
static get_relation_info_hook_type next_get_relation_info_hook = NULL;
static GucBoolCheckHook next_check_exit_on_error = NULL;
static GucIntCheckHook next_check_transaction_timeout = NULL;
static GucRealCheckHook next_check_seed = NULL;

/* The owner of the table that is looked up, while something is confined. */
static Oid	owner_of_code = InvalidOid;

/* Is what runs now confined? */
static bool
is_confined(void)
{
	Oid			userid;
	int			sec_context;

	GetUserIdAndSecContext(&userid, &sec_context);
	return (sec_context & SECURITY_CONFINED) != 0;
}

/*
 * ConfineFor
 *		What will be confined from now on belongs to a table of this role.
 *
 * Raises an error if something is confined already.
 */
void
ConfineFor(Oid owner)
{
	if (is_confined())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("cannot look up objects within security-restricted operation")));
	owner_of_code = owner;
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

static bool
is_one_of(const Form_pg_proc proc, const char *const *names, int n)
{
	for (int i = 0; i < n; i++)
	{
		if (strcmp(NameStr(proc->proname), names[i]) == 0)
			return true;
	}
	return false;
}

/*
 * Is a function in SQL harmless?  What it executes is looked at in turn; if it is not VOLATILE,
 * PostgreSQL lets it execute nothing but queries that lock no rows.
 */
static bool
is_harmless_sql(HeapTuple tuple)
{
	Form_pg_proc proc = (Form_pg_proc) GETSTRUCT(tuple);

	/* while forced policies are suspended, they are so for any role */
	return proc->provolatile != PROVOLATILE_VOLATILE && settings_are_harmless(tuple) &&
		(!proc->prosecdef || (proc->proowner == owner_of_code && !InNoForceRLSOperation()));
}

/*
 * Does a STABLE one of PostgreSQL's tell of the session or of others of the same role, give the
 * transaction an id, or open tables?
 */
static bool
tells_too_much(const char *name)
{
	static const char *const prefixes[] = {
		"pg_", "fmgr_", "txid_current", "inet_client_", "inet_server_"
	};

	for (int i = 0; i < (int) lengthof(prefixes); i++)
	{
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	}
	return strstr(name, "_to_xml") != NULL;
}

/* Is one of PostgreSQL's harmless? */
static bool
is_harmless_core(const Form_pg_proc proc)
{
	static const char *const harmless_volatile[] = {
		"clock_timestamp", "timeofday", "gen_random_uuid", "uuidv4", "uuidv7"
	};
	static const char *const harmless_stable[] = {"pg_has_role", "pg_typeof"};

	if (proc->provolatile == PROVOLATILE_VOLATILE)
		return is_one_of(proc, harmless_volatile, lengthof(harmless_volatile));
	/* locks any table */
	if (strcmp(NameStr(proc->proname), "satisfies_hash_partition") == 0)
		return false;
	return proc->provolatile == PROVOLATILE_IMMUTABLE ||
		is_one_of(proc, harmless_stable, lengthof(harmless_stable)) ||
		!tells_too_much(NameStr(proc->proname));
}

/*
 * Is one of an extension's harmless?  Handlers of indexes and the like, which no query can call, and
 * functions that read and write values are often not labelled.
 */
static bool
is_harmless_c(const Form_pg_proc proc)
{
	Oid			first = proc->pronargs > 0 ? proc->proargtypes.values[0] : InvalidOid;

	return proc->provolatile == PROVOLATILE_IMMUTABLE || first == INTERNALOID ||
		first == CSTRINGOID || proc->prorettype == CSTRINGOID;
}

static bool
is_harmless(HeapTuple tuple)
{
	Form_pg_proc proc = (Form_pg_proc) GETSTRUCT(tuple);

	switch (proc->prolang)
	{
		case SQLlanguageId:
			return is_harmless_sql(tuple);
		case INTERNALlanguageId:
			return is_harmless_core(proc);
		case ClanguageId:
			return is_harmless_c(proc);
		default:
			return false;
	}
}

/* The row of a function in pg_proc; to be released. */
static HeapTuple
find_function(Oid funcid)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(funcid));

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", funcid);
	return tuple;
}

/* Raise an error if confined code must not call the function. */
static void
look_at_function(Oid funcid)
{
	HeapTuple	tuple = find_function(funcid);

	if (!is_harmless(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("cannot call function \"%s\" within security-restricted operation",
						NameStr(((Form_pg_proc) GETSTRUCT(tuple))->proname)),
				 errdetail("The table belongs to role \"%s\", and the session to \"%s\": only if the first has the privileges of the second, or of the owner of the tables of actstream, are all functions called.",
						   GetUserNameFromId(owner_of_code, true),
						   GetUserNameFromId(GetSessionUserId(), true)),
				 errhint("Write the function in SQL, and not VOLATILE, or let another role own the table.")));
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
 * that to_jsonb() finds, or is about to be inlined.  Tells whether function_is_called() is to hear of
 * its calls; of one with SET clauses, or with SECURITY DEFINER, it does so anyway.
 *
 * Those in SQL are not inlined then, for a few can make a plan of any size.
 */
static bool
needs_hook(Oid funcid)
{
	if (is_confined())
	{
		HeapTuple	tuple = find_function(funcid);
		bool		result = ((Form_pg_proc) GETSTRUCT(tuple))->prolang == SQLlanguageId ||
			!is_harmless(tuple);

		ReleaseSysCache(tuple);
		if (result)
			return true;
	}
	return next_needs_fmgr_hook != NULL && next_needs_fmgr_hook(funcid);
}

/* Hook: one of those functions is called. */
static void
function_is_called(FmgrHookEventType event, FmgrInfo *flinfo, Datum *arg)
{
	/* first, for nobody hears of the end of a call that is refused */
	if (event == FHET_START && is_confined())
		look_at_function(flinfo->fn_oid);
	if (next_fmgr_hook != NULL)
		next_fmgr_hook(event, flinfo, arg);
}

/*
 * May the owner of the code read the relation, and see there what the current user sees?  What a view
 * of others shows can depend on the user and on the session.
 */
static bool
owner_may_read(Oid relid)
{
	char		relkind = get_rel_relkind(relid);

	/* in a parallel worker, nobody knows */
	if (!OidIsValid(owner_of_code))
		return false;
	if (object_ownercheck(RelationRelationId, relid, owner_of_code))
		return true;
	return relid >= FirstNormalObjectId &&
		object_aclcheck(NamespaceRelationId, get_rel_namespace(relid), owner_of_code,
						ACL_USAGE) == ACLCHECK_OK &&
		(relkind == RELKIND_RELATION || relkind == RELKIND_PARTITIONED_TABLE) &&
		pg_class_aclcheck(relid, owner_of_code, ACL_SELECT) == ACLCHECK_OK &&
		check_enable_rls(relid, owner_of_code, true) != RLS_ENABLED;
}

/* Raise an error if it is a foreign table, whose connection could decide about the caller's COMMIT. */
static void
refuse_foreign_table(const RangeTblEntry *rte)
{
	if (rte->rtekind == RTE_RELATION && rte->relkind == RELKIND_FOREIGN_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("cannot read foreign table \"%s\" within security-restricted operation",
						get_rel_name(rte->relid))));
}

/*
 * Raise an error if a confined statement is no query, or reads what the owner may not, or a foreign
 * table.
 */
static void
look_at_statement(PlannedStmt *statement)
{
	ListCell   *lc;

	if (statement->commandType != CMD_SELECT || statement->hasModifyingCTE)
		refuse_statement(statement);
	foreach(lc, statement->rtable)
		refuse_foreign_table(lfirst_node(RangeTblEntry, lc));
	foreach(lc, checked_relations(statement))
	{
		if (!owner_may_read(lfirst_oid(lc)))
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("cannot read relation \"%s\" within security-restricted operation",
							get_rel_name(lfirst_oid(lc))),
					 errdetail("Where objects are looked up for others, only tables are read that role \"%s\" may read.",
							   GetUserNameFromId(owner_of_code, true))));
	}
}

/* Hook: the execution of a statement starts. */
static void
executor_start(QueryDesc *queryDesc, int eflags)
{
	if (is_confined())
		look_at_statement(queryDesc->plannedstmt);
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
 * Hook: a table enters a plan.  It has no statistics of expressions then, either; no connection is made
 * in order to plan; and no parallel workers are planned for, which do not know the owner.
 */
static void
find_table(RELATION_HOOK_ARGS)
{
	if (next_get_relation_info_hook != NULL)
		next_get_relation_info_hook(RELATION_HOOK_VALUES);
	if (!is_confined())
		return;
	refuse_foreign_table(planner_rt_fetch(rel->relid, root));
	rel->statlist = NIL;
	root->glob->parallelModeOK = false;
}

/*
 * Check hooks: SET clauses are in force before function_is_called().  So those are refused that are not
 * undone in time, or at all.
 */
static bool
may_set(void)
{
	if (!is_confined())
		return true;
	GUC_check_errcode(ERRCODE_INSUFFICIENT_PRIVILEGE);
	GUC_check_errmsg("cannot change this setting within security-restricted operation");
	return false;
}

static bool
check_exit_on_error(bool *newval, void **extra, GucSource source)
{
	return may_set() && (next_check_exit_on_error == NULL ||
						 next_check_exit_on_error(newval, extra, source));
}

static bool
check_transaction_timeout(int *newval, void **extra, GucSource source)
{
	return may_set() && (next_check_transaction_timeout == NULL ||
						 next_check_transaction_timeout(newval, extra, source));
}

static bool
check_seed(double *newval, void **extra, GucSource source)
{
	return may_set() && (next_check_seed == NULL || next_check_seed(newval, extra, source));
}

static void
hook_settings(void)
{
	int			n;
	struct config_generic **settings = all_settings(&n);

	for (int i = 0; i < n; i++)
	{
		if (strcmp(settings[i]->name, "exit_on_error") == 0)
		{
			next_check_exit_on_error = bool_setting(settings[i])->check_hook;
			bool_setting(settings[i])->check_hook = check_exit_on_error;
		}
		else if (strcmp(settings[i]->name, "transaction_timeout") == 0)
		{
			next_check_transaction_timeout = int_setting(settings[i])->check_hook;
			int_setting(settings[i])->check_hook = check_transaction_timeout;
		}
		else if (strcmp(settings[i]->name, "seed") == 0)
		{
			next_check_seed = real_setting(settings[i])->check_hook;
			real_setting(settings[i])->check_hook = check_seed;
		}
	}
}

/*
 * ConfineInit
 *		Called once, when the library is loaded.
 */
void
ConfineInit(void)
{
	hook_settings();

	next_executor_start_hook = ExecutorStart_hook;
	ExecutorStart_hook = executor_start;
	next_process_utility_hook = ProcessUtility_hook;
	ProcessUtility_hook = process_utility;
	next_object_access_hook = object_access_hook;
	object_access_hook = object_is_accessed;
	next_needs_fmgr_hook = needs_fmgr_hook;
	needs_fmgr_hook = needs_hook;
	next_fmgr_hook = fmgr_hook;
	fmgr_hook = function_is_called;
	next_get_relation_stats_hook = get_relation_stats_hook;
	get_relation_stats_hook = find_relation_stats;
	next_get_index_stats_hook = get_index_stats_hook;
	get_index_stats_hook = find_index_stats;
	next_get_relation_info_hook = get_relation_info_hook;
	get_relation_info_hook = find_table;
}
