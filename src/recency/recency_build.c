/*
 * recency_build.c
 *		Completing the recency map from the indexes.
 *
 * Rows that existed before the recency index, or before the server started, have raised
 * no bounds.  What they would have raised is found in the indexes by role.  An entry
 * counts if any snapshot, present or future, may see its row; rows of prepared
 * transactions are included.  Transactions that write meanwhile raise bounds
 * themselves, so they are not blocked.  Bounds higher than what is found are lowered.
 *
 * The first stream that is read with an incomplete map requests a background worker,
 * which is connected to the database only while it works.
 *
 * If actstream.actions is partitioned by time, the map is for one partition, where most pages lie.
 * When streams are read from others, a worker looks from time to time whether it should be for
 * another one.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/run_as.h"
#include "base/worker.h"
#include "recency/recency_build.h"
#include "recency/recency_index.h"
#include "recency/recency_lower.h"
#include "recency/recency_raise.h"
#include "ref/ref_ops.h"
#include "tables/index_cursor.h"
#include "tables/own_tables.h"
#include "tables/table_index.h"

#include "access/genam.h"
#include "access/relation.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "partitioning/partbounds.h"
#include "partitioning/partdesc.h"
#include "pgstat.h"
#include "storage/bufmgr.h"
#include "storage/ipc.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/partcache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(actstream_recency_build);

extern PGDLLEXPORT void actstream_recency_main(Datum database);

/*
 * At most one worker is requested in this time; and in the second where a partition is read, which
 * may not be the one that the map should be for.
 */
#define REQUEST_INTERVAL_MS		10000
#define PARTITION_INTERVAL_MS	60000

/* Partitions with fewer actions are read as fast without the map. */
#define ENOUGH_ACTIONS			5000

/* Callback: this process is no longer the builder, whether it succeeded or not. */
static void
release_builder(int code, Datum arg)
{
	RecencyDatabase *database = (RecencyDatabase *) DatumGetPointer(arg);

	/* the map is complete before it ceases to be completed */
	pg_write_barrier();
	pg_atomic_write_u32(&database->next_index, InvalidOid);
	pg_atomic_write_u32(&database->builder, 0);
}

/* The entries of an index for one object, as far as they have been read. */
typedef struct ObjectEntries
{
	Ref		   *object;			/* NULL before the first one */
	int			found;			/* up to two, whose rows may be visible */
	TimestampTz newest[2];
} ObjectEntries;

/* Move to the next entry of a public action; false if there is none. */
static bool
next_public(IndexCursor *cursor, Datum *columns)
{
	bool		isnull[Natts_role_index];

	while (IndexCursorNext(cursor, BackwardScanDirection))
	{
		CHECK_FOR_INTERRUPTS();
		IndexCursorColumns(cursor, columns, isnull);
		/* any can be null if the index was replaced, or a constraint dropped */
		if (!isnull[Anum_role_index_object - 1] && !isnull[Anum_role_index_public - 1] &&
			!isnull[Anum_role_index_timestamp - 1] &&
			DatumGetBool(columns[Anum_role_index_public - 1]))
			return true;
	}
	return false;
}

/* All entries of an object have been read: lower its bounds if they are too high. */
static void
end_object(RecencyLowerer *lowerer, const RecencyMap *map, ActionIndex role,
		   const ObjectEntries *entries)
{
	uint64		times[2] = {0, 0};
	uint64		hash;
	uint64		bound;
	uint64		rest;
	TimestampTz newest;

	if (entries->object == NULL)
		return;
	for (int i = 0; i < entries->found; i++)
		times[i] = RecencyTime(entries->newest[i]);
	hash = RecencyHash(entries->object);
	if (!RecencyReadRest(map, hash, role, &bound, &rest) ||
		bound >> BOUND_TIME_SHIFT > times[0] || rest >> BOUND_TIME_SHIFT > times[1])
		(void) RecencyLower(lowerer, map, hash, entries->object, role, &newest);
}

/*
 * bounds_from_index
 *		Set the bounds of all objects in an index by role to what their entries tell;
 *		returns how many objects have an action that may be visible.
 *
 * Read backwards, the first entry of an object is its newest, and the second is the
 * newest of the rest.
 */
