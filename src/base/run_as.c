/*
 * run_as.c
 *		Running code as another role, or as the same one with fewer rights.
 *
 * Whatever runs as the owner of a table may evaluate code that the owner wrote: index
 * predicates during planning, policies, defaults, domains, triggers.  With the owner's
 * rights that is harmless, but a deferred trigger queued by such code would run at
 * COMMIT with the rights of the session user, and a setting changed by it would stay
 * changed in the session.  So everything that is run as an owner is a
 * security-restricted operation with a safe search_path, as in maintenance commands.
 * The safe search_path also keeps the session user from capturing names in the owner's
 * code.
 *
 * Policies of a table must be evaluated as the current user, although the owner wrote
 * them.  This is restricted, too, and read only: hooks refuse every statement that is not a
 * query, also one that a read-only transaction allows, and before 16 RESET makes such a
 * transaction one that writes.  As in any query on the table, the owner's code can read whatever
 * the current user can.
 *
 * Exception: statements that cascade from a user's DML.  They run as the triggers of a
 * foreign key do: deferrable constraints of the tables that they reach have to work, and
 * the owners of these tables are trusted as they are with foreign keys.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/run_as.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/guc.h"
#include "utils/syscache.h"

/*
 * In the security context: RUN_AS_READER.  None of PostgreSQL's flags, but kept, restored after
 * errors, and passed on to functions with SECURITY DEFINER and to parallel workers, as these are.
 */
#define SECURITY_READER		0x40000000

static ExecutorStart_hook_type next_executor_start_hook = NULL;
static ProcessUtility_hook_type next_process_utility_hook = NULL;

static bool
is_reader(void)
{
	Oid			userid;
	int			sec_context;

	GetUserIdAndSecContext(&userid, &sec_context);
	return (sec_context & SECURITY_READER) != 0;
}

/* Raise an error, for a reader, unless the statement may be executed by one. */
static void
require_query(PlannedStmt *statement)
{
	XactReadOnly = true;
	if (statement->commandType == CMD_SELECT && !statement->hasModifyingCTE)
		return;
	if (statement->commandType == CMD_UTILITY &&
		(IsA(statement->utilityStmt, VariableSetStmt) ||
		 IsA(statement->utilityStmt, VariableShowStmt) ||
		 IsA(statement->utilityStmt, ExplainStmt)))
		return;
	PreventCommandIfReadOnly(GetCommandTagName(CreateCommandTag((Node *) statement)));
}

/* Hook: the execution of a query starts. */
static void
executor_start(QueryDesc *queryDesc, int eflags)
{
	if (is_reader())
		require_query(queryDesc->plannedstmt);
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
	if (is_reader())
		require_query(pstmt);
	if (next_process_utility_hook != NULL)
		next_process_utility_hook(pstmt, queryString, readOnlyTree, context, params, queryEnv,
								  dest, qc);
	else
		standard_ProcessUtility(pstmt, queryString, readOnlyTree, context, params, queryEnv,
								dest, qc);
}

/*
 * RunAsInit
 *		Called once, when the library is loaded.
 */
void
RunAsInit(void)
{
	next_executor_start_hook = ExecutorStart_hook;
	ExecutorStart_hook = executor_start;
	next_process_utility_hook = ProcessUtility_hook;
	ProcessUtility_hook = process_utility;
}

/*
 * RunAsBegin
 *		Make "userid" the current user until RunAsEnd(), not subject to policies of its
 *		own tables, even forced ones.  With RUN_AS_READER policies apply; "userid" is
 *		then normally the current user.
 *
 * After an error, the abort of the (sub)transaction restores the user and the settings.
 */
void
RunAsBegin(RunAs *before, Oid userid, RunAsMode mode)
{
	int			flags = SECURITY_LOCAL_USERID_CHANGE;

	if (mode != RUN_AS_READER)
		flags |= SECURITY_NOFORCE_RLS;
	if (mode != RUN_AS_CASCADE)
		flags |= SECURITY_RESTRICTED_OPERATION;
	if (mode == RUN_AS_READER)
		flags |= SECURITY_READER;
	GetUserIdAndSecContext(&before->userid, &before->sec_context);
	SetUserIdAndSecContext(userid, before->sec_context | flags);

	before->guc_level = mode == RUN_AS_CASCADE ? 0 : NewGUCNestLevel();
	before->read_only = XactReadOnly;
	if (mode == RUN_AS_RESTRICTED)
		(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET,
								 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	else if (mode == RUN_AS_READER)
		XactReadOnly = true;
}

/*
 * RunAsEnd
 *		Restore the current user and all settings as they were before RunAsBegin().
 */
void
RunAsEnd(const RunAs *before)
{
	if (before->guc_level > 0)
		AtEOXact_GUC(false, before->guc_level);
	XactReadOnly = before->read_only;
	SetUserIdAndSecContext(before->userid, before->sec_context);
}

/*
 * TableOwner
 *		The owner of a table, which must exist.  The caller needs no lock on it.
 */
Oid
TableOwner(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relid);
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}
