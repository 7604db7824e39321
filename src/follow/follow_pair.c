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
 * is changing the pair, it must be waited for; no other transaction is waited for but at the
 * end of a statement, while it decides (see below).
 * It would be a deadlock if both waited, having changed their rows before either looked.
 * So a transaction that sees such a change puts off the decision to the end of its
 * statement.  Then it announces what it has not decided, by locks that name the
 * transaction and the pair.  Whoever sees a row of a transaction that has not decided
 * ignores it, for that transaction will wait.  All that was put off is decided at once,
 * or nothing while there is somebody to wait for, under locks that make one transaction at a
 * time do so for a pair, and are held for no longer than that.  A transaction that has changed
 * the pair by an earlier statement, too, announces nothing, for it has decided about that.
 */
#include "postgres.h"

#include "base/compat.h"
#include "follow/follow_pair.h"
#include "ref/ref_ops.h"
#include "tables/own_tables.h"
#include "tables/pair_scan.h"

#include "access/heapam.h"
#include "access/subtrans.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "common/hashfn.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "storage/procarray.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
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

/* Pairs share so many locks to decide, lest a large statement fill the table of locks. */
#define NUM_DECISION_LOCKS	64

/* when a row was inserted, or deleted, that was not done by a command of this transaction */
#define ALWAYS	(-1)
#define NEVER	PG_INT64_MAX

/*
 * What becomes of the follows of a pair, in the order in which this transaction has changed
 * them; or a question about the moment of a change.
 */
typedef struct PairEvent
{
	int64		command;		/* or ALWAYS */
	const text *flag;
	int			sign;			/* 1: inserted; -1: deleted; 0: a question */
	int			question;		/* which of the changes is judged */
	int			flag_number;	/* the same for equal flags */
} PairEvent;

