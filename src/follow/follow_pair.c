/*
 * follow_pair.c
 *		Whether a follower follows an object with another flag, too.
 *
 * Among the followers of an object with any flag, a follower counts once.  So the first
 * follow of a pair of follower and followee adds one to that count, the last one to go
 * takes one away, and any other changes nothing.  A change is judged by the follows that
 * the pair had with other flags at the moment of the change.
 *
 * Changes of this transaction are taken to have happened in the order of their commands,
 * and within a command, in that of the flags.  The second is an invention, but as every
 * change of the pair is judged by the same order, the sum is right, in whatever order
 * triggers fire.  Rows that the transaction has deleted since are needed for that, so this
 * reads row versions, not a snapshot.  Nothing that is read here can make another
 * serializable transaction fail.
 *
 * Changes of other transactions count when they are committed.  While another transaction
 * is changing the pair, it must be waited for; no other transaction is ever waited for.
 * It would be a deadlock if both waited, having changed their rows before either looked.
 * So a transaction that sees such a change puts off the decision to the end of its
 * statement.  Then it announces what it has not decided, by locks that name the
 * transaction and the pair.  Whoever sees a row of a transaction that has not decided
 * ignores it, for that transaction will wait.  All that was put off is decided at once,
 * or nothing while there is somebody to wait for, under a lock that makes one transaction
 * do so at a time, and is held for no longer than that.  A transaction that has changed
 * the pair by an earlier statement, too, announces nothing, for it has decided about that.
 */
#include "postgres.h"

#include "base/compat.h"
#include "follow/follow_pair.h"
#include "ref/ref_ops.h"
#include "tables/own_tables.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/stratnum.h"
#include "access/subtrans.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/partition.h"
#include "catalog/pg_am.h"
#include "catalog/pg_inherits.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "storage/procarray.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* the fourth field of the tags of our locks; advisory locks of users have 1 or 2 */
#define LOCK_UNDECIDED	0xAC01
#define LOCK_DECISION	0xAC02

/* milliseconds to wait for an announcement: see wait_for_change() */
#define ANNOUNCEMENT_WAIT 20

/*
 * A transaction that has put off more decisions announces only those that it cannot take
 * now, lest the table of locks be full.  Then a deadlock is possible with another
 * transaction that changes as many of the same pairs.
 */
#define MAX_ANNOUNCED	1000

/* What is looked for, and what was found. */
typedef struct PairSearch
{
	const FollowChange *change;
	bool		decides;		/* changes of undecided transactions are ignored */
	bool		has_earlier;	/* an earlier command of this transaction has changed the pair */
	bool		has_others;		/* this command has changed other follows of the pair */
	bool		has_company;
	TransactionId wait_for;		/* a transaction that is changing the pair */
	ItemPointerData wait_tid;	/* and the row that it has changed */
	Oid			wait_relation;
} PairSearch;

static uint64
pair_hash(const FollowChange *change)
{
	uint64		hash = hash_bytes_extended((const unsigned char *) VARDATA_ANY(change->follower),
										   VARSIZE_ANY_EXHDR(change->follower), 0);

	return hash_bytes_extended((const unsigned char *) VARDATA_ANY(change->followee),
							   VARSIZE_ANY_EXHDR(change->followee), hash);
}

/* The lock that a transaction holds while it has not decided about a pair. */
static LOCKTAG
undecided_tag(TransactionId top_xid, const FollowChange *change)
{
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, top_xid, (uint32) pair_hash(change), LOCK_UNDECIDED);
	return tag;
}

/* The lock under which a transaction decides. */
static LOCKTAG
decision_tag(void)
{
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, 0, 0, LOCK_DECISION);
	return tag;
}

