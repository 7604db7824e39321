/*
 * doorbell.c
 *		NOTIFY for those who wait for changes to actions.
 *
 * A transaction that has changed actions does not notify by itself: NOTIFY makes committing
 * transactions wait for each other.  After its commit it sets a flag in shared memory, and
 * wakes a background worker that notifies, at most every RING_INTERVAL_MS, or less often if
 * many sessions listen.  The worker is there only while a session listens.  It is requested
 * by the first that does, or if that failed, by a later commit.
 *
 * Which sessions listen is known from the commands LISTEN and UNLISTEN.  Where these are in a
 * subtransaction, which may be rolled back, a session may count that does not listen.  One that
 * listened before the extension was created does not count.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/shared_memory.h"
#include "base/worker.h"
#include "change/doorbell.h"
#include "change/position.h"
#include "tables/own_tables.h"

#include "access/xact.h"
#include "commands/async.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "pgstat.h"
#include "postmaster/interrupt.h"
#include "replication/logicalworker.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/sinval.h"
#include "tcop/utility.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

extern PGDLLEXPORT void actstream_doorbell_main(Datum database);

#define CHANNEL				"actstream"
#define RING_INTERVAL_MS	10

/* To wake sessions takes time from senders: each but a few adds so much to the interval. */
#define FEW_LISTENERS		10
#define MS_PER_LISTENER		10

/* If none starts, a worker is requested at most this often. */
#define REQUEST_INTERVAL_MS	1000

/* The longest payload that NOTIFY takes. */
#define MAX_PAYLOAD			7999

/* actstream.doorbell */
static bool doorbell_enabled = false;

/* Has this transaction changed actions? */
static bool changed = false;

/* In the worker: has it still to tell what has rung? */
static bool is_telling = false;

/* Does this session listen, and will it when its transaction is committed? */
static bool listens = false;
static bool will_listen = false;

static ProcessUtility_hook_type next_process_utility_hook = NULL;

/* The doorbell of a database; NULL if there is none. */
static Doorbell *
find_doorbell(Oid database)
{
	SharedMemory *memory = SharedMemoryKnown();

	for (int i = 0; memory != NULL && i < DOORBELLS; i++)
	{
		if (pg_atomic_read_u32(&memory->doorbells[i].database) == database)
			return &memory->doorbells[i];
	}
	return NULL;
}

/*
 * A doorbell that nobody listens to; one that has been used only if there is no other, for a
 * worker of its database may just be ending.  The caller has the lock.
 */
static Doorbell *
find_free_doorbell(SharedMemory *memory)
{
	Doorbell   *result = NULL;

	for (int i = 0; i < DOORBELLS; i++)
	{
		Doorbell   *doorbell = &memory->doorbells[i];

		if (pg_atomic_read_u32(&doorbell->database) == InvalidOid)
			return doorbell;
		if (pg_atomic_read_u32(&doorbell->listeners) == 0 &&
			pg_atomic_read_u32(&doorbell->worker) == 0)
			result = doorbell;
	}
	return result;
}

/*
 * Find the doorbell of this database, or make a free one that of this database, and count a
 * listener.  Returns false if all are in use.
 */
static bool
add_listener(void)
{
	SharedMemory *memory = SharedMemoryKnown();
	Doorbell   *doorbell;

	if (memory == NULL)
		return false;
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	doorbell = find_doorbell(MyDatabaseId);
	if (doorbell == NULL && (doorbell = find_free_doorbell(memory)) != NULL)
	{
		pg_atomic_write_u32(&doorbell->database, MyDatabaseId);
		pg_atomic_write_u64(&doorbell->requested, 0);
	}
	if (doorbell != NULL)
		pg_atomic_fetch_add_u32(&doorbell->listeners, 1);
	LWLockRelease(AddinShmemInitLock);
	return doorbell != NULL;
}

/* Wake the worker, or request one; "elevel" is that of the message that there is none. */
static void
wake_worker(Doorbell *doorbell, int elevel)
{
	uint32		worker = pg_atomic_read_u32(&doorbell->worker);
	uint64		requested;
	uint64		now;

	if (worker != 0)
	{
		SetLatch(&GetPGProcByNumber(worker - 1)->procLatch);
		return;
	}
	requested = pg_atomic_read_u64(&doorbell->requested);
	now = GetCurrentTimestamp();
	/* the clock may have been set back */
	if ((now < requested || now >= requested + REQUEST_INTERVAL_MS * INT64CONST(1000)) &&
		pg_atomic_compare_exchange_u64(&doorbell->requested, &requested, now) &&
		!WorkerRequest("actstream_doorbell_main", "actstream doorbell"))
		ereport(elevel,
				(errcode(ERRCODE_INSUFFICIENT_RESOURCES),
				 errmsg("no background worker is free for the doorbell"),
				 errhint("Raise max_worker_processes.")));
}

