/*
 * shared_memory.h
 *		Shared memory of the extension.
 */
#ifndef ACTSTREAM_SHARED_MEMORY_H
#define ACTSTREAM_SHARED_MEMORY_H

#include "port/atomics.h"

/*
 * Databases that can use the recency map at the same time.  Each takes some hundred
 * bytes.  In further databases streams are read without the map.
 */
#define RECENCY_DATABASES	256

/*
 * Counters of changes to follows, indexed by a hash of the follower: 256 kB.  Followers
 * that share a counter cause each other's lists to be read again.
 */
#define FOLLOW_COUNTERS		16384

/*
 * Raises of bounds that are remembered for backends that keep bounds: 128 kB.  A
 * backend with more raises to catch up with starts over.
 */
#define RAISES_KEPT			16384

/* Size of a bound of the recency map, its rest and its fingerprint, in bytes. */
#define BOUND_SIZE			(2 * sizeof(pg_atomic_uint64) + sizeof(pg_atomic_uint32))

/* Whether the memory for the bounds can be used. */
typedef enum BoundsState
{
	BOUNDS_NOT_MADE,			/* the first backend that needs it makes it */
	BOUNDS_MADE,
	BOUNDS_FAILED				/* unusable until the server restarts */
} BoundsState;

/* Statistics of the recency map in a database. */
typedef enum RecencyCounter
{
	RECENCY_STREAMS,			/* streams that were read with it */
	RECENCY_LISTS_SKIPPED,		/* lists of these that were not opened */
	RECENCY_LISTS_OPENED,
	RECENCY_FALSE_OPENS,		/* of these, because the bound was too high */
	RECENCY_LOWERED				/* bounds that were lowered */
} RecencyCounter;

#define NUM_RECENCY_COUNTERS 5

/*
 * One database's part of the recency map.  All readers and writers in the database read
 * the bound, the indexes and the generation; the counters are in another cache line.
 */
typedef struct RecencyDatabase
{
	pg_atomic_uint64 newest;	/* bound of all its public actions: a time, as in other
								 * bounds, and marks */
	pg_atomic_uint32 index;		/* recency index for which it is complete */
	pg_atomic_uint32 builder;	/* PID of the process that completes it, or 0 */
	pg_atomic_uint64 requested; /* when a worker was last requested */
	pg_atomic_uint64 built;		/* when it was last completed */
	pg_atomic_uint64 build_time;	/* in microseconds */
	pg_atomic_uint64 objects;	/* pairs of object and role found then */
	pg_atomic_uint64 generation;	/* counts the tables that it has been completed for */
	pg_atomic_uint32 next_index;	/* recency index for which it is being completed */
	char		padding[PG_CACHE_LINE_SIZE - 8 * sizeof(uint64)];
	pg_atomic_uint64 counters[NUM_RECENCY_COUNTERS];
	char		more_padding[PG_CACHE_LINE_SIZE - NUM_RECENCY_COUNTERS * sizeof(uint64)];
} RecencyDatabase;

/* Changes to the follows of all followers that hash to the counter. */
typedef struct FollowCounter
{
	pg_atomic_uint64 newest;	/* newest transaction that made a change */
	pg_atomic_uint64 changes;
} FollowCounter;

/* Databases in which sessions can wait for changes at the same time. */
#define DOORBELLS			64

/* Where a commit tells a worker of its database that actions have changed. */
typedef struct Doorbell
{
	pg_atomic_uint32 database;	/* OID, or 0 */
	pg_atomic_uint32 listeners; /* sessions that listen */
	pg_atomic_uint32 rung;		/* has it been rung since the worker looked? */
	pg_atomic_uint32 worker;	/* number of the worker's PGPROC + 1, or 0 */
	pg_atomic_uint64 requested; /* when a worker was last requested */
} Doorbell;

typedef struct SharedMemory
{
	uint64		nbounds;		/* size of the array of bounds: zero or a power of two */
	uint64		seed;			/* for hashes of objects; random, so unpredictable */
	pg_atomic_uint32 bounds_state;	/* a BoundsState */
	pg_atomic_uint32 lowerer;	/* PID of the process that lowers a bound, or 0 */
	pg_atomic_uint64 lowerings; /* count of lowered bounds; see recency_lower.c */
	char		padding[PG_CACHE_LINE_SIZE - 4 * sizeof(uint64)];

	/*
	 * The database that each entry belongs to: its OID in the upper half, and the xmin
	 * of its row in pg_database in the lower half.  Zero if the entry is free.
	 */
	pg_atomic_uint64 identities[RECENCY_DATABASES];
	RecencyDatabase databases[RECENCY_DATABASES];
	FollowCounter follows[FOLLOW_COUNTERS];
	FollowCounter all_follows;	/* changes that may concern any follow */
	pg_atomic_uint64 nraises;	/* raises of bounds since the server started */
	pg_atomic_uint64 raises[RAISES_KEPT];	/* the latest of these */
	Doorbell	doorbells[DOORBELLS];
} SharedMemory;

/*
 * AtomicMax
 *		Raise a concurrently changed cell to at least "value".
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
