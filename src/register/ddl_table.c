/*
 * ddl_table.c
 *		Whether DDL on a table concerns the registry.
 */
#include "postgres.h"

#include "base/compat.h"
#include "object/binding.h"
#include "register/ddl_notes.h"
#include "register/ddl_table.h"
#include "tables/own_tables.h"

/*
 * DdlMayBeRegistered
 *		Can the table be registered, or a partition of a registered table?
 *
 * Only the registry knows for sure, and a role that may register can lock it.  So that
 * DDL of other roles never waits for that lock, nor for one on a table that the command does not
 * lock, this looks at the table's triggers first.  The triggers of a table that is being dropped have
 * been dropped before it.
 */
bool
DdlMayBeRegistered(Oid relid)
{
	return DdlNotesHas(TRIGGER_LOST, relid) || HasOwnTriggerName(relid);
}

/*
 * DdlFindType
 *		The object type of a table, or of the partitioned table that it is a partition of;
 *		NULL if there is none, or if the registry is missing or cannot be read.
 */
const RegisteredType *
DdlFindType(Oid relid)
{
	return OwnTableExists(OWN_OBJECT_TYPES) ? RegistryLookupTable(relid) : NULL;
}

/*
 * DdlIsRegistered
 *		Is the table itself registered?
 */
bool
DdlIsRegistered(Oid relid)
{
	const RegisteredType *type = DdlFindType(relid);

	return type != NULL && type->relation == relid;
}

/*
 * DdlWarnOfRegistry
 *		A table that is bound to a type, or a partition of one, is being dropped, and without
 *		the registry we cannot tell its type.  Warn, if there are tables that could hold
 *		references.
 */
void
DdlWarnOfRegistry(const char *relname)
{
	if (OwnTableExists(OWN_OBJECT_TYPES) ||
		(!OidIsValid(OwnTableFind(OWN_ACTIONS)) && !OidIsValid(OwnTableFind(OWN_FOLLOWS)) &&
		 !OidIsValid(OwnTableFind(OWN_MUTES))))
		return;
	ereport(WARNING,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("references to rows of table \"%s\" are not removed because table \"actstream.%s\" is missing or was not made by create_tables()",
					relname, OwnTableName(OWN_OBJECT_TYPES))));
}
