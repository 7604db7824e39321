/*
 * index_cursor.c
 *		An ordered index scan that can be repositioned.
 *
 * A cursor returns the entries of one btree index that satisfy its keys, in the order
 * of the index.  Each time it is positioned it starts over, with new values of the keys
 * or the same.
 *
 * Between entries it holds a pin on the current index page, as an index-only scan does,
 * and VACUUM has to wait for that.  It also holds some 40 kB of memory, into which the
 * access method reads pages.  At rest it holds neither.  Call IndexCursorRest() before
 * pausing, and before using another cursor: otherwise memory is allocated and freed for
 * each cursor, which takes a third of a page's time.
 *
 * Use a cursor with an MVCC snapshot, as its callers visit the heap later.  Only a
 * cursor that visits the heap for each entry before it moves on may have a snapshot
 * that sees what VACUUM cannot remove.
 */
#include "postgres.h"

#include "base/compat.h"
#include "tables/index_cursor.h"

#include "access/genam.h"
#include "access/nbtree.h"
#include "access/relscan.h"
#include "access/tableam.h"
#include "access/visibilitymap.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/bufmgr.h"
#include "storage/predicate.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

/* What a key for places compares with; see IndexCursorSetPlace(). */
typedef struct PlaceKey
{
	ScanKeyData timestamp;		/* no newer than a time */
	ScanKeyData row[2];			/* no newer than a time and an id */
} PlaceKey;

struct IndexCursor
{
	Relation	heap;
	Relation	index;
	Snapshot	snapshot;
	IndexScanDesc scan;			/* NULL at rest */
	MemoryContext context;		/* of the scan */
	TupleTableSlot *slot;		/* for visits to the heap; NULL until needed */
	Buffer		vmbuffer;		/* page of the visibility map */
	PlaceKey	place;
	int			nkeys;
	ScanKeyData keys[FLEXIBLE_ARRAY_MEMBER];
};

/*
 * IndexCursorOpen
 *		Open a cursor over an index of "heap", with "nkeys" keys to be set.
 *
 * The caller holds a lock on the heap; the index stays locked until the end of the
 * transaction.  The cursor is in the current memory context and has to be closed.
 */
IndexCursor *
IndexCursorOpen(Relation heap, Oid index, int nkeys, Snapshot snapshot)
{
	IndexCursor *cursor = palloc0(offsetof(IndexCursor, keys) + nkeys * sizeof(ScanKeyData));

	Assert(IsMVCCSnapshot(snapshot) || snapshot->snapshot_type == SNAPSHOT_NON_VACUUMABLE);
	cursor->heap = heap;
	cursor->index = index_open(index, AccessShareLock);
	cursor->snapshot = snapshot;
	cursor->context = CurrentMemoryContext;
	cursor->vmbuffer = InvalidBuffer;
	cursor->nkeys = nkeys;
	return cursor;
}

/*
 * IndexCursorFindColumn
 *		The column of the index that is this column of the table; or InvalidAttrNumber.
 */
AttrNumber
IndexCursorFindColumn(const IndexCursor *cursor, AttrNumber attnum)
{
	for (int i = 0; i < cursor->index->rd_index->indnatts; i++)
	{
		if (cursor->index->rd_index->indkey.values[i] == attnum)
			return i + 1;
	}
	return InvalidAttrNumber;
}

/*
 * IndexCursorIndex
 *		The index, which is open as long as the cursor is.
 */
Relation
IndexCursorIndex(const IndexCursor *cursor)
{
	return cursor->index;
}

/*
 * IndexKeyInit
 *		Make a key compare a column of a btree index with a value of the column's type, by
 *		the operator for "strategy" in the index's operator family.
 *
 * The value is not copied.
 */
void
IndexKeyInit(ScanKey key, Relation index, AttrNumber attnum, StrategyNumber strategy, Datum value)
{
	Oid			type = index->rd_opcintype[attnum - 1];
	Oid			operator = get_opfamily_member(index->rd_opfamily[attnum - 1],
											   type, type, strategy);

	if (!OidIsValid(operator))
		elog(ERROR, "missing operator %d(%u,%u) in opfamily %u",
			 strategy, type, type, index->rd_opfamily[attnum - 1]);
	ScanKeyEntryInitialize(key, 0, attnum, strategy, InvalidOid,
						   index->rd_indcollation[attnum - 1], get_opcode(operator), value);
}

/*
 * IndexCursorInitKey
 *		Make a key of the cursor, as IndexKeyInit() does, whose value is still to be set.
 */
