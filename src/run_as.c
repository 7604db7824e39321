/*
 * run_as.c
 *		Running something as another role.
 *
 * Whatever runs as the owner of a table may come to evaluate code of the owner's:
 * index predicates while a query is planned, policies, defaults, domains, triggers.
 * With the owner's rights that is harmless, but a deferred trigger that such code
 * queues would run at COMMIT with those of the session's user.  So all that is run
 * as an owner is restricted, as maintenance commands restrict it.
 *
 * The exception is what a user's own DML cascades to, which is run as the triggers of a
 * foreign key run it: deferrable constraints of the tables that it reaches have to
 * work, and whoever owns these is trusted with it there, too.
 */
#include "postgres.h"

#include "compat.h"
#include "run_as.h"

#include "miscadmin.h"

/*
 * RunAsBegin
 *		Let "userid" be the current user until RunAsEnd(), policies that the role has
 *		forced upon itself aside.
 *
 * An error restores who ran before with the state of the (sub)transaction.
 */
void
RunAsBegin(RunAs *before, Oid userid, RunAsMode mode)
{
	int			flags = SECURITY_LOCAL_USERID_CHANGE | SECURITY_NOFORCE_RLS;

	if (mode == RUN_AS_RESTRICTED)
		flags |= SECURITY_RESTRICTED_OPERATION;
	GetUserIdAndSecContext(&before->userid, &before->sec_context);
	SetUserIdAndSecContext(userid, before->sec_context | flags);
}

/*
 * RunAsEnd
 *		Let the current user be who it was.
 */
void
RunAsEnd(const RunAs *before)
{
	SetUserIdAndSecContext(before->userid, before->sec_context);
}
