/*
 * shared_memory.c
 *		Shared memory of the extension.
 *
 * The memory exists if the library is in shared_preload_libraries.  Otherwise, on
 * PostgreSQL 17 and later, the first backend that needs it makes it.  Either way it is
 * empty after each start of the server, and after a crash.
 *
 * Making the memory late can fail, and that must not raise an error.  But all backends
 * have to agree: a backend can rely on a bound only if all others raise it, and the
 * same is true of counters.  So if one backend cannot get the memory, it sets a flag
 * for all of them, and none uses the memory until the server restarts.  The flag is in
 * the main shared memory segment, which every backend has.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/shared_memory.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#define MEMORY_NAME "actstream"
#define BOUNDS_NAME "actstream bounds"
#define LACKING_NAME "actstream lacking"

/* A map with fewer bounds than this, which are two lines, is not made. */
#define FEWEST_BOUNDS	16

/* Enough for 2^21 bounds. */
#define DEFAULT_MAP_SIZE	40960

/* actstream.recency_map_size: memory for bounds, in kilobytes */
static int	recency_map_size = DEFAULT_MAP_SIZE;

/* Has this backend failed to make the memory late? */
static bool allocation_failed = false;

/* NULL until needed, and if there are none */
static SharedMemory *shared = NULL;
static pg_atomic_uint64 *bounds = NULL;

/* Has any backend failed to make the memory late?  NULL if not looked up yet. */
static pg_atomic_uint32 *lacking = NULL;

static shmem_request_hook_type next_shmem_request_hook = NULL;
static shmem_startup_hook_type next_shmem_startup_hook = NULL;

/* The number of bounds that fit into recency_map_size: a power of two, or 0. */
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
	pg_atomic_init_u64(&database->newest, 0);
	pg_atomic_init_u32(&database->index, InvalidOid);
	pg_atomic_init_u32(&database->builder, 0);
	pg_atomic_init_u64(&database->requested, 0);
	pg_atomic_init_u64(&database->built, 0);
	pg_atomic_init_u64(&database->build_time, 0);
	pg_atomic_init_u64(&database->objects, 0);
	pg_atomic_init_u64(&database->generation, 0);
	pg_atomic_init_u32(&database->next_index, InvalidOid);
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
init_doorbell(Doorbell *doorbell)
{
	pg_atomic_init_u32(&doorbell->database, InvalidOid);
	pg_atomic_init_u32(&doorbell->listeners, 0);
	pg_atomic_init_u32(&doorbell->rung, 0);
	pg_atomic_init_u32(&doorbell->worker, 0);
	pg_atomic_init_u64(&doorbell->requested, 0);
}

static void
init_memory(SharedMemory *memory)
{
	memory->nbounds = bounds_wanted();
	if (!pg_strong_random(&memory->seed, sizeof(memory->seed)))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate random values")));
	pg_atomic_init_u32(&memory->bounds_state, BOUNDS_NOT_MADE);
	pg_atomic_init_u32(&memory->lowerer, 0);
	pg_atomic_init_u64(&memory->lowerings, 0);
	for (int i = 0; i < RECENCY_DATABASES; i++)
	{
		pg_atomic_init_u64(&memory->identities[i], 0);
		init_database(&memory->databases[i]);
	}
	for (int i = 0; i < FOLLOW_COUNTERS; i++)
		init_counter(&memory->follows[i]);
	init_counter(&memory->all_follows);
	pg_atomic_init_u64(&memory->nraises, 0);
	for (int i = 0; i < RAISES_KEPT; i++)
		pg_atomic_init_u64(&memory->raises[i], 0);
	for (int i = 0; i < DOORBELLS; i++)
		init_doorbell(&memory->doorbells[i]);
}

/* The bounds and rests come first, then all fingerprints. */
static void
init_bounds(pg_atomic_uint64 *cells)
{
	pg_atomic_uint32 *fingerprints = (pg_atomic_uint32 *) &cells[2 * shared->nbounds];

	for (uint64 i = 0; i < 2 * shared->nbounds; i++)
		pg_atomic_init_u64(&cells[i], 0);
	for (uint64 i = 0; i < shared->nbounds; i++)
		pg_atomic_init_u32(&fingerprints[i], 0);
}

/* Callbacks that do the same for memory that is made late. */
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
		pg_atomic_write_u32(&shared->bounds_state, BOUNDS_MADE);
	}
	LWLockRelease(AddinShmemInitLock);
}

/*
 * SharedMemoryInit
 *		Called once, when the library is loaded.
 *
 * Memory that is made later than at server start keeps its size until the server stops,
 * even if the setting is changed.
 */
