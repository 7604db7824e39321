/*
 * follow_slots.c
 *		The table "follow_counts": changing the counts of followers.
 *
 * A count is the sum of some rows, its slots.  A transaction changes one that no other
 * transaction has locked or changed, or else inserts another.  It never waits, whatever
 * others do and in whatever order, and it does not read on behalf of its snapshot, so
 * that two serializable transactions do not fail because of each other.  With a snapshot
 * for the whole transaction it changes only slots that this sees: else its own reads
 * would see what others have added since.
 *
 * Where no slot is busy, the free ones are added up into one.  So there are about as many
 * slots as there were transactions at the same time, until there are fewer.  A slot that
 * becomes zero is deleted.
 *
 * Rows are written as the workers of logical replication do it: constraints, triggers for each row
 * and indexes that the owner has added take part.
 */
#include "postgres.h"

#include "base/compat.h"
#include "follow/follow_pair.h"
#include "follow/follow_slots.h"
#include "ref/ref_ops.h"
#include "tables/index_cursor.h"
#include "tables/own_tables.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/sysattr.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_am.h"
#include "common/pg_prng.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* At most that many slots are added up at a time. */
#define MAX_FOLDED	16

/* Writing to the table. */
typedef struct SlotWriter
{
	Relation	counts;
	Relation	index;			/* the primary key */
	EState	   *estate;
	ResultRelInfo *info;
	EPQState	epqstate;
	TupleTableSlot *found;		/* the version that a scan has found */
	TupleTableSlot *locked;		/* the slot that is changed, as it was */
	TupleTableSlot *other;		/* a slot that is added to it */
	TupleTableSlot *stored;		/* as it will be */
	CommandId	command;
} SlotWriter;

/* What a scan has found of the slots of a count. */
typedef struct FoundSlots
{
	bool		has_locked;		/* there is one that we have locked */
	bool		has_busy;		/* there is one that another transaction uses */
	int			nfree;			/* further ones that were free */
	ItemPointerData free[MAX_FOLDED];
} FoundSlots;

/*
 * CountChangeCompare
 *		An order of changes by the counts that they are to.
 */
int
CountChangeCompare(const CountChange *a, const CountChange *b)
{
	int			order = RefCompare(a->object, b->object);

	return order != 0 ? order : FollowFlagCompare(a->flag, b->flag);
}

static bool
is_count_index(Relation index)
{
	Form_pg_index form = index->rd_index;

	return index->rd_rel->relam == BTREE_AM_OID && form->indnkeyatts == 3 &&
		form->indkey.values[0] == Anum_follow_count_object &&
		form->indkey.values[1] == Anum_follow_count_flag &&
		form->indkey.values[2] == Anum_follow_count_slot;
}

static void
begin_writing(SlotWriter *writer, Relation counts)
{
	Oid			primary_key = primary_key_index(counts);

	writer->counts = counts;
	writer->index = OidIsValid(primary_key) ? index_open(primary_key, AccessShareLock) : NULL;
	if (writer->index == NULL || !is_count_index(writer->index))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"actstream.%s\" has no primary key by object, flag and slot",
						RelationGetRelationName(counts)),
				 errhint("Call actstream.create_tables() as the owner of the table.")));

	/* what was written for an earlier statement must be seen */
	CommandCounterIncrement();
	writer->command = GetCurrentCommandId(true);
	writer->estate = CreateExecutorState();
	writer->estate->es_output_cid = writer->command;
	writer->estate->es_snapshot = GetActiveSnapshot();
	writer->info = makeNode(ResultRelInfo);
	InitResultRelInfo(writer->info, counts, 0, NULL, 0);
	ExecOpenIndices(writer->info, false);
	init_epq_state(&writer->epqstate, writer->estate);
	writer->found = table_slot_create(counts, NULL);
	writer->locked = table_slot_create(counts, NULL);
	writer->other = table_slot_create(counts, NULL);
	writer->stored = MakeSingleTupleTableSlot(RelationGetDescr(counts), &TTSOpsVirtual);
}