/* What is looked for, and what was found. */
typedef struct PairSearch
{
	const FollowChange *changes;	/* of one pair, the earliest first */
	int			nchanges;
	const text *only_flag;		/* that of all changes, or NULL */
	bool		decides;		/* changes of undecided transactions are ignored */
	bool		has_earlier;	/* an earlier command of this transaction has changed the pair */
	bool		has_others;		/* the first command has changed other follows of the pair */
	TransactionId wait_for;		/* a transaction that is changing the pair */
	ItemPointerData wait_tid;	/* and the row that it has changed */
	Oid			wait_relation;
	PairEvent  *events;
	int			nevents;
	int			events_size;
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

/* A lock under which a transaction decides. */
static LOCKTAG
decision_tag(int number)
{
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, 0, number, LOCK_DECISION);
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

/*
 * FollowFlagCompare
 *		The order of flags: by their bytes.
 */
int
FollowFlagCompare(const text *a, const text *b)
{
	int			na = VARSIZE_ANY_EXHDR(a);
	int			nb = VARSIZE_ANY_EXHDR(b);
	int			order = memcmp(VARDATA_ANY(a), VARDATA_ANY(b), Min(na, nb));

	return order != 0 ? order : na - nb;
}

/* The order of changes: by pair, command and flag. */
static int
compare_changes(const void *a, const void *b)
{
	const FollowChange *left = a;
	const FollowChange *right = b;
	int			order = FollowPairCompare(left, right);

	if (order != 0)
		return order;
	if (left->command != right->command)
		return left->command < right->command ? -1 : 1;
	return FollowFlagCompare(left->flag, right->flag);
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
	if (search->decides && is_undecided(xid, search->changes))
		return;
	search->wait_for = xid;
	search->wait_tid = row->t_self;
	search->wait_relation = row->t_tableOid;
}

/* This transaction has changed a row of the pair by that command. */
static void
note_own_change(PairSearch *search, CommandId command, const text *flag)
{
	const FollowChange *first = search->changes;

	if (command < first->command)
		search->has_earlier = true;
	else if (command == first->command && FollowFlagCompare(flag, first->flag) != 0)
		search->has_others = true;
}

/* Does a row with that flag matter to any of the changes? */
static bool
matters(const PairSearch *search, const text *flag)
{
	return search->only_flag == NULL || FollowFlagCompare(flag, search->only_flag) != 0;
}

/* The command of this transaction that has inserted the row; or ALWAYS, or NEVER. */
static int64
inserted_by(PairSearch *search, HeapTuple row, const text *flag)
{
	HeapTupleHeader header = row->t_data;
	TransactionId xid = HeapTupleHeaderGetXmin(header);

	if (HeapTupleHeaderXminInvalid(header))
		return NEVER;
	if (TransactionIdIsCurrentTransactionId(xid))
	{
		note_own_change(search, HeapTupleHeaderGetCmin(header), flag);
		return HeapTupleHeaderGetCmin(header);
	}
	if (HeapTupleHeaderXminCommitted(header))
		return ALWAYS;
	if (TransactionIdIsInProgress(xid))
	{
		/* with our own flag, it is an insertion that gives way to ours and waits for it */
		if (matters(search, flag))
			note_change(search, xid, row);
		return NEVER;
	}
	return TransactionIdDidCommit(xid) ? ALWAYS : NEVER;
}

/*
 * The same for its deletion.  Sets *deleter to another transaction that has done it, or is
 * doing it.
 */
static int64
deleted_by(PairSearch *search, HeapTuple row, const text *flag, TransactionId *deleter)
{
	HeapTupleHeader header = row->t_data;
	TransactionId xid;

	*deleter = InvalidTransactionId;
	if ((header->t_infomask & HEAP_XMAX_INVALID) || HEAP_XMAX_IS_LOCKED_ONLY(header->t_infomask))
		return NEVER;
	xid = HeapTupleHeaderGetUpdateXid(header);
	if (!TransactionIdIsValid(xid))
		return NEVER;
	if (TransactionIdIsCurrentTransactionId(xid))
	{
		note_own_change(search, HeapTupleHeaderGetCmax(header), flag);
		return HeapTupleHeaderGetCmax(header);
	}
	if (TransactionIdIsInProgress(xid))
	{
		*deleter = xid;
		return NEVER;
	}
	if (!TransactionIdDidCommit(xid))
		return NEVER;
	*deleter = xid;
	return ALWAYS;
}

/* Is that another transaction, which our snapshot sees? */
static bool
is_visible_other(TransactionId xid)
{
	return !TransactionIdIsNormal(xid) || (!TransactionIdIsCurrentTransactionId(xid) &&
										   !XidInMVCCSnapshot(xid, GetTransactionSnapshot()));
}

static void
add_event(PairSearch *search, int64 command, const text *flag, int sign, int question)
{
	PairEvent  *event;

	if (search->nevents == search->events_size)
	{
		search->events_size = Max(16, search->events_size * 2);
		search->events = search->events == NULL ?
			palloc(search->events_size * sizeof(PairEvent)) :
			repalloc_huge(search->events, search->events_size * sizeof(PairEvent));
	}
	event = &search->events[search->nevents++];
	event->command = command;
	event->flag = flag;
	event->sign = sign;
	event->question = question;
}

/* Look at one version of a row of the pair. */
static void
visit(PairSearch *search, HeapTuple row, const text *flag)
{
	TransactionId inserter = HeapTupleHeaderGetXmin(row->t_data);
	TransactionId deleter;
	int64		inserted = inserted_by(search, row, flag);
	int64		deleted = deleted_by(search, row, flag, &deleter);
	text	   *copy;

	if (inserted == NEVER || !matters(search, flag))
		return;
	if (deleted == ALWAYS)
	{
		if (IsolationUsesXactSnapshot() && is_visible_other(inserter))
			require_visible(deleter);
		return;
	}
	if (TransactionIdIsNormal(inserter) && !TransactionIdIsCurrentTransactionId(inserter))
		require_visible(inserter);
	if (TransactionIdIsValid(deleter))
		note_change(search, deleter, row);
	copy = memcpy(palloc(VARSIZE_ANY(flag)), flag, VARSIZE_ANY(flag));
	add_event(search, inserted, copy, 1, 0);
	if (deleted != NEVER)
		add_event(search, deleted, copy, -1, 0);
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

/*
 * Look at all versions of rows of the pair; or, unless this is to decide, until the answer
 * is that it has to be put off.
 */
static void
search_pair(PairSearch *search)
{
	PairColumn	columns[] = {
		{"follower", search->changes->follower},
		{"followee", search->changes->followee}
	};
	PairScan	pair;
	TupleTableSlot *slot;

	search->only_flag = search->changes[0].flag;
	for (int i = 1; i < search->nchanges && search->only_flag != NULL; i++)
	{
		if (FollowFlagCompare(search->only_flag, search->changes[i].flag) != 0)
			search->only_flag = NULL;
	}
	PairScanBegin(&pair, OWN_FOLLOWS, columns, true);
	while ((search->decides || !search->has_others) && (slot = PairScanNext(&pair)) != NULL)
	{
		bool		isnull;
		Datum		value = slot_getattr(slot, get_attnum(RelationGetRelid(pair.table), "flag"),
										 &isnull);

		if (!isnull)
		{
			HeapTuple	row = copy_row(slot);

			visit(search, row, DatumGetTextPP(value));
			heap_freetuple(row);
		}
	}
	PairScanEnd(&pair);
}

static int
compare_event_flags(const void *a, const void *b)
{
	return FollowFlagCompare(((const PairEvent *) a)->flag, ((const PairEvent *) b)->flag);
}

/* A question comes first: what happened by the same command and flag was not before it. */
static int
compare_events(const void *a, const void *b)
{
	const PairEvent *left = a;
	const PairEvent *right = b;

	if (left->command != right->command)
		return left->command < right->command ? -1 : 1;
	if (left->flag_number != right->flag_number)
		return left->flag_number < right->flag_number ? -1 : 1;
	return abs(left->sign) - abs(right->sign);
}

/*
 * Answer for each change, from what the search has found.
 *
 * Another transaction has to be waited for even if there is company: decisions about a
 * pair come one after the other.  If not, the company could be gone when this search
 * comes to its row, and another row have come that this search has missed.
 */
static void
answer(PairSearch *search, FollowCompany *result)
{
	int			nflags = 0;
	int			nfollows = 0;
	int		   *of_flag;

	for (int i = 0; i < search->nchanges; i++)
	{
		result[i] = FOLLOW_IS_UNDECIDED;
		add_event(search, search->changes[i].command, search->changes[i].flag, 0, i);
	}
	if (TransactionIdIsValid(search->wait_for))
		return;

	qsort(search->events, search->nevents, sizeof(PairEvent), compare_event_flags);
	for (int i = 0; i < search->nevents; i++)
	{
		if (i > 0 && compare_event_flags(&search->events[i - 1], &search->events[i]) != 0)
			nflags++;
		search->events[i].flag_number = nflags;
	}
	qsort(search->events, search->nevents, sizeof(PairEvent), compare_events);
	of_flag = palloc_extended((nflags + 1) * sizeof(int), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (int i = 0; i < search->nevents; i++)
	{
		const PairEvent *event = &search->events[i];

		nfollows += event->sign;
		of_flag[event->flag_number] += event->sign;
		if (event->sign == 0)
			result[event->question] = nfollows > of_flag[event->flag_number] ?
				FOLLOW_HAS_COMPANY : FOLLOW_IS_ALONE;
	}
	pfree(of_flag);
}

/*
 * FollowCompanyOf
 *		Had the pair a follow with another flag at the moment of the change?
 *
 * FOLLOW_IS_UNDECIDED also if the command has changed several follows of the pair: these
 * are decided together.  Waits for nobody.  Allocates in the current memory context.
 * Above READ COMMITTED, raises ERRCODE_T_R_SERIALIZATION_FAILURE if another transaction has
 * changed the pair since the snapshot was taken.
 */
FollowCompany
FollowCompanyOf(const FollowChange *change)
{
	PairSearch	search = {.changes = change, .nchanges = 1};
	FollowCompany result;

	search_pair(&search);
	if (search.has_others)
		return FOLLOW_IS_UNDECIDED;
	answer(&search, &result);
	return result;
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
			is_undecided(search->wait_for, search->changes))
			return;
		CHECK_FOR_INTERRUPTS();
		pg_usleep(1000);
	}
	rel = table_open(search->wait_relation, AccessShareLock);
	XactLockTableWait(search->wait_for, rel, &search->wait_tid, XLTW_InsertIndex);
	table_close(rel, NoLock);
}

/* The number of changes of the pair of the first one, which come first. */
static int
changes_of_pair(const FollowChange *changes, int n)
{
	int			result = 1;

	while (result < n && FollowPairCompare(&changes[0], &changes[result]) == 0)
		result++;
	return result;
}

/*
 * Look for the company of all changes.  Sets *wait to a search that has found a
 * transaction to wait for, and returns whether there is none.  Resets the memory context
 * for each pair.
 */
static bool
try_to_decide(const FollowChange *changes, int n, FollowCompany *result, PairSearch *wait,
			  MemoryContext context)
{
	MemoryContext before = MemoryContextSwitchTo(context);
	bool		decided = true;

	for (int i = 0; i < n;)
	{
		PairSearch	search = {
			.changes = &changes[i],
			.nchanges = changes_of_pair(&changes[i], n - i),
			.decides = true
		};

		CHECK_FOR_INTERRUPTS();
		search_pair(&search);
		answer(&search, &result[i]);
		if (TransactionIdIsValid(search.wait_for))
		{
			*wait = search;
			decided = false;
		}
		i += search.nchanges;
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(before);
	return decided;
}

/*
 * Announce that this transaction has still to decide about the pair of the changes.
 * Returns false if it has changed the pair before the first of them, and decided about that.
 */
static bool
announce(const FollowChange *changes)
{
	LOCKTAG		tag = undecided_tag(GetTopTransactionId(), changes);
	PairSearch	search = {.changes = changes, .nchanges = 1, .decides = true};

	search_pair(&search);
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

/* Take the locks under which the changes are decided, always in the same order. */
static void
lock_decision(const bool *locks)
{
	for (int i = 0; i < NUM_DECISION_LOCKS; i++)
	{
		LOCKTAG		tag = decision_tag(i);

		if (locks[i])
			(void) LockAcquire(&tag, ExclusiveLock, false, false);
	}
}

static void
unlock_decision(const bool *locks)
{
	for (int i = 0; i < NUM_DECISION_LOCKS; i++)
	{
		LOCKTAG		tag = decision_tag(i);

		if (locks[i])
			LockRelease(&tag, ExclusiveLock, false);
	}
}

/*
 * FollowPairsDecide
 *		As FollowCompanyOf(), for all changes for which its answer was
 *		FOLLOW_IS_UNDECIDED; waits for other transactions that are changing their pairs.
 *
 * Sorts the changes, and answers in their new order.  Reads the rows of each pair once,
 * unless it waits.  The locks that it takes are released before it returns.
 */
void
FollowPairsDecide(FollowChange *changes, int n, FollowCompany *result)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "actstream pair of follows",
												  ALLOCSET_SMALL_SIZES);
	bool		locks[NUM_DECISION_LOCKS] = {0};
	bool	   *announced = MemoryContextAllocExtended(CurrentMemoryContext, n * sizeof(bool),
													   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);

	qsort(changes, n, sizeof(FollowChange), compare_changes);
	for (int i = 0; i < n; i++)
		locks[pair_hash(&changes[i]) % NUM_DECISION_LOCKS] = true;
	for (;;)
	{
		PairSearch	wait = {0};

		lock_decision(locks);
		if (try_to_decide(changes, n, result, &wait, context))
			break;
		unlock_decision(locks);
		for (int i = 0; i < n; i += changes_of_pair(&changes[i], n - i))
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
	unlock_decision(locks);
	pfree(announced);
	MemoryContextDelete(context);
}
