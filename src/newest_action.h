/*
 * newest_action.h
 *		The newest action of an object, found without its index.
 */
#ifndef ACTSTREAM_NEWEST_ACTION_H
#define ACTSTREAM_NEWEST_ACTION_H

#include "action_group.h"
#include "index_cursor.h"
#include "recency.h"

extern bool NewestActionFind(const RecencyMap *map, ActionGroup *group, const Ref *object,
							 ActionIndex role, TimestampTz bound, ActionEntry *newest,
							 TimestampTz *rest);

#endif							/* ACTSTREAM_NEWEST_ACTION_H */