static void
end_writing(SlotWriter *writer)
{
	EvalPlanQualEnd(&writer->epqstate);
	ExecDropSingleTupleTableSlot(writer->stored);
	ExecDropSingleTupleTableSlot(writer->other);
	ExecDropSingleTupleTableSlot(writer->locked);
	ExecDropSingleTupleTableSlot(writer->found);
	ExecCloseIndices(writer->info);
	ExecResetTupleTable(writer->estate->es_tupleTable, false);
	FreeExecutorState(writer->estate);
	index_close(writer->index, NoLock);
}

/* May the transaction change the slot that was found, as far as its snapshot goes? */
static bool
is_visible(SlotWriter *writer, TupleTableSlot *slot)
{
	bool		isnull;
	TransactionId xmin;

	if (!IsolationUsesXactSnapshot())
		return true;
	xmin = DatumGetTransactionId(slot_getsysattr(slot, MinTransactionIdAttributeNumber, &isnull));
	return TransactionIdIsCurrentTransactionId(xmin) ||
		table_tuple_satisfies_snapshot(writer->counts, slot, GetTransactionSnapshot());
}

/* Lock a version of a row, unless that would mean to wait or it is not the newest. */
static bool
lock_slot(SlotWriter *writer, ItemPointer tid, LockTupleMode mode, TupleTableSlot *slot)
{
	TM_FailureData failure;

	return table_tuple_lock(writer->counts, tid, SnapshotSelf, slot, writer->command, mode,
							LockWaitSkip, 0, &failure) == TM_Ok;
}

/* A version of a slot was found that is neither dead nor rolled back. */
static void
visit_slot(SlotWriter *writer, const SnapshotData *snapshot, FoundSlots *slots)
{
	if (TransactionIdIsValid(snapshot->xmin) || TransactionIdIsValid(snapshot->xmax) ||
		!is_visible(writer, writer->found))
		slots->has_busy = true;
	else if (slots->has_locked)
	{
		if (slots->nfree < MAX_FOLDED)
			slots->free[slots->nfree++] = writer->found->tts_tid;
	}
	else if (lock_slot(writer, &writer->found->tts_tid, LockTupleNoKeyExclusive, writer->locked))
		slots->has_locked = true;
	else
		slots->has_busy = true;
}

/*
 * Find the slots of a count, and lock a free one.
 *
 * Stops when it has found a free one and a busy one, or some more.  Goes backwards: new
 * versions usually come last, so they are found before those that cannot be removed yet.
 */
static void
find_slots(SlotWriter *writer, const CountChange *change, FoundSlots *slots)
{
	SnapshotData snapshot;
	IndexScanDesc scan;
	ScanKeyData keys[2];
	int			nentries = 0;

	slots->has_locked = slots->has_busy = false;
	slots->nfree = 0;
	InitDirtySnapshot(snapshot);
	IndexKeyInit(&keys[0], writer->index, 1, BTEqualStrategyNumber, PointerGetDatum(change->object));
	IndexKeyInit(&keys[1], writer->index, 2, BTEqualStrategyNumber, PointerGetDatum(change->flag));
	scan = begin_index_scan(writer->counts, writer->index, &snapshot, 2);
	index_rescan(scan, keys, 2, NULL, 0);
	while (!(slots->has_locked && (slots->has_busy || nentries > MAX_FOLDED)) &&
		   index_getnext_tid(scan, BackwardScanDirection) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		if (slots->has_locked)
			nentries++;
		while (index_fetch_heap(scan, writer->found))
		{
			visit_slot(writer, &snapshot, slots);
			if (!scan->xs_heap_continue)
				break;
		}
	}
	index_endscan(scan);
	ExecClearTuple(writer->found);
}

/* Is that a slot of the count, and visible?  The place of a version can be used again. */
static bool
is_slot_of(SlotWriter *writer, TupleTableSlot *slot, const CountChange *change)
{
	CountChange found;
	bool		isnull;

	found.object = DatumGetRefPP(slot_getattr(slot, Anum_follow_count_object, &isnull));
	found.flag = DatumGetTextPP(slot_getattr(slot, Anum_follow_count_flag, &isnull));
	return CountChangeCompare(&found, change) == 0 && is_visible(writer, slot);
}

