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

#include "base/compat.h"
#include "base/relation_watch.h"
#include "tables/local_tables.h"
#include "tables/own_tables.h"

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

/* Tables that were found to be local, and ordinary, for as long as they do not change. */
static struct
{
	Oid			relid;
	bool		ordinary;
}			local[NUM_OWN_TABLES];

/* Watcher. */
static void
table_changed(Oid relid)
{
	for (OwnTable table = 0; table < NUM_OWN_TABLES; table++)
	{
		if (relid == InvalidOid || relid == local[table].relid)
			local[table].relid = InvalidOid;
	}
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

/* Raise an error if another engine holds the rows of one of our tables. */
static void
refuse_distributed(Oid relid)
{
	if (is_distributed(relid))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("table \"%s\" of extension \"actstream\" is distributed by extension \"citus\"",
						get_rel_name(relid)),
				 errhint("Use SELECT undistribute_table('actstream.%s').", get_rel_name(relid))));
}

/* Raise an error if one of our tables is not stored as tables are. */
static void
require_ordinary(OwnTable table)
{
	Relation	rel = OwnTableOpen(table, AccessShareLock);
	const char *name = RelationGetRelationName(rel);

	if (rel->rd_rel->relkind == RELKIND_RELATION && rel->rd_rel->relam != HEAP_TABLE_AM_OID)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("table \"%s\" of extension \"actstream\" has unsupported access method \"%s\"",
						name, get_am_name(rel->rd_rel->relam)),
				 errhint("Use ALTER TABLE actstream.%s SET ACCESS METHOD heap.", name)));
	table_close(rel, AccessShareLock);
}

/*
 * Raise an error if the table is distributed; with "ordinary", also unless it is an
 * ordinary table.
 */
static void
require_local(OwnTable table, bool ordinary)
{
	Oid			relid = ordinary ? OwnTableId(table) : OwnTableFind(table);
	uint64		changes;

	if (local[table].relid == relid && (local[table].ordinary || !ordinary))
		return;
	RelationWatch(table_changed);
	changes = RelationChanges();
	refuse_distributed(relid);
	if (ordinary)
		require_ordinary(table);
	/* what is heard of meanwhile is for the next time */
	if (RelationChanges() != changes)
		return;
	local[table].relid = relid;
	local[table].ordinary = ordinary;
}

/*
 * LocalTableRequire
 *		Raise ERRCODE_FEATURE_NOT_SUPPORTED if another engine holds the rows of a table
 *		of ours, or it is no ordinary table.
 *
 * Costs next to nothing as long as it does not change.  Whoever holds a lock on it can
 * rely on the answer.
 */
void
LocalTableRequire(OwnTable table)
{
	require_local(table, true);
}

/*
 * LocalTablesRefuseDistributed
 *		The same of actstream.actions and actstream.follows for a query, which reads
 *		whatever kind of tables these are: only what citus has distributed is refused.
 *		Locks neither of them, as it may not read the latter.
 */
void
LocalTablesRefuseDistributed(void)
{
	require_local(OWN_ACTIONS, false);
	require_local(OWN_FOLLOWS, false);
}