static int64
bounds_from_index(RecencyLowerer *lowerer, const RecencyMap *map, Relation action, Oid index,
				  ActionIndex role, Snapshot non_vacuumable)
{
	IndexCursor *cursor = IndexCursorOpen(action, index, 0, non_vacuumable);
	ObjectEntries latest = {.object = NULL};
	Datum		columns[Natts_role_index];
	int64		count = 0;

	IndexCursorSeek(cursor);
	while (next_public(cursor, columns))
	{
		Ref		   *object = DatumGetRefPP(columns[Anum_role_index_object - 1]);
		TimestampTz timestamp = DatumGetTimestampTz(columns[Anum_role_index_timestamp - 1]);

		if (latest.object == NULL || RefCompare(object, latest.object) != 0)
		{
			end_object(lowerer, map, role, &latest);
			if (latest.object == NULL)
				latest.object = palloc(REF_MAX_SIZE);
			memcpy(latest.object, object, VARSIZE_ANY(object));
			latest.found = 0;
		}
		if (latest.found < (int) lengthof(latest.newest) && IndexCursorIsVisible(cursor))
		{
			uint64		hashes[NUM_ACTION_ROLES];

			hashes[role] = RecencyHash(object);
			RecencyRaise(map, hashes, ROLE_BIT(role), timestamp, IndexCursorTid(cursor), true);
			count += latest.found == 0;
			latest.newest[latest.found++] = timestamp;
		}
		/* long keys are compressed in the index */
		if ((Pointer) object != DatumGetPointer(columns[Anum_role_index_object - 1]))
			pfree(object);
	}
	end_object(lowerer, map, role, &latest);
	IndexCursorClose(cursor);
	if (latest.object != NULL)
		pfree(latest.object);
	return count;
}

/* Set the bound of all public actions to the newest of them. */
static void
bound_from_time_index(RecencyLowerer *lowerer, const RecencyMap *map, Relation action, Oid index,
					  Snapshot non_vacuumable)
{
	IndexCursor *cursor = IndexCursorOpen(action, index, 0, non_vacuumable);
	TimestampTz newest;

	IndexCursorSeek(cursor);
	while (IndexCursorNext(cursor, BackwardScanDirection))
	{
		bool		isnull;
		Datum		timestamp = IndexCursorColumn(cursor, Anum_time_index_timestamp, &isnull);

		CHECK_FOR_INTERRUPTS();
		if (!isnull && IndexCursorIsVisible(cursor))
		{
			RecencyRaiseNewest(map, DatumGetTimestampTz(timestamp));
			break;
		}
	}
	IndexCursorClose(cursor);
	(void) RecencyLowerNewest(lowerer, map, &newest);
}

/*
 * Are the rows of a partition in the other indexes before they look whether they have to raise
 * bounds?  It remains so for these indexes, whatever others are made meanwhile.
 */
static bool
are_in_order(const Oid *indexes, Oid recency_index)
{
	for (int i = 0; i < NUM_ACTION_INDEXES; i++)
	{
		if (indexes[i] > recency_index)
			return false;
	}
	return true;
}

/*
 * complete_map
 *		Raise the bounds that the recency index has not raised, and lower those that are
 *		too high; returns the number of pairs of an object and a role, or -1 if an index
 *		is missing, or of a partition too old.
 *
 * The caller is the builder, and holds a lock on the table, so that its indexes cannot
 * be dropped.
 */
static int64
complete_map(RecencyMap *map, Relation action)
{
	TimestampTz start = GetCurrentTimestamp();
	Oid			indexes[NUM_ACTION_INDEXES];
	Oid			recency_index = RecencyIndexFind(action);
	RecencyLowerer *lowerer;
	SnapshotData non_vacuumable;
	int64		count = 0;

	if (!OidIsValid(recency_index) || !ActionIndexesFind(action, indexes) ||
		(action->rd_rel->relispartition && !are_in_order(indexes, recency_index)))
		return -1;
	RecencyMapBeginBuild(map, recency_index);
	lowerer = RecencyLowererCreate(action, indexes, recency_index);
	RecencyLowererBegin(lowerer, -1);
	InitNonVacuumableSnapshot(non_vacuumable, GlobalVisTestFor(action));
	for (ActionIndex role = 0; role < NUM_ACTION_ROLES; role++)
		count += bounds_from_index(lowerer, map, action, indexes[role], role, &non_vacuumable);
	bound_from_time_index(lowerer, map, action, indexes[ACTION_BY_TIME], &non_vacuumable);
	RecencyLowererEnd(lowerer);
	pg_atomic_write_u64(&map->database->objects, count);
	pg_atomic_write_u64(&map->database->built, GetCurrentTimestamp());
	pg_atomic_write_u64(&map->database->build_time, GetCurrentTimestamp() - start);
	/* no backend may find the map complete and a bound from before */
	pg_write_barrier();
	if (RecencyMapIsCurrent(map))
		pg_atomic_write_u32(&map->database->index, recency_index);
	return count;
}

