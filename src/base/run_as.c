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
 * them.  This is restricted, too, and read only.  As in any query on the table, such
 * code can read whatever the current user can.
 *
 * What looks up rows for somebody who has not chosen the table is confined besides, see
 * confine.c; except for policies whose owner is trusted.
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
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/syscache.h"

/*
 * RunAsBegin
 *		Make "userid" the current user until RunAsEnd(), not subject to policies of its
 *		own tables, even forced ones.  With RUN_AS_OWNER forced ones apply; as a
 *		reader all do, and "userid" is normally the current user.
 *
 * After an error, the abort of the (sub)transaction restores the user and the settings.
 */
void
RunAsBegin(RunAs *before, Oid userid, RunAsMode mode)
{
	bool		as_reader = mode == RUN_AS_READER || mode == RUN_AS_CONFINED_READER;
	int			flags = SECURITY_LOCAL_USERID_CHANGE;

	if (!as_reader && mode != RUN_AS_OWNER)
		flags |= SECURITY_NOFORCE_RLS;
	if (mode != RUN_AS_CASCADE)
		flags |= SECURITY_RESTRICTED_OPERATION;
	if (mode == RUN_AS_LOOKUP || mode == RUN_AS_CONFINED_READER)
		flags |= SECURITY_CONFINED;
	GetUserIdAndSecContext(&before->userid, &before->sec_context);
	SetUserIdAndSecContext(userid, before->sec_context | flags);

	before->guc_level = mode == RUN_AS_CASCADE ? 0 : NewGUCNestLevel();
	before->read_only = XactReadOnly;
	/* there could be any number of messages */
	if ((flags & SECURITY_CONFINED) != 0)
		(void) set_config_option("client_min_messages", "error", PGC_USERSET,
								 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	if (as_reader)
		XactReadOnly = true;
	else if (mode != RUN_AS_CASCADE)
		(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET,
								 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
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