void
IndexCursorInitKey(IndexCursor *cursor, int key, AttrNumber attnum, StrategyNumber strategy)
{
	IndexKeyInit(&cursor->keys[key], cursor->index, attnum, strategy, (Datum) 0);
}

/*
 * IndexCursorSetKey
 *		Set the value that a key compares with.
 *
 * The value is not copied: it has to stay valid until the cursor is closed, or
 * positioned with another value.
 */
void
IndexCursorSetKey(IndexCursor *cursor, int key, Datum value)
{
	cursor->keys[key].sk_argument = value;
}

/*
 * IndexCursorInitPlace
 *		Make a key compare places: the column "timestamp", and the column after it,
 *		which is the id.
 *
 * A cursor can have one such key.
 */
void
IndexCursorInitPlace(IndexCursor *cursor, int key, AttrNumber timestamp)
{
	Relation	rel = cursor->index;

	IndexCursorInitKey(cursor, key, timestamp, BTLessEqualStrategyNumber);
	cursor->place.timestamp = cursor->keys[key];
	for (int i = 0; i < (int) lengthof(cursor->place.row); i++)
	{
		AttrNumber	attnum = timestamp + i;

		ScanKeyEntryInitialize(&cursor->place.row[i],
							   SK_ROW_MEMBER | (i == lengthof(cursor->place.row) - 1 ? SK_ROW_END : 0),
							   attnum, BTLessEqualStrategyNumber, InvalidOid,
							   rel->rd_indcollation[attnum - 1],
							   index_getprocid(rel, attnum, BTORDER_PROC), (Datum) 0);
	}
}

/*
 * IndexCursorSetPlace
 *		Make a key for places accept "newest" and older places.
 *
 * If "newest" is the newest place of its time, that takes one comparison of times,
 * which null ids pass, too.  Otherwise it takes a comparison of rows, by which the
 * index finds the place directly, however many entries have the same time.
 */
void
IndexCursorSetPlace(IndexCursor *cursor, int key, const ActionPlace *newest)
{
	ScanKey		row = cursor->place.row;

	if (newest->id == PG_INT64_MAX)
	{
		cursor->keys[key] = cursor->place.timestamp;
		cursor->keys[key].sk_argument = TimestampTzGetDatum(newest->timestamp);
		return;
	}
	row[0].sk_argument = TimestampTzGetDatum(newest->timestamp);
	row[1].sk_argument = Int64GetDatum(newest->id);
	memset(&cursor->keys[key], 0, sizeof(ScanKeyData));
	cursor->keys[key].sk_flags = SK_ROW_HEADER;
	cursor->keys[key].sk_attno = row[0].sk_attno;
	cursor->keys[key].sk_strategy = BTLessEqualStrategyNumber;
	cursor->keys[key].sk_argument = PointerGetDatum(row);
}

/*
 * IndexCursorSeek
 *		Position the cursor before the first entry that its keys accept, in either
 *		direction.
 */
void
IndexCursorSeek(IndexCursor *cursor)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(cursor->context);

	if (cursor->scan == NULL)
	{
		cursor->scan = begin_index_scan(cursor->heap, cursor->index, cursor->snapshot,
										cursor->nkeys);
		cursor->scan->xs_want_itup = true;
	}
	index_rescan(cursor->scan, cursor->keys, cursor->nkeys, NULL, 0);
	MemoryContextSwitchTo(oldcontext);
}

/*
 * IndexCursorNext
 *		Move to the next entry; false if there is none.
 *
 * Its row need not be visible.
 */
bool
IndexCursorNext(IndexCursor *cursor, ScanDirection direction)
{
	if (index_getnext_tid(cursor->scan, direction) == NULL)
		return false;
	if (cursor->scan->xs_itup == NULL)
		elog(ERROR, "no data returned for index \"%s\"",
			 RelationGetRelationName(cursor->scan->indexRelation));
	return true;
}

/*
 * Fetch the row of the current entry; false if the snapshot does not see it.
 *
 * If the row is dead to all transactions, its entry is marked dead when the cursor
 * moves on.
 */
static bool
fetch_row(IndexCursor *cursor)
{
	bool		visible;

	if (cursor->slot == NULL)
	{
		MemoryContext oldcontext = MemoryContextSwitchTo(cursor->context);

		cursor->slot = table_slot_create(cursor->scan->heapRelation, NULL);
		MemoryContextSwitchTo(oldcontext);
	}
	visible = index_fetch_heap(cursor->scan, cursor->slot);
	ExecClearTuple(cursor->slot);
	return visible;
}