void
SharedMemoryInit(void)
{
	bool		preloaded = process_shared_preload_libraries_in_progress;

	DefineCustomIntVariable("actstream.recency_map_size",
							"Sets the memory for upper bounds of the newest actions of objects.",
							"Takes effect when the server starts. If zero, streams are read without these bounds.",
							&recency_map_size,
							DEFAULT_MAP_SIZE,
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

/* Warn, once per session, that there is no shared memory. */
static void
warn_once(const ErrorData *error)
{
	if (!allocation_failed)
		ereport(WARNING,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("actstream runs without shared memory"),
				 errdetail_internal("%s", error->message),
				 errhint("Streams work, but are slower. Add \"actstream\" to shared_preload_libraries, or reduce actstream.recency_map_size.")));
	allocation_failed = true;
}

/*
 * Find the flag that says that a backend could not get the memory.  If there is no room
 * even for the flag, no backend gets any memory.
 */
static void
find_lacking(void)
{
	bool		found;

	if (lacking != NULL)
		return;
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	lacking = ShmemInitStruct(LACKING_NAME, sizeof(pg_atomic_uint32), &found);
	if (!found)
		pg_atomic_init_u32(lacking, false);
	LWLockRelease(AddinShmemInitLock);
}

/* Do all backends do without the memory because one of them could not get it? */
static bool
is_given_up(void)
{
	return lacking != NULL && pg_atomic_read_u32(lacking);
}

/*
 * get_late_memory
 *		Find memory that is made late, or make it; NULL if that fails.
 *
 * A subtransaction cleans up after a failure.  None can be started in parallel mode,
 * where this returns NULL; that is safe, as parallel mode does not write.
 */
static void *
get_late_memory(const char *name, Size size, void (*init) (NAMED_SEGMENT_INIT_ARGS))
{
	MemoryContext oldcontext = CurrentMemoryContext;
	ResourceOwner oldowner = CurrentResourceOwner;
	void	   *volatile result = NULL;

	if (!HAVE_NAMED_SEGMENTS || IsInParallelMode())
		return NULL;
	BeginInternalSubTransaction(NULL);
	PG_TRY();
	{
		bool		found;

		find_lacking();
		if (!is_given_up())
			result = named_segment(name, size, init, &found);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(oldcontext);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		if (error->sqlerrcode == ERRCODE_QUERY_CANCELED)
			ReThrowError(error);
		warn_once(error);
		FreeErrorData(error);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(oldcontext);
	CurrentResourceOwner = oldowner;
	return result;
}

/* Get the memory except for the bounds; a failure is noted for all backends. */
static SharedMemory *
get_late_shared(void)
{
	SharedMemory *result = get_late_memory(MEMORY_NAME, sizeof(SharedMemory), init_late_memory);

	if (result == NULL && lacking != NULL && !IsInParallelMode())
	{
		pg_atomic_write_u32(lacking, true);
		pg_memory_barrier();
	}
	return result;
}

/*
 * SharedMemoryGet
 *		The shared memory, or NULL if there is none.
 *
 * A backend that takes a snapshot and then calls this function can rely on everything
 * that was noted in the memory by the transactions that the snapshot sees.
 */
SharedMemory *
SharedMemoryGet(void)
{
	if (shared == NULL && !is_given_up())
		shared = get_late_shared();
	return is_given_up() ? NULL : shared;
}

/*
 * SharedMemoryKnown
 *		The shared memory, for a backend that has got it from SharedMemoryGet() before.
 */
SharedMemory *
SharedMemoryKnown(void)
{
	return shared;
}

/* Make the bounds, or find them; false if all backends have to do without. */
static bool
get_late_bounds(void)
{
	uint32		state = BOUNDS_NOT_MADE;

	if (IsInParallelMode())
		return false;
	bounds = get_late_memory(BOUNDS_NAME, bounds_size(shared->nbounds), init_late_bounds);
	if (bounds == NULL)
	{
		pg_atomic_write_u32(&shared->bounds_state, BOUNDS_FAILED);
		pg_memory_barrier();
		return false;
	}
	return pg_atomic_compare_exchange_u32(&shared->bounds_state, &state, BOUNDS_MADE) ||
		state == BOUNDS_MADE;
}

/*
 * SharedMemoryBounds
 *		The bounds of the recency map, each with its rest, followed by their
 *		fingerprints; NULL if there are none.
 *
 * The caller has got the shared memory from SharedMemoryGet().
 */
pg_atomic_uint64 *
SharedMemoryBounds(void)
{
	if (shared->nbounds == 0 ||
		pg_atomic_read_u32(&shared->bounds_state) == BOUNDS_FAILED ||
		(bounds == NULL && !get_late_bounds()))
		return NULL;
	return bounds;
}

/*
 * SharedMemoryIsLacking
 *		Whether there is no memory although the server supports it, because it could not
 *		be made or the setting asks for none.
 */
bool
SharedMemoryIsLacking(void)
{
	return is_given_up() || (shared == NULL ? allocation_failed : SharedMemoryBounds() == NULL);
}