/*
 * Open and lock a table until the end of the transaction; NULL if it has gone.  With "nowait", its
 * indexes are locked, too, or the result is NULL if one of these locks would have to be waited for.
 *
 * DROP EXTENSION locks an index before its table, because the index depends on an
 * operator class of the extension: to wait for the index would be a deadlock.
 */
static Relation
open_table(Oid relid, bool nowait)
{
	Relation	table;
	List	   *indexes;
	ListCell   *lc;
	bool		locked = true;

	if (!nowait)
		return try_relation_open(relid, AccessShareLock);
	if (!ConditionalLockRelationOid(relid, AccessShareLock))
		return NULL;
	table = try_relation_open(relid, NoLock);
	if (table == NULL)
		return NULL;
	indexes = RelationGetIndexList(table);
	foreach(lc, indexes)
		locked = locked && ConditionalLockRelationOid(lfirst_oid(lc), AccessShareLock);
	list_free(indexes);
	if (locked)
		return table;
	table_close(table, NoLock);
	return NULL;
}

/*
 * Count the partition's public actions that may be visible and are not in the future, up to
 * ENOUGH_ACTIONS, or that many if its indexes do not tell.  "mappable" is set to whether the map can
 * be for it.
 */
static int
count_actions(Relation partition, bool *mappable)
{
	Oid			indexes[NUM_ACTION_INDEXES];
	SnapshotData non_vacuumable;
	IndexCursor *cursor;
	int			result = 0;

	*mappable = false;
	if (RelationGetNumberOfBlocks(partition) == 0)
		return 0;
	if (!ActionIndexesFind(partition, indexes))
		return ENOUGH_ACTIONS;
	*mappable = are_in_order(indexes, RecencyIndexFind(partition));
	InitNonVacuumableSnapshot(non_vacuumable, GlobalVisTestFor(partition));
	cursor = IndexCursorOpen(partition, indexes[ACTION_BY_TIME], Anum_time_index_timestamp, &non_vacuumable);
	IndexCursorInitKey(cursor, 0, Anum_time_index_timestamp, BTLessEqualStrategyNumber);
	IndexCursorSetKey(cursor, 0, TimestampTzGetDatum(GetCurrentTimestamp()));
	IndexCursorSeek(cursor);
	while (result < ENOUGH_ACTIONS && IndexCursorNext(cursor, BackwardScanDirection))
	{
		CHECK_FOR_INTERRUPTS();
		result += IndexCursorIsVisible(cursor);
	}
	IndexCursorClose(cursor);
	return result;
}

/* Is the table partitioned by ranges of time that follow one another, with nothing below? */
static bool
is_partitioned_by_time(Relation actions, PartitionDesc partitions)
{
	PartitionKey key = RelationGetPartitionKey(actions);

	if (key->strategy != PARTITION_STRATEGY_RANGE || key->partattrs[0] != Anum_action_timestamp ||
		(partitions->nparts > 0 && partition_bound_has_default(partitions->boundinfo)))
		return false;
	for (int i = 0; i < partitions->nparts; i++)
	{
		if (get_rel_relkind(partitions->oids[i]) != RELKIND_RELATION)
			return false;
	}
	return true;
}

/*
 * The partition that the map is to be for, open and locked: the last one with ENOUGH_ACTIONS or,
 * if there is none, the last one that is not empty and can have a map; NULL if there is none, or with
 * "nowait" if one would have to be waited for.  "obstacle" is set to the table or partition, if one is
 * such that there can be no map.
 *
 * Called as the owner, as the partition key may have functions of the owner.
 */
