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
		!read_line(RecencyLine(map, second_hash(hash)), tag, bounds))
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
 * Remember that the bounds of the lines of some objects have changed.  Only the
 * upper half of the hash of an object is kept, beside a part of the raise's number.
 *
 * That number is what all who raise have in common, so a row takes its numbers
 * together.
 */
static void
note_raises(const uint64 *hashes, int n)
{
	SharedMemory *shared = SharedMemoryGet();
	uint64		number = pg_atomic_fetch_add_u64(&shared->nraises, n);

	for (int i = 0; i < n; i++, number++)
	{
		uint64		hash = hashes[i] & ~(uint64) PG_UINT32_MAX;

#ifdef RECENCY_SKIP_NOTE
		/* for "make check-recency BREAK=note": rows go missing, which its test must see */
		if (random() % RECENCY_SKIP_NOTE == 0)
			hash = 0;
#endif
		pg_atomic_write_u64(&shared->raises[number % RAISES_KEPT], hash | (uint32) (number + 1));
	}
}

/*
 * RecencyCountRaises
 *		How many raises there were so far.  Whoever reads bounds afterwards reads
 *		them as these have left them, or higher.
 */
uint64
RecencyCountRaises(void)
{
	uint64		count = pg_atomic_read_u64(&SharedMemoryGet()->nraises);

	pg_read_barrier();
	return count;
}

/*
 * RecencyFindRaise
 *		The upper half of the hash of the object that a raise was for, with zeros
 *		below it; false if that is forgotten, or not yet noted.
 */
bool
RecencyFindRaise(uint64 number, uint64 *hash)
{
	uint64		raise = pg_atomic_read_u64(&SharedMemoryGet()->raises[number % RAISES_KEPT]);

	*hash = raise & ~(uint64) PG_UINT32_MAX;
	return (uint32) raise == (uint32) (number + 1);
}

/*
 * Let a place that is taken have no lower a bound, and a mark if that is raised.
 * Returns whether it has one.
 */
static bool
raise_place(pg_atomic_uint64 *place, uint64 bound)
{
	uint64		present = pg_atomic_read_u64(place);

	while (present >> 16 < bound >> 16)
	{
		if (pg_atomic_compare_exchange_u64(place, &present, bound | BOUND_IS_NEW))
			return true;
	}
	return (present & BOUND_IS_NEW) != 0;
}

/*
 * Do so with the bound that has this tag in a line, or put it there; NULL if the
 * line is full and does not have it.
 */
static pg_atomic_uint64 *
raise_in_line(pg_atomic_uint64 *line, uint64 bound, bool *marked)
{
	for (int i = 0; i < SHARED_BOUND; i++)
	{
		uint64		present = pg_atomic_read_u64(&line[i]);

		/* who takes the first free place a moment before us may be our like */
		if (present == 0 &&
			pg_atomic_compare_exchange_u64(&line[i], &present, bound | BOUND_IS_NEW))
		{
			*marked = true;
			return &line[i];
		}
		if (((present ^ bound) & BOUND_TAG) == 0)
		{
			*marked = raise_place(&line[i], bound);
			return &line[i];
		}
	}
	return NULL;
}

/* Do so with the bound of an object, wherever it is; returns its place. */
static pg_atomic_uint64 *
raise_bound(const RecencyMap *map, uint64 hash, uint64 bound, bool *marked)
{
	pg_atomic_uint64 *place = raise_in_line(RecencyLine(map, hash), bound, marked);

	if (place == NULL)
		place = raise_in_line(RecencyLine(map, second_hash(hash)), bound, marked);
	if (place == NULL)
	{
		place = &RecencyLine(map, hash)[SHARED_BOUND];
		*marked = raise_place(place, bound);
	}
	return place;
}

/*
 * RecencyRaise
 *		Let the bounds of the objects that have these hashes, each in its role, be
 *		no lower than "timestamp".
 *
 * Whoever finds a bound high enough may commit, and be seen, before we come to
 * note that we have raised it: as long as the mark is there, he notes it, too.
 * Objects that share a bound are of the same line, so it is the same to note any of
 * them.
 */
void
RecencyRaise(const RecencyMap *map, const uint64 *hashes, RoleSet roles, TimestampTz timestamp)
{
	pg_atomic_uint64 *places[NUM_ACTION_ROLES];
	uint64		bounds[NUM_ACTION_ROLES];
	uint64		noted[NUM_ACTION_ROLES];
	int			n = 0;

	for (ActionIndex role = 0; role < NUM_ACTION_ROLES; role++)
	{
		bool		marked;

		if ((roles & ROLE_BIT(role)) == 0)
			continue;
		bounds[n] = RecencyTime(timestamp) << 16 | RecencyTag(hashes[role], role);
		places[n] = raise_bound(map, hashes[role], bounds[n], &marked);
		if (marked)
			noted[n++] = hashes[role];
	}
	if (n == 0)
		return;
	note_raises(noted, n);
	for (int i = 0; i < n; i++)
	{
		uint64		present = bounds[i] | BOUND_IS_NEW;

		/* who has raised it further in between left a mark of his own */
		(void) pg_atomic_compare_exchange_u64(places[i], &present, bounds[i]);
	}
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
