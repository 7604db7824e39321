/*
 * shared_memory.c
 *		What all sessions of the server share.
 *
 * It is there if the library is one of shared_preload_libraries, and from 17 on
 * also without: then whoever first needs it makes it.  Either way it begins
 * empty with each start of the server, and after a crash.
 *
 * Memory that is made late may not be had, and nothing fails for want of it.  But
 * all sessions have to agree: a bound that one of them relies on is one that
 * every other has raised, and so it is with counters.  So if memory cannot be had by
 * one session, that is noted for all, and nobody uses it until the server starts
 * again.  For that there is a word in the memory that every session has anyway.
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

/* Fewer bounds than these, of two lines of the map, are none. */
#define FEWEST_BOUNDS	16

/* The default is what 2^21 bounds take. */
#define DEFAULT_MAP_SIZE	40960

/* actstream.recency_map_size: memory for bounds, in kilobytes */
static int	recency_map_size = DEFAULT_MAP_SIZE;

/* Was memory, made late, not to be had when this session last wanted it? */
static bool is_lacking = false;

/* NULL until they are needed, and where there are none */
static SharedMemory *shared = NULL;
static pg_atomic_uint64 *bounds = NULL;

/* Of memory that is made late: can a session not have it?  NULL: not looked at. */
static pg_atomic_uint32 *lacking = NULL;

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
	pg_atomic_init_u64(&database->newest, 0);
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
}

/* Bounds and rests come first, and the fingerprints of all after them. */
static void
init_bounds(pg_atomic_uint64 *cells)
{
	pg_atomic_uint32 *fingerprints = (pg_atomic_uint32 *) &cells[2 * shared->nbounds];

	for (uint64 i = 0; i < 2 * shared->nbounds; i++)
		pg_atomic_init_u64(&cells[i], 0);
	for (uint64 i = 0; i < shared->nbounds; i++)
		pg_atomic_init_u32(&fingerprints[i], 0);
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
		pg_atomic_write_u32(&shared->bounds_state, BOUNDS_MADE);
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

/* Say once in a session that it has to do without the memory. */
static void
warn_once(const ErrorData *error)
{
	if (!is_lacking)
		ereport(WARNING,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("actstream runs without shared memory"),
				 errdetail_internal("%s", error->message),
				 errhint("Streams work, but are slower. Add \"actstream\" to shared_preload_libraries, or reduce actstream.recency_map_size.")));
	is_lacking = true;
}

/*
 * Find where it is noted that a session cannot have memory.  If there is no room for
 * that, nobody ever has any.
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

/* Do all sessions do without, since one of them cannot have the memory? */
static bool
is_given_up(void)
{
	return lacking != NULL && pg_atomic_read_u32(lacking);
}

/*
 * get_late_memory
 *		Memory that is made by whoever first wants it, or NULL if it cannot be had.
 *
 * What went wrong is undone by a subtransaction, which a parallel operation does not
 * allow: it has to do without, and cannot write anything either.
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

/* Get the memory but for the bounds, if it is to be had by all sessions. */
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
 *		The shared memory, or NULL if the server has none for us.
 *
 * Whoever takes a snapshot, and then gets it, can rely on what was noted there by
 * all whose work that snapshot sees.
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
 *		The shared memory, for whoever has got it before.
 */
SharedMemory *
SharedMemoryKnown(void)
{
	return shared;
}

/* Make the bounds, or find them made; false if all sessions have to do without. */
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
 *		The bounds of the recency map, as many as there are, each with its rest,
 *		and their fingerprints; NULL if there are none.
 *
 * The shared memory is there.
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
 *		Whether memory was not to be had, or is not wanted, though the server can
 *		have it.
 */
bool
SharedMemoryIsLacking(void)
{
	return is_given_up() || (shared == NULL ? is_lacking : SharedMemoryBounds() == NULL);
}
