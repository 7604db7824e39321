/*
 * owner_watch.c
 *		Watching what looking up rows of somebody's table takes of the session.
 *
 * Confined code, see confine.c, can do little; but it can wait for a lock that its owner holds, and
 * what PostgreSQL remembers of names, time zones or a large table that it meets stays in the session's
 * memory.  So for owners who are not trusted both are limited.
 *
 * A look-up that lasts is looked at again and again by a timer.  It is ended as lock_timeout would
 * end it.
 */
#include "postgres.h"

#include "base/compat.h"
#include "object/owner_watch.h"
#include "object/table_role.h"

#include "access/table.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/memutils.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

/* A look-up is looked at so often, in milliseconds. */
#define TICK			10

/*
 * So many milliseconds a statement waits for locks, which is less than it takes to look for a deadlock;
 * and if it has waited in vain, for so long no statement waits in look-ups of the same owner.
 */
#define MAX_WAIT		900
#define NO_WAIT_AFTER	10000

/* So many bytes of the session's memory an owner can take. */
#define MAX_TAKEN		(64 * 1024 * 1024)

/* So many owners are remembered. */
#define NUM_OWNERS		16

typedef struct WatchedOwner
{
	Oid			owner;
	uint64		used;			/* when it was last, on a clock that counts look-ups */
	TimestampTz in_vain;		/* when a look-up has last waited in vain */
	Size		taken;			/* of the session's memory */
} WatchedOwner;

static WatchedOwner owners[NUM_OWNERS];

/* How long a statement has waited, in milliseconds. */
static TimestampTz waiting_statement = 0;
static volatile long waited = 0;

/* The look-up that is being watched. */
static volatile enum
{
	NOT_WATCHING, WATCHING, HAS_WAITED, HAS_TAKEN
}			state = NOT_WATCHING;
static long wait_limit;
static Size taken_limit;

static bool timer_exists = false;
static TimeoutId timer;

/* The memory of the hash table of that name, if it lives as long as the session; or NULL. */
static MemoryContext
find_hash_table(const char *name)
{
	MemoryContext context = TopMemoryContext->firstchild;

	while (context != NULL && (context->ident == NULL || strcmp(context->ident, name) != 0))
		context = context->nextchild;
	return context;
}

/* The size of what PostgreSQL remembers for as long as the session lasts, as far as it can grow. */
static Size
kept_memory(void)
{
	/* the name is that in pgtz.c; once made, it stays */
	static MemoryContext timezones = NULL;

	if (timezones == NULL)
		timezones = find_hash_table("Timezones");
	return MemoryContextMemAllocated(CacheMemoryContext, false) +
		(timezones != NULL ? MemoryContextMemAllocated(timezones, false) : 0);
}

/* Signal handler: end the look-up, if it has waited too long, or taken too much. */
static void
tick(void)
{
	if (state != WATCHING)
		return;
	if (MyProc->waitLock != NULL)
	{
		waited += TICK;
		if (waited >= wait_limit)
			state = HAS_WAITED;
	}
	if (kept_memory() > taken_limit)
		state = HAS_TAKEN;
	if (state != WATCHING)
		enable_timeout_after(LOCK_TIMEOUT, 0);
}

/* What is known of an owner; in place of the one that was not used for longest if nothing is. */
static WatchedOwner *
find_owner(Oid owner)
{
	static uint64 clock = 0;
	WatchedOwner *result = &owners[0];

	for (int i = 0; i < NUM_OWNERS; i++)
	{
		if (owners[i].owner == owner)
		{
			result = &owners[i];
			break;
		}
		if (owners[i].used < result->used)
			result = &owners[i];
	}
	if (result->owner != owner)
		*result = (WatchedOwner) {.owner = owner};
	result->used = ++clock;
	return result;
}

/* Raise an error: the owner has taken too much. */
static void
refuse_owner(const WatchedOwner *owner)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("tables of role \"%s\" have taken too much memory",
					GetUserNameFromId(owner->owner, true)),
			 errdetail("What is remembered of them, and of their policies and casts, fills more than %d MB of this session.",
					   MAX_TAKEN / (1024 * 1024))));
}

