/*
 * recency_map.c
 *		The recency map: how new the newest action of an object can be.
 *
 * What it is for, and how it is kept right, is explained in README.  Here a database gets
 * its entry in shared memory, and bounds are read.  Nothing is locked, but to give a
 * database its entry.
 */
#include "postgres.h"

#include "base/compat.h"
#include "recency/recency_map.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "storage/lwlock.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/syscache.h"

/* the identity of an entry that is being given to another database */
#define BUSY_DATABASE	PG_UINT64_MAX

/* actstream.enable_recency_map: may streams be read with it? */
static bool enable_recency_map = true;

/* the entry of the session's database, and the identity it has it by; -1: unknown */
static int	own_entry = -1;
static uint64 own_identity;

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
 *
 * There is a map.
 */
uint64
RecencyHash(const Ref *object)
{
	return hash_bytes_extended((const unsigned char *) VARDATA_ANY(object),
							   VARSIZE_ANY_EXHDR(object),
							   SharedMemoryKnown()->seed + MyDatabaseId);
}

static Oid
database_of(uint64 identity)
{
	return (Oid) (identity >> 32);
}

/*
 * What tells this database from all others, and from one that had its OID before.
 *
 * Whoever alters the database lets it look like another one, too: the map of that
 * is then completed anew.
 */
static uint64
get_identity(void)
{
	HeapTuple	row = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(MyDatabaseId));
	TransactionId xmin;

	if (!HeapTupleIsValid(row))
		elog(ERROR, "cache lookup failed for database %u", MyDatabaseId);
	xmin = HeapTupleHeaderGetRawXmin(row->t_data);
	ReleaseSysCache(row);
	return (uint64) MyDatabaseId << 32 | xmin;
}

/* The entry of this database, whatever has become of it since; -1 if it has none. */
static int
find_entry(SharedMemory *shared)
{
	for (int i = 0; i < RECENCY_DATABASES; i++)
	{
		if (database_of(pg_atomic_read_u64(&shared->identities[i])) == MyDatabaseId)
			return i;
	}
	return -1;
}

/*
 * An entry that is free, or else that of a database that is no more, and in
 * "identity" what it had; -1 if there is none.
 */
static int
find_free_entry(SharedMemory *shared, uint64 *identity)
{
	uint64		identities[RECENCY_DATABASES];

	for (int i = 0; i < RECENCY_DATABASES; i++)
	{
		*identity = identities[i] = pg_atomic_read_u64(&shared->identities[i]);
		if (*identity == 0)
			return i;
	}
	/* these databases were there when they took their entries: hear of all until now */
	AcceptInvalidationMessages();
	for (int i = 0; i < RECENCY_DATABASES; i++)
	{
		*identity = identities[i];
		if (*identity != BUSY_DATABASE &&
			!SearchSysCacheExists1(DATABASEOID, ObjectIdGetDatum(database_of(*identity))))
			return i;
	}
	return -1;
}

/*
 * Give an entry to the database of the identity.
 *
 * If it had it before, who writes there may be raising the bound of all actions
 * just now, which stays as it is.
 */
static void
give_entry(SharedMemory *shared, int entry, uint64 identity)
{
	RecencyDatabase *database = &shared->databases[entry];
	uint64		before = pg_atomic_read_u64(&shared->identities[entry]);

	pg_atomic_write_u64(&shared->identities[entry], BUSY_DATABASE);
	pg_write_barrier();
	if (database_of(before) != database_of(identity))
		pg_atomic_write_u64(&database->newest, 0);
	pg_atomic_write_u32(&database->index, InvalidOid);
	pg_atomic_write_u32(&database->builder, 0);
	pg_atomic_write_u64(&database->requested, 0);
	for (int i = 0; i < NUM_RECENCY_COUNTERS; i++)
		pg_atomic_write_u64(&database->counters[i], 0);
	pg_write_barrier();
	pg_atomic_write_u64(&shared->identities[entry], identity);
	/* who reads indexes to fill it in reads what was raised without it */
	pg_memory_barrier();
}

/*
 * The entry of the database of the identity, which is this one; -1 if all are taken.
 * No database has more than one: whoever takes one holds a lock.
 */
