/*
 * local_tables.c
 *		Checking that our tables are stored in this server.
 *
 * The rows of a table can be elsewhere: in a foreign table, with another access method,
 * or in tables distributed by the extension citus, which leaves an empty table behind
 * and has its planner hook redirect queries.  Code that reads such a table without a
 * query finds nothing, and rows that it stores there are never found.
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

/* Tables found to be local, and whether they are ordinary; valid until they change. */
static struct
{
	Oid			relid;
	bool		ordinary;
}			local[NUM_OWN_TABLES];

/* Callback: a table has changed. */
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
 * Has the extension citus distributed the table?  It records that in a table of its
 * own, and invalidates the relation cache.
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

/* Raise an error if citus has distributed one of our tables. */
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

/* Raise an error if one of our tables does not use the access method heap. */
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
 * Raise an error if the table is distributed or, with "ordinary", is not an ordinary
 * table.
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
	/* if anything has changed meanwhile, check again next time */
	if (RelationChanges() != changes)
		return;
	local[table].relid = relid;
	local[table].ordinary = ordinary;
}

/*
 * LocalTableRequire
 *		Raise ERRCODE_FEATURE_NOT_SUPPORTED if one of our tables is distributed, or does
 *		not use the access method heap.
 *
 * Costs next to nothing until the table changes.  The answer holds as long as the
 * caller holds a lock on the table.
 */
void
LocalTableRequire(OwnTable table)
{
	require_local(table, true);
}

/*
 * LocalTablesRefuseDistributed
 *		The same for actstream.actions, actstream.follows and actstream.mutes, for a query.
 *		As a query reads tables of any kind, only distributed ones are refused.
 *
 * Locks none of them, as the query may not be allowed to read them all.
 */
void
LocalTablesRefuseDistributed(void)
{
	require_local(OWN_ACTIONS, false);
	require_local(OWN_FOLLOWS, false);
	require_local(OWN_MUTES, false);
}
