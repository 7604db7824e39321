/*
 * recency_map.h
 *		The recency map: how new the newest action of an object can be.
 */
#ifndef ACTSTREAM_RECENCY_MAP_H
#define ACTSTREAM_RECENCY_MAP_H

#include "base/shared_memory.h"
#include "ref/ref.h"
#include "tables/action_role.h"

#include "datatype/timestamp.h"
#include "port/pg_bitutils.h"
#include "storage/itemptr.h"
#include "utils/snapshot.h"

/*
 * A line of the map has eight places for bounds.  The first seven are taken in order,
 * each by an object in a role, and never given up.  When all seven are taken, an object
 * uses a second line.  If that is full, too, it shares the last place of its first line
 * with all other objects that find no place of their own.
 *
 * A bound consists of a time (38 bits), two marks, an offset number (9 bits, see
 * below), and a tag (15 bits) made of the object's hash and the role.  A place is free
 * if it is zero; a time of zero means that there is no action.  The mark BOUND_IS_NEW
 * is set when the bound is raised, and cleared when the raise has been noted; see
 * recency_raise.c.
 *
 * The bounds of a line of the map fill one cache line of the processor.  The next cache
 * line has their rests: the rest of bound i is word i of it.  A rest is a time that is a
 * bound for all actions except the one that has set the bound itself.  Together the two
 * say where that action is in the table: the offset number is in the bound, and the
 * block number plus one in 25 bits of the rest.  Zero means unknown, or too large to
 * store.
 *
 * The mark BEING_LOWERED can be on bounds and rests.  Apart from these, each place has
 * a fingerprint, which tells whether its bound belongs to one object only.  See
 * recency_lower.c for both.
 */
#define BOUNDS_PER_LINE		8
#define SHARED_BOUND		(BOUNDS_PER_LINE - 1)

/* bits of a hash that are in a tag; its highest bits select the line */
#define TAG_BITS			13
#define TAG_OF_OBJECT		((UINT64CONST(1) << TAG_BITS) - 1)

#define BOUND_TAG			UINT64CONST(0x7FFF)
#define BOUND_IS_NEW		UINT64CONST(0x8000)
#define BOUND_OFFSET_SHIFT	16
#define BOUND_OFFSET_MASK	UINT64CONST(0x1FF)

#define REST_BLOCK_MASK		(BEING_LOWERED - 1)

/* in a bound, in a rest, and in the bound of all actions */
#define BEING_LOWERED		(UINT64CONST(1) << (BOUND_TIME_SHIFT - 1))
#define BOUND_TIME_SHIFT	26

/* in the bound of all actions: the index by time has pages of dead entries above it */
#define ENTRIES_ABOVE		(BEING_LOWERED >> 1)

/* fingerprint of a place that several objects share; it never changes again */
#define SHARED_FINGERPRINT	PG_UINT32_MAX

/*
 * Times are counted in steps of 65.536 ms since the year 1700.  The last step, in 2270,
 * stands for all later times.
 */
#define BOUND_STEP_SHIFT	16
#define FIRST_BOUND_TIME	(INT64CONST(-109572) * USECS_PER_DAY)
#define LAST_BOUND_STEP		((UINT64CONST(1) << (64 - BOUND_TIME_SHIFT)) - 1)

/* The map, as a backend accesses it. */
typedef struct RecencyMap
{
	SharedMemory *shared;
	pg_atomic_uint64 *bounds;
	pg_atomic_uint32 *fingerprints;
	int			line_shift;		/* right shift of a hash, to get the number of its line */
	RecencyDatabase *database;	/* NULL if the database has no entry yet, and so no
								 * readers */
	uint64		generation;		/* when it was found to be complete */
} RecencyMap;

/* The tag of an object in a role: never zero. */
static inline uint64
RecencyTag(uint64 hash, ActionIndex role)
{
	return (hash & TAG_OF_OBJECT) << 2 | (role + 1);
}

/* A timestamp as the time of a bound, in steps: rounded up, and never zero. */
static inline uint64
RecencyTime(TimestampTz timestamp)
{
	uint64		distance = (uint64) Max(timestamp, FIRST_BOUND_TIME) - (uint64) FIRST_BOUND_TIME;

	return Min((distance >> BOUND_STEP_SHIFT) + 1, LAST_BOUND_STEP);
}

/*
 * A timestamp later than all that the time of a bound or a rest stands for; DT_NOEND if
 * that is the last step.
 */
static inline TimestampTz
RecencyTimestamp(uint64 bound)
{
	uint64		time = bound >> BOUND_TIME_SHIFT;

	return time == LAST_BOUND_STEP ? DT_NOEND :
		(TimestampTz) ((time << BOUND_STEP_SHIFT) + (uint64) FIRST_BOUND_TIME);
}

/* A bound allows actions newer than "time" if it is greater than the result. */
static inline uint64
RecencyLimit(TimestampTz time)
{
	return RecencyTime(time) << BOUND_TIME_SHIFT;
}

/* Does a bound, which is not zero, belong to the object of the tag? */
static inline bool
RecencySameObject(uint64 bound, uint64 tag)
{
	return ((bound ^ tag) & (TAG_OF_OBJECT << 2)) == 0;
}

static inline ActionIndex
RecencyRole(uint64 bound)
{
	return (bound & 3) - 1;
}

static inline pg_atomic_uint64 *
RecencyLine(const RecencyMap *map, uint64 hash)
{
	return &map->bounds[(hash >> map->line_shift) * 2 * BOUNDS_PER_LINE];
}

