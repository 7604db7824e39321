/*
 * action_screen.c
 *		Filtering actions by what they refer to, on the pages of their table.
 *
 * If few of many actions are wanted, nearly all the work is to find out which are not.
 * That takes neither a snapshot nor a copy of the row: the visibility of an action need
 * not be known to reject it.  So rows are looked at in place, those of a page
 * under one lock, and those that may be wanted are fetched afterwards in the usual way.
 */
#include "postgres.h"

#include "base/compat.h"
#include "reader/action_screen.h"
#include "tables/own_tables.h"

#include "access/htup_details.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

/* offset of the column "actor" in a row, as no column before it may be null */
#define ACTOR_OFFSET	(sizeof(int64) + sizeof(TimestampTz) + sizeof(bool))

/* bits in the null bitmap for the columns up to "verb", none of which may be null */
#define NOT_NULL_BITS	((1 << Anum_action_verb) - 1)

#ifdef USE_ASSERT_CHECKING
/* Do the columns up to the last reference have the layout that is assumed here? */
static bool
columns_are_known(TupleDesc tupdesc)
{
	static const int16 lengths[Anum_action_target] = {
		sizeof(int64), sizeof(TimestampTz), sizeof(bool), -1, -1, -1, -1
	};

	for (int i = 0; i < Anum_action_target; i++)
	{
		Form_pg_attribute column = TupleDescAttr(tupdesc, i);

		if (column->attlen != lengths[i] || column->attisdropped ||
			(lengths[i] == -1 && column->attalign != TYPALIGN_INT))
			return false;
	}
	return true;
}
#endif

/* The value at the offset, or after the padding there.  Moves the offset past it. */
static inline const Ref *
take_value(const char *data, uint32 *offset)
{
	const Ref  *value;

	if (!VARATT_NOT_PAD_BYTE(data + *offset))
		*offset = INTALIGN(*offset);
	value = (const Ref *) (data + *offset);
	*offset += VARSIZE_ANY(value);
	return value;
}

/* Is the value neither compressed nor stored elsewhere? */
static inline bool
is_plain(const void *value)
{
	return !VARATT_IS_COMPRESSED(value) && !VARATT_IS_EXTERNAL(value);
}

/*
 * row_refs
 *		Fill in what a row refers to; false if not all of it can be read in place.
 */
static inline bool
row_refs(const HeapTupleHeader row, ActionRefs *action)
{
	const char *data = (const char *) row + row->t_hoff;
	uint32		offset = ACTOR_OFFSET;
	bool		has_nulls = (row->t_infomask & HEAP_HASNULL) != 0;
	const Ref **objects = action->objects;

	/* a row that is older than a column has its value in the catalog */
	if (HeapTupleHeaderGetNatts(row) < Anum_action_target)
		return false;
	/* the table's owner may have dropped a constraint */
	if (has_nulls && (row->t_bits[0] & NOT_NULL_BITS) != NOT_NULL_BITS)
		return false;
	objects[ACTION_BY_ACTOR] = take_value(data, &offset);
	action->verb = (const text *) take_value(data, &offset);
	objects[ACTION_BY_ACTION_OBJECT] =
		has_nulls && att_isnull(Anum_action_action_object - 1, row->t_bits) ? NULL :
		take_value(data, &offset);
	objects[ACTION_BY_TARGET] =
		has_nulls && att_isnull(Anum_action_target - 1, row->t_bits) ? NULL :
		take_value(data, &offset);
	for (ActionIndex role = 0; role < NUM_ACTION_ROLES; role++)
	{
		if (objects[role] != NULL && !is_plain(objects[role]))
			return false;
	}
	return is_plain(action->verb);
}

/*
 * may_pass
 *		Can an index entry for this location on a page lead to a row that passes the
 *		filter?
 *
 * The page is locked.  It can if there is no row at the location itself, or one with
 * later versions to which the entry leads as well: these may refer to other objects, if
 * the columns were not indexed when the versions were made.
 */
static inline bool
may_pass(Page page, const ActionEntry *entry, ActionFilter filter, void *arg)
{
	OffsetNumber offset = ItemPointerGetOffsetNumber(&entry->tid);
	ActionRefs	action;
	ItemId		item;
	HeapTupleHeader row;

	if (offset > PageGetMaxOffsetNumber(page))
		return true;
	item = PageGetItemId(page, offset);
	if (!ItemIdIsNormal(item))
		return true;
	row = (HeapTupleHeader) PageGetItem(page, item);
	if (HeapTupleHeaderIsHotUpdated(row) || !row_refs(row, &action))
		return true;
	action.timestamp = entry->place.timestamp;
	return filter(arg, &action);
}

/*
 * ActionScreen
 *		Keep only the entries whose rows may pass the filter; returns how many.
 *
 * Locks one page of the table at a time.  What is read from a row here is passed only
 * to functions of the extension, which lets none of these columns change.
 */
int
ActionScreen(Relation action, ActionEntry *entries, int n, ActionFilter filter, void *arg)
{
	Buffer		buffer = InvalidBuffer;
	BlockNumber locked = InvalidBlockNumber;
	int			kept = 0;

	Assert(columns_are_known(RelationGetDescr(action)));
	for (int i = 0; i < n; i++)
	{
		BlockNumber block = ItemPointerGetBlockNumber(&entries[i].tid);

		if (block != locked)
		{
			if (BufferIsValid(buffer))
				UnlockReleaseBuffer(buffer);
			CHECK_FOR_INTERRUPTS();
			buffer = ReadBuffer(action, block);
			LockBuffer(buffer, BUFFER_LOCK_SHARE);
			locked = block;
		}
		if (may_pass(BufferGetPage(buffer), &entries[i], filter, arg))
			entries[kept++] = entries[i];
	}
	if (BufferIsValid(buffer))
		UnlockReleaseBuffer(buffer);
	return kept;
}

/*
 * ActionHasLabel
 *		Does an object with the label play any role in the action?
 */
bool
ActionHasLabel(const ActionRefs *action, const char *label, int label_len)
{
	for (ActionIndex role = 0; role < NUM_ACTION_ROLES; role++)
	{
		if (action->objects[role] != NULL && RefHasLabel(action->objects[role], label, label_len))
			return true;
	}
	return false;
}

/*
 * ActionRowPasses
 *		Does a row of the table pass the filter?
 *
 * May leave garbage in the current memory context.
 */
bool
ActionRowPasses(TupleTableSlot *row, ActionFilter filter, void *arg)
{
	ActionRefs	action;
	Datum		verb;
	bool		isnull;

	for (ActionIndex role = 0; role < NUM_ACTION_ROLES; role++)
	{
		Datum		object = slot_getattr(row, ActionRoleColumns[role], &isnull);

		action.objects[role] = isnull ? NULL : DatumGetRefPP(object);
	}
	verb = slot_getattr(row, Anum_action_verb, &isnull);
	action.verb = isnull ? NULL : DatumGetTextPP(verb);
	action.timestamp = DatumGetTimestampTz(slot_getattr(row, Anum_action_timestamp, &isnull));
	return filter(arg, &action);
}
