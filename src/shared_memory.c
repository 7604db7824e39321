/*
 * shared_memory.c
 *		What all sessions of the server share.
 *
 * It is there if the library is one of shared_preload_libraries, and from 17 on
 * also without: then whoever first needs it makes it.  Either way it begins
 * empty with each start of the server, and after a crash.
 */
#include "postgres.h"

#include "compat.h"
#include "shared_memory.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/guc.h"

#define MEMORY_NAME "actstream"
#define BOUNDS_NAME "actstream bounds"

/* Fewer bounds than these, of two lines of the map, are none. */
#define FEWEST_BOUNDS	16

/* actstream.recency_map_size: memory for bounds, in kilobytes */
static int	recency_map_size = 32768;

/* NULL until they are needed, and where there are none */
static SharedMemory *shared = NULL;
static pg_atomic_uint64 *bounds = NULL;

static shmem_request_hook_type next_shmem_request_hook = NULL;
static shmem_startup_hook_type next_shmem_startup_hook = NULL;

/* The number of bounds that the setting has room for: a power of two, or 0. */
static uint64
bounds_wanted(void)
{
	uint64		room = (uint64) recency_map_size * 1024 / BOUND_SIZE;
	uint64		result = FEWEST_BOUNDS;

	if (room < result)
		return 0;
	while (result * 2 <= room)
		result *= 2;
	return result;
}

static Size
bounds_size(uint64 nbounds)
{
	return nbounds * BOUND_SIZE;
}

static void
init_database(RecencyDatabase *database)
{
	pg_atomic_init_u32(&database->database, InvalidOid);
	pg_atomic_init_u32(&database->index, InvalidOid);
	pg_atomic_init_u32(&database->builder, 0);
	pg_atomic_init_u64(&database->requested, 0);
	pg_atomic_init_u64(&database->built, 0);
	pg_atomic_init_u64(&database->build_time, 0);
	pg_atomic_init_u64(&database->objects, 0);
	for (int i = 0; i < NUM_RECENCY_COUNTERS; i++)
		pg_atomic_init_u64(&database->counters[i], 0);
}

static void
init_counter(FollowCounter *counter)
{
	pg_atomic_init_u64(&counter->newest, 0);
	pg_atomic_init_u64(&counter->changes, 0);
}

static void
init_memory(SharedMemory *memory)
{
	memory->nbounds = bounds_wanted();
	for (int i = 0; i < RECENCY_DATABASES; i++)
		init_database(&memory->databases[i]);
	for (int i = 0; i < FOLLOW_COUNTERS; i++)
		init_counter(&memory->follows[i]);
	init_counter(&memory->all_follows);
	pg_atomic_init_u64(&memory->nraises, 0);
	for (int i = 0; i < RAISES_KEPT; i++)
		pg_atomic_init_u64(&memory->raises[i], 0);
}

static void
init_bounds(pg_atomic_uint64 *cells)
{
	for (uint64 i = 0; i < bounds_size(shared->nbounds) / sizeof(pg_atomic_uint64); i++)
		pg_atomic_init_u64(&cells[i], 0);
}

/* The same for memory that is made late. */
static void
init_late_memory(NAMED_SEGMENT_INIT_ARGS)
{
	init_memory(segment);
}

static void
init_late_bounds(NAMED_SEGMENT_INIT_ARGS)
{
	init_bounds(segment);
}

static void
request_memory(void)
{
	if (next_shmem_request_hook != NULL)
		next_shmem_request_hook();
	RequestAddinShmemSpace(sizeof(SharedMemory));
	RequestAddinShmemSpace(bounds_size(bounds_wanted()));
}

static void
start_memory(void)
{
	bool		found;

	if (next_shmem_startup_hook != NULL)
		next_shmem_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	shared = ShmemInitStruct(MEMORY_NAME, sizeof(SharedMemory), &found);
	if (!found)
		init_memory(shared);
	if (shared->nbounds > 0)
	{
		bounds = ShmemInitStruct(BOUNDS_NAME, bounds_size(shared->nbounds), &found);
		if (!found)
			init_bounds(bounds);
	}
	LWLockRelease(AddinShmemInitLock);
}

/*
 * SharedMemoryInit
 *		Called once, when the library is loaded.
 *
 * What is not made at the start of the server keeps the size that it was made
 * with until the server stops, whatever the setting says later.
 */
void
SharedMemoryInit(void)
{
	bool		preloaded = process_shared_preload_libraries_in_progress;

	DefineCustomIntVariable("actstream.recency_map_size",
							"Sets the memory for upper bounds of the newest actions of objects.",
							"It takes effect when the server starts.  Zero makes streams do without.",
							&recency_map_size,
							32768,
							0,
							MAX_KILOBYTES,
							preloaded ? PGC_POSTMASTER : PGC_SIGHUP,
							GUC_UNIT_KB,
							NULL,
							NULL,
							NULL);
	if (!preloaded)
		return;
	next_shmem_request_hook = shmem_request_hook;
	shmem_request_hook = request_memory;
	next_shmem_startup_hook = shmem_startup_hook;
	shmem_startup_hook = start_memory;
}

/*
 * SharedMemoryGet
 *		The shared memory, or NULL if the server has none for us.
 *
 * Where it can still be made, it is: raises an error if there is no room.
 */
SharedMemory *
SharedMemoryGet(void)
{
	bool		found;

	if (shared == NULL)
		shared = named_segment(MEMORY_NAME, sizeof(SharedMemory), init_late_memory, &found);
	return shared;
}

/*
 * SharedMemoryBounds
 *		The bounds of the recency map, as many as there are.
 */
pg_atomic_uint64 *
SharedMemoryBounds(void)
{
	bool		found;

	Assert(shared->nbounds > 0);
	if (bounds == NULL)
		bounds = named_segment(BOUNDS_NAME, bounds_size(shared->nbounds), init_late_bounds, &found);
	return bounds;
}
