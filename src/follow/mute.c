/*
 * mute.c
 *		The rules that rows of actstream.mutes must obey, and what a block does to follows.
 *
 * Between two objects of which one has blocked the other there must be no follow, whatever
 * transactions do at the same time.  So both sides also look at what is not yet committed:
 * whoever stores a follow, after that, is refused if there is a block, even one whose
 * transaction goes on; and whoever stores a block, after that, waits for the transactions of
 * follows, and then deletes these.  Of two at the same time at least one sees the other.
 * So one side waits; the other one, too, where a block that goes on has ended the very follow that is
 * stored, for the old row of that.
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

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(actstream_mute_time);
PG_FUNCTION_INFO_V1(actstream_mute_check);

static SpiPlan delete_follows = {
	.sql = "DELETE FROM actstream.follows f"
	" WHERE f.follower OPERATOR(pg_catalog.=) $1 AND f.followee OPERATOR(pg_catalog.=) $2",
	.nargs = 2,
	.argtypes = {REF_ARG, REF_ARG},
	.by_index = true
};

/* Is a mute with these values a block that has not expired? */
static bool
is_block_in_force(Datum block, bool no_block, Datum until, bool no_until)
{
	return !no_block && DatumGetBool(block) &&
		(no_until || DatumGetTimestampTz(until) > GetCurrentTransactionStartTimestamp());
}

/*
 * Is there a block, perhaps one that another transaction has not yet committed, or has not
 * yet ended?
 */
static bool
is_blocked(const Ref *blocker, const Ref *blocked)
{
	PairColumn	columns[] = {{"muter", blocker}, {"muted", blocked}};
	PairScan	pair;
	TupleTableSlot *row;
	bool		result = false;

	PairScanBegin(&pair, OWN_MUTES, columns, false);
	while (!result && (row = PairScanNext(&pair)) != NULL)
	{
		/* in a partition, the columns can be in other places */
		Oid			table = RelationGetRelid(pair.table);
		bool		no_block;
		bool		no_until;
		Datum		block = slot_getattr(row, get_attnum(table, "block"), &no_block);
		Datum		until = slot_getattr(row, get_attnum(table, "until"), &no_until);

		result = is_block_in_force(block, no_block, until, no_until);
	}
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
	if (!OidIsValid(OwnTableFind(OWN_MUTES)))
		return;
	if (is_blocked(follower, followee) || is_blocked(followee, follower))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("object \"%s\" cannot follow object \"%s\"",
						RefToText(follower), RefToText(followee)),
				 errdetail("One of them has blocked the other.")));
}

/* A transaction that has stored such a follow, and goes on; or InvalidTransactionId. */
static TransactionId
find_storing(const Ref *follower, const Ref *followee)
{
	PairColumn	columns[] = {{"follower", follower}, {"followee", followee}};
	PairScan	pair;
	TransactionId result = InvalidTransactionId;

	PairScanBegin(&pair, OWN_FOLLOWS, columns, false);
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
	Datum		values[] = {PointerGetDatum(follower), PointerGetDatum(followee)};
	TransactionId other;

	while (TransactionIdIsValid(other = find_storing(follower, followee)))
		XactLockTableWait(other, follows, NULL, XLTW_None);
	table_close(follows, NoLock);
	SPI_connect();
	SpiPlanExecuteAs(OWN_FOLLOWS, RUN_AS_CASCADE, &delete_follows, values, NULL);
	SPI_finish();
}

/*
 * Trigger BEFORE INSERT ON actstream.mutes, for each row: replaces a null "created" by the
 * current time.
 *
 * Checks the verbs already, as too many for an index would raise an error there.
 */
Datum
actstream_mute_time(PG_FUNCTION_ARGS)
{
	Datum		result = OwnTriggerSetTime(fcinfo, OWN_MUTES, "created");
	TupleDesc	tupdesc;
	TriggerData *trigdata = OwnTriggerData(fcinfo, OWN_MUTES, &tupdesc);
	bool		isnull;
	Datum		verbs = heap_getattr(trigdata->tg_trigtuple, Anum_mute_verbs, tupdesc, &isnull);

	if (!isnull)
		FollowCheckVerbs(verbs);
	return result;
}

/*
 * Trigger AFTER INSERT OR UPDATE ON actstream.mutes, for each row: the row must be valid,
 * and its references must name existing objects.  A block in force ends the follows between
 * the two.
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
	bool		no_block;
	bool		no_until;
	Datum		muter = heap_getattr(row, Anum_mute_muter, tupdesc, &no_muter);
	Datum		muted = heap_getattr(row, Anum_mute_muted, tupdesc, &no_muted);
	Datum		verbs = heap_getattr(row, Anum_mute_verbs, tupdesc, &no_verbs);
	Datum		block = heap_getattr(row, Anum_mute_block, tupdesc, &no_block);
	Datum		until = heap_getattr(row, Anum_mute_until, tupdesc, &no_until);

	if (!no_verbs)
		FollowCheckVerbs(verbs);
	if (!no_verbs && !no_block && DatumGetBool(block))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a block cannot be restricted to verbs")));
	if (!no_muter && !no_muted && RefCompare(DatumGetRefPP(muter), DatumGetRefPP(muted)) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("object \"%s\" cannot mute itself", RefToText(DatumGetRefPP(muter)))));
	IntegrityCheckRow(trigdata, OWN_MUTES, tupdesc, row, old, columns, lengthof(columns));
	if (!no_muter && !no_muted && is_block_in_force(block, no_block, until, no_until) &&
		OidIsValid(OwnTableFind(OWN_FOLLOWS)))
	{
		const Ref  *first = DatumGetRefPP(muter);
		const Ref  *second = DatumGetRefPP(muted);
		bool		in_order = RefCompare(first, second) < 0;

		/* in one order, for two that block each other not to wait for each other */
		end_follows(in_order ? first : second, in_order ? second : first);
		end_follows(in_order ? second : first, in_order ? first : second);
	}
	return PointerGetDatum(NULL);
}