/* Ring: for all who wait for changes, there is something new. */
static void
ring(Doorbell *doorbell, int elevel)
{
	/* one signal is enough until the worker looks */
	if (pg_atomic_exchange_u32(&doorbell->rung, 1) == 0 ||
		pg_atomic_read_u32(&doorbell->worker) == 0)
		wake_worker(doorbell, elevel);
}

/* This session no longer listens. */
static void
remove_listener(void)
{
	Doorbell   *doorbell = find_doorbell(MyDatabaseId);
	uint32		worker;

	/* the last one: the worker has nothing more to do */
	if (pg_atomic_sub_fetch_u32(&doorbell->listeners, 1) == 0 &&
		(worker = pg_atomic_read_u32(&doorbell->worker)) != 0)
		SetLatch(&GetPGProcByNumber(worker - 1)->procLatch);
	listens = false;
}

/* Callback: this session ends. */
static void
session_ends(int code, Datum arg)
{
	if (listens)
		remove_listener();
	/* a temporary table is dropped later, in a transaction */
	will_listen = false;
}

/* This session begins or ceases to listen, as its transaction has been committed. */
static void
set_listens(void)
{
	static bool registered = false;

	if (!will_listen)
		remove_listener();
	else if (!add_listener())
		ereport(WARNING,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("the doorbell is not available in this database"),
				 errdetail("Sessions listen in %d other databases, which is the limit.", DOORBELLS)));
	else
	{
		listens = true;
		if (!registered)
			before_shmem_exit(session_ends, (Datum) 0);
		registered = true;
		if (doorbell_enabled)
			ring(find_doorbell(MyDatabaseId), WARNING);
	}
	will_listen = listens;
}

/*
 * Callback: a transaction has ended.  It cannot be rolled back any more, so no error may be
 * raised.
 *
 * In a worker that applies changes of a publisher, the end of a prepared transaction is no
 * command.
 */
static void
transaction_ends(XactEvent event, void *arg)
{
	Doorbell   *doorbell;

	if (event == XACT_EVENT_COMMIT)
	{
		if (will_listen != listens)
			set_listens();
		if (doorbell_enabled && (changed || IsLogicalWorker()) &&
			(doorbell = find_doorbell(MyDatabaseId)) != NULL &&
			pg_atomic_read_u32(&doorbell->listeners) > 0)
			ring(doorbell, LOG);
	}
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
	{
		will_listen = listens;
		changed = false;
	}
}

/*
 * DoorbellNote
 *		Take note that this transaction has changed actions.
 */
void
DoorbellNote(void)
{
	changed = true;
}

/* Take note of what a command means for this session, when the command has been run. */
static void
command_ends(Node *statement)
{
	if (IsA(statement, ListenStmt) &&
		strcmp(castNode(ListenStmt, statement)->conditionname, CHANNEL) == 0)
		will_listen = ExtensionExists();
	else if (IsA(statement, UnlistenStmt) || IsA(statement, DiscardStmt))
	{
		const char *channel = IsA(statement, UnlistenStmt) ?
			castNode(UnlistenStmt, statement)->conditionname : NULL;

		if ((channel == NULL || strcmp(channel, CHANNEL) == 0) &&
			(!IsA(statement, DiscardStmt) ||
			 castNode(DiscardStmt, statement)->target == DISCARD_ALL) &&
			GetCurrentTransactionNestLevel() == 1)
			will_listen = false;
	}
	else if (IsA(statement, TransactionStmt) &&
			 castNode(TransactionStmt, statement)->kind == TRANS_STMT_COMMIT_PREPARED)
		changed = true;
}

/* Hook: a command that is no query. */
static void
process_utility(PlannedStmt *pstmt, const char *queryString, bool readOnlyTree,
				ProcessUtilityContext context, ParamListInfo params, QueryEnvironment *queryEnv,
				DestReceiver *dest, QueryCompletion *qc)
{
	/* other commands can free the statement */
	NodeTag		tag = nodeTag(pstmt->utilityStmt);
	bool		concerns = tag == T_ListenStmt || tag == T_UnlistenStmt || tag == T_DiscardStmt ||
		(tag == T_TransactionStmt &&
		 castNode(TransactionStmt, pstmt->utilityStmt)->kind == TRANS_STMT_COMMIT_PREPARED);

	if (next_process_utility_hook != NULL)
		next_process_utility_hook(pstmt, queryString, readOnlyTree, context, params, queryEnv,
								  dest, qc);
	else
		standard_ProcessUtility(pstmt, queryString, readOnlyTree, context, params, queryEnv,
								dest, qc);
	if (concerns)
		command_ends(pstmt->utilityStmt);
}

/*
 * DoorbellInit
 *		Called once, when the library is loaded.
 */
