/*
 * label_entries.c
 *		Collecting all actions with an object of one type from the indexes.
 *
 * References with the same label are adjacent in an index by role, but not in the order
 * of time.  If few actions have the label, it is cheaper to collect and sort all of
 * them than to look for them on the time line.
 */
#include "postgres.h"

#include "base/compat.h"
#include "reader/collected_entries.h"
#include "reader/label_entries.h"
#include "ref/ref.h"
#include "tables/index_cursor.h"

#include "access/stratnum.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

struct LabelEntries
{
	Relation	action;
	const Oid  *indexes;
	Snapshot	snapshot;
	const char *label;
	int			label_len;
	ReadCounters *counters;
	MemoryContext context;		/* that all of this is in */
	ActionIndex role;			/* whose index is being read */
	IndexCursor *cursor;		/* over that index; NULL between indexes */
	CollectedEntries collected;
};

/*
 * LabelEntriesCreate
 *		Begin to collect the public actions with an object of a type in any role.
 *
 * The label is valid.  The label and "indexes", which are those of ActionIndexesFind(),
 * have to stay until LabelEntriesEnd().  The result is in the current memory context.
 */
LabelEntries *
LabelEntriesCreate(Relation action, const Oid *indexes, Snapshot snapshot,
				   const char *label, ReadCounters *counters)
{
	LabelEntries *labels = palloc0(sizeof(LabelEntries));

	labels->action = action;
	labels->indexes = indexes;
	labels->snapshot = snapshot;
	labels->label = label;
	labels->label_len = strlen(label);
	labels->counters = counters;
	labels->context = CurrentMemoryContext;
	return labels;
}

static void
close_cursor(LabelEntries *labels)
{
	if (labels->cursor != NULL)
		IndexCursorClose(labels->cursor);
	labels->cursor = NULL;
}

/*
 * Position the cursor before the first entry of the index that has the label.
 *
 * The index also has to know where the label ends, or else it could search the private
 * actions after that for a public one.
 */
static void
open_cursor(LabelEntries *labels)
{
	Ref		   *first = RefFromInteger(labels->label, labels->label_len, PG_INT64_MIN);
	Ref		   *after = RefAfterLabel(labels->label, labels->label_len);
	int			key = 0;

	labels->cursor = IndexCursorOpen(labels->action, labels->indexes[labels->role],
									 after != NULL ? 3 : 2, labels->snapshot);
	IndexCursorInitKey(labels->cursor, key, Anum_role_index_object, BTGreaterEqualStrategyNumber);
	IndexCursorSetKey(labels->cursor, key++, PointerGetDatum(first));
	if (after != NULL)
	{
		IndexCursorInitKey(labels->cursor, key, Anum_role_index_object, BTLessStrategyNumber);
		IndexCursorSetKey(labels->cursor, key++, PointerGetDatum(after));
	}
	IndexCursorInitKey(labels->cursor, key, Anum_role_index_public, BTEqualStrategyNumber);
	IndexCursorSetKey(labels->cursor, key, BoolGetDatum(true));
	IndexCursorSeek(labels->cursor);
	labels->counters->lists_opened++;
	labels->counters->searches++;
}

/*
 * Does the object of the current entry have the label?  Long keys are compressed in an
 * index, and there are too many entries to leave behind a copy of each.
 */
static bool
has_label(LabelEntries *labels)
{
	bool		isnull;
	Datum		stored = IndexCursorColumn(labels->cursor, Anum_role_index_object, &isnull);
	Ref		   *object = DatumGetRefPP(stored);
	bool		result = RefHasLabel(object, labels->label, labels->label_len);

	if ((Pointer) object != DatumGetPointer(stored))
		pfree(object);
	return result;
}

/*
 * Take one entry, unless it has no time, which the table's owner can allow; false if
 * the index has no more entries with the label.
 */
static bool
take_entry(LabelEntries *labels)
{
	ActionEntry entry;
	Datum		timestamp;
	Datum		id;
	bool		isnull;

	if (!IndexCursorNext(labels->cursor, ForwardScanDirection))
		return false;
	labels->counters->entries_read++;
	if (!has_label(labels))
		return false;
	timestamp = IndexCursorColumn(labels->cursor, Anum_role_index_timestamp, &isnull);
	if (isnull)
		return true;
	id = IndexCursorColumn(labels->cursor, Anum_role_index_id, &isnull);
	entry.place.timestamp = DatumGetTimestampTz(timestamp);
	entry.place.id = isnull ? PG_INT64_MAX : DatumGetInt64(id);
	entry.tid = *IndexCursorTid(labels->cursor);
	CollectedEntriesAdd(&labels->collected, &entry);
	return true;
}

/*
 * LabelEntriesCollect
 *		Collect up to "limit" more entries; true when all have been collected.
 */
bool
LabelEntriesCollect(LabelEntries *labels, int64 limit)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(labels->context);

	while (labels->role < NUM_ACTION_ROLES)
	{
		if (labels->cursor == NULL)
			open_cursor(labels);
		while (limit > 0 && take_entry(labels))
		{
			limit--;
			CHECK_FOR_INTERRUPTS();
		}
		if (limit <= 0)
		{
			IndexCursorUnpin(labels->cursor);
			break;
		}
		close_cursor(labels);
		labels->role++;
	}
	MemoryContextSwitchTo(oldcontext);
	return labels->role == NUM_ACTION_ROLES;
}

/*
 * LabelEntriesSort
 *		The entries collected from "newest" to "oldest", both included, the newest
 *		first.
 */
ActionEntry *
LabelEntriesSort(LabelEntries *labels, ActionPlace newest, ActionPlace oldest, int *n)
{
	return CollectedEntriesSort(&labels->collected, newest, oldest, n);
}

/*
 * LabelEntriesEnd
 *		Release what the collection holds, except for memory.
 */
void
LabelEntriesEnd(LabelEntries *labels)
{
	close_cursor(labels);
}