/* Has that other transaction, which has changed the pair, not decided about it? */
static bool
is_undecided(TransactionId xid, const FollowChange *change)
{
	LOCKTAG		tag = undecided_tag(SubTransGetTopmostTransaction(xid), change);

	if (LockAcquire(&tag, ShareLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
		return true;
	LockRelease(&tag, ShareLock, false);
	return false;
}

/* The order of flags within a command: by their bytes. */
static int
compare_flags(const text *a, const text *b)
{
	int			na = VARSIZE_ANY_EXHDR(a);
	int			nb = VARSIZE_ANY_EXHDR(b);
	int			order = memcmp(VARDATA_ANY(a), VARDATA_ANY(b), Min(na, nb));

	return order != 0 ? order : na - nb;
}

/*
 * Was a row with that flag, inserted or deleted by that command of this transaction, so
 * before the change?
 */
static bool
is_before(CommandId command, const text *flag, const FollowChange *change)
{
	return command < change->command ||
		(command == change->command && compare_flags(flag, change->flag) < 0);
}

/*
 * What another transaction has committed must be visible to our snapshot, if we have one
 * for the whole transaction: or the count would not be that of the snapshot.  So it is
 * with a row that a unique index finds.
 */
static void
require_visible(TransactionId xid)
{
	if (IsolationUsesXactSnapshot() && XidInMVCCSnapshot(xid, GetTransactionSnapshot()))
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not serialize access due to concurrent update")));
}

/* Note that the other transaction, which is in progress, has changed the row. */
static void
note_change(PairSearch *search, TransactionId xid, HeapTuple row)
{
	if (search->decides && is_undecided(xid, search->change))
		return;
	search->wait_for = xid;
	search->wait_tid = row->t_self;
	search->wait_relation = row->t_tableOid;
}

/* This transaction has changed a row of the pair by that command. */
static void
note_own_change(PairSearch *search, CommandId command, const text *flag)
{
	if (command < search->change->command)
		search->has_earlier = true;
	else if (command == search->change->command && compare_flags(flag, search->change->flag) != 0)
		search->has_others = true;
}

/* Had the row been inserted at the moment of the change? */
static bool
is_inserted(PairSearch *search, HeapTuple row, const text *flag)
{
	HeapTupleHeader header = row->t_data;
	TransactionId xid = HeapTupleHeaderGetXmin(header);

	if (HeapTupleHeaderXminInvalid(header))
		return false;
	if (TransactionIdIsCurrentTransactionId(xid))
	{
		note_own_change(search, HeapTupleHeaderGetCmin(header), flag);
		return is_before(HeapTupleHeaderGetCmin(header), flag, search->change);
	}
	if (HeapTupleHeaderXminCommitted(header))
		return true;
	if (TransactionIdIsInProgress(xid))
	{
		/* with our own flag, it is an insertion that gives way to ours and waits for it */
		if (compare_flags(flag, search->change->flag) != 0)
			note_change(search, xid, row);
		return false;
	}
	return TransactionIdDidCommit(xid);
}

/*
 * Had the row been deleted at the moment of the change?  Sets *deleter to another
 * transaction that has done it, or is doing it.
 */
static bool
is_deleted(PairSearch *search, HeapTuple row, const text *flag, TransactionId *deleter)
{
	HeapTupleHeader header = row->t_data;
	TransactionId xid;

	*deleter = InvalidTransactionId;
	if ((header->t_infomask & HEAP_XMAX_INVALID) || HEAP_XMAX_IS_LOCKED_ONLY(header->t_infomask))
		return false;
	xid = HeapTupleHeaderGetUpdateXid(header);
	if (!TransactionIdIsValid(xid))
		return false;
	if (TransactionIdIsCurrentTransactionId(xid))
	{
		note_own_change(search, HeapTupleHeaderGetCmax(header), flag);
		return is_before(HeapTupleHeaderGetCmax(header), flag, search->change);
	}
	if (TransactionIdIsInProgress(xid))
	{
		*deleter = xid;
		return false;
	}
	if (!TransactionIdDidCommit(xid))
		return false;
	*deleter = xid;
	return true;
}

/* Is that another transaction, which our snapshot sees? */
static bool
is_visible_other(TransactionId xid)
{
	return !TransactionIdIsNormal(xid) || (!TransactionIdIsCurrentTransactionId(xid) &&
										   !XidInMVCCSnapshot(xid, GetTransactionSnapshot()));
}

/* Look at one version of a row of the pair. */
static void
visit(PairSearch *search, HeapTuple row, const text *flag)
{
	TransactionId inserter = HeapTupleHeaderGetXmin(row->t_data);
	TransactionId deleter;
	bool		inserted = is_inserted(search, row, flag);
	bool		deleted = is_deleted(search, row, flag, &deleter);

	if (!inserted || compare_flags(flag, search->change->flag) == 0)
		return;
	if (deleted)
	{
		if (TransactionIdIsValid(deleter) && IsolationUsesXactSnapshot() && is_visible_other(inserter))
			require_visible(deleter);
		return;
	}
	if (TransactionIdIsNormal(inserter) && !TransactionIdIsCurrentTransactionId(inserter))
		require_visible(inserter);
	if (TransactionIdIsValid(deleter))
		note_change(search, deleter, row);
	search->has_company = true;
}

/* The header of a row that another transaction may be changing, and what follows it. */
static HeapTuple
copy_row(TupleTableSlot *slot)
{
	BufferHeapTupleTableSlot *found = (BufferHeapTupleTableSlot *) slot;
	HeapTuple	copy;

	if (!TTS_IS_BUFFERTUPLE(slot))
		elog(ERROR, "unexpected kind of row in table \"actstream.follows\"");
	LockBuffer(found->buffer, BUFFER_LOCK_SHARE);
	copy = heap_copytuple(found->base.tuple);
	LockBuffer(found->buffer, BUFFER_LOCK_UNLOCK);
	return copy;
}

/* Is the index one that finds the rows of a pair by its first two columns? */
static bool
is_pair_index(Relation index, AttrNumber follower, AttrNumber followee)
{
	Form_pg_index form = index->rd_index;
	AttrNumber	first = form->indkey.values[0];
	AttrNumber	second = form->indnkeyatts > 1 ? form->indkey.values[1] : InvalidAttrNumber;

	return index->rd_rel->relam == BTREE_AM_OID && form->indisvalid && form->indisready &&
		form->indislive && RelationGetIndexPredicate(index) == NIL &&
		((first == follower && second == followee) || (first == followee && second == follower));
}

/*
 * Open an index that finds the rows of a pair.  Raises
 * ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE if the owner has dropped both.
 */
static Relation
open_pair_index(Relation rel, AttrNumber follower, AttrNumber followee)
{
	List	   *indexes = RelationGetIndexList(rel);
	ListCell   *lc;

	foreach(lc, indexes)
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		if (is_pair_index(index, follower, followee))
		{
			list_free(indexes);
			return index;
		}
		index_close(index, AccessShareLock);
	}
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("table \"%s\" has no index by follower and followee", RelationGetRelationName(rel)),
			 errhint("Call actstream.create_tables() as the owner of the table.")));
}

