/*
 * newest_action.h
 *		Finding the newest action of an object without its index.
 */
#ifndef ACTSTREAM_NEWEST_ACTION_H
#define ACTSTREAM_NEWEST_ACTION_H

#include "reader/row_fetch.h"
#include "recency/recency_map.h"
#include "tables/action_place.h"

extern bool NewestActionFind(const RecencyMap *map, RowFetch *fetch, const Ref *object,
							 ActionIndex role, TimestampTz bound, ActionEntry *newest,
							 TimestampTz *rest, bool *missing);

#endif							/* ACTSTREAM_NEWEST_ACTION_H */