/* The hash that selects the second line of an object; the tag stays the same. */
static inline uint64
RecencySecondHash(uint64 hash)
{
	return hash ^ (((hash & TAG_OF_OBJECT) + 1) * UINT64CONST(0x9E3779B97F4A7C15)) << 14;
}

/* The rest of a bound. */
static inline pg_atomic_uint64 *
RecencyRest(pg_atomic_uint64 *bound)
{
	return bound + BOUNDS_PER_LINE;
}

/*
 * Store in a bound and its rest the location of the row that has set the bound.  Both
 * have none yet, and get none if "tid" is NULL, or too large.
 */
static inline void
RecencySetPlace(uint64 *bound, uint64 *rest, const ItemPointerData *tid)
{
	uint64		block = tid == NULL ? 0 : (uint64) ItemPointerGetBlockNumber(tid) + 1;
	uint64		offset = tid == NULL ? 0 : ItemPointerGetOffsetNumber(tid);

	if (block <= REST_BLOCK_MASK && offset <= BOUND_OFFSET_MASK)
	{
		*bound |= offset << BOUND_OFFSET_SHIFT;
		*rest |= block;
	}
}

/* The fingerprint of the place of a bound. */
static inline pg_atomic_uint32 *
RecencyFingerprintAt(const RecencyMap *map, const pg_atomic_uint64 *bound)
{
	Size		place = bound - map->bounds;

	/* each line of bounds is followed by one of rests */
	return &map->fingerprints[place / (2 * BOUNDS_PER_LINE) * BOUNDS_PER_LINE +
							  place % BOUNDS_PER_LINE];
}

/*
 * The fingerprint of an object.  It is made of bits that neither are in the tag nor,
 * unless the map is very large, select the line.  Zero means that no object has taken
 * the place.
 */
static inline uint32
RecencyFingerprint(uint64 hash)
{
	uint32		fingerprint = (uint32) (hash >> TAG_BITS);

	return fingerprint == 0 || fingerprint == SHARED_FINGERPRINT ? 1 : fingerprint;
}

/* Have the processor fetch the bounds of an object into its cache. */
static inline void
RecencyPrefetch(const RecencyMap *map, uint64 hash)
{
#ifdef __GNUC__
	__builtin_prefetch(RecencyLine(map, hash));
#endif
}

/* The same for what is needed to raise them: bounds, rests and fingerprints. */
static inline void
RecencyPrefetchToRaise(const RecencyMap *map, uint64 hash)
{
#ifdef __GNUC__
	pg_atomic_uint64 *line = RecencyLine(map, hash);

	__builtin_prefetch(line, 1);
	__builtin_prefetch(RecencyRest(line), 1);
	__builtin_prefetch(RecencyFingerprintAt(map, line));
#endif
}

extern RoleSet RecencyNewerInFullLine(const RecencyMap *map, uint64 hash, TimestampTz time,
									  TimestampTz *bounds);

/*
 * RecencyNewer
 *		The roles of an object in which it may have a public action newer than "time"
 *		that a snapshot taken before can see.  For each of these, "bounds" gets an upper
 *		bound of the time of such actions.
 *
 * Most objects have none.  So all places are compared without branches, which the
 * processor could mispredict, and only then are those that match looked at.
 */
static pg_attribute_always_inline RoleSet
RecencyNewer(const RecencyMap *map, uint64 hash, TimestampTz time, TimestampTz *bounds)
{
	pg_atomic_uint64 *line = RecencyLine(map, hash);
	uint64		tag = RecencyTag(hash, 0);
	uint64		limit = RecencyLimit(time);
	uint32		places = 0;
	RoleSet		roles = 0;

	if (unlikely(pg_atomic_read_u64(&line[SHARED_BOUND - 1]) != 0))
		return RecencyNewerInFullLine(map, hash, time, bounds);
	for (int i = 0; i < SHARED_BOUND - 1; i++)
	{
		uint64		bound = pg_atomic_read_u64(&line[i]);

		places |= (uint32) (RecencySameObject(bound, tag) & (bound > limit)) << i;
	}
	for (; places != 0; places &= places - 1)
	{
		uint64		bound = pg_atomic_read_u64(&line[pg_rightmost_one_pos32(places)]);

		bounds[RecencyRole(bound)] = RecencyTimestamp(bound);
		roles |= ROLE_BIT(RecencyRole(bound));
	}
	return roles;
}

extern void RecencyDefineSetting(void);
extern uint64 RecencyHash(const Ref *object);
extern bool RecencyMapGet(RecencyMap *map);
extern bool RecencyMapFind(RecencyMap *map);
extern bool RecencyMapWanted(Snapshot snapshot);
extern bool RecencyMapIsComplete(RecencyMap *map, Oid recency_index);
extern Oid	RecencyMapIndex(const RecencyMap *map);
extern bool RecencyMapIsRaisedBy(const RecencyMap *map, Oid recency_index);
extern void RecencyMapBeginBuild(RecencyMap *map, Oid recency_index);
extern bool RecencyMapIsCurrent(const RecencyMap *map);
extern TimestampTz RecencyNewestOfAll(const RecencyMap *map);
extern bool RecencyReadRest(const RecencyMap *map, uint64 hash, ActionIndex role,
							uint64 *bound, uint64 *rest);
extern TimestampTz RecencyBoundBelow(const RecencyMap *map, uint64 hash, ActionIndex role,
									 TimestampTz time, TimestampTz bound);
extern bool RecencyFindNewest(const RecencyMap *map, uint64 hash, ActionIndex role,
							  TimestampTz bound, ItemPointer newest, TimestampTz *rest);
extern void RecencyCount(const RecencyMap *map, RecencyCounter counter, int64 n);

#endif							/* ACTSTREAM_RECENCY_MAP_H */
