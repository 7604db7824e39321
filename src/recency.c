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

/* What the second line of an object is found by; the tag is the same. */
static uint64
second_hash(uint64 hash)
{
	return hash ^ (((hash & TAG_OF_OBJECT) + 1) * UINT64CONST(0x9E3779B97F4A7C15)) << 14;
}

/*
 * RecencyReadSecondLine
 *		Fill in the bounds of an object that its first line, which is full, does
 *		not have.
 */
void
RecencyReadSecondLine(const RecencyMap *map, uint64 hash, TimestampTz *bounds)
{
	uint64		bound;

	if (!RecencyReadLine(RecencyLine(map, second_hash(hash)), hash, bounds))
		return;
	bound = pg_atomic_read_u64(&RecencyLine(map, hash)[SHARED_BOUND]);
	for (ActionIndex role = 0; role < NUM_ACTION_ROLES && bound != 0; role++)
	{
		if (bounds[role] == DT_NOBEGIN)
			bounds[role] = RecencyTimestamp(bound);
	}
}

/*
 * Raise the bound with this tag in a line, or put it there; false if the line is
 * full and does not have it.
 */
static bool
raise_in_line(pg_atomic_uint64 *line, uint64 bound)
{
	for (int i = 0; i < SHARED_BOUND; i++)
	{
		uint64		present = pg_atomic_read_u64(&line[i]);

		/* who takes the first free place a moment before us may be our like */
		if (present == 0 && pg_atomic_compare_exchange_u64(&line[i], &present, bound))
			return true;
		if ((present & 0xFFFF) == (bound & 0xFFFF))
		{
			AtomicMax(&line[i], bound);
			return true;
		}
	}
	return false;
}

/*
 * RecencyRaise
 *		Let the bound of an object in a role be no lower than "timestamp".
 */
void
RecencyRaise(const RecencyMap *map, const Ref *object, ActionIndex role, TimestampTz timestamp)
{
	uint64		hash = RecencyHash(object);
	uint64		bound = RecencyTime(timestamp) << 16 | RecencyTag(hash, role);

	if (!raise_in_line(RecencyLine(map, hash), bound) &&
		!raise_in_line(RecencyLine(map, second_hash(hash)), bound))
		AtomicMax(&RecencyLine(map, hash)[SHARED_BOUND], bound);
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
