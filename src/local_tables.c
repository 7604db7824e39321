/*
 * local_tables.c
 *		Whether this server itself holds the rows of our tables.
 *
 * A table can be one in name only: foreign, of another access method, or
 * distributed by the extension citus, which leaves an empty one behind and has its
 * planner go elsewhere for the rows.  Whoever reads such a table without a query
 * finds nothing, and what he stores there nobody will find.
 */
#include "postgres.h"

#include "compat.h"
#include "catalog.h"
#include "local_tables.h"
#include "relation_watch.h"

#include "access/genam.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "commands/extension.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/* Tables that were found to be local, for as long as they do not change. */
static Oid	local_action = InvalidOid;
static Oid	local_follow = InvalidOid;

/* Watcher. */
static void
table_changed(Oid relid)
{
	if (relid == InvalidOid || relid == local_action)
		local_action = InvalidOid;
	if (relid == InvalidOid || relid == local_follow)
		local_follow = InvalidOid;
}

/*
 * Has the extension citus distributed the table?  It notes so in a table of its own,
 * and tells the relation cache.
 */
static bool
is_distributed(Oid relid)
{
	Oid			citus = get_extension_oid("citus", true);
	Oid			notes = OidIsValid(citus) ?
		get_relname_relid("pg_dist_partition", PG_CATALOG_NAMESPACE) : InvalidOid;
	AttrNumber	column;
	Relation	rel;
	ScanKeyData key;
	SysScanDesc scan;
	bool		result;

	if (!OidIsValid(notes) || getExtensionOfObject(RelationRelationId, notes) != citus)
		return false;
	column = get_attnum(notes, "logicalrelid");
	if (column == InvalidAttrNumber || get_atttype(notes, column) != REGCLASSOID)
		return false;
	rel = table_open(notes, AccessShareLock);
	ScanKeyInit(&key, column, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(rel, InvalidOid, false, NULL, 1, &key);
	result = HeapTupleIsValid(systable_getnext(scan));
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return result;
}

/* Raise an error unless the server holds the rows of one of our tables. */
static void
require_local(Oid relid)
{
	Relation	rel = OwnTableOpen(relid, AccessShareLock);
	const char *name = RelationGetRelationName(rel);

	if (rel->rd_rel->relkind != RELKIND_RELATION)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("relation \"%s\" of extension \"actstream\" is not an ordinary table", name),
				 errhint("Replace it by an ordinary table with its rows.")));
	if (rel->rd_rel->relam != HEAP_TABLE_AM_OID)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("table \"%s\" of extension \"actstream\" has access method \"%s\"",
						name, get_am_name(rel->rd_rel->relam)),
				 errhint("Use ALTER TABLE actstream.%s SET ACCESS METHOD heap.", name)));
	if (is_distributed(relid))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("table \"%s\" of extension \"actstream\" is distributed by extension \"citus\"", name),
				 errhint("Use SELECT undistribute_table('actstream.%s').", name)));
	table_close(rel, AccessShareLock);
}

/*
 * LocalTablesRequire
 *		Raise ERRCODE_FEATURE_NOT_SUPPORTED unless the server holds the rows of
 *		actstream.action and actstream.follow.
 *
 * Costs next to nothing as long as these do not change.  Whoever holds a lock on one
 * of them can rely on the answer for that one.
 */
void
LocalTablesRequire(void)
{
	Oid			action = ActionRelationId();
	Oid			follow = FollowRelationId();
	uint64		changes;

	if (local_action == action && local_follow == follow)
		return;
	RelationWatch(table_changed);
	changes = RelationChanges();
	require_local(action);
	require_local(follow);
	/* what is heard of meanwhile is for the next time */
	if (RelationChanges() != changes)
		return;
	local_action = action;
	local_follow = follow;
}
