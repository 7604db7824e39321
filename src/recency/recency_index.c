/*
 * recency_index.c
 *		The index access method that raises bounds of the recency map.
 *
 * An index of this method stores nothing and finds nothing.  Its only purpose is to be
 * called for rows of actstream.actions, or a partition, that are put into its indexes: by INSERT,
 * UPDATE, MERGE and COPY, by logical replication, with triggers disabled, and in any
 * session_replication_role.  It is called before the transaction can commit, and so
 * before another transaction can see the row.
 *
 * Building such an index does nothing: a new index makes the map incomplete until the
 * rows of the table are found in its other indexes.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/relation_watch.h"
#include "recency/recency_index.h"
#include "recency/recency_map.h"
#include "recency/recency_raise.h"
#include "tables/own_tables.h"
#include "tables/table_index.h"

#include "access/amapi.h"
#include "access/genam.h"
#include "catalog/pg_type.h"
#include "commands/vacuum.h"
#include "nodes/execnodes.h"
#include "optimizer/cost.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(actstream_recency_handler);

static bool insert(Relation index, Datum *values, bool *isnull, ItemPointer tid, Relation heap,
				   IndexUniqueCheck check_unique, bool unchanged, IndexInfo *index_info);

/* columns of a recency index after those for roles, which are as in ActionIndex */
#define Anum_recency_index_public		4
#define Anum_recency_index_timestamp	5
#define Natts_recency_index				5

/* The columns of the table that the columns of the index hold. */
static const AttrNumber indexed_columns[Natts_recency_index] = {
	Anum_action_actor, Anum_action_target, Anum_action_action_object,
	Anum_action_public, Anum_action_timestamp
};

/* The index found for a table; it has no meaning if "table" is InvalidOid. */
static struct
{
	Oid			table;
	Oid			index;
}			found;

/* The type that a column of the index has to have. */
static Oid
column_type(int i)
{
	switch (i + 1)
	{
		case Anum_recency_index_public:
			return BOOLOID;
		case Anum_recency_index_timestamp:
			return TIMESTAMPTZOID;
		default:
			return RefTypeId();
	}
}

/*
 * Does the index have all rows, and in order the columns that bounds are raised from?
 * It may be on any table.
 */
static bool
has_columns(Relation index)
{
	Form_pg_index form = index->rd_index;

	if (form->indnatts != Natts_recency_index || IndexHasPredicate(index))
		return false;
	for (int i = 0; i < Natts_recency_index; i++)
	{
		if (form->indkey.values[i] != indexed_columns[i] ||
			TupleDescAttr(RelationGetDescr(index), i)->atttypid != column_type(i))
			return false;
	}
	return true;
}

/*
 * IsRecencyIndex
 *		Whether the index, which is on actstream.actions, raises bounds for each row.
 */
bool
IsRecencyIndex(Relation index)
{
	return index->rd_indam->aminsert == insert && has_columns(index);
}

/* Callback: a table has changed. */
static void
table_changed(Oid relid)
{
	if (relid == InvalidOid || relid == found.table)
		found.table = InvalidOid;
}

/*
 * RecencyIndexFind
 *		The index through which each row of actstream.actions, or of a partition, raises bounds of
 *		the recency map, or InvalidOid if there is none that all writers know.
 *
 * The caller holds a lock on the table.
 */
Oid
RecencyIndexFind(Relation actions)
{
	Oid			result = InvalidOid;
	uint64		changes_before = RelationChanges();
	List	   *indexes;
	ListCell   *lc;

	if (found.table == RelationGetRelid(actions))
		return found.index;
	RelationWatch(table_changed);
	indexes = RelationGetIndexList(actions);
	foreach(lc, indexes)
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		if (IsRecencyIndex(index) && index->rd_index->indisvalid)
			result = RelationGetRelid(index);
		index_close(index, AccessShareLock);
	}
	list_free(indexes);
	/* ALTER INDEX ... ATTACH PARTITION, which can make an index valid, does not change the table */
	if (RelationChanges() == changes_before &&
		(OidIsValid(result) || actions->rd_rel->relkind != RELKIND_PARTITIONED_TABLE))
	{
		found.index = result;
		found.table = RelationGetRelid(actions);
	}
	return result;
}

/*
 * RecencyIndexOfPartition
 *		The index of the partition, if the map is complete for that; else InvalidOid.
 *
 * The caller holds a lock on the table.  REINDEX CONCURRENTLY waits for whoever has found the index
 * valid before rows no longer enter it.
 */
Oid
RecencyIndexOfPartition(Relation partition)
{
	RecencyMap	map;
	Oid			index = RecencyMapGet(&map) ? RecencyMapIndex(&map) : InvalidOid;
	List	   *indexes;
	bool		found_there;

	if (!OidIsValid(index))
		return InvalidOid;
	indexes = RelationGetIndexList(partition);
	found_there = list_member_oid(indexes, index);
	list_free(indexes);
	return found_there && get_index_isvalid(index) ? index : InvalidOid;
}

