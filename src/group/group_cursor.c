/*
 * group_cursor.c
 *		Positions in pages of groups.
 *
 * Groups are ordered by their newest action, which changes while a client reads page after
 * page: an action that arrives, perhaps with an old timestamp, moves its group up, and a
 * delete moves a group down.  But no group ever leaves its span, and the spans are read one
 * after the other.  So a cursor needs to remember what was read of the last span alone:
 *
 *	- The hashes of the groups that were read, up to CURSOR_GROUPS of them.  The groups of
 *	  the span that are not among them are still to be read, wherever they are by now.
 *	- If there were more, the hashes of those read last, at least CURSOR_HALF, and a place in the
 *	  middle of the first CURSOR_HALF of these.  Of the groups that are not remembered, those
 *	  above that place count as read.  One that has been forgotten is repeated only if it has
 *	  moved down past half of CURSOR_HALF groups, and one that has not been read is lost only
 *	  if it has moved up past as many.
 *	- The newest action there was when the first page was read.  Actions above it count in
 *	  their groups, but do not change the order of the groups, so whatever happens next does
 *	  not move any group.
 *
 * As text, a cursor is what is below in base64url, which needs no escaping in an address,
 * numbers with the highest byte first.
 */
#include "postgres.h"

#include "base/compat.h"
#include "group/group_cursor.h"
#include "group/group_options.h"

#include "port/pg_bswap.h"
#include "utils/timestamp.h"

#define CURSOR_FORMAT	1

/* bytes: format, by, has_dropped, ngroups; span, begin, four places */
#define HEADER_BYTES	(4 + 2 * sizeof(int64) + 4 * 2 * sizeof(int64))
#define MAX_BYTES		(HEADER_BYTES + CURSOR_GROUPS * sizeof(uint64))

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/*
 * GroupCursorBeginSpan
 *		The next groups are of another span, which begins then.
 */
void
GroupCursorBeginSpan(GroupCursor *cursor, TimestampTz begin)
{
	cursor->begin = begin;
	cursor->has_dropped = false;
	cursor->ngroups = 0;
	cursor->dropped = cursor->next_dropped = cursor->lowest = NewestPlaceOf(DT_NOEND);
}

/*
 * GroupCursorAdd
 *		A group of the span has been read.  "place" is that of its newest action that is not
 *		above "as_of", NULL if there is none.
 */
void
GroupCursorAdd(GroupCursor *cursor, uint64 group, const ActionPlace *place)
{
	if (cursor->ngroups == CURSOR_GROUPS)
	{
		memmove(cursor->groups, cursor->groups + CURSOR_HALF, CURSOR_HALF * sizeof(uint64));
		cursor->ngroups = CURSOR_HALF;
		cursor->has_dropped = true;
		cursor->dropped = cursor->next_dropped;
	}
	else if (cursor->ngroups == CURSOR_HALF + CURSOR_HALF / 2)
		cursor->next_dropped = cursor->lowest;
	cursor->groups[cursor->ngroups++] = group;
	if (place != NULL && ActionPlaceCompare(place, &cursor->lowest) < 0)
		cursor->lowest = *place;
}

/*
 * GroupCursorIsRead
 *		Does that group of the span count as read?
 */
bool
GroupCursorIsRead(const GroupCursor *cursor, uint64 group, const ActionPlace *place)
{
	for (int i = 0; i < cursor->ngroups; i++)
	{
		if (cursor->groups[i] == group)
			return true;
	}
	/* what is new since the first page can be left out then, or pages might never end */
	return cursor->has_dropped &&
		(place == NULL || ActionPlaceCompare(place, &cursor->dropped) >= 0);
}

static uint8 *
put_number(uint8 *p, int64 number)
{
	uint64		bytes = pg_hton64((uint64) number);

	memcpy(p, &bytes, sizeof(bytes));
	return p + sizeof(bytes);
}

static uint8 *
put_place(uint8 *p, ActionPlace place)
{
	return put_number(put_number(p, place.timestamp), place.id);
}

static const uint8 *
get_number(const uint8 *p, int64 *number)
{
	uint64		bytes;

	memcpy(&bytes, p, sizeof(bytes));
	*number = (int64) pg_ntoh64(bytes);
	return p + sizeof(bytes);
}

static const uint8 *
get_place(const uint8 *p, ActionPlace *place)
{
	return get_number(get_number(p, &place->timestamp), &place->id);
}

/*
 * GroupCursorToText
 *		The cursor as text, in the current memory context.
 */
