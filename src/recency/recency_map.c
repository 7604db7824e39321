/*
 * recency_map.c
 *		The recency map: how new the newest action of an object can be.
 *
 * src/recency/README explains what the map is for, and how it is kept right.  Here a
 * database gets its entry in shared memory, and bounds are read.  Nothing is locked,
 * except to give a database its entry.
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

/* actstream.enable_recency_map: may streams be read with the map? */
static bool enable_recency_map = true;

/* entry of this database, or -1 if unknown, and the identity it was found with */
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
 *		The hash by which the bounds of an object of this database are found.
 *
 * The shared memory exists.
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
 * A number that identifies this database, and no other, nor an earlier one with its
 * OID.  "is_known" is set to whether others see it, too: not if this transaction has changed the
 * database.
 *
 * ALTER DATABASE changes it; the map of the database is then completed again.
 */
static uint64
get_identity(bool *is_known)
{
	HeapTuple	row = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(MyDatabaseId));
	TransactionId xmin;

	if (!HeapTupleIsValid(row))
		elog(ERROR, "cache lookup failed for database %u", MyDatabaseId);
	xmin = HeapTupleHeaderGetRawXmin(row->t_data);
	ReleaseSysCache(row);
	*is_known = !TransactionIdIsCurrentTransactionId(xmin);
	return (uint64) MyDatabaseId << 32 | xmin;
}

/* The entry with the OID of this database, whatever its identity; -1 if there is none. */
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
 * A free entry, or else one of a dropped database, and in "identity" the identity that
 * it has; -1 if there is none.
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
	/* these databases existed when they took their entries: hear of later drops */
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
 * Give an entry to the database with the identity.
 *
 * If it was this database's before, other backends may be raising bounds at the moment, for a process
 * that completes the map.  So they find the entry all the time, and what that process has written in
 * it is kept, as is the bound of all actions.
 */
static void
give_entry(SharedMemory *shared, int entry, uint64 identity)
{
	RecencyDatabase *database = &shared->databases[entry];
	uint64		before = pg_atomic_read_u64(&shared->identities[entry]);

	if (database_of(before) != database_of(identity))
	{
		pg_atomic_write_u64(&shared->identities[entry], BUSY_DATABASE);
		pg_write_barrier();
		pg_atomic_write_u64(&database->newest, 0);
		pg_atomic_write_u32(&database->next_index, InvalidOid);
		pg_atomic_write_u32(&database->builder, 0);
	}
	pg_atomic_write_u32(&database->index, InvalidOid);
	pg_atomic_write_u64(&database->requested, 0);
	for (int i = 0; i < NUM_RECENCY_COUNTERS; i++)
		pg_atomic_write_u64(&database->counters[i], 0);
	pg_write_barrier();
	pg_atomic_write_u64(&shared->identities[entry], identity);
	/* indexes that are read after this have what was raised without the entry */
	pg_memory_barrier();
}

/*
 * The entry of this database, which has the identity; -1 if all are taken.  Takes one
 * if needed, under a lock, so that no database has more than one.
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
 *		The map, complete or not, for raising bounds; false if the server has none.
 *
 * "map->database" is NULL if the database has no entry yet: the backend that takes one
 * completes the map from what is in the indexes by then.  A database keeps its entry as
 * long as there is a session in it.
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
 *		The map with an entry for this database; false if there is no map, or no free
 *		entry.
 */
bool
RecencyMapFind(RecencyMap *map)
{
	if (!RecencyMapGet(map))
		return false;
	if (own_entry < 0 || own_identity == 0 ||
		pg_atomic_read_u64(&map->shared->identities[own_entry]) != own_identity)
	{
		bool		is_known;

		own_identity = get_identity(&is_known);
		own_entry = is_known ? -1 : find_entry(map->shared);
		if (own_entry < 0)
			own_entry = take_entry(map->shared, own_identity);
		else
			own_identity = 0;
	}
	map->database = own_entry < 0 ? NULL : &map->shared->databases[own_entry];
	return own_entry >= 0;
}

/*
 * RecencyMapWanted
 *		Should streams, as the snapshot sees them, be read with the map?
 *
 * A serializable transaction cannot detect conflicts about what it has not read.  A
 * standby receives rows, but not bounds.  When it is promoted, the map is built without
 * the index entries that were dead on its primary, whose rows an older snapshot may
 * still see.
 */
bool
RecencyMapWanted(Snapshot snapshot)
{
	return enable_recency_map && !IsolationIsSerializable() && !RecoveryInProgress() &&
		!snapshot->takenDuringRecovery;
}

/*
 * RecencyMapIsComplete
 *		Does the map have bounds also for all rows that have not raised them through the
 *		recency index, which is valid?
 *
 * If so, what is read from it holds as long as RecencyMapIsCurrent() afterwards.
 */
