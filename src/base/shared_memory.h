/*
 * shared_memory.h
 *		What all sessions of the server share.
 */
#ifndef ACTSTREAM_SHARED_MEMORY_H
#define ACTSTREAM_SHARED_MEMORY_H

#include "port/atomics.h"

/*
 * Databases whose recency map can be in use at a time.  Each takes some hundred
 * bytes; in more than these, streams are read without it.
 */
#define RECENCY_DATABASES	256

/*
 * Counters of changes to follows, by the hash of the follower: 256 kB.  Two
 * followers with the same counter make each other's lists be read again.
 */
#define FOLLOW_COUNTERS		16384

/*
 * Raises of bounds that are remembered, for who has kept bounds: 128 kB.  Who has
 * more to catch up with begins anew.
 */
#define RAISES_KEPT			16384

/* Memory for a bound of the recency map, its rest and its fingerprint, in bytes. */
#define BOUND_SIZE			(2 * sizeof(pg_atomic_uint64) + sizeof(pg_atomic_uint32))

/* Whether the memory for the bounds can be used. */
typedef enum BoundsState
{
	BOUNDS_NOT_MADE,			/* not yet: whoever first needs it makes it */
	BOUNDS_MADE,
	BOUNDS_FAILED				/* not before the server starts again */
} BoundsState;

/* What the recency map has done in a database. */
typedef enum RecencyCounter
{
	RECENCY_STREAMS,			/* streams that were read with it */
	RECENCY_LISTS_SKIPPED,		/* of their lists */
	RECENCY_LISTS_OPENED,
	RECENCY_FALSE_OPENS,			/* of these, because of too high a bound */
	RECENCY_LOWERED				/* bounds that have come down again */
} RecencyCounter;

#define NUM_RECENCY_COUNTERS 5

/*
 * The recency map as one database knows it.  The first three are read by all who
 * write or read there; the counters are in another line of the processor's cache.
 */
typedef struct RecencyDatabase
{
	pg_atomic_uint64 newest;	/* bound of all its public actions: a time, as that
								 * of a bound, and marks */
	pg_atomic_uint32 index;		/* recency index with which it is complete */
	pg_atomic_uint32 builder;	/* who completes it: a process, or 0 */
	pg_atomic_uint64 requested; /* when a worker was last asked to */
	pg_atomic_uint64 built;		/* when it was complete */
	pg_atomic_uint64 build_time;	/* in microseconds */
	pg_atomic_uint64 objects;	/* pairs of an object and a role found then */
	char		padding[PG_CACHE_LINE_SIZE - 6 * sizeof(uint64)];
	pg_atomic_uint64 counters[NUM_RECENCY_COUNTERS];
	char		more_padding[PG_CACHE_LINE_SIZE - NUM_RECENCY_COUNTERS * sizeof(uint64)];
} RecencyDatabase;

/* Changes to the follows of some followers. */
typedef struct FollowCounter
{
	pg_atomic_uint64 newest;	/* the newest transaction that made one */
	pg_atomic_uint64 changes;
} FollowCounter;

typedef struct SharedMemory
{
	uint64		nbounds;		/* in a place of their own; zero, or a power of two */
	uint64		seed;			/* of the hashes of objects, which nobody can guess */
	pg_atomic_uint32 bounds_state;	/* a BoundsState */
	pg_atomic_uint32 lowerer;	/* process that lowers a bound, or 0 */
	pg_atomic_uint64 lowerings; /* of bounds; see recency_lower.c */
	char		padding[PG_CACHE_LINE_SIZE - 4 * sizeof(uint64)];

	/*
	 * Which database has which entry: its OID, and in the lower half the
	 * transaction that stored its row of pg_database.  Zero: the entry is
	 * free.
	 */
	pg_atomic_uint64 identities[RECENCY_DATABASES];
	RecencyDatabase databases[RECENCY_DATABASES];
	FollowCounter follows[FOLLOW_COUNTERS];
	FollowCounter all_follows;	/* changes that may be to whatever follow */
	pg_atomic_uint64 nraises;	/* of bounds, since the start */
	pg_atomic_uint64 raises[RAISES_KEPT];	/* the last of them */
} SharedMemory;

/*
 * AtomicMax
 *		Let a cell that others change at the same time be no less than "value".
 */
static inline void
AtomicMax(pg_atomic_uint64 *cell, uint64 value)
{
	uint64		now = pg_atomic_read_u64(cell);

	while (now < value && !pg_atomic_compare_exchange_u64(cell, &now, value))
		;
}

extern void SharedMemoryInit(void);
extern SharedMemory *SharedMemoryGet(void);
extern SharedMemory *SharedMemoryKnown(void);
extern pg_atomic_uint64 *SharedMemoryBounds(void);
extern bool SharedMemoryIsLacking(void);

#endif							/* ACTSTREAM_SHARED_MEMORY_H */
