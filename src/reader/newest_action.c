/*
 * newest_action.c
 *		Finding the newest action of an object without its index.
 *
 * The recency map has the location at which the action was inserted.  What is there now
 * may be another row, or one that the snapshot does not see, so it is checked.
 */
#include "postgres.h"

#include "base/compat.h"
#include "reader/action_screen.h"
#include "reader/newest_action.h"
#include "ref/ref_ops.h"
#include "tables/own_tables.h"

#include "utils/timestamp.h"

/* An object, a role, and the time of an action in which it plays that role. */
typedef struct Appearance
{
	const Ref  *object;
	ActionIndex role;
	TimestampTz timestamp;
} Appearance;

/* Filter: does the object play the role in the action?  Also stores the action's time. */
static bool
appears(void *arg, const ActionRefs *action)
{
	Appearance *appearance = arg;
	const Ref  *object = action->objects[appearance->role];

	appearance->timestamp = action->timestamp;
	return object != NULL && RefCompare(object, appearance->object) == 0;
}

/* Is the action in the lists of its objects, that is public and with a timestamp? */
static bool
is_in_lists(TupleTableSlot *row)
{
	bool		no_timestamp;
	bool		isnull;

	(void) slot_getattr(row, Anum_action_timestamp, &no_timestamp);
	return !no_timestamp && DatumGetBool(slot_getattr(row, Anum_action_public, &isnull));
}

/*
 * NewestActionFind
 *		The newest public action of an object in a role that the fetch's snapshot sees,
 *		and in "rest" a time that all others are older than; false if the index has to
 *		be read for that.
 *
 * "bound" is the bound that the map had for that snapshot.  "missing" is set if the
 * action that the map knows of is not there, or the snapshot does not see it.  May
 * leave garbage in the current memory context.
 */
bool
NewestActionFind(const RecencyMap *map, RowFetch *fetch, const Ref *object,
				 ActionIndex role, TimestampTz bound, ActionEntry *newest, TimestampTz *rest,
				 bool *missing)
{
	Appearance	appearance = {.object = object, .role = role, .timestamp = 0};
	TupleTableSlot *row;
	Datum		id;
	bool		isnull;

	*missing = false;
	if (!RecencyFindNewest(map, RecencyHash(object), role, bound, &newest->tid, rest))
		return false;
	*missing = true;
	row = RowFetchLook(fetch, &newest->tid);
	if (row == NULL || !is_in_lists(row) || !ActionRowPasses(row, appears, &appearance) ||
		RecencyTime(appearance.timestamp) != RecencyTime(bound - 1))
		return false;
	id = slot_getattr(row, Anum_action_id, &isnull);
	newest->place.timestamp = appearance.timestamp;
	*missing = false;
	newest->place.id = isnull ? PG_INT64_MAX : DatumGetInt64(id);
	return true;
}
