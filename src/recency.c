/*
 * recency.c
 *		The recency map: how new the newest action of an object can be.
 *
 * An array in shared memory holds upper bounds of the time of the newest public
 * action of an object in a role, found by a hash of database and object.  The
 * lists of a stream whose bounds are low need not be opened.
 *
 * A bound that is too high costs the opening of a list; one that is too low
 * would lose rows.  So bounds are only raised, objects may come to share one,
 * and what a transaction that was rolled back has raised stays.  Each index entry of a
 * row raises before the row can be seen: see recency_index.c.  What was there
 * when the server started is found in the indexes: see recency_build.c.  Until
 * then the map of a database is incomplete, and not used.
 *
 * Beside a bound the map has a bound for the rest, and knows where the action is
 * that the rest does not count: see recency_raise.c.  Of most lists that a page
 * shows that is all that it shows, and then their index need not be read.
 *
 * Nobody locks anything here.
 */
#include "postgres.h"

#include "compat.h"
#include "recency.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/guc.h"
#include "utils/syscache.h"

/* an entry of a database that is being given to another one */
#define BUSY_DATABASE	((Oid) PG_UINT32_MAX)

/* actstream.enable_recency_map: may streams be read with it? */
static bool enable_recency_map = true;

/* of the database of the session; NULL until it is needed */
static RecencyDatabase *own_database = NULL;

/*
 * RecencyDefineSetting
 *		Called once, when the library is loaded.
 */
void
RecencyDefineSetting(void)
{
	DefineCustomBoolVariable("actstream.enable_recency_map",
							 "Enables the recency map for reading streams.",
							 "It is kept up to date in any case.",
							 &enable_recency_map,
							 true,
							 PGC_SUSET,
							 0,
							 NULL,
							 NULL,
							 NULL);
}

/*
 * RecencyHash
 *		What the bounds of an object of this database are found by.
 */
uint64
RecencyHash(const Ref *object)
{
	return hash_bytes_extended((const unsigned char *) VARDATA_ANY(object),
							   VARSIZE_ANY_EXHDR(object), MyDatabaseId);
}

/* Make a free entry, or that of a database that is no more, ours. */
static bool
take_entry(RecencyDatabase *entry)
{
	uint32		database = pg_atomic_read_u32(&entry->database);

	if (database == BUSY_DATABASE ||
		(OidIsValid(database) && SearchSysCacheExists1(DATABASEOID, ObjectIdGetDatum(database))) ||
		!pg_atomic_compare_exchange_u32(&entry->database, &database, BUSY_DATABASE))
		return false;
	pg_atomic_write_u32(&entry->index, InvalidOid);
	pg_atomic_write_u32(&entry->builder, 0);
	pg_atomic_write_u64(&entry->requested, 0);
	for (int i = 0; i < NUM_RECENCY_COUNTERS; i++)
		pg_atomic_write_u64(&entry->counters[i], 0);
	pg_write_barrier();
	pg_atomic_write_u32(&entry->database, MyDatabaseId);
	return true;
}

/*
 * The entry of this database, or NULL if all are taken.
 *
 * Two sessions that are the first at the same time may come to have one each:
 * then either is completed by itself, and no harm is done.
 */
static RecencyDatabase *
find_database(SharedMemory *shared)
{
	for (int i = 0; i < RECENCY_DATABASES; i++)
	{
		if (pg_atomic_read_u32(&shared->databases[i].database) == MyDatabaseId)
			return &shared->databases[i];
	}
	for (int i = 0; i < RECENCY_DATABASES; i++)
	{
		if (take_entry(&shared->databases[i]))
			return &shared->databases[i];
	}
	return NULL;
}

/*
 * RecencyMapGet
 *		The map, complete or not, for whoever raises bounds; false if the server
 *		has none.  "map->database" is not filled in.
 */
bool
RecencyMapGet(RecencyMap *map)
{
	SharedMemory *shared = SharedMemoryGet();

	if (shared == NULL || shared->nbounds == 0)
		return false;
	map->bounds = SharedMemoryBounds();
	map->line_shift = 64 - pg_leftmost_one_pos64(shared->nbounds / BOUNDS_PER_LINE);
	map->database = NULL;
	return true;
}

/*
 * RecencyMapFind
 *		The map with this database's part in it; false if there is no room for
 *		one.
 */
bool
RecencyMapFind(RecencyMap *map)
{
	if (!RecencyMapGet(map))
		return false;
	if (own_database == NULL)
		own_database = find_database(SharedMemoryGet());
	map->database = own_database;
	return own_database != NULL;
}

/*
 * RecencyMapWanted
 *		Whether streams as the snapshot sees them would be read with the map.
 *
 * What a serializable transaction has not read, it cannot conflict about.  A
 * standby hears of rows, but not of bounds.  When it is promoted, the map is
 * built without the index entries that were dead on its primary, whose rows a
 * snapshot from before may still see.
 */
bool
RecencyMapWanted(Snapshot snapshot)
{
	return enable_recency_map && !IsolationIsSerializable() && !RecoveryInProgress() &&
		!snapshot->takenDuringRecovery;
}

/*
 * RecencyMapIsComplete
 *		Whether the map has a bound for all that the recency index, which is
 *		valid, has not raised itself.
 */
