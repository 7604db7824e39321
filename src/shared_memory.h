/*
 * shared_memory.h
 *		What all sessions of the server share.
 */
#ifndef ACTSTREAM_SHARED_MEMORY_H
#define ACTSTREAM_SHARED_MEMORY_H

#include "port/atomics.h"

/*
 * Databases whose recency map can be in use at a time.  Each takes some hundred
 * bytes; in more than these, streams are read without.
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

/* Memory for a bound of the recency map and what goes with it, in bytes. */
#define BOUND_SIZE			(2 * sizeof(pg_atomic_uint64))

/* What the recency map has done in a database. */
typedef enum RecencyCounter
{
	RECENCY_STREAMS,			/* streams that were read with it */
	RECENCY_LISTS_SPARED,		/* of their lists */
	RECENCY_LISTS_OPENED,
	RECENCY_TOO_HIGH			/* of these, because of too high a bound */
} RecencyCounter;

#define NUM_RECENCY_COUNTERS 4

/* The recency map as one database knows it. */
typedef struct RecencyDatabase
{
	pg_atomic_uint32 database;	/* OID; InvalidOid while this is free */
	pg_atomic_uint32 index;		/* recency index with which it is complete */
	pg_atomic_uint32 builder;	/* who completes it: a process, or 0 */
	pg_atomic_uint64 requested; /* when a worker was last asked to */
	pg_atomic_uint64 built;		/* when it was complete */
	pg_atomic_uint64 build_time;	/* in microseconds */
	pg_atomic_uint64 objects;	/* pairs of an object and a role found then */
	pg_atomic_uint64 counters[NUM_RECENCY_COUNTERS];
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
extern pg_atomic_uint64 *SharedMemoryBounds(void);

#endif							/* ACTSTREAM_SHARED_MEMORY_H */
