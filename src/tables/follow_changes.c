/*
 * follow_changes.c
 *		Counting changes to follows and mutes in shared memory.
 *
 * A trigger on actstream.follows records each change in the counter of the follower:
 * the newest transaction that made a change, and the number of changes.  A trigger on
 * actstream.mutes does the same for both objects of a mute.  By these counters
 * follow_list.c knows whether what it has kept for a follower is still valid.
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
#include "common/hashfn.h"

PG_FUNCTION_INFO_V1(actstream_follow_changed);
PG_FUNCTION_INFO_V1(actstream_mute_changed);

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
 *		Note that the current transaction may change follows or mutes for which the
 *		trigger does not fire, so that all sessions read their lists again.
 */
void
FollowChangesNoteAll(void)
{
	SharedMemory *shared = SharedMemoryGet();

	if (shared != NULL)
		note_change(&shared->all_follows);
}

/* Note a change of the rows of a trigger, for the reference that a column has. */
static void
note_change_of(const TriggerData *trigdata, TupleDesc tupdesc, AttrNumber column)
{
	HeapTuple	rows[2] = {trigdata->tg_trigtuple, trigdata->tg_newtuple};
	SharedMemory *shared = SharedMemoryGet();

	for (int i = 0; i < 2 && shared != NULL; i++)
	{
		bool		isnull = true;
		Datum		follower = rows[i] == NULL ? (Datum) 0 :
			heap_getattr(rows[i], column, tupdesc, &isnull);

		/* the table's owner can allow null */
		if (!isnull)
			note_change(FollowChangesCounter(shared, DatumGetRefPP(follower)));
	}
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

	note_change_of(trigdata, tupdesc, Anum_follow_follower);
	return PointerGetDatum(NULL);
}

/*
 * mute_changed() RETURNS trigger
 *		The same for a mute, which may concern both objects.
 */
Datum
actstream_mute_changed(PG_FUNCTION_ARGS)
{
	TupleDesc	tupdesc;
	TriggerData *trigdata = OwnTriggerData(fcinfo, OWN_MUTES, &tupdesc);

	note_change_of(trigdata, tupdesc, Anum_mute_muter);
	note_change_of(trigdata, tupdesc, Anum_mute_muted);
	return PointerGetDatum(NULL);
}

/*
 * FollowChangesAreWatched, FollowChangesOfMutesAreWatched
 *		Does the trigger fire for each changed row of the table?
 */
bool
FollowChangesAreWatched(Relation follows)
{
	return HasOwnTrigger(follows, "follow_changed", TRIGGER_TYPE_AFTER | EACH_ROW_CHANGE,
						 TRIGGER_FIRES_ALWAYS);
}

bool
FollowChangesOfMutesAreWatched(Relation mutes)
{
	return HasOwnTrigger(mutes, "mute_changed", TRIGGER_TYPE_AFTER | EACH_ROW_CHANGE,
						 TRIGGER_FIRES_ALWAYS);
}

/*
 * FollowChangesAreCounted
 *		Are all changes counted, so that sessions can keep lists?
 */
bool
FollowChangesAreCounted(void)
{
	Relation	follows;
	Relation	mutes;
	bool		watched;

	if (SharedMemoryGet() == NULL || RecoveryInProgress())
		return false;
	follows = OwnTableOpen(OWN_FOLLOWS, AccessShareLock);
	mutes = OwnTableOpen(OWN_MUTES, AccessShareLock);
	watched = FollowChangesAreWatched(follows) && FollowChangesOfMutesAreWatched(mutes);
	table_close(mutes, NoLock);
	table_close(follows, NoLock);
	return watched;
}