/*
 * IndexCursorIsVisible
 *		Does the snapshot see the row of the current entry?
 *
 * Checks the visibility map first, and the heap only if that does not tell.  Takes a
 * predicate lock, as reading the row would.
 */
bool
IndexCursorIsVisible(IndexCursor *cursor)
{
	IndexScanDesc scan = cursor->scan;
	BlockNumber block = ItemPointerGetBlockNumber(&scan->xs_heaptid);

	if (VM_ALL_VISIBLE(scan->heapRelation, block, &cursor->vmbuffer))
	{
		PredicateLockPage(scan->heapRelation, block, scan->xs_snapshot);
		return true;
	}
	return fetch_row(cursor);
}

/*
 * IndexCursorIsOnLastPage
 *		Is the current entry on the last page of the index?
 */
bool
IndexCursorIsOnLastPage(IndexCursor *cursor)
{
	return ((BTScanOpaque) cursor->scan->opaque)->currPos.nextPage == P_NONE;
}

/*
 * IndexCursorMarkDead
 *		Is the row of the current entry dead to all transactions?  Visits the heap.
 *
 * If so, the entry is marked dead when the cursor moves on, as in any index scan, and
 * later scans skip it.  Always false in a transaction that began during recovery.
 */
bool
IndexCursorMarkDead(IndexCursor *cursor)
{
	return !fetch_row(cursor) && cursor->scan->kill_prior_tuple;
}

/*
 * IndexCursorNextVisible
 *		Move to the next entry whose row the snapshot sees; false if there is none.
 */
bool
IndexCursorNextVisible(IndexCursor *cursor, ScanDirection direction)
{
	while (IndexCursorNext(cursor, direction))
	{
		if (IndexCursorIsVisible(cursor))
			return true;
		CHECK_FOR_INTERRUPTS();
	}
	return false;
}

/*
 * IndexCursorTid
 *		The TID that the current entry points to.
 */
ItemPointer
IndexCursorTid(IndexCursor *cursor)
{
	return &cursor->scan->xs_heaptid;
}

/*
 * IndexCursorColumn
 *		A column of the current entry; valid until the cursor moves.
 */
Datum
IndexCursorColumn(IndexCursor *cursor, AttrNumber attnum, bool *isnull)
{
	return index_getattr(cursor->scan->xs_itup, attnum, cursor->scan->xs_itupdesc, isnull);
}

/* The columns of time and id, where others before them vary in length. */
static void
get_place(IndexTuple tuple, TupleDesc tupdesc, AttrNumber timestamp, Datum *columns, bool *isnull)
{
	Datum		all[INDEX_MAX_KEYS];
	bool		all_isnull[INDEX_MAX_KEYS];

	index_deform_tuple(tuple, tupdesc, all, all_isnull);
	memcpy(columns, &all[timestamp - 1], 2 * sizeof(Datum));
	memcpy(isnull, &all_isnull[timestamp - 1], 2 * sizeof(bool));
}

/*
 * Fill in an entry from an index tuple; false if it has no time, which the table's
 * owner can allow.  "timestamp" is the column of the time; the one after it is the id.
 */
static pg_attribute_always_inline bool
fill_entry(ActionEntry *entry, IndexTuple tuple, TupleDesc tupdesc, AttrNumber timestamp,
		   ItemPointer tid)
{
	Datum		columns[2];
	bool		isnull[2];

	if (timestamp == 1)
	{
		/* no column before these varies in length, so they are found at once */
		columns[0] = index_getattr(tuple, 1, tupdesc, &isnull[0]);
		columns[1] = index_getattr(tuple, 2, tupdesc, &isnull[1]);
	}
	else
		get_place(tuple, tupdesc, timestamp, columns, isnull);
	entry->place.timestamp = DatumGetTimestampTz(columns[0]);
	entry->place.id = isnull[1] ? PG_INT64_MAX : DatumGetInt64(columns[1]);
	entry->tid = *tid;
	return !isnull[0];
}

/*
 * Take up to "n" entries that have a time, from the current one to the end of its page;
 * returns how many.  The last one looked at becomes the current entry.
 */
