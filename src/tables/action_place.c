/*
 * action_place.c
 *		Places in the order of streams, as text.
 *
 * Clients keep them as cursors: the timestamp and the id of an action, each as 16
 * hexadecimal digits of a 64-bit number.  They have no reason to look into them: some of
 * their types for timestamps are less exact than PostgreSQL's.
 */
#include "postgres.h"

#include "base/compat.h"
#include "tables/action_place.h"

#include "utils/timestamp.h"

/* hexadecimal digits of a number, and of a cursor */
#define NUMBER_DIGITS	16
#define CURSOR_DIGITS	(2 * NUMBER_DIGITS)

/*
 * ActionPlaceToText
 *		The cursor of a place, in the current memory context.
 */
char *
ActionPlaceToText(ActionPlace place)
{
	return psprintf("%016llx%016llx", (unsigned long long) place.timestamp,
					(unsigned long long) place.id);
}

/* The value of a hexadecimal digit, or -1. */
static int
digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/*
 * ActionPlaceFromText
 *		The place of a cursor.
 *
 * Raises ERRCODE_INVALID_PARAMETER_VALUE if it is no cursor.
 */
ActionPlace
ActionPlaceFromText(const char *cursor)
{
	uint64		numbers[2] = {0, 0};
	bool		valid = strlen(cursor) == CURSOR_DIGITS;
	ActionPlace place;

	for (int i = 0; i < CURSOR_DIGITS && valid; i++)
	{
		int			value = digit_value(cursor[i]);

		valid = value >= 0;
		numbers[i / NUMBER_DIGITS] = numbers[i / NUMBER_DIGITS] << 4 | (value & 0xF);
	}
	place.timestamp = (TimestampTz) numbers[0];
	place.id = (int64) numbers[1];
	if (!valid || !(TIMESTAMP_NOT_FINITE(place.timestamp) || IS_VALID_TIMESTAMP(place.timestamp)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid cursor: \"%s\"", cursor),
				 errhint("Pass what actstream.stream_cursor() returns for the last, or first, action of a page, or null.")));
	return place;
}
