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
 * A line of the map has places for seven bounds.  They are filled from the first
 * on, each by an object in a role, and stay with it.  Who comes when all are taken
 * finds one in a second line, and if that is full, too, shares the last bound of
 * the first line with all others who do.
 *
 * A bound is a time in 38 bits, a mark, and a tag in 15: of the object's hash and
 * of the role.  Zero is a place that is free; a time of zero, that there is no
 * action.  The mark is there from the moment that the bound is raised until that has
 * been noted among the raises.
 *
 * The bounds of a line are as long as a line of the processor's cache.  In the next
 * one each has its rest: a time that is a bound for all actions but the one that has
 * set the bound itself.  Both say where that one is in the table: its offset on a
 * page is in nine bits of the bound, and the number of the page, plus one, in the 25
 * of the rest.  Zero is for what is not known, or too large.
 *
 * One bit of each is the mark of one that is being lowered: see recency_lower.c.
 * So is, apart from all this, the fingerprint of a place, by which it is known
 * whether the bound there belongs to one object alone.
 */
#define BOUNDS_PER_LINE		8
#define SHARED_BOUND		(BOUNDS_PER_LINE - 1)

/* the bits of a hash that are in a tag; the highest ones are for the line */
#define TAG_BITS			13
#define TAG_OF_OBJECT		((UINT64CONST(1) << TAG_BITS) - 1)

#define BOUND_TAG			UINT64CONST(0x7FFF)
#define BOUND_IS_NEW		UINT64CONST(0x8000)
#define BOUND_OFFSET_SHIFT	16
#define BOUND_OFFSET_MASK	UINT64CONST(0x1FF)

#define REST_BLOCK_MASK		(BEING_LOWERED - 1)

/* of a bound, of a rest, and of the bound of all actions */
#define BEING_LOWERED		(UINT64CONST(1) << (BOUND_TIME_SHIFT - 1))
#define BOUND_TIME_SHIFT	26

/* of the bound of all actions: above it the index by time has pages of dead entries */
#define ENTRIES_ABOVE		(BEING_LOWERED >> 1)

/* the fingerprint of a place that several objects have come to share, for ever */
#define SHARED_FINGERPRINT	PG_UINT32_MAX

/*
 * Times are in steps of 65.536 ms from the year 1700 on, and in 2270 the last one is
 * reached, which is for all that comes after.
 */
#define BOUND_STEP_SHIFT	16
#define FIRST_BOUND_TIME	(INT64CONST(-109572) * USECS_PER_DAY)
#define LAST_BOUND_STEP		((UINT64CONST(1) << (64 - BOUND_TIME_SHIFT)) - 1)

/* The map, as one that reads or raises has it. */
typedef struct RecencyMap
{
	SharedMemory *shared;
	pg_atomic_uint64 *bounds;
	pg_atomic_uint32 *fingerprints;
	int			line_shift;		/* of a hash, to get the number of a line */
	RecencyDatabase *database;	/* NULL for who raises, if nobody reads */
} RecencyMap;

/* The tag of an object in a role: never zero. */
static inline uint64
RecencyTag(uint64 hash, ActionIndex role)
{
	return (hash & TAG_OF_OBJECT) << 2 | (role + 1);
}

/* The time of a bound, in steps: rounded up, and never zero. */
static inline uint64
RecencyTime(TimestampTz timestamp)
{
	uint64		distance = (uint64) Max(timestamp, FIRST_BOUND_TIME) - (uint64) FIRST_BOUND_TIME;

	return Min((distance >> BOUND_STEP_SHIFT) + 1, LAST_BOUND_STEP);
}

/*
 * What is later than all that a bound's, or a rest's, time stands for; infinity is
 * no later than itself.
 */
static inline TimestampTz
RecencyTimestamp(uint64 bound)
{
	uint64		time = bound >> BOUND_TIME_SHIFT;

	return time == LAST_BOUND_STEP ? DT_NOEND :
		(TimestampTz) ((time << BOUND_STEP_SHIFT) + (uint64) FIRST_BOUND_TIME);
}

/* A bound is of a later time than that if it is greater than this. */
static inline uint64
RecencyLimit(TimestampTz time)
{
	return RecencyTime(time) << BOUND_TIME_SHIFT;
}

/* Is a bound that is not free one of the object that the tag is of? */
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

/* What the second line of an object is found by; the tag is the same. */
static inline uint64
RecencySecondHash(uint64 hash)
{
	return hash ^ (((hash & TAG_OF_OBJECT) + 1) * UINT64CONST(0x9E3779B97F4A7C15)) << 14;
}

/* The rest that goes with a bound. */
static inline pg_atomic_uint64 *
RecencyRest(pg_atomic_uint64 *bound)
{
	return bound + BOUNDS_PER_LINE;
}

/*
 * Say in a bound and its rest where the row is that has set the bound; they have no
 * place so far, nor do they get one if "tid" is NULL, or too large.
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

	/* a line of bounds is followed by that of their rests */
	return &map->fingerprints[place / (2 * BOUNDS_PER_LINE) * BOUNDS_PER_LINE +
							  place % BOUNDS_PER_LINE];
}

/*
 * The fingerprint of an object: of bits that neither its tag nor, unless the map is
 * very large, its line has.  Zero is that of nobody.
 */
static inline uint32
RecencyFingerprint(uint64 hash)
{
	uint32		fingerprint = (uint32) (hash >> TAG_BITS);

	return fingerprint == 0 || fingerprint == SHARED_FINGERPRINT ? 1 : fingerprint;
}

/* Let the bounds of an object be in the processor's cache soon. */
static inline void
RecencyPrefetch(const RecencyMap *map, uint64 hash)
{
#ifdef __GNUC__
	__builtin_prefetch(RecencyLine(map, hash));
#endif
}

/* Let them, and what tells whose they are, be there soon, to be raised. */
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
 *		The roles of an object in which it may have a public action newer than
 *		"time" that a snapshot taken before can see, and in "bounds" an upper
 *		bound of the time of any for each of these.
 *
 * Most objects have none: so all places are looked at, which the processor can do
 * without guessing how many are taken, and what they say is only found out after.
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
extern bool RecencyMapIsComplete(const RecencyMap *map, Oid recency_index);
extern TimestampTz RecencyNewestOfAll(const RecencyMap *map);
extern bool RecencyReadRest(const RecencyMap *map, uint64 hash, ActionIndex role,
							uint64 *bound, uint64 *rest);
extern TimestampTz RecencyBoundBelow(const RecencyMap *map, uint64 hash, ActionIndex role,
									 TimestampTz time, TimestampTz bound);
extern bool RecencyFindNewest(const RecencyMap *map, uint64 hash, ActionIndex role,
							  TimestampTz bound, ItemPointer newest, TimestampTz *rest);
extern void RecencyCount(const RecencyMap *map, RecencyCounter counter, int64 n);

#endif							/* ACTSTREAM_RECENCY_MAP_H */
