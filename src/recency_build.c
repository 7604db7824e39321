/*
 * recency_build.c
 *		Completing the recency map from the indexes.
 *
 * Rows that were there before the recency index, or before the server started,
 * have raised no bound.  What they would have raised is found in the indexes by
 * role, whose entries are read whether or not their rows can be seen: those of
 * a prepared transaction are among them.  Who writes meanwhile raises by
 * himself, so nobody is kept waiting.
 *
 * The first stream to be read without a complete map asks for a background
 * worker.  It has a connection to the database for as long as it works.
 */
#include "postgres.h"

#include "compat.h"
#include "catalog.h"
#include "index_cursor.h"
#include "recency_build.h"

#include "access/table.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
#include "storage/lmgr.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(actstream_recency_build);

extern PGDLLEXPORT void actstream_recency_main(Datum database);

/* No two workers are asked for within this time. */
#define REQUEST_INTERVAL_MS		10000

/* Give up being the builder: a callback for whatever way that ends. */
static void
release_builder(int code, Datum arg)
{
	RecencyDatabase *database = (RecencyDatabase *) DatumGetPointer(arg);

	pg_atomic_write_u32(&database->builder, 0);
}

/*
 * raise_from_index
 *		Raise the bounds of all objects that an index by role has; returns how
 *		many there are.
 *
 * Read backwards, the first entry of an object is its newest, and the second is the
 * newest of the rest; before these come those without a timestamp.  Private actions
 * come after all public ones of their object.
 */
static int64
raise_from_index(const RecencyMap *map, Relation action, Oid index, ActionIndex role,
				 Snapshot snapshot)
{
	IndexCursor *cursor = IndexCursorOpen(action, index, 0, snapshot);
	Ref		   *latest = palloc(REF_MAX_SIZE);
	uint64		hashes[NUM_ACTION_ROLES];
	int64		count = 0;
	int64		entries = 0;	/* of the latest object */

	IndexCursorSeek(cursor);
	while (IndexCursorNext(cursor, BackwardScanDirection))
	{
		Datum		columns[Natts_role_index];
		bool		isnull[Natts_role_index];
		Ref		   *object;

		CHECK_FOR_INTERRUPTS();
		IndexCursorColumns(cursor, columns, isnull);
		if (isnull[Anum_role_index_timestamp - 1] ||
			!DatumGetBool(columns[Anum_role_index_public - 1]))
			continue;
		object = DatumGetRefPP(columns[Anum_role_index_object - 1]);
		if (count == 0 || RefCompare(object, latest) != 0)
		{
			hashes[role] = RecencyHash(object);
			memcpy(latest, object, VARSIZE_ANY(object));
			entries = 0;
			count++;
		}
		if (++entries <= 2)
			RecencyRaise(map, hashes, ROLE_BIT(role),
						 DatumGetTimestampTz(columns[Anum_role_index_timestamp - 1]),
						 IndexCursorTid(cursor), true);
		/* a long key is compressed in the index */
		if ((Pointer) object != DatumGetPointer(columns[Anum_role_index_object - 1]))
			pfree(object);
	}
	IndexCursorClose(cursor);
	pfree(latest);
	return count;
}

/*
 * complete_map
 *		Raise what the recency index has not raised; returns how many pairs of an
 *		object and a role there are, or -1 if an index is missing.
 *
 * The caller is the builder, and holds a lock on the table, so that no index of
 * it can go.
 */
static int64
complete_map(const RecencyMap *map, Relation action)
{
	TimestampTz start = GetCurrentTimestamp();
	Oid			indexes[NUM_ACTION_INDEXES];
	Oid			recency_index = RecencyIndexFind(action);
	int64		count = 0;

	if (!OidIsValid(recency_index) || !ActionIndexesFind(action, indexes))
		return -1;
	for (ActionIndex role = 0; role < NUM_ACTION_ROLES; role++)
		count += raise_from_index(map, action, indexes[role], role, GetActiveSnapshot());
	pg_atomic_write_u64(&map->database->objects, count);
	pg_atomic_write_u64(&map->database->built, GetCurrentTimestamp());
	pg_atomic_write_u64(&map->database->build_time, GetCurrentTimestamp() - start);
	/* nobody may find the map complete and a bound as it was before */
	pg_write_barrier();
	pg_atomic_write_u32(&map->database->index, recency_index);
	return count;
}