void
DoorbellInit(void)
{
	DefineCustomBoolVariable("actstream.doorbell",
							 "Notifies sessions that listen on channel \"actstream\" when actions have changed.",
							 "Needs shared_preload_libraries, and a background worker for each database in which a session listens.",
							 &doorbell_enabled,
							 false,
							 PGC_SIGHUP,
							 0,
							 NULL,
							 NULL,
							 NULL);
	if (!process_shared_preload_libraries_in_progress)
		return;
	next_process_utility_hook = ProcessUtility_hook;
	ProcessUtility_hook = process_utility;
	RegisterXactCallback(transaction_ends, NULL);
}

/* Notify, with the position that has been reached. */
static void
notify(void)
{
	Position   *now;
	const char *position;

	SetCurrentStatementStartTimestamp();
	pgstat_report_activity(STATE_RUNNING, "notifying sessions that listen");
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	now = PositionNow();
	PositionKeep(now);
	position = PositionText(now);
	/* with that many transactions in progress, there is no room for it */
	Async_Notify(CHANNEL, strlen(position) <= MAX_PAYLOAD ? position : "");
	PopActiveSnapshot();
	CommitTransactionCommand();
	pgstat_report_stat(false);
	pgstat_report_activity(STATE_IDLE, NULL);
}

/*
 * Callback: the worker ends.  Another one may begin, and has to if there was a ring that this
 * one did not see.
 */
static void
worker_ends(int code, Datum arg)
{
	Doorbell   *doorbell = (Doorbell *) DatumGetPointer(arg);
	uint32		expected = MyProcNumber + 1;
	bool		is_needed;

	if (is_telling)
		pg_atomic_write_u32(&doorbell->rung, 1);
	/* until it is known, the doorbell stays that of this database */
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	is_needed = pg_atomic_compare_exchange_u32(&doorbell->worker, &expected, 0) &&
		doorbell_enabled && pg_atomic_read_u32(&doorbell->listeners) > 0 &&
		pg_atomic_read_u32(&doorbell->rung) != 0;
	LWLockRelease(AddinShmemInitLock);
	if (is_needed)
		wake_worker(doorbell, LOG);
}

/*
 * The doorbell of this database, of which this process is the worker from now on; NULL if there
 * is one, or nobody listens any more.
 */
static Doorbell *
become_worker(Oid database)
{
	Doorbell   *doorbell;
	uint32		expected = 0;

	/* meanwhile no doorbell is given to another database */
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	doorbell = find_doorbell(database);
	if (doorbell != NULL && pg_atomic_read_u32(&doorbell->listeners) == 0)
	{
		/* the next session that listens need not wait until a worker may be requested */
		pg_atomic_write_u64(&doorbell->requested, 0);
		doorbell = NULL;
	}
	if (doorbell != NULL &&
		!pg_atomic_compare_exchange_u32(&doorbell->worker, &expected, MyProcNumber + 1))
		doorbell = NULL;
	LWLockRelease(AddinShmemInitLock);
	return doorbell;
}

/* How many milliseconds there are until the next notification may be sent, after that one. */
static long
rest_of_interval(Doorbell *doorbell, TimestampTz told)
{
	int			listeners = pg_atomic_read_u32(&doorbell->listeners);
	long		interval = RING_INTERVAL_MS + MS_PER_LISTENER * Max(0, listeners - FEW_LISTENERS);
	TimestampTz now = GetCurrentTimestamp();

	/* the clock may have been set back */
	if (now < told)
		return 0;
	return Max(0, interval - TimestampDifferenceMilliseconds(told, now));
}

/*
 * actstream_doorbell_main
 *		The background worker that notifies, in one database, while a session listens.
 */
void
actstream_doorbell_main(Datum database)
{
	Doorbell   *doorbell = become_worker(DatumGetObjectId(database));
	TimestampTz told = 0;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	if (doorbell == NULL)
		proc_exit(0);
	before_shmem_exit(worker_ends, PointerGetDatum(doorbell));
	WorkerConnect(DatumGetObjectId(database));
	pgstat_report_activity(STATE_IDLE, NULL);

	/* what was committed before this worker was there may have rung in vain */
	pg_atomic_write_u32(&doorbell->rung, 1);
	while (doorbell_enabled && pg_atomic_read_u32(&doorbell->listeners) > 0)
	{
		long		rest = rest_of_interval(doorbell, told);

		if (rest == 0 && pg_atomic_exchange_u32(&doorbell->rung, 0) != 0)
		{
			is_telling = true;
			notify();
			is_telling = false;
			told = GetCurrentTimestamp();
			/* it works, so another one may be requested as soon as this one ends */
			pg_atomic_write_u64(&doorbell->requested, 0);
			continue;
		}
		(void) WaitLatch(MyLatch, WL_EXIT_ON_PM_DEATH | WL_LATCH_SET | (rest > 0 ? WL_TIMEOUT : 0),
						 rest, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		if (catchupInterruptPending)
			ProcessCatchupInterrupt();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
	}
	/* nor has the next session that listens to wait if this worker has told nothing */
	pg_atomic_write_u64(&doorbell->requested, 0);
	proc_exit(0);
}
