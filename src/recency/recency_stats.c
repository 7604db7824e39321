/*
 * recency_stats.c
 *		Statistics of the recency map.
 */
#include "postgres.h"

#include "base/compat.h"
#include "recency/recency_build.h"
#include "recency/recency_index.h"
#include "recency/recency_map.h"
#include "tables/follow_changes.h"
#include "tables/own_tables.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xlog.h"
#include "catalog/index.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(actstream_recency_stats);

/* the columns of its result */
typedef enum StatsColumn
{
	STATS_STATE,
	STATS_SIZE,
	STATS_BOUNDS,
	STATS_USED,
	STATS_SHARED_LINES,
	STATS_BUILT,
	STATS_BUILD_TIME,
	STATS_OBJECTS,
	STATS_STREAMS,
	STATS_LISTS_SKIPPED,
	STATS_LISTS_OPENED,
	STATS_FALSE_OPENS,
	STATS_LOWERED,
	STATS_FOLLOW_LISTS
} StatsColumn;

#define NUM_STATS_COLUMNS (STATS_FOLLOW_LISTS + 1)

/* Whether streams of this database are read with the map, in a word or two. */
static const char *
map_state(RecencyMap *map, bool exists)
{
	Relation	action;
	Oid			index;
	bool		partitioned;
	bool		impossible;

	if (!exists && SharedMemoryIsLacking())
		return "no memory";
	if (SharedMemoryGet() == NULL)
		return "not preloaded";
	if (!exists)
		return "too many databases";
	if (RecoveryInProgress())
		return "standby";
	action = OwnTableOpen(OWN_ACTIONS, AccessShareLock);
	index = RecencyIndexFind(action);
	partitioned = action->rd_rel->relkind == RELKIND_PARTITIONED_TABLE;
	impossible = partitioned && !RecencyMapIsPossible(action);
	table_close(action, NoLock);
	if (!OidIsValid(index))
		return impossible ? "partitions" : "no index";
	if (partitioned)
	{
		index = RecencyMapIndex(map);
		if (!OidIsValid(index) || !IsOwnTable(IndexGetRelation(index, true), OWN_ACTIONS))
			index = InvalidOid;
	}
	if (OidIsValid(index) && RecencyMapIsComplete(map, index))
		return "complete";
	if (impossible)
		return "partitions";
	return pg_atomic_read_u32(&map->database->builder) != 0 ? "being built" : "incomplete";
}

/* Count the bounds that are in use, and the lines whose shared bound is. */
static void
count_bounds(const RecencyMap *map, uint64 *used, uint64 *shared_lines)
{
	*used = *shared_lines = 0;
	for (uint64 line = 0; line < map->shared->nbounds / BOUNDS_PER_LINE; line++)
	{
		pg_atomic_uint64 *bounds = &map->bounds[line * 2 * BOUNDS_PER_LINE];

		CHECK_FOR_INTERRUPTS();
		for (int i = 0; i < BOUNDS_PER_LINE; i++)
			*used += pg_atomic_read_u64(&bounds[i]) != 0;
		*shared_lines += pg_atomic_read_u64(&bounds[SHARED_BOUND]) != 0;
	}
}

/* Describe the memory, which all databases share: only for pg_read_all_stats. */
static void
describe_memory(const RecencyMap *map, Datum *values, bool *nulls)
{
	uint64		nbounds = map->shared->nbounds;
	uint64		used;
	uint64		shared_lines;

	if (!has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS))
		return;
	count_bounds(map, &used, &shared_lines);
	values[STATS_SIZE] = Int64GetDatum(nbounds * BOUND_SIZE);
	values[STATS_BOUNDS] = Int64GetDatum(nbounds);
	values[STATS_USED] = Int64GetDatum(used);
	values[STATS_SHARED_LINES] = Int64GetDatum(shared_lines);
	for (int i = STATS_SIZE; i <= STATS_SHARED_LINES; i++)
		nulls[i] = false;
}

/* May the current user know about actions and streams of other roles? */
static bool
may_see_database(void)
{
	return has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS) ||
		(OwnTableExists(OWN_ACTIONS) && has_privs_of_role(GetUserId(), OwnTableOwner(OWN_ACTIONS)));
}

/*
 * Describe the map of this database: only for the owner of actstream.actions and
 * pg_read_all_stats.
 */
static void
describe_database(RecencyDatabase *database, Datum *values, bool *nulls)
{
	Interval   *build_time;

	if (!may_see_database())
		return;
	build_time = palloc0(sizeof(Interval));
	for (int i = 0; i < NUM_RECENCY_COUNTERS; i++)
	{
		values[STATS_STREAMS + i] = Int64GetDatum(pg_atomic_read_u64(&database->counters[i]));
		nulls[STATS_STREAMS + i] = false;
	}
	if (!OidIsValid(pg_atomic_read_u32(&database->index)))
		return;
	build_time->time = pg_atomic_read_u64(&database->build_time);
	values[STATS_BUILT] = TimestampTzGetDatum(pg_atomic_read_u64(&database->built));
	values[STATS_BUILD_TIME] = IntervalPGetDatum(build_time);
	values[STATS_OBJECTS] = Int64GetDatum(pg_atomic_read_u64(&database->objects));
	for (int i = STATS_BUILT; i <= STATS_OBJECTS; i++)
		nulls[i] = false;
}

/*
 * recency_stats() RETURNS record
 */
Datum
actstream_recency_stats(PG_FUNCTION_ARGS)
{
	Datum		values[NUM_STATS_COLUMNS] = {0};
	bool		nulls[NUM_STATS_COLUMNS];
	TupleDesc	tupdesc;
	RecencyMap	map;
	bool		exists = RecencyMapFind(&map);

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	memset(nulls, true, sizeof(nulls));
	values[STATS_STATE] = CStringGetTextDatum(map_state(&map, exists));
	values[STATS_FOLLOW_LISTS] = BoolGetDatum(FollowChangesAreCounted());
	nulls[STATS_STATE] = nulls[STATS_FOLLOW_LISTS] = false;
	if (exists)
	{
		describe_memory(&map, values, nulls);
		describe_database(map.database, values, nulls);
	}
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc), values, nulls)));
}
