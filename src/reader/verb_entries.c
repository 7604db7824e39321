/*
 * verb_entries.c
 *		Collecting all actions with some verbs from an index.
 *
 * If few actions have the verbs that a query or a stream is restricted to, it is cheaper to
 * collect and sort all of them than to look for them in the stream.  The index is one that
 * somebody has made for that; it may lack the id, which then is in the row.
 */
#include "postgres.h"

#include "base/compat.h"
#include "reader/collected_entries.h"
#include "reader/verb_entries.h"
#include "tables/index_cursor.h"
#include "tables/own_tables.h"
#include "tables/table_index.h"

#include "access/stratnum.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

struct VerbEntries
{
	RowFetch   *fetch;
	const VerbList *verbs;
	ActionPlace oldest;
	ReadCounters *counters;
	MemoryContext context;		/* that all of this is in */
	IndexCursor *cursor;
	AttrNumber	id;				/* column of the index; or InvalidAttrNumber */
	bool		sought;			/* is the cursor at the current verb? */
	int			verb;			/* the one whose entries are being read */
	CollectedEntries collected;
};

/*
 * VerbEntriesCreate
 *		Begin to collect the actions from "newest" to "oldest" that have one of the verbs.
 *		They may be private ones.
 *
 * "index" is that of VerbIndexFind().  The verbs have to stay until VerbEntriesEnd().  The
 * result is in the current memory context.
 */
VerbEntries *
VerbEntriesCreate(Relation action, Oid index, Snapshot snapshot, RowFetch *fetch,
				  const VerbList *verbs, ActionPlace newest, ActionPlace oldest,
				  ReadCounters *counters)
{
	VerbEntries *result = palloc0(sizeof(VerbEntries));
	bool		has_newest = newest.timestamp < DT_NOEND;
	bool		has_oldest = oldest.timestamp > DT_NOBEGIN;
	int			nkeys = 1;

	result->fetch = fetch;
	result->verbs = verbs;
	result->oldest = oldest;
	result->counters = counters;
	result->context = CurrentMemoryContext;
	result->cursor = IndexCursorOpen(action, index, 1 + has_newest + has_oldest, snapshot);
	result->id = IndexCursorFindColumn(result->cursor, Anum_action_id);
	IndexCursorInitKey(result->cursor, 0, Anum_verb_index_verb, BTEqualStrategyNumber);
	if (has_newest)
	{
		IndexCursorInitKey(result->cursor, nkeys, Anum_verb_index_timestamp,
						   BTLessEqualStrategyNumber);
		IndexCursorSetKey(result->cursor, nkeys++, TimestampTzGetDatum(newest.timestamp));
	}
	if (has_oldest)
	{
		IndexCursorInitKey(result->cursor, nkeys, Anum_verb_index_timestamp,
						   BTGreaterEqualStrategyNumber);
		IndexCursorSetKey(result->cursor, nkeys++, TimestampTzGetDatum(oldest.timestamp));
	}
	return result;
}

/* Position the cursor before the first entry of the current verb. */
static void
seek_verb(VerbEntries *verbs)
{
	IndexCursorSetKey(verbs->cursor, 0, PointerGetDatum(verbs->verbs->verbs[verbs->verb]));
	IndexCursorSeek(verbs->cursor);
	verbs->sought = true;
	verbs->counters->lists_opened++;
	verbs->counters->searches++;
}

/* Take one entry; false if the current verb has no more. */
static bool
take_entry(VerbEntries *verbs)
{
	ActionEntry entry;
	Datum		timestamp;
	Datum		id;
	bool		isnull;

	if (!IndexCursorNext(verbs->cursor, ForwardScanDirection))
		return false;
	verbs->counters->entries_read++;
	timestamp = IndexCursorColumn(verbs->cursor, Anum_verb_index_timestamp, &isnull);
	if (isnull)
		return true;			/* in no stream; the table's owner can allow it */
	entry.place = NewestPlaceOf(DatumGetTimestampTz(timestamp));
	entry.tid = *IndexCursorTid(verbs->cursor);
	if (AttributeNumberIsValid(verbs->id))
	{
		id = IndexCursorColumn(verbs->cursor, verbs->id, &isnull);
		if (!isnull)
			entry.place.id = DatumGetInt64(id);
	}
	CollectedEntriesAdd(&verbs->collected, &entry);
	return true;
}

/*
 * VerbEntriesCollect
 *		Collect up to "limit" more entries; true when all have been collected.
 */
bool
VerbEntriesCollect(VerbEntries *verbs, int64 limit)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(verbs->context);

	while (verbs->verb < verbs->verbs->n)
	{
		if (!verbs->sought)
			seek_verb(verbs);
		while (limit > 0 && take_entry(verbs))
		{
			limit--;
			CHECK_FOR_INTERRUPTS();
		}
		if (limit <= 0)
		{
			IndexCursorUnpin(verbs->cursor);
			break;
		}
		verbs->sought = false;
		verbs->verb++;
	}
	MemoryContextSwitchTo(oldcontext);
	return verbs->verb == verbs->verbs->n;
}

/*
 * VerbEntriesAreMany
 *		Have more been collected than fit into work_mem?
 */
bool
VerbEntriesAreMany(const VerbEntries *verbs)
{
	return verbs->collected.capacity * sizeof(ActionEntry) > (Size) work_mem * 1024;
}

/* Fill in ids that the index does not have, and drop the entries that lead to no row. */
static void
fetch_ids(VerbEntries *verbs)
{
	CollectedEntries *collected = &verbs->collected;
	Size		kept = 0;

	for (Size i = 0; i < collected->n; i++)
	{
		ActionEntry entry = collected->entries[i];
		ItemPointerData tid = entry.tid;
		TupleTableSlot *row;
		bool		dead;
		bool		isnull;
		Datum		id;

		CHECK_FOR_INTERRUPTS();
		row = RowFetchVisible(verbs->fetch, &tid, &dead);
		if (row == NULL)
			continue;
		id = slot_getattr(row, Anum_action_id, &isnull);
		if (!isnull)
			entry.place.id = DatumGetInt64(id);
		collected->entries[kept++] = entry;
	}
	collected->n = kept;
}

/*
 * VerbEntriesSort
 *		The entries collected from "newest" on, the newest first.
 */
ActionEntry *
VerbEntriesSort(VerbEntries *verbs, ActionPlace newest, int *n)
{
	if (!AttributeNumberIsValid(verbs->id))
		fetch_ids(verbs);
	return CollectedEntriesSort(&verbs->collected, newest, verbs->oldest, n);
}

/*
 * VerbEntriesEnd
 *		Release what the collection holds, except for memory.
 */
void
VerbEntriesEnd(VerbEntries *verbs)
{
	IndexCursorClose(verbs->cursor);
}