char *
GroupCursorToText(const GroupCursor *cursor)
{
	const uint8 first[4] = {CURSOR_FORMAT, cursor->by, cursor->has_dropped, cursor->ngroups};
	uint8		bytes[MAX_BYTES + 2];
	uint8	   *end = bytes + sizeof(first);
	char	   *result;
	char	   *p;

	memcpy(bytes, first, sizeof(first));
	end = put_number(put_number(end, cursor->span), cursor->begin);
	end = put_place(put_place(end, cursor->as_of), cursor->dropped);
	end = put_place(put_place(end, cursor->next_dropped), cursor->lowest);
	for (int i = 0; i < cursor->ngroups; i++)
		end = put_number(end, (int64) cursor->groups[i]);
	end[0] = end[1] = 0;

	p = result = palloc((end - bytes + 2) / 3 * 4 + 1);
	for (uint8 *b = bytes; b < end; b += 3)
	{
		uint32		three = b[0] << 16 | b[1] << 8 | b[2];

		for (int shift = 18; shift >= 0; shift -= 6)
			*p++ = digits[three >> shift & 0x3F];
	}
	/* digits of which no bit is needed */
	p -= (3 - (end - bytes) % 3) % 3;
	*p = '\0';
	return result;
}

/* The bytes of a text; their number, or -1 if the text is no such text. */
static int
decode(const char *text, uint8 *bytes)
{
	int			n = 0;
	uint32		bits = 0;
	int			nbits = 0;

	for (const char *p = text; *p != '\0'; p++)
	{
		const char *digit = strchr(digits, *p);

		if (digit == NULL || n == MAX_BYTES)
			return -1;
		bits = (bits << 6 | (digit - digits)) & 0xFFFF;
		nbits += 6;
		if (nbits >= 8)
		{
			nbits -= 8;
			bytes[n++] = bits >> nbits & 0xFF;
		}
	}
	return nbits < 6 && (bits & ((1 << nbits) - 1)) == 0 ? n : -1;
}

static bool
is_time(TimestampTz timestamp)
{
	return TIMESTAMP_NOT_FINITE(timestamp) || IS_VALID_TIMESTAMP(timestamp);
}

/*
 * GroupCursorFromText
 *		The cursor that the text is.
 *
 * Raises ERRCODE_INVALID_PARAMETER_VALUE if it is none.
 */
void
GroupCursorFromText(GroupCursor *cursor, const char *text)
{
	uint8		bytes[MAX_BYTES];
	const uint8 *p = bytes;
	int			n = decode(text, bytes);
	bool		valid;

	valid = n >= (int) HEADER_BYTES && p[0] == CURSOR_FORMAT && p[2] <= 1 && p[3] <= CURSOR_GROUPS &&
		n == (int) (HEADER_BYTES + p[3] * sizeof(uint64));
	if (valid)
	{
		cursor->by = p[1];
		cursor->has_dropped = p[2] != 0;
		cursor->ngroups = p[3];
		p = get_number(get_number(p + 4, &cursor->span), &cursor->begin);
		p = get_place(get_place(p, &cursor->as_of), &cursor->dropped);
		p = get_place(get_place(p, &cursor->next_dropped), &cursor->lowest);
		for (int i = 0; i < cursor->ngroups; i++)
			p = get_number(p, (int64 *) &cursor->groups[i]);
		valid = cursor->by > 0 && cursor->by < GROUP_COLUMN_BIT(NUM_GROUP_COLUMNS) && cursor->span > 0 &&
			is_time(cursor->begin) && cursor->begin == GroupSpanBegin(cursor->span, cursor->begin) &&
			is_time(cursor->as_of.timestamp) && is_time(cursor->dropped.timestamp) &&
			is_time(cursor->next_dropped.timestamp) && is_time(cursor->lowest.timestamp);
	}
	if (!valid)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid cursor: \"%s\"", text),
				 errhint("Pass the column \"cursor\" of the last group of a page, or null.")));
}

/*
 * GroupCursorLastGroup
 *		A name for the group whose cursor this is, which is the same for every reader, at any
 *		time.
 */
char *
GroupCursorLastGroup(const char *text)
{
	GroupCursor cursor;

	GroupCursorFromText(&cursor, text);
	return psprintf("%x-%llx-%016llx-%016llx", cursor.by, (unsigned long long) cursor.span,
					(unsigned long long) cursor.begin,
					(unsigned long long) (cursor.ngroups == 0 ? 0 : cursor.groups[cursor.ngroups - 1]));
}
