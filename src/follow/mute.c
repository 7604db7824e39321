/*
 * mute.c
 *		The rules that rows of actstream.mutes must obey, and what a block does to follows.
 *
 * Between two objects of which one has blocked the other there must be no follow, whatever
 * transactions do at the same time.  So both sides also look at what is not yet committed:
 * whoever stores a follow, after that, is refused if there is a block, even one whose
 * transaction goes on; and whoever stores a block, after that, waits for the transactions of
 * follows, and then deletes these.  Of two at the same time at least one sees the other.
 * Only one side waits, so this makes no deadlocks.
 */
#include "postgres.h"

#include "base/compat.h"
#include "follow/follow_verbs.h"
#include "follow/mute.h"
#include "object/integrity.h"
#include "ref/ref_ops.h"
#include "tables/own_trigger.h"
#include "tables/pair_scan.h"
#include "tables/spi_plan.h"
#include "tables/table_index.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "storage/lmgr.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(actstream_mute_check);

static SpiPlan delete_follows = {
	.sql = "DELETE FROM actstream.follows f"
	" WHERE f.follower OPERATOR(pg_catalog.=) $1 AND f.followee OPERATOR(pg_catalog.=) $2",
	.nargs = 2,
	.argtypes = {REF_ARG, REF_ARG}
};

/* Is the mute a block in force? */
static bool
is_block_in_force(TupleTableSlot *row)
{
	bool		isnull;
	Datum		block = slot_getattr(row, Anum_mute_block, &isnull);
	Datum		until;

	if (isnull || !DatumGetBool(block))
		return false;
	until = slot_getattr(row, Anum_mute_until, &isnull);
	return isnull || DatumGetTimestampTz(until) > GetCurrentTransactionStartTimestamp();
}

/*
 * Is there a block, perhaps one that another transaction has not yet committed, or has not
 * yet ended?  "index" is the one by muter.
 */
static bool
is_blocked(Relation mutes, Oid index, const Ref *blocker, const Ref *blocked)
{
	PairScan	pair;
	TupleTableSlot *row;
	bool		result = false;

	PairScanBegin(&pair, mutes, index, blocker, blocked);
	while (!result && (row = PairScanNext(&pair)) != NULL)
		result = is_block_in_force(row);
	PairScanEnd(&pair);
	return result;
}

/*
 * MuteRefuseFollow
 *		Raise ERRCODE_INSUFFICIENT_PRIVILEGE if one of the two objects of a follow, which has
 *		been stored, has blocked the other.
 *
 * It is not told which.
 */
void
MuteRefuseFollow(const Ref *follower, const Ref *followee)
{
	Relation	mutes;
	Oid			indexes[NUM_MUTE_INDEXES];
	bool		blocked;

	if (!OidIsValid(OwnTableFind(OWN_MUTES)))
		return;
	mutes = OwnTableOpen(OWN_MUTES, AccessShareLock);
	if (!MuteIndexesFind(mutes, indexes))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" has no index to find blocks", RelationGetRelationName(mutes)),
				 errhint("Call actstream.create_tables() to create it.")));
	blocked = is_blocked(mutes, indexes[MUTE_BY_MUTER], follower, followee) ||
		is_blocked(mutes, indexes[MUTE_BY_MUTER], followee, follower);
	table_close(mutes, NoLock);
	if (blocked)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("object \"%s\" cannot follow object \"%s\"",
						RefToText(follower), RefToText(followee)),
				 errdetail("One of them has blocked the other.")));
}

/* A transaction that has stored such a follow, and goes on; or InvalidTransactionId. */
static TransactionId
find_storing(Relation follows, Oid index, const Ref *follower, const Ref *followee)
{
	PairScan	pair;
	TransactionId result = InvalidTransactionId;

	PairScanBegin(&pair, follows, index, follower, followee);
	while (!TransactionIdIsValid(result) && PairScanNext(&pair) != NULL)
		result = pair.snapshot.xmin;
	PairScanEnd(&pair);
	return result;
}

/* End all follows of an object by another. */
static void
end_follows(const Ref *follower, const Ref *followee)
{
	Relation	follows = OwnTableOpen(OWN_FOLLOWS, RowExclusiveLock);
	Oid			index = FollowIndexFind(follows);
	Datum		values[] = {PointerGetDatum(follower), PointerGetDatum(followee)};
	TransactionId other;

	/* a partitioned table has no such index; then one that goes on is missed */
	while (OidIsValid(index) &&
		   TransactionIdIsValid(other = find_storing(follows, index, follower, followee)))
		XactLockTableWait(other, follows, NULL, XLTW_None);
	table_close(follows, NoLock);
	SPI_connect();
	SpiPlanExecuteAs(OWN_FOLLOWS, RUN_AS_CASCADE, &delete_follows, values, NULL);
	SPI_finish();
}

/* Is it a block?  "row" may be NULL. */
static bool
is_block(HeapTuple row, TupleDesc tupdesc)
{
	bool		isnull = true;
	Datum		block = row == NULL ? (Datum) 0 : heap_getattr(row, Anum_mute_block, tupdesc, &isnull);

	return !isnull && DatumGetBool(block);
}

/*
 * Trigger AFTER INSERT OR UPDATE ON actstream.mutes, for each row: the row must be valid,
 * and its references must name existing objects.  A block ends the follows between the two.
 */
Datum
actstream_mute_check(PG_FUNCTION_ARGS)
{
	static const AttrNumber columns[] = {
		Anum_mute_muter,
		Anum_mute_muted
	};

	TupleDesc	tupdesc;
	TriggerData *trigdata = OwnTriggerData(fcinfo, OWN_MUTES, &tupdesc);
	HeapTuple	old;
	HeapTuple	row = IntegrityTriggerRow(trigdata, &old);
	bool		no_muter;
	bool		no_muted;
	bool		no_verbs;
	Datum		muter = heap_getattr(row, Anum_mute_muter, tupdesc, &no_muter);
	Datum		muted = heap_getattr(row, Anum_mute_muted, tupdesc, &no_muted);
	Datum		verbs = heap_getattr(row, Anum_mute_verbs, tupdesc, &no_verbs);

	if (!no_verbs)
		FollowCheckVerbs(verbs);
	if (!no_verbs && is_block(row, tupdesc))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a block cannot be restricted to verbs")));
	if (!no_muter && !no_muted && RefCompare(DatumGetRefPP(muter), DatumGetRefPP(muted)) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("object \"%s\" cannot mute itself", RefToText(DatumGetRefPP(muter)))));
	IntegrityCheckRow(trigdata, OWN_MUTES, tupdesc, row, old, columns, lengthof(columns));
	if (!no_muter && !no_muted && is_block(row, tupdesc) && OidIsValid(OwnTableFind(OWN_FOLLOWS)))
	{
		end_follows(DatumGetRefPP(muter), DatumGetRefPP(muted));
		end_follows(DatumGetRefPP(muted), DatumGetRefPP(muter));
	}
	return PointerGetDatum(NULL);
}