static int64
get_count(TupleTableSlot *slot, AttrNumber column)
{
	bool		isnull;
	Datum		value = slot_getattr(slot, column, &isnull);

	/* null only if the table's owner has dropped the constraint */
	return isnull ? 0 : DatumGetInt64(value);
}

/* Delete the further free slots, and add them to the sums. */
static void
fold(SlotWriter *writer, const CountChange *change, FoundSlots *slots, int64 *followers,
	 int64 *any_flag)
{
	for (int i = 0; i < slots->nfree && !slots->has_busy; i++)
	{
		if (!lock_slot(writer, &slots->free[i], LockTupleExclusive, writer->other) ||
			!is_slot_of(writer, writer->other, change))
			continue;
		*followers += get_count(writer->other, Anum_follow_count_followers);
		*any_flag += get_count(writer->other, Anum_follow_count_any_flag);
		ExecSimpleRelationDelete(writer->info, writer->estate, &writer->epqstate, writer->other);
	}
}

/* Make the row that is to be stored. */
static void
make_row(SlotWriter *writer, const CountChange *change, int64 slot, int64 followers,
		 int64 any_flag)
{
	TupleTableSlot *stored = writer->stored;

	ExecClearTuple(stored);
	memset(stored->tts_isnull, true, stored->tts_tupleDescriptor->natts * sizeof(bool));
	memset(stored->tts_isnull, false, Natts_follow_count * sizeof(bool));
	stored->tts_values[Anum_follow_count_object - 1] = PointerGetDatum(change->object);
	stored->tts_values[Anum_follow_count_flag - 1] = PointerGetDatum(change->flag);
	stored->tts_values[Anum_follow_count_slot - 1] = Int64GetDatum(slot);
	stored->tts_values[Anum_follow_count_followers - 1] = Int64GetDatum(followers);
	stored->tts_values[Anum_follow_count_any_flag - 1] = Int64GetDatum(any_flag);
	ExecStoreVirtualTuple(stored);
}

static void
add_to_count(SlotWriter *writer, const CountChange *change)
{
	int64		followers = change->followers;
	int64		any_flag = change->any_flag;
	FoundSlots	slots;

	find_slots(writer, change, &slots);
	if (!slots.has_locked)
	{
		/* a number that nobody else has, without looking */
		int64		slot = (int64) (pg_prng_uint64(&pg_global_prng_state) >> 1);

		make_row(writer, change, slot, followers, any_flag);
		ExecSimpleRelationInsert(writer->info, writer->estate, writer->stored);
		return;
	}
	followers += get_count(writer->locked, Anum_follow_count_followers);
	any_flag += get_count(writer->locked, Anum_follow_count_any_flag);
	fold(writer, change, &slots, &followers, &any_flag);
	if (followers == 0 && any_flag == 0)
		ExecSimpleRelationDelete(writer->info, writer->estate, &writer->epqstate, writer->locked);
	else
	{
		bool		isnull;

		make_row(writer, change,
				 DatumGetInt64(slot_getattr(writer->locked, Anum_follow_count_slot, &isnull)),
				 followers, any_flag);
		ExecSimpleRelationUpdate(writer->info, writer->estate, &writer->epqstate, writer->locked,
								 writer->stored);
	}
}

/*
 * FollowSlotsAdd
 *		Change counts, each of which occurs once in "changes".  "counts" is the table
 *		follow_counts, locked in RowExclusiveLock.
 *
 * To be called as the table's owner, within a query.  Waits for no other transaction.
 * Raises ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE if the table lacks its primary key.
 */
void
FollowSlotsAdd(Relation counts, const CountChange *changes, int n)
{
	SlotWriter	writer;

	begin_writing(&writer, counts);
	for (int i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (changes[i].followers == 0 && changes[i].any_flag == 0)
			continue;
		add_to_count(&writer, &changes[i]);
		ResetPerTupleExprContext(writer.estate);
	}
	end_writing(&writer);
}
