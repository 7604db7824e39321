/*
 * run_as.c
 *		Running something as another role, or as the same one with fewer rights.
 *
 * Whatever runs as the owner of a table may come to evaluate code of the owner's:
 * index predicates while a query is planned, policies, defaults, domains, triggers.
 * With the owner's rights that is harmless, but a deferred trigger that such code
 * queues would run at COMMIT with those of the session's user, and a setting that
 * it changes would be the session's.  So all that is run as an owner is restricted,
 * as maintenance commands restrict it; and like theirs, its search_path is a safe
 * one, so that the session's user captures no name in code of the owner's.
 *
 * Policies of a table must be evaluated as the current user, though they are code of
 * the owner's.  That is restricted, too, and writes no table; as in any query on the
 * table, it can read whatever the current user can.
 *
 * The exception is what a user's own DML cascades to, which is run as the triggers of a
 * foreign key run it: deferrable constraints of the tables that it reaches have to
 * work, and whoever owns these is trusted with it there, too.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/run_as.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/syscache.h"

/*
 * RunAsBegin
 *		Let "userid" be the current user until RunAsEnd(), policies that the role has
 *		forced upon itself aside; with RUN_AS_READER, they hold, and "userid" is as a
 *		rule the current user.
 *
 * An error restores who ran before, and the settings, with the state of the
 * (sub)transaction.
 */
void
RunAsBegin(RunAs *before, Oid userid, RunAsMode mode)
{
	int			flags = SECURITY_LOCAL_USERID_CHANGE;

	if (mode != RUN_AS_READER)
		flags |= SECURITY_NOFORCE_RLS;
	if (mode != RUN_AS_CASCADE)
		flags |= SECURITY_RESTRICTED_OPERATION;
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
 *		Let the current user be who it was, and all settings what they were.
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
 *		The owner of a table that is there, on which the caller needs no lock.
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