/* How long, in all, may the statement wait in a look-up of the owner? */
static long
find_wait_limit(const WatchedOwner *owner)
{
	TimestampTz statement = GetCurrentStatementStartTimestamp();

	if (waiting_statement != statement)
	{
		waiting_statement = statement;
		waited = 0;
	}
	if (owner->in_vain != 0 &&
		!TimestampDifferenceExceeds(owner->in_vain, GetCurrentTimestamp(), NO_WAIT_AFTER))
		return 0;
	return MAX_WAIT;
}

/* Reckon with what has been taken since the size was that. */
static void
reckon(WatchedOwner *owner, Size size_before)
{
	Size		size = kept_memory();

	if (size > size_before)
		owner->taken += size - size_before;
}

/* Begin to watch a look-up.  Returns the size of what is kept. */
static Size
begin(const WatchedOwner *owner, bool limit_waits)
{
	Size		size = kept_memory();

	if (!timer_exists)
	{
		timer = RegisterTimeout(USER_TIMEOUT, tick);
		timer_exists = true;
	}
	wait_limit = limit_waits && LockTimeout == 0 && !IsInParallelMode() ? find_wait_limit(owner) : LONG_MAX;
	taken_limit = size + MAX_TAKEN - owner->taken;
	state = WATCHING;
	enable_timeout_every(timer, TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
															wait_limit == 0 ? 1 : TICK), TICK);
	return size;
}

/*
 * End it, and reckon with what it has taken.  If it has ended before it could be cancelled, nothing is to be
 * cancelled; unless that is the wish of somebody else, too.
 */
static void
end(WatchedOwner *owner, Size size_before)
{
	disable_timeout(timer, false);
	if (state != WATCHING)
	{
		if (get_timeout_indicator(LOCK_TIMEOUT, true) &&
			!get_timeout_indicator(STATEMENT_TIMEOUT, false))
			QueryCancelPending = false;
		disable_timeout(LOCK_TIMEOUT, false);
	}
	if (state == HAS_WAITED)
		owner->in_vain = GetCurrentTimestamp();
	state = NOT_WATCHING;
	reckon(owner, size_before);
}

/*
 * OwnerWatch
 *		Call function(arg), which looks up rows of a table of that owner.
 *
 * Unless the owner is trusted, raises ERRCODE_PROGRAM_LIMIT_EXCEEDED if the owner's tables
 * take too much memory; and if "limit_waits", ERRCODE_LOCK_NOT_AVAILABLE if the current
 * statement waits too long for locks, unless lock_timeout is set.  In parallel mode, where
 * the error could not be caught, waits are not limited.
 */
void
OwnerWatch(Oid owner, bool limit_waits, WatchedFunction function, void *arg)
{
	WatchedOwner *watched;
	Size		size;

	if (state != NOT_WATCHING || TableRoleIsTrusted(owner))
	{
		function(arg);
		return;
	}
	watched = find_owner(owner);
	if (watched->taken > MAX_TAKEN)
		refuse_owner(watched);
	size = begin(watched, limit_waits);
	PG_TRY();
	{
		function(arg);
	}
	PG_CATCH();
	{
		bool		has_taken = state == HAS_TAKEN && geterrcode() == ERRCODE_LOCK_NOT_AVAILABLE;

		end(watched, size);
		if (has_taken)
		{
			FlushErrorState();
			refuse_owner(watched);
		}
		PG_RE_THROW();
	}
	PG_END_TRY();
	end(watched, size);
}

/*
 * OwnerIsWithinLimits
 *		Will OwnerWatch() not raise an error at once, for what the owner has taken?
 */
bool
OwnerIsWithinLimits(Oid owner)
{
	return find_owner(owner)->taken <= MAX_TAKEN || TableRoleIsTrusted(owner);
}

/*
 * OwnerTableOpen
 *		Open a table of the owner, on which the caller has a lock; NULL if it is gone.
 *
 * What is remembered of the table can be large, and is reckoned with.
 */
Relation
OwnerTableOpen(Oid owner, Oid relid)
{
	Size		size = kept_memory();
	Relation	result = try_table_open(relid, NoLock);

	reckon(find_owner(owner), size);
	return result;
}