/*
 * build_map
 *		Complete the map, unless someone does; see complete_map().
 */
static int64
build_map(const RecencyMap *map, Relation action, bool *busy)
{
	uint32		nobody = 0;
	int64		count = 0;

	*busy = !pg_atomic_compare_exchange_u32(&map->database->builder, &nobody, MyProcPid);
	if (*busy)
		return 0;
	PG_ENSURE_ERROR_CLEANUP(release_builder, PointerGetDatum(map->database));
	{
		count = complete_map(map, action);
	}
	PG_END_ENSURE_ERROR_CLEANUP(release_builder, PointerGetDatum(map->database));
	release_builder(0, PointerGetDatum(map->database));
	return count;
}

/*
 * recency_build() RETURNS bigint
 *		How many pairs of an object and a role have a bound now.
 */
Datum
actstream_recency_build(PG_FUNCTION_ARGS)
{
	RecencyMap	map;
	Relation	action;
	int64		count;
	bool		busy;

	PreventCommandDuringRecovery("recency_build()");
	if (!RecencyMapGet(&map))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("there is no recency map"),
				 errhint("Add \"actstream\" to shared_preload_libraries, and let actstream.recency_map_size be above zero.")));
	if (!RecencyMapFind(&map))
		ereport(ERROR,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("too many databases use the recency map"),
				 errdetail("%d databases do, of which none has been dropped.", RECENCY_DATABASES)));
	action = OwnTableOpen(ActionRelationId(), AccessShareLock);
	count = build_map(&map, action, &busy);
	if (busy)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("the recency map is being built")));
	if (count < 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("an index of relation \"%s\" is missing", RelationGetRelationName(action))));
	table_close(action, NoLock);
	PG_RETURN_INT64(count);
}

/*
 * actstream_recency_main
 *		A background worker that completes the map of a database.
 *
 * It gives up if someone changes the table just now: a stream that is read
 * later will ask again.
 */
void
actstream_recency_main(Datum database)
{
	RecencyMap	map;
	bool		busy;

	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(DatumGetObjectId(database), InvalidOid, 0);
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	pgstat_report_activity(STATE_RUNNING, "building the recency map");
	if (ExtensionIsComplete() && RecencyMapFind(&map) &&
		ConditionalLockRelationOid(ActionRelationId(), AccessShareLock))
	{
		Relation	action = table_open(ActionRelationId(), NoLock);

		(void) build_map(&map, action, &busy);
		table_close(action, NoLock);
	}
	PopActiveSnapshot();
	CommitTransactionCommand();
}

/*
 * RecencyRequestBuild
 *		Ask for a worker that completes the map, unless that was done just now.
 */
void
RecencyRequestBuild(const RecencyMap *map)
{
	RecencyDatabase *database = map->database;
	uint64		requested = pg_atomic_read_u64(&database->requested);
	uint64		now = GetCurrentTimestamp();
	BackgroundWorker worker = {0};
	BackgroundWorkerHandle *handle;

	if (pg_atomic_read_u32(&database->builder) != 0 ||
		now < requested + REQUEST_INTERVAL_MS * INT64CONST(1000) ||
		!pg_atomic_compare_exchange_u64(&database->requested, &requested, now))
		return;
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker.bgw_library_name, "actstream", BGW_MAXLEN);
	strlcpy(worker.bgw_function_name, "actstream_recency_main", BGW_MAXLEN);
	snprintf(worker.bgw_name, BGW_MAXLEN, "actstream recency map of database %u", MyDatabaseId);
	strlcpy(worker.bgw_type, "actstream recency map", BGW_MAXLEN);
	worker.bgw_main_arg = ObjectIdGetDatum(MyDatabaseId);
	if (RegisterDynamicBackgroundWorker(&worker, &handle))
		pfree(handle);
}