bool
RecencyMapIsComplete(RecencyMap *map, Oid recency_index)
{
	bool		complete;

	if (map->database == NULL)
		return false;
	map->generation = pg_atomic_read_u64(&map->database->generation);
	pg_read_barrier();
	complete = pg_atomic_read_u32(&map->database->index) == recency_index;
	/* bounds must be read after this */
	pg_read_barrier();
	return complete;
}

/*
 * RecencyMapIndex
 *		The recency index for which the map is complete, or InvalidOid.
 */
Oid
RecencyMapIndex(const RecencyMap *map)
{
	return map->database == NULL ? InvalidOid : pg_atomic_read_u32(&map->database->index);
}

/*
 * RecencyMapIsRaisedBy
 *		Do rows have to raise bounds through this index, as the map is complete for it, or being
 *		completed?
 *
 * A backend that has put a row into the other indexes either finds that, or has done so before the
 * builder reads them.
 */
bool
RecencyMapIsRaisedBy(const RecencyMap *map, Oid recency_index)
{
	if (map->database == NULL)
		return false;
	pg_memory_barrier();
	if (pg_atomic_read_u32(&map->database->next_index) == recency_index)
		return true;
	pg_read_barrier();
	return pg_atomic_read_u32(&map->database->index) == recency_index;
}

/*
 * RecencyMapBeginBuild
 *		The map is about to be completed for the table with this index.
 *
 * Rows of the table raise bounds from now on, whatever becomes of what is complete.  If the map was for
 * another table before, backends that read or lower bounds of that one notice that these may be too low
 * now.
 */
void
RecencyMapBeginBuild(RecencyMap *map, Oid recency_index)
{
	pg_atomic_write_u32(&map->database->next_index, recency_index);
	/* no index is read before */
	pg_memory_barrier();
	if (RecencyMapIsComplete(map, recency_index))
		return;
	pg_atomic_write_u32(&map->database->index, InvalidOid);
	pg_write_barrier();
	/* this is a barrier, too: no bound is raised or lowered before */
	map->generation = pg_atomic_add_fetch_u64(&map->database->generation, 1);
}

/*
 * RecencyMapIsCurrent
 *		Is the map still for the table for which it was found to be complete?  Otherwise what has
 *		been read of it since then says nothing.
 */
bool
RecencyMapIsCurrent(const RecencyMap *map)
{
	pg_read_barrier();
	return pg_atomic_read_u64(&map->database->generation) == map->generation;
}

/*
 * RecencyNewestOfAll
 *		An upper bound of the times of all public actions that a snapshot taken before
 *		can see; DT_NOEND if the index by time has nothing above it to skip.
 *
 * The map is complete.
 */
TimestampTz
RecencyNewestOfAll(const RecencyMap *map)
{
	uint64		newest = pg_atomic_read_u64(&map->database->newest);

	return newest & ENTRIES_ABOVE && RecencyMapIsCurrent(map) ? RecencyTimestamp(newest) : DT_NOEND;
}

/*
 * Fill in the bounds that a line has of an object, unless filled in before.  Returns
 * whether the line is full.
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

/* Fill in all bounds of an object: DT_NOBEGIN in roles without an action. */
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
 *		RecencyNewer() for an object whose line is full.
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
 *		Find the bound of an object in a role, and its rest, in the object's first line,
 *		which has nearly all; false if it is not there, or was lowered at the same time, or
 *		the map is not current.
 *
 * The rest is lowered after the bound.  A bound from before that and a rest from after
 * it would be taken for those of one row, though the rest leaves out another row.  But
 * between the two steps the lowering is counted.
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
	/* the rest, read later, includes all that have raised to this bound by now */
	pg_read_barrier();
	*rest = pg_atomic_read_u64(RecencyRest(place));
	pg_read_barrier();
	return pg_atomic_read_u64(&map->shared->lowerings) == lowerings && RecencyMapIsCurrent(map);
}

/* A timestamp later than all that a rest stands for, or DT_NOBEGIN if that is nothing. */
static TimestampTz
rest_timestamp(uint64 rest)
{
	return rest >> BOUND_TIME_SHIFT == 0 ? DT_NOBEGIN : RecencyTimestamp(rest);
}

/*
 * RecencyBoundBelow
 *		Lower "bound", which RecencyNewer() gave for an object in a role, to a bound of
 *		those of its actions that are not newer than "time".
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
 *		The location at which the action that has set "bound" was inserted, and in
 *		"rest" a time that all others visible to the same snapshot are older than; false
 *		if these are not known.  "bound" is what RecencyNewer() gave for an object in a
 *		role.
 *
 * The caller has to check that a row found there is public, has the object in the role,
 * and has a time that the bound stands for: then there is no other such row.
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
 *		Add to the statistics of the map.
 */
void
RecencyCount(const RecencyMap *map, RecencyCounter counter, int64 n)
{
	if (n > 0)
		pg_atomic_fetch_add_u64(&map->database->counters[counter], n);
}
