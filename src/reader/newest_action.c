/*
 * newest_action.c
 *		The newest action of an object, found without its index.
 *
 * The recency map says where it was when it came into the table.  What is there
 * now may be something else, or for others to see, so it is looked at.
 */
#include "postgres.h"

#include "base/compat.h"
#include "reader/action_screen.h"
#include "reader/newest_action.h"
#include "ref/ref_ops.h"
#include "tables/own_tables.h"

#include "utils/timestamp.h"

/* An object, a role, and when it was seen in that. */
typedef struct Appearance
{
	const Ref  *object;
	ActionIndex role;
	TimestampTz timestamp;
} Appearance;

/* Filter: an action in which the object plays the role. */
static bool
appears(void *arg, const ActionRefs *action)
{
	Appearance *appearance = arg;
	const Ref  *object = action->objects[appearance->role];

	appearance->timestamp = action->timestamp;
	return object != NULL && RefCompare(object, appearance->object) == 0;
}

/* Is it one that everybody may find in the stream of its object? */
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
 *		The newest public action of an object in a role that the fetch's snapshot
 *		sees, and in "rest" what its others are older than; false if that would
 *		take a look into the index.
 *
 * "bound" is what the map had as its bound for that snapshot.  "missing" tells that it
 * knows of an action which is not there, or is to be seen by others.  May leave garbage
 * in the current memory context.
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