bool
RecencyMapIsComplete(const RecencyMap *map, Oid recency_index)
{
	bool		complete = pg_atomic_read_u32(&map->database->index) == recency_index;

	/* bounds that are read later are no older than that */
	pg_read_barrier();
	return complete;
}

/*
 * Fill in the bounds of an object that a line has; those that have been filled
 * in before stay.  Returns whether the line is full.
 */
static bool
read_line(pg_atomic_uint64 *line, uint64 tag, TimestampTz *bounds)
{
	for (int i = 0; i < SHARED_BOUND; i++)
	{
		uint64		bound = pg_atomic_read_u64(&line[i]);

		if (bound == 0)
			return false;
		if (RecencySameObject(bound, tag) && bounds[RecencyRole(bound)] == DT_NOBEGIN)
			bounds[RecencyRole(bound)] = RecencyTimestamp(bound);
	}
	return true;
}

/* Fill in all bounds of an object: DT_NOBEGIN where there is no action. */
static void
read_bounds(const RecencyMap *map, uint64 hash, TimestampTz *bounds)
{
	uint64		tag = RecencyTag(hash, 0);
	uint64		shared;

	for (ActionIndex role = 0; role < NUM_ACTION_ROLES; role++)
		bounds[role] = DT_NOBEGIN;
	if (!read_line(RecencyLine(map, hash), tag, bounds) ||
		!read_line(RecencyLine(map, RecencySecondHash(hash)), tag, bounds))
		return;
	shared = pg_atomic_read_u64(&RecencyLine(map, hash)[SHARED_BOUND]);
	for (ActionIndex role = 0; role < NUM_ACTION_ROLES && shared != 0; role++)
	{
		if (bounds[role] == DT_NOBEGIN)
			bounds[role] = RecencyTimestamp(shared);
	}
}

/*
 * RecencyNewerInFullLine
 *		What RecencyNewer() says of an object whose line is full.
 */
RoleSet
RecencyNewerInFullLine(const RecencyMap *map, uint64 hash, TimestampTz time, TimestampTz *bounds)
{
	RoleSet		roles = 0;

	read_bounds(map, hash, bounds);
	for (ActionIndex role = 0; role < NUM_ACTION_ROLES; role++)
	{
		if (bounds[role] > time)
			roles |= ROLE_BIT(role);
	}
	return roles;
}

/*
 * Find the bound of an object in a role, and the rest, in the line where nearly
 * all are; false if it is not there.
 */
static bool
read_rest(const RecencyMap *map, uint64 hash, ActionIndex role, uint64 *bound, uint64 *rest)
{
	uint64		tag = RecencyTag(hash, role);
	pg_atomic_uint64 *place = RecencyLine(map, hash);
	pg_atomic_uint64 *end = &place[SHARED_BOUND];

	while (((*bound = pg_atomic_read_u64(place)) & BOUND_TAG) != tag)
	{
		if (++place == end)
			return false;
	}
	/* what was raised to this bound by now is in a rest that is read later */
	pg_read_barrier();
	*rest = pg_atomic_read_u64(RecencyRest(place));
	return true;
}

/* What is later than all that a rest stands for, or DT_NOBEGIN if that is nothing. */
static TimestampTz
rest_timestamp(uint64 rest)
{
	return rest >> BOUND_TIME_SHIFT == 0 ? DT_NOBEGIN : RecencyTimestamp(rest);
}

/*
 * RecencyBoundBelow
 *		Lower "bound", that of an object in a role, as RecencyNewer() had it, to one
 *		for its actions that are not newer than "time".
 */
TimestampTz
RecencyBoundBelow(const RecencyMap *map, uint64 hash, ActionIndex role, TimestampTz time,
				  TimestampTz bound)
{
	uint64		found;
	uint64		rest;

	if (bound > time && read_rest(map, hash, role, &found, &rest) &&
		found >> BOUND_TIME_SHIFT > RecencyTime(time))
		bound = Min(bound, rest_timestamp(rest));
	return bound;
}

/*
 * RecencyFindNewest
 *		Where the action was when it came into the table that has set "bound", that
 *		of an object in a role, as RecencyNewer() had it; and in "rest" what all
 *		others that the same snapshot can see are older than; false if that is not
 *		known.
 *
 * Whoever sees a row there has to make sure that it is public, has the object in
 * the role, and a time that the bound stands for: then there is no other like it.
 */
bool
RecencyFindNewest(const RecencyMap *map, uint64 hash, ActionIndex role, TimestampTz bound,
				  ItemPointer newest, TimestampTz *rest)
{
	uint64		found;
	uint64		found_rest;
	uint64		offset;
	uint64		block;

	if (!read_rest(map, hash, role, &found, &found_rest))
		return false;
	offset = found >> BOUND_OFFSET_SHIFT & BOUND_OFFSET_MASK;
	block = found_rest & REST_BLOCK_MASK;
	if (RecencyTimestamp(found) != bound || offset == 0 || block == 0 ||
		found >> BOUND_TIME_SHIFT <= found_rest >> BOUND_TIME_SHIFT)
		return false;
	ItemPointerSet(newest, block - 1, offset);
	*rest = rest_timestamp(found_rest);
	return true;
}

/*
 * RecencyCount
 *		Add to what is known about the use of the map.
 */
void
RecencyCount(const RecencyMap *map, RecencyCounter counter, int64 n)
{
	if (n > 0)
		pg_atomic_fetch_add_u64(&map->database->counters[counter], n);
}