static void
init_key(ScanKey key, Relation index, int column, const Ref *ref)
{
	Oid			type = index->rd_opcintype[column - 1];
	Oid			operator = get_opfamily_member(index->rd_opfamily[column - 1], type, type,
											   BTEqualStrategyNumber);

	if (!OidIsValid(operator))
		elog(ERROR, "missing operator %d(%u,%u) in opfamily %u", BTEqualStrategyNumber, type,
			 type, index->rd_opfamily[column - 1]);
	ScanKeyEntryInitialize(key, 0, column, BTEqualStrategyNumber, InvalidOid,
						   index->rd_indcollation[column - 1], get_opcode(operator),
						   PointerGetDatum(ref));
}

/* Look at all versions of rows of the pair in "rel", which has rows itself. */
static void
search_table(PairSearch *search, Relation rel)
{
	TupleDesc	tupdesc = RelationGetDescr(rel);
	AttrNumber	follower = SPI_fnumber(tupdesc, "follower");
	AttrNumber	followee = SPI_fnumber(tupdesc, "followee");
	AttrNumber	flag_column = SPI_fnumber(tupdesc, "flag");
	Relation	index = open_pair_index(rel, follower, followee);
	bool		by_follower = index->rd_index->indkey.values[0] == follower;
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	IndexScanDesc scan = begin_index_scan(rel, index, SnapshotAny, 2);
	ScanKeyData keys[2];

	init_key(&keys[0], index, by_follower ? 1 : 2, search->change->follower);
	init_key(&keys[1], index, by_follower ? 2 : 1, search->change->followee);
	if (!by_follower)
	{
		ScanKeyData first = keys[1];

		keys[1] = keys[0];
		keys[0] = first;
	}
	index_rescan(scan, keys, 2, NULL, 0);
	while (index_getnext_slot(scan, ForwardScanDirection, slot))
	{
		bool		isnull;
		const text *flag;
		Datum		value = slot_getattr(slot, flag_column, &isnull);

		CHECK_FOR_INTERRUPTS();
		flag = isnull ? NULL : DatumGetTextPP(value);
		if (flag != NULL)
		{
			HeapTuple	row = copy_row(slot);

			visit(search, row, flag);
			heap_freetuple(row);
		}
	}
	index_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	index_close(index, NoLock);
}

/* The same in the whole table "follows". */
static void
search_tables(PairSearch *search)
{
	ListCell   *lc;

	foreach(lc, find_all_inheritors(OwnTableId(OWN_FOLLOWS), AccessShareLock, NULL))
	{
		Relation	rel = table_open(lfirst_oid(lc), NoLock);

		if (RELKIND_HAS_STORAGE(rel->rd_rel->relkind))
			search_table(search, rel);
		table_close(rel, NoLock);
	}
}

/*
 * Another transaction has to be waited for even if there is company: decisions about a
 * pair come one after the other.  If not, the company could be gone when this search
 * comes to its row, and another row have come that this search has missed.
 */
