/*
 * recency.h
 *		The recency map: how new the newest action of an object can be.
 */
#ifndef ACTSTREAM_RECENCY_H
#define ACTSTREAM_RECENCY_H

#include "datatype/timestamp.h"
#include "ref.h"
#include "shared_memory.h"
#include "stream_index.h"
#include "utils/snapshot.h"

/*
 * A line of the map, as long as one of the processor's cache, has places for
 * seven bounds.  They are filled from the first on, each by an object in a role,
 * and stay with it.  Who comes when all are taken finds one in a second line, and
 * if that is full, too, shares the last bound of the first line with all others
 * who do.
 *
 * A bound is a time in 48 bits, and a tag in 16: of the object's hash and of the
 * role.  Zero is a place that is free.
 */
#define BOUNDS_PER_LINE		8
#define SHARED_BOUND		(BOUNDS_PER_LINE - 1)

/* the bits of a hash that are in a tag; the highest ones are for the line */
#define TAG_OF_OBJECT		UINT64CONST(0x3FFF)

/* The map, as one that reads or raises has it. */
typedef struct RecencyMap
{
	pg_atomic_uint64 *bounds;
	int			line_shift;		/* of a hash, to get the number of a line */
	RecencyDatabase *database;	/* NULL for who raises */
} RecencyMap;

/* The tag of an object in a role: never zero. */
static inline uint64
RecencyTag(uint64 hash, ActionIndex role)
{
	return (hash & TAG_OF_OBJECT) << 2 | (role + 1);
}

/* The time of a bound, in steps of 65.536 ms from -infinity, rounded up. */
static inline uint64
RecencyTime(TimestampTz timestamp)
{
	uint64		distance = (uint64) timestamp - (uint64) DT_NOBEGIN;

	return Min((distance >> 16) + 1, (UINT64CONST(1) << 48) - 1);
}

/* What is no later than a bound's time; the last one is that of infinity, too. */
static inline TimestampTz
RecencyTimestamp(uint64 bound)
{
	uint64		time = bound >> 16;

	return time == (UINT64CONST(1) << 48) - 1 ? DT_NOEND :
		(TimestampTz) ((time << 16) + (uint64) DT_NOBEGIN);
}

static inline pg_atomic_uint64 *
RecencyLine(const RecencyMap *map, uint64 hash)
{
	return &map->bounds[(hash >> map->line_shift) * BOUNDS_PER_LINE];
}

/* Let the bounds of an object be in the processor's cache soon. */
static inline void
RecencyPrefetch(const RecencyMap *map, uint64 hash)
{
#ifdef __GNUC__
	__builtin_prefetch(RecencyLine(map, hash));
#endif
}

/*
 * Fill in the bounds of an object that a line has; those that have been filled
 * in before stay.  Returns whether the line is full.
 */
static pg_attribute_always_inline bool
RecencyReadLine(pg_atomic_uint64 *line, uint64 hash, TimestampTz *bounds)
{
	uint64		tag = (hash & TAG_OF_OBJECT) << 2;

	for (int i = 0; i < SHARED_BOUND; i++)
	{
		uint64		bound = pg_atomic_read_u64(&line[i]);

		if (bound == 0)
			return false;
		if (((bound ^ tag) & (TAG_OF_OBJECT << 2)) == 0 &&
			bounds[(bound & 3) - 1] == DT_NOBEGIN)
			bounds[(bound & 3) - 1] = RecencyTimestamp(bound);
	}
	return true;
}

extern void RecencyReadSecondLine(const RecencyMap *map, uint64 hash, TimestampTz *bounds);

/*
 * RecencyBounds
 *		For each role of an object an upper bound of the time of any public
 *		action that a snapshot taken before can see: DT_NOBEGIN if there is none.
 */
static pg_attribute_always_inline void
RecencyBounds(const RecencyMap *map, uint64 hash, TimestampTz *bounds)
{
	for (ActionIndex role = 0; role < NUM_ACTION_ROLES; role++)
		bounds[role] = DT_NOBEGIN;
	if (RecencyReadLine(RecencyLine(map, hash), hash, bounds))
		RecencyReadSecondLine(map, hash, bounds);
}

extern void RecencyDefineSetting(void);
extern uint64 RecencyHash(const Ref *object);
extern bool RecencyMapGet(RecencyMap *map);
extern bool RecencyMapFind(RecencyMap *map);
extern bool RecencyMapWanted(Snapshot snapshot);
extern bool RecencyMapIsComplete(const RecencyMap *map, Oid recency_index);
extern void RecencyRaise(const RecencyMap *map, const Ref *object, ActionIndex role,
						 TimestampTz timestamp);
extern void RecencyCount(const RecencyMap *map, RecencyCounter counter, int64 n);

#endif							/* ACTSTREAM_RECENCY_H */