static Relation
open_newest_partition(Relation actions, bool nowait, const char **obstacle)
{
	PartitionDesc partitions = RelationGetPartitionDesc(actions, true);
	Relation	result = NULL;

	*obstacle = NULL;
	if (!is_partitioned_by_time(actions, partitions))
	{
		*obstacle = RelationGetRelationName(actions);
		return NULL;
	}
	for (int i = partitions->nparts - 1; i >= 0; i--)
	{
		Relation	partition = open_table(partitions->oids[i], nowait);
		bool		mappable = false;
		int			n = partition == NULL ? 0 : count_actions(partition, &mappable);
		bool		is_last = partition == NULL || n == ENOUGH_ACTIONS;

		if (n > 0 && !mappable)
			*obstacle = pstrdup(RelationGetRelationName(partition));
		/* a later one with few actions is no substitute for this one */
		if (is_last || (mappable && n > 0 && result == NULL))
		{
			if (result != NULL)
				table_close(result, NoLock);
			result = mappable ? partition : NULL;
		}
		if (partition != NULL && partition != result)
			table_close(partition, NoLock);
		if (is_last)
			break;
	}
	if (result != NULL)
		*obstacle = NULL;
	return result;
}

/*
 * The table that the map is to be for, open and locked, or NULL: actstream.actions itself or, if
 * that is partitioned, a partition.
 */
static Relation
open_mapped(Relation actions, bool nowait, const char **obstacle)
{
	RunAs		before;
	Relation	result;

	*obstacle = NULL;
	if (actions->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		return table_open(RelationGetRelid(actions), AccessShareLock);
	if (!OidIsValid(RecencyIndexFind(actions)))
		return NULL;
	RunAsBegin(&before, actions->rd_rel->relowner, RUN_AS_RESTRICTED);
	result = open_newest_partition(actions, nowait, obstacle);
	RunAsEnd(&before);
	return result;
}

/*
 * Become the one process that may complete a map of the database; with "nowait", returns false
 * if there is another.
 *
 * The lock is one that nobody else takes.  It ends with the transaction, unless before.
 */
static bool
begin_build(LOCKTAG *tag, bool nowait)
{
	SET_LOCKTAG_OBJECT(*tag, MyDatabaseId, RelationRelationId, InvalidOid, 0);
	return LockAcquire(tag, ExclusiveLock, false, nowait) != LOCKACQUIRE_NOT_AVAIL;
}

/*
 * build_map
 *		Complete the map, for which begin_build() has been called; see complete_map().
 */
static int64
build_map(RecencyMap *map, Relation action)
{
	int64		count = 0;
	RunAs		before;

	pg_atomic_write_u32(&map->database->builder, MyProcPid);
	PG_ENSURE_ERROR_CLEANUP(release_builder, PointerGetDatum(map->database));
	{
		/* the worker is a superuser otherwise */
		RunAsBegin(&before, action->rd_rel->relowner, RUN_AS_RESTRICTED);
		count = complete_map(map, action);
		RunAsEnd(&before);
	}
	PG_END_ENSURE_ERROR_CLEANUP(release_builder, PointerGetDatum(map->database));
	release_builder(0, PointerGetDatum(map->database));
	return count;
}

/* Raise an error if this transaction's changes to the table may be rolled back. */
static void
check_not_locked(Relation table)
{
	if (CheckRelationLockedByMe(table, AccessExclusiveLock, false))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot build the recency map in a transaction that has locked relation \"%s\" exclusively",
						RelationGetRelationName(table)),
				 errhint("Call actstream.recency_build() after the end of the transaction.")));
}

/* There can be no map because of the table "actions" itself, or because of this partition. */
static void
report_obstacle(Relation actions, const char *obstacle)
{
	Oid			indexes[NUM_ACTION_INDEXES];
	Oid			recency_index = RecencyIndexFind(actions);

	if (obstacle == RelationGetRelationName(actions))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("there is no recency map for relation \"%s\"", obstacle),
				 errdetail("A partitioned table has one if it is partitioned by ranges of time, without a default partition, and its partitions are ordinary tables.")));
	/* an index that is made again is younger also in partitions to come */
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("there is no recency map for partition \"%s\"", obstacle),
			 errdetail("Its index for the recency map is older than others, or one is missing."),
			 ActionIndexesFind(actions, indexes) && are_in_order(indexes, recency_index) ?
			 errhint("Run REINDEX INDEX CONCURRENTLY actstream.%s.",
					 quote_identifier(get_rel_name(recency_index))) :
			 errhint("Call actstream.create_tables() to create it again.")));
}

/*
 * RecencyMapIsPossible
 *		Can there be a map for the table, which is partitioned?
 */
