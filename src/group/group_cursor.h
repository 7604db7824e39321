/*
 * group_cursor.h
 *		Positions in pages of groups.
 */
#ifndef ACTSTREAM_GROUP_CURSOR_H
#define ACTSTREAM_GROUP_CURSOR_H

#include "tables/action_place.h"

/* The groups that a cursor remembers; the older half of them goes when there are more. */
#define CURSOR_GROUPS	128
#define CURSOR_HALF		(CURSOR_GROUPS / 2)

/*
 * How far groups have been read: some of the groups of a span, and all of the spans above.
 */
typedef struct GroupCursor
{
	uint8		by;				/* of the groups, see GroupOptions */
	bool		has_dropped;	/* have groups of the span been forgotten? */
	int64		span;
	TimestampTz begin;			/* of the span */
	ActionPlace as_of;			/* newest action when the first page was read */
	ActionPlace dropped;		/* what is not above this place has not been forgotten */
	ActionPlace next_dropped;	/* the same once the older half is forgotten */
	ActionPlace lowest;			/* of all groups of the span that were read */
	int			ngroups;
	uint64		groups[CURSOR_GROUPS];	/* hashes of the groups read last */
} GroupCursor;

extern void GroupCursorBeginSpan(GroupCursor *cursor, TimestampTz begin);
extern void GroupCursorAdd(GroupCursor *cursor, uint64 group, const ActionPlace *place);
extern bool GroupCursorIsRead(const GroupCursor *cursor, uint64 group, const ActionPlace *place);
extern char *GroupCursorToText(const GroupCursor *cursor);
extern void GroupCursorFromText(GroupCursor *cursor, const char *text);
extern char *GroupCursorLastGroup(const char *text);

#endif							/* ACTSTREAM_GROUP_CURSOR_H */