static int
take_entry(SharedMemory *shared, uint64 identity)
{
	int			entry;

	do
	{
		uint64		found = 0;
		int			free_entry = find_entry(shared) >= 0 ? -1 : find_free_entry(shared, &found);

		LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
		entry = find_entry(shared);
		if (entry < 0 && free_entry >= 0 &&
			pg_atomic_read_u64(&shared->identities[free_entry]) == found)
			entry = free_entry;
		if (entry >= 0 && pg_atomic_read_u64(&shared->identities[entry]) != identity)
			give_entry(shared, entry, identity);
		LWLockRelease(AddinShmemInitLock);
		if (free_entry < 0)
			break;
	} while (entry < 0);
	return entry;
}

/*
 * RecencyMapGet
 *		The map, complete or not, for whoever raises bounds; false if the server
 *		has none.
 *
 * Where the database has no entry yet, "map->database" is NULL: whoever takes one
 * fills it in from what is in the indexes by then.  That it has one is not
 * forgotten as long as there is a session in the database.
 */
bool
RecencyMapGet(RecencyMap *map)
{
	SharedMemory *shared = SharedMemoryGet();

	map->bounds = shared == NULL ? NULL : SharedMemoryBounds();
	if (map->bounds == NULL)
		return false;
	map->shared = shared;
	map->fingerprints = (pg_atomic_uint32 *) &map->bounds[2 * shared->nbounds];
	map->line_shift = 64 - pg_leftmost_one_pos64(shared->nbounds / BOUNDS_PER_LINE);
	if (own_entry < 0)
		own_entry = find_entry(shared);
	map->database = own_entry < 0 ? NULL : &shared->databases[own_entry];
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
	if (own_entry < 0 || own_identity == 0 ||
		pg_atomic_read_u64(&map->shared->identities[own_entry]) != own_identity)
	{
		own_identity = get_identity();
		own_entry = take_entry(map->shared, own_identity);
	}
	map->database = own_entry < 0 ? NULL : &map->shared->databases[own_entry];
	return own_entry >= 0;
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
	bool		complete = map->database != NULL &&
		pg_atomic_read_u32(&map->database->index) == recency_index;

	/* bounds that are read later are no older than that */
	pg_read_barrier();
	return complete;
}

/*
 * RecencyNewestOfAll
 *		What no public action that a snapshot taken before can see is newer than;
 *		DT_NOEND if there is nothing in the index by time to be skipped by that.
 *
 * The map is complete.
 */
TimestampTz
RecencyNewestOfAll(const RecencyMap *map)
{
	uint64		newest = pg_atomic_read_u64(&map->database->newest);

	return newest & ENTRIES_ABOVE ? RecencyTimestamp(newest) : DT_NOEND;
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
 * RecencyReadRest
 *		Find the bound of an object in a role, and the rest, in the line where nearly
 *		all are; false if it is not there, or is being lowered just now.
 *
 * Of both, the rest is the one that is lowered later.  Whoever had the bound from
 * before that, and the rest from after, would take the one for a row that the other
 * does not count: but between the two the lowering is counted.
 */
bool
RecencyReadRest(const RecencyMap *map, uint64 hash, ActionIndex role, uint64 *bound, uint64 *rest)
{
	uint64		tag = RecencyTag(hash, role);
	pg_atomic_uint64 *place = RecencyLine(map, hash);
	pg_atomic_uint64 *end = &place[SHARED_BOUND];
	uint64		lowerings = pg_atomic_read_u64(&map->shared->lowerings);

	pg_read_barrier();
	while (((*bound = pg_atomic_read_u64(place)) & BOUND_TAG) != tag)
	{
		if (++place == end)
			return false;
	}
	/* what was raised to this bound by now is in a rest that is read later */
	pg_read_barrier();
	*rest = pg_atomic_read_u64(RecencyRest(place));
	pg_read_barrier();
	return pg_atomic_read_u64(&map->shared->lowerings) == lowerings;
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

	if (bound > time && RecencyReadRest(map, hash, role, &found, &rest) &&
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

	if (!RecencyReadRest(map, hash, role, &found, &found_rest))
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
