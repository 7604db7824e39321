/*
 * owner_watch.c
 *		Watching how long looking up rows of somebody's table waits for locks.
 *
 * The owner of a table, or of one that its policies read, can hold locks on them.  How long a statement
 * waits for those of owners who are not trusted is limited.  lock_timeout would limit each wait alone;
 * so a timer looks again and again whether a look-up that lasts is waiting, and in the end has it
 * cancelled as lock_timeout would.
 */
#include "postgres.h"

#include "base/compat.h"
#include "object/owner_watch.h"
#include "object/table_role.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/proc.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

/* How often a look-up is checked, in milliseconds. */
#define TICK			10

/*
 * How long a statement may wait in all, in milliseconds: less than the usual deadlock_timeout.  If it has
 * waited in vain, look-ups of the same owner do not wait again for the second of these times.
 */
#define MAX_WAIT		900
#define NO_WAIT_AFTER	10000

/* The number of owners for whom that is remembered. */
#define NUM_OWNERS		16

/* Owners whose locks were waited for in vain, and when. */
static struct
{
	Oid			owner;
	TimestampTz when;
}			in_vain[NUM_OWNERS];

/* How long a statement has waited, in milliseconds. */
static TimestampTz waiting_statement = 0;
static volatile long waited = 0;

/* The look-up that is being watched. */
static volatile enum
{
	NOT_WATCHING, WATCHING, HAS_WAITED
}			state = NOT_WATCHING;
static long wait_limit;
static long waited_before;

static bool timer_exists = false;
static TimeoutId timer;

/* Signal handler: have the look-up cancelled if it waits, and has waited too long. */
static void
tick(void)
{
	/* a session that ends in the middle of a look-up does not come to end() */
	if (state != WATCHING || proc_exit_inprogress || MyProc == NULL || MyProc->waitLock == NULL)
		return;
	waited += TICK;
	if (waited < wait_limit)
		return;
	state = HAS_WAITED;
	enable_timeout_after(LOCK_TIMEOUT, 0);
}

/* Has a statement waited in vain for a lock of this owner not long ago? */
static bool
waited_in_vain(Oid owner)
{
	TimestampTz now = GetCurrentTimestamp();

	for (int i = 0; i < NUM_OWNERS; i++)
	{
		if (in_vain[i].owner == owner &&
			!TimestampDifferenceExceeds(in_vain[i].when, now, NO_WAIT_AFTER))
			return true;
	}
	return false;
}

/* A lock of this owner was waited for in vain: remember that in place of the oldest. */
static void
note_vain_wait(Oid owner)
{
	int			oldest = 0;

	for (int i = 1; i < NUM_OWNERS; i++)
	{
		if (in_vain[i].when < in_vain[oldest].when)
			oldest = i;
	}
	in_vain[oldest].owner = owner;
	in_vain[oldest].when = GetCurrentTimestamp();
}

/* May the current statement still wait for locks of this owner? */
static bool
may_wait(Oid owner)
{
	TimestampTz statement = GetCurrentStatementStartTimestamp();

	if (waiting_statement != statement)
	{
		waiting_statement = statement;
		waited = 0;
	}
	return waited < MAX_WAIT && !waited_in_vain(owner);
}

/* Are look-ups in tables of this owner watched?  Not by one that is watched itself. */
static bool
is_watched(Oid owner)
{
	return state == NOT_WATCHING && LockTimeout == 0 && !IsInParallelMode() &&
		!TableRoleIsTrusted(owner);
}

/* Begin to watch a look-up. */
static void
begin(Oid owner)
{
	if (!timer_exists)
	{
		timer = RegisterTimeout(USER_TIMEOUT, tick);
		timer_exists = true;
	}
	wait_limit = may_wait(owner) ? MAX_WAIT : 0;
	waited_before = waited;
	state = WATCHING;
	enable_timeout_every(timer, TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
															wait_limit == 0 ? 1 : TICK), TICK);
}

/*
 * End it.  If it has ended before it could be cancelled, nothing is to be cancelled any more, unless
 * statement_timeout wants that, too.
 */
static void
end(Oid owner)
{
	disable_timeout(timer, false);
	if (state == HAS_WAITED)
	{
		/* not if others have used up nearly all of the time */
		if (waited - waited_before >= MAX_WAIT / 2)
			note_vain_wait(owner);
		if (get_timeout_indicator(LOCK_TIMEOUT, true) &&
			!get_timeout_indicator(STATEMENT_TIMEOUT, false))
			QueryCancelPending = false;
		disable_timeout(LOCK_TIMEOUT, false);
	}
	state = NOT_WATCHING;
}

/*
 * Has statement_timeout elapsed?  If that happens together with the end of the wait, the server reports
 * only one of them.
 */
static bool
statement_has_timed_out(void)
{
	TimestampTz due = get_timeout_finish_time(STATEMENT_TIMEOUT);

	/* that of an earlier statement says nothing */
	return StatementTimeout > 0 && !get_timeout_active(STATEMENT_TIMEOUT) &&
		due > GetCurrentStatementStartTimestamp() && due <= GetCurrentTimestamp();
}

/*
 * OwnerWatch
 *		Call function(arg), which looks up rows of a table of that owner, or locks one.
 *
 * Unless the owner is trusted, or lock_timeout is set, raises ERRCODE_LOCK_NOT_AVAILABLE if the current
 * statement waits for locks for too long.  Not so in parallel mode, where the error could not be caught.
 */
void
OwnerWatch(Oid owner, WatchedFunction function, void *arg)
{
	if (!is_watched(owner))
	{
		function(arg);
		return;
	}
	begin(owner);
	PG_TRY();
	{
		function(arg);
	}
	PG_CATCH();
	{
		bool		has_waited = state == HAS_WAITED && geterrcode() == ERRCODE_LOCK_NOT_AVAILABLE;

		end(owner);
		if (has_waited && statement_has_timed_out())
		{
			FlushErrorState();
			ereport(ERROR,
					(errcode(ERRCODE_QUERY_CANCELED),
					 errmsg("canceling statement due to statement timeout")));
		}
		PG_RE_THROW();
	}
	PG_END_TRY();
	end(owner);
}

/*
 * OwnerWatchMayWait
 *		May OwnerWatch() wait for a lock of that owner?
 */
bool
OwnerWatchMayWait(Oid owner)
{
	return !is_watched(owner) || may_wait(owner);
}