bool
RecencyMapIsPossible(Relation actions)
{
	RunAs		before;
	bool		result;

	RunAsBegin(&before, actions->rd_rel->relowner, RUN_AS_RESTRICTED);
	result = is_partitioned_by_time(actions, RelationGetPartitionDesc(actions, true));
	RunAsEnd(&before);
	return result;
}

/*
 * recency_build() RETURNS bigint
 *		How many pairs of an object and a role have a bound now.
 */
Datum
actstream_recency_build(PG_FUNCTION_ARGS)
{
	RecencyMap	map;
	Relation	actions;
	Relation	mapped;
	const char *obstacle;
	LOCKTAG		tag;
	int64		count;

	PreventCommandDuringRecovery("recency_build()");
	OwnTableRequireOwner(OWN_ACTIONS);
	if (!RecencyMapGet(&map))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("there is no recency map"),
				 errhint("Add \"actstream\" to shared_preload_libraries, and set actstream.recency_map_size above zero.")));
	if (!RecencyMapFind(&map))
		ereport(ERROR,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("too many databases use the recency map"),
				 errdetail("The limit is %d databases, and none of them has been dropped.", RECENCY_DATABASES)));
	actions = OwnTableOpen(OWN_ACTIONS, AccessShareLock);
	check_not_locked(actions);
	(void) begin_build(&tag, false);
	mapped = open_mapped(actions, false, &obstacle);
	count = OidIsValid(RecencyIndexFind(actions)) ? 0 : -1;
	if (mapped != NULL)
	{
		check_not_locked(mapped);
		count = build_map(&map, mapped);
		if (count < 0 && mapped->rd_rel->relispartition)
			obstacle = RelationGetRelationName(mapped);
	}
	if (obstacle != NULL && (mapped == NULL || count < 0))
		report_obstacle(actions, obstacle);
	if (count < 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("an index of relation \"%s\" is missing", RelationGetRelationName(actions)),
				 errhint("Call actstream.create_tables() to create it.")));
	LockRelease(&tag, ExclusiveLock, false);
	if (mapped != NULL)
		table_close(mapped, NoLock);
	table_close(actions, NoLock);
	PG_RETURN_INT64(count);
}

/*
 * Complete the map as a background worker: not for a partition for which it is complete.
 */
static void
build_in_worker(RecencyMap *map, Relation actions)
{
	const char *obstacle;
	Relation	mapped = open_mapped(actions, true, &obstacle);

	if (mapped == NULL)
		return;
	if (!mapped->rd_rel->relispartition || !RecencyMapIsComplete(map, RecencyIndexFind(mapped)))
		(void) build_map(map, mapped);
	table_close(mapped, NoLock);
}

/*
 * actstream_recency_main
 *		The background worker that completes the map of a database.
 *
 * It gives up if there is another one, or if the table or an index is locked exclusively: a stream
 * that is read later will request a worker again.
 */
void
actstream_recency_main(Datum database)
{
	RecencyMap	map;
	Relation	actions;
	LOCKTAG		tag;

	WorkerConnect(DatumGetObjectId(database));
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	pgstat_report_activity(STATE_RUNNING, "building the recency map");
	if (begin_build(&tag, true) && RecencyMapFind(&map) && OidIsValid(OwnTableFind(OWN_ACTIONS)) &&
		(actions = open_table(OwnTableFind(OWN_ACTIONS), true)) != NULL)
	{
		/* without the lock that we have by now, this would wait for it */
		if (OwnTableExists(OWN_ACTIONS))
			build_in_worker(&map, actions);
		table_close(actions, NoLock);
	}
	PopActiveSnapshot();
	CommitTransactionCommand();
}

/*
 * RecencyRequestBuild
 *		Request a worker that completes the map, unless one was requested recently.
 *
 * A stream has been read from the table without it.
 */
void
RecencyRequestBuild(const RecencyMap *map, Relation table)
{
	RecencyDatabase *database = map->database;
	uint64		requested = pg_atomic_read_u64(&database->requested);
	uint64		now = GetCurrentTimestamp();
	int64		interval = table->rd_rel->relispartition ?
		PARTITION_INTERVAL_MS : REQUEST_INTERVAL_MS;

	if (pg_atomic_read_u32(&database->builder) != 0 || now < requested + interval * 1000 ||
		!pg_atomic_compare_exchange_u64(&database->requested, &requested, now))
		return;
	if (OidIsValid(RecencyIndexFind(table)))
		(void) WorkerRequest("actstream_recency_main", "actstream recency map");
}
