/*
 * follow_changes.c
 *		Counting changes to follows in shared memory.
 *
 * A trigger on actstream.follows records each change in the counter of the follower:
 * the newest transaction that made a change, and the number of changes.  By these
 * follow_list.c knows whether a list of follows that it has kept is still valid.
 */
#include "postgres.h"

#include "base/compat.h"
#include "tables/follow_changes.h"
#include "tables/own_tables.h"
#include "tables/own_trigger.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_trigger.h"
#include "common/hashfn.h"

PG_FUNCTION_INFO_V1(actstream_follow_changed);

/*
 * FollowChangesCounter
 *		The counter of a follower.  Other followers, also of other databases, may share
 *		it.
 */
FollowCounter *
FollowChangesCounter(SharedMemory *shared, const Ref *follower)
{
	uint32		hash = hash_bytes((const unsigned char *) VARDATA_ANY(follower),
								  VARSIZE_ANY_EXHDR(follower));

	return &shared->follows[hash % FOLLOW_COUNTERS];
}

static void
note_change(FollowCounter *counter)
{
	AtomicMax(&counter->newest, U64FromFullTransactionId(GetCurrentFullTransactionId()));
	pg_atomic_fetch_add_u64(&counter->changes, 1);
}

/*
 * FollowChangesNoteAll
 *		Note that the current transaction may change follows for which the trigger does
 *		not fire, so that all sessions read their lists again.
 */
void
FollowChangesNoteAll(void)
{
	SharedMemory *shared = SharedMemoryGet();

	if (shared != NULL)
		note_change(&shared->all_follows);
}

/*
 * follow_changed() RETURNS trigger
 *		Called after a follow was inserted, updated or deleted, in any session
 *		replication role.
 */
Datum
actstream_follow_changed(PG_FUNCTION_ARGS)
{
	TupleDesc	tupdesc;
	TriggerData *trigdata = OwnTriggerData(fcinfo, OWN_FOLLOWS, &tupdesc);
	HeapTuple	rows[2] = {trigdata->tg_trigtuple, trigdata->tg_newtuple};
	SharedMemory *shared = SharedMemoryGet();

	for (int i = 0; i < 2 && shared != NULL; i++)
	{
		bool		isnull = true;
		Datum		follower = rows[i] == NULL ? (Datum) 0 :
			heap_getattr(rows[i], Anum_follow_follower, tupdesc, &isnull);

		/* the table's owner can allow null */
		if (!isnull)
			note_change(FollowChangesCounter(shared, DatumGetRefPP(follower)));
	}
	return PointerGetDatum(NULL);
}

/*
 * FollowChangesAreWatched
 *		Does the trigger fire for each changed row of the table?
 */
bool
FollowChangesAreWatched(Relation follows)
{
	return HasOwnTrigger(follows, "follow_changed", TRIGGER_TYPE_AFTER,
						 TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE | TRIGGER_TYPE_DELETE,
						 TRIGGER_FIRES_ALWAYS);
}

/*
 * FollowChangesAreCounted
 *		Are all changes to actstream.follows counted, so that sessions can keep lists?
 */
bool
FollowChangesAreCounted(void)
{
	Relation	follows;
	bool		watched;

	if (SharedMemoryGet() == NULL || RecoveryInProgress())
		return false;
	follows = OwnTableOpen(OWN_FOLLOWS, AccessShareLock);
	watched = FollowChangesAreWatched(follows);
	table_close(follows, NoLock);
	return watched;
}
