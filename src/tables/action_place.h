/*
 * action_place.h
 *		Places of actions in the order of streams.
 */
#ifndef ACTSTREAM_ACTION_PLACE_H
#define ACTSTREAM_ACTION_PLACE_H

#include "datatype/timestamp.h"
#include "storage/itemptr.h"

/*
 * Streams are ordered by timestamp and, among equal timestamps, by id, both descending.
 * A null id, which the table's owner can allow, comes before all others, as nulls do in
 * descending order; it shares the place of the largest id.
 */
typedef struct ActionPlace
{
	TimestampTz timestamp;
	int64		id;
} ActionPlace;

/*
 * An index entry of an action.  Versions of a row have the same place, and so have rows
 * with the same id, which the table's owner can allow.  Comparing the TID as well puts
 * all entries in order.
 */
typedef struct ActionEntry
{
	ActionPlace place;
	ItemPointerData tid;
} ActionEntry;

/* The newest and the oldest place with a timestamp. */
static inline ActionPlace
NewestPlaceOf(TimestampTz timestamp)
{
	return (ActionPlace) {timestamp, PG_INT64_MAX};
}

static inline ActionPlace
OldestPlaceOf(TimestampTz timestamp)
{
	return (ActionPlace) {timestamp, PG_INT64_MIN};
}

/* Less than zero if "a" is older than "b", greater than zero if it is newer. */
static inline int
ActionPlaceCompare(const ActionPlace *a, const ActionPlace *b)
{
	if (a->timestamp != b->timestamp)
		return a->timestamp < b->timestamp ? -1 : 1;
	return (a->id > b->id) - (a->id < b->id);
}

/* The same for entries. */
static inline int
ActionEntryCompare(const ActionEntry *a, const ActionEntry *b)
{
	int			order = ActionPlaceCompare(&a->place, &b->place);

	return order != 0 ? order :
		ItemPointerCompare((ItemPointer) &a->tid, (ItemPointer) &b->tid);
}

/* Move to the next older place; false if there is none. */
static inline bool
ActionPlaceGoDown(ActionPlace *place)
{
	if (place->id > PG_INT64_MIN)
		place->id--;
	else if (place->timestamp > DT_NOBEGIN)
		*place = NewestPlaceOf(place->timestamp - 1);
	else
		return false;
	return true;
}

/* Move to the next newer place; false if there is none. */
static inline bool
ActionPlaceGoUp(ActionPlace *place)
{
	if (place->id < PG_INT64_MAX)
		place->id++;
	else if (place->timestamp < DT_NOEND)
		*place = OldestPlaceOf(place->timestamp + 1);
	else
		return false;
	return true;
}

extern char *ActionPlaceToText(ActionPlace place);
extern ActionPlace ActionPlaceFromText(const char *cursor);

#endif							/* ACTSTREAM_ACTION_PLACE_H */
