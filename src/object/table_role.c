/*
 * table_role.c
 *		The role as which rows of a registered table are looked up.
 *
 * Whoever reads a page, or refers to an object, has not chosen the tables that the objects are in;
 * any role may have registered them.  So what these tables bring along is confined, see confine.c;
 * but not where their owner is somebody whose code the session runs anyway.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/confine.h"
#include "object/table_role.h"
#include "tables/own_tables.h"

#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/rel.h"

/*
 * TableRoleIsTrusted
 *		Has the role the rights of the owner of the actions, whose policies and triggers run for all;
 *		or those of the caller, so that it could do itself what its code does here?
 */
bool
TableRoleIsTrusted(Oid role)
{
	Oid			actions = OwnTableFind(OWN_ACTIONS);

	return (has_privs_of_role(role, GetSessionUserId()) && has_privs_of_role(role, GetUserId())) ||
		(OidIsValid(actions) && has_privs_of_role(role, TableOwner(actions)));
}

/*
 * TableRoleBegin
 *		Until RunAsEnd(), look up rows as the owner of the table; or, under policies, as
 *		the current user.
 */
void
TableRoleBegin(RunAs *before, Relation rel, bool under_policies)
{
	Oid			owner = rel->rd_rel->relowner;
	bool		trusted = TableRoleIsTrusted(owner);

	ConfineFor(owner);
	if (under_policies)
		RunAsBegin(before, GetUserId(), trusted ? RUN_AS_READER : RUN_AS_CONFINED_READER);
	else
		/* while policies are suspended, they are so for functions of others, too */
		RunAsBegin(before, owner,
				   trusted && !rel->rd_rel->relforcerowsecurity ? RUN_AS_OWNER : RUN_AS_LOOKUP);
}