static int
take_entries(IndexCursor *cursor, AttrNumber timestamp, ActionEntry *entries, int n)
{
	IndexScanDesc scan = cursor->scan;
	BTScanOpaque opaque = (BTScanOpaque) scan->opaque;
	BTScanPos	page = &opaque->currPos;
	int			first = page->itemIndex;
	int			count = 0;

	for (;; page->itemIndex--)
	{
		const BTScanPosItem *item = &page->items[page->itemIndex];
		IndexTuple	tuple = (IndexTuple) (opaque->currTuples + item->tupleOffset);
		ItemPointerData tid = item->heapTid;

		count += fill_entry(&entries[count], tuple, scan->xs_itupdesc, timestamp, &tid);
		if (count == n || page->itemIndex == page->firstItem)
			break;
	}
	pgstat_count_index_tuples(scan->indexRelation, first - page->itemIndex);
	return count;
}

/*
 * IndexCursorPrevEntries
 *		Move backwards, and fill in up to "n" entries of one page of the index, at least
 *		one; returns how many, zero if there are no more.  Entries without a time, which
 *		the table's owner can allow, are skipped.
 *
 * "timestamp" is the column of the time; the one after it is the id.  "ends_page" is
 * set if going on means to read another page.  There is no current entry afterwards.
 *
 * The access method reads whole pages.  The rest of a page is taken directly from its
 * buffer, as asking for entries one by one takes longer.  No row of them must have been looked at
 * by IndexCursorIsVisible() or IndexCursorMarkDead(), which may have the wrong entry marked dead.
 */
int
IndexCursorPrevEntries(IndexCursor *cursor, AttrNumber timestamp,
					   ActionEntry *entries, int n, bool *ends_page)
{
	IndexScanDesc scan = cursor->scan;
	BTScanOpaque opaque = (BTScanOpaque) scan->opaque;
	BTScanPos	page = &opaque->currPos;
	int			count;

	do
	{
		if (BTScanPosIsValid(*page) && page->itemIndex > page->firstItem)
		{
			page->itemIndex--;
			pgstat_count_index_tuples(scan->indexRelation, 1);
		}
		else if (!IndexCursorNext(cursor, BackwardScanDirection))
			return 0;
		count = take_entries(cursor, timestamp, entries, n);
	} while (count == 0);
	*ends_page = page->itemIndex == page->firstItem;
	return count;
}

/*
 * IndexCursorPrevEntry
 *		Move backwards to the next entry that has a time; false if there is none.
 *
 * Like IndexCursorPrevEntries(), but for a single entry, which becomes the current one.
 */
bool
IndexCursorPrevEntry(IndexCursor *cursor, AttrNumber timestamp, ActionEntry *entry)
{
	IndexScanDesc scan = cursor->scan;

	while (IndexCursorNext(cursor, BackwardScanDirection))
	{
		if (fill_entry(entry, scan->xs_itup, scan->xs_itupdesc, timestamp, &scan->xs_heaptid))
			return true;
	}
	return false;
}

/*
 * IndexCursorColumns
 *		All columns of the current entry; valid until the cursor moves.
 */
void
IndexCursorColumns(IndexCursor *cursor, Datum *values, bool *isnull)
{
	index_deform_tuple(cursor->scan->xs_itup, cursor->scan->xs_itupdesc, values, isnull);
}

/*
 * IndexCursorUnpin
 *		Release only the pin on the current page, so that VACUUM need not wait.  The
 *		cursor can go on.
 *
 * The access method has already read the entries of the page, and knows where the next
 * page is.  It does the same by itself in scans that fetch every row.
 */
void
IndexCursorUnpin(IndexCursor *cursor)
{
	BTScanPos	page = &((BTScanOpaque) cursor->scan->opaque)->currPos;

	BTScanPosUnpinIfPinned(*page);
}

/*
 * IndexCursorRest
 *		Release the pin on the current page and the access method's memory.  The cursor
 *		has to be positioned before it is used again.
 */
void
IndexCursorRest(IndexCursor *cursor)
{
	if (cursor->scan != NULL)
		index_endscan(cursor->scan);
	cursor->scan = NULL;
}

/*
 * IndexCursorClose
 *		Release what the cursor holds, except for the lock on the index.
 */
void
IndexCursorClose(IndexCursor *cursor)
{
	if (cursor->slot != NULL)
		ExecDropSingleTupleTableSlot(cursor->slot);
	if (BufferIsValid(cursor->vmbuffer))
		ReleaseBuffer(cursor->vmbuffer);
	IndexCursorRest(cursor);
	index_close(cursor->index, NoLock);
	pfree(cursor);
}
