/*
 * action_place.h
 *		Places in the order of streams.
 */
#ifndef ACTSTREAM_ACTION_PLACE_H
#define ACTSTREAM_ACTION_PLACE_H

#include "datatype/timestamp.h"
#include "storage/itemptr.h"

/*
 * Streams are in descending order of timestamp and, among equal timestamps, of id.
 * A null id, which the table's owner can allow, comes before all others, as nulls
 * do in descending order; it shares the place of the largest id.
 */
typedef struct ActionPlace
{
	TimestampTz timestamp;
	int64		id;
} ActionPlace;

/*
 * An action as an index has it.  Versions of a row have the same place, and so
 * have rows of the same id, which the table's owner can allow: by the location of
 * the row, all entries have an order.
 */
typedef struct ActionEntry
{
	ActionPlace place;
	ItemPointerData tid;
} ActionEntry;

/* The newest place of a time, and the oldest one. */
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

/* Less than zero if "a" is older than "b", more if it is newer. */
static inline int
ActionPlaceCompare(const ActionPlace *a, const ActionPlace *b)
{
	if (a->timestamp != b->timestamp)
		return a->timestamp < b->timestamp ? -1 : 1;
	return (a->id > b->id) - (a->id < b->id);
}

/* The same of entries. */
static inline int
ActionEntryCompare(const ActionEntry *a, const ActionEntry *b)
{
	int			order = ActionPlaceCompare(&a->place, &b->place);

	return order != 0 ? order :
		ItemPointerCompare((ItemPointer) &a->tid, (ItemPointer) &b->tid);
}

/* Go to the next older place; false if there is none. */
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

/* Go to the next newer place; false if there is none. */
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

#endif							/* ACTSTREAM_ACTION_PLACE_H */