static FollowCompany
answer(const PairSearch *search)
{
	if (TransactionIdIsValid(search->wait_for))
		return FOLLOW_IS_UNDECIDED;
	return search->has_company ? FOLLOW_HAS_COMPANY : FOLLOW_IS_ALONE;
}

/*
 * FollowCompanyOf
 *		Had the pair a follow with another flag at the moment of the change?  "follows"
 *		is the table, or the partition, that was changed.
 *
 * FOLLOW_IS_UNDECIDED also if the command has changed several follows of the pair: these
 * are decided together.  Waits for nobody.  Above READ COMMITTED, raises ERRCODE_T_R_SERIALIZATION_FAILURE if
 * another transaction has changed the pair since the snapshot was taken.
 */
FollowCompany
FollowCompanyOf(Relation follows, const FollowChange *change)
{
	PairSearch	search = {.change = change};

	if (follows->rd_rel->relispartition)
		search_tables(&search);
	else
		search_table(&search, follows);
	return search.has_others ? FOLLOW_IS_UNDECIDED : answer(&search);
}

/*
 * FollowPairCompare
 *		An order of changes by their pairs.
 */
int
FollowPairCompare(const FollowChange *a, const FollowChange *b)
{
	int			order = RefCompare(a->follower, b->follower);

	return order != 0 ? order : RefCompare(a->followee, b->followee);
}

/*
 * Wait for the other transaction to end, or to announce that it has not decided either.
 *
 * The second is soon after its statement has changed its rows, if at all.  To sleep
 * through it could be a deadlock: that other transaction may find that it has to wait for
 * us.  So look several times before waiting for good.
 */
static void
wait_for_change(PairSearch *search)
{
	Relation	rel;

	for (int i = 0; i < ANNOUNCEMENT_WAIT; i++)
	{
		if (!TransactionIdIsInProgress(search->wait_for) ||
			is_undecided(search->wait_for, search->change))
			return;
		CHECK_FOR_INTERRUPTS();
		pg_usleep(1000);
	}
	rel = table_open(search->wait_relation, AccessShareLock);
	XactLockTableWait(search->wait_for, rel, &search->wait_tid, XLTW_InsertIndex);
	table_close(rel, NoLock);
}

/*
 * Look for the company of all changes.  Sets *wait to a search that has found a
 * transaction to wait for, and returns whether there is none.
 */
static bool
try_to_decide(const FollowChange *changes, int n, FollowCompany *result, PairSearch *wait)
{
	bool		decided = true;

	for (int i = 0; i < n; i++)
	{
		PairSearch	search = {.change = &changes[i], .decides = true};

		CHECK_FOR_INTERRUPTS();
		search_tables(&search);
		result[i] = answer(&search);
		if (result[i] == FOLLOW_IS_UNDECIDED)
		{
			*wait = search;
			decided = false;
		}
	}
	return decided;
}

/*
 * Announce that this transaction has still to decide about the pair of the change.
 * Returns false if it has changed the pair before, and decided about that.
 */
static bool
announce(const FollowChange *change)
{
	LOCKTAG		tag = undecided_tag(GetTopTransactionId(), change);
	PairSearch	search = {.change = change};

	search_tables(&search);
	if (search.has_earlier)
		return false;
	(void) LockAcquire(&tag, ExclusiveLock, false, false);
	return true;
}

static void
withdraw(const FollowChange *change)
{
	LOCKTAG		tag = undecided_tag(GetTopTransactionId(), change);

	LockRelease(&tag, ExclusiveLock, false);
}

/*
 * FollowPairsDecide
 *		As FollowCompanyOf(), for all changes for which its answer was
 *		FOLLOW_IS_UNDECIDED; waits for other transactions that are changing their pairs.
 *
 * Takes locks only if another transaction is changing one of the pairs.
 */
void
FollowPairsDecide(const FollowChange *changes, int n, FollowCompany *result)
{
	LOCKTAG		decision = decision_tag();
	bool	   *announced = MemoryContextAllocExtended(CurrentMemoryContext, n * sizeof(bool),
													   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);

	for (;;)
	{
		PairSearch	wait = {0};

		(void) LockAcquire(&decision, ExclusiveLock, false, false);
		if (try_to_decide(changes, n, result, &wait))
			break;
		LockRelease(&decision, ExclusiveLock, false);
		for (int i = 0; i < n; i++)
		{
			if (!announced[i] && (n <= MAX_ANNOUNCED || result[i] == FOLLOW_IS_UNDECIDED))
				announced[i] = announce(&changes[i]);
		}
		wait_for_change(&wait);
	}
	for (int i = 0; i < n; i++)
	{
		if (announced[i])
			withdraw(&changes[i]);
	}
	LockRelease(&decision, ExclusiveLock, false);
	pfree(announced);
}