/*
 * Callback: build the index.
 *
 * It may be on a copy of the table, made together with its indexes.
 */
static IndexBuildResult *
build(Relation heap, Relation index, IndexInfo *index_info)
{
	return palloc0(sizeof(IndexBuildResult));
}

/* Callback: build the empty index of an unlogged table. */
static void
build_empty(Relation index)
{
}

/*
 * Callback: a row is put into the index.
 *
 * Bounds are raised for actstream.actions only, or the partition that the map is for, so that no
 * role can raise those of other roles' objects by a table of its own.  The table for which the map is
 * complete raises them even while it has another name, or is detached.  Rows that are not public,
 * or have no timestamp, are in no list.  Any column can be null if the table's owner has dropped a
 * constraint.
 */
static bool
insert(Relation index, Datum *values, bool *isnull, ItemPointer tid, Relation heap,
	   IndexUniqueCheck check_unique, bool unchanged, IndexInfo *index_info)
{
	uint64		hashes[NUM_ACTION_ROLES];
	RoleSet		roles = 0;
	TimestampTz timestamp;
	RecencyMap	map;

	if (!has_columns(index) || isnull[Anum_recency_index_public - 1] ||
		!DatumGetBool(values[Anum_recency_index_public - 1]) ||
		isnull[Anum_recency_index_timestamp - 1] || !RecencyMapGet(&map) ||
		(RelationGetRelid(heap) != OwnTableFind(OWN_ACTIONS) &&
		 !RecencyMapIsRaisedBy(&map, RelationGetRelid(index))))
		return false;
#ifdef RECENCY_SKIP_RAISE
	/* for "make check-recency BREAK=raise", whose test must notice missing rows */
	if (random() % RECENCY_SKIP_RAISE == 0)
		return false;
#endif
	/* the processor fetches all bounds at the same time */
	for (ActionIndex role = 0; role < NUM_ACTION_ROLES; role++)
	{
		if (isnull[role])
			continue;
		hashes[role] = RecencyHash(DatumGetRefPP(values[role]));
		RecencyPrefetchToRaise(&map, hashes[role]);
		roles |= ROLE_BIT(role);
	}
	timestamp = DatumGetTimestampTz(values[Anum_recency_index_timestamp - 1]);
	RecencyRaise(&map, hashes, roles, timestamp, tid, false);
	RecencyRaiseNewest(&map, timestamp);
	return false;
}

/* Callback: VACUUM has nothing to remove. */
static IndexBulkDeleteResult *
bulk_delete(IndexVacuumInfo *info, IndexBulkDeleteResult *stats,
			IndexBulkDeleteCallback callback, void *callback_state)
{
	return stats;
}

/* Callback: VACUUM has nothing to clean up. */
static IndexBulkDeleteResult *
vacuum_cleanup(IndexVacuumInfo *info, IndexBulkDeleteResult *stats)
{
	return stats;
}

/* Callback: no plan can use the index. */
static void
cost_estimate(struct PlannerInfo *root, struct IndexPath *path, double loop_count,
			  Cost *startup_cost, Cost *total_cost, Selectivity *selectivity,
			  double *correlation, double *pages)
{
	*startup_cost = *total_cost = disable_cost;
	*selectivity = 1;
	*correlation = 0;
	*pages = 0;
}

/* Callback: there are no options. */
static bytea *
options(Datum reloptions, bool validate)
{
	return NULL;
}

/* Callback: operator classes contain nothing that could be wrong. */
static bool
validate(Oid opclass)
{
	return true;
}

static void
cannot_scan(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("access method \"actstream_recency\" does not support scans")));
}

/* Callbacks of a scan: never called, as no plan scans the index. */
static IndexScanDesc
begin_scan(Relation index, int nkeys, int norderbys)
{
	cannot_scan();
	return NULL;
}

static void
rescan(IndexScanDesc scan, ScanKey keys, int nkeys, ScanKey orderbys, int norderbys)
{
	cannot_scan();
}

static void
end_scan(IndexScanDesc scan)
{
	cannot_scan();
}

/*
 * actstream_recency_handler(internal) RETURNS index_am_handler
 */
Datum
actstream_recency_handler(PG_FUNCTION_ARGS)
{
	IndexAmRoutine *am = makeNode(IndexAmRoutine);

	am->amcanmulticol = true;
	am->amoptionalkey = true;
	am->amsearchnulls = true;
	am->ambuild = build;
	am->ambuildempty = build_empty;
	am->aminsert = insert;
	am->ambulkdelete = bulk_delete;
	am->amvacuumcleanup = vacuum_cleanup;
	am->amcostestimate = cost_estimate;
	am->amoptions = options;
	am->amvalidate = validate;
	am->ambeginscan = begin_scan;
	am->amrescan = rescan;
	am->amendscan = end_scan;
	PG_RETURN_POINTER(am);
}
