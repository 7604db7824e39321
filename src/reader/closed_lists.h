/*
 * closed_lists.h
 *		Lists of a merge that have not been opened.
 */
#ifndef ACTSTREAM_CLOSED_LISTS_H
#define ACTSTREAM_CLOSED_LISTS_H

#include "ref/ref.h"
#include "tables/table_index.h"

#include "datatype/timestamp.h"

/* One of them: most are never opened, so it is small. */
typedef struct ClosedList
{
	TimestampTz head;			/* no entry is newer than this */
	TimestampTz oldest;			/* entries before this are not of the list */
	Ref		   *object;
	ActionIndex index;
	int			number:31;		/* among those that were added */
	bool		bounded:1;		/* is head a bound of what the index has? */
} ClosedList;

/* No more than "capacity", those with the newest heads. */
typedef struct ClosedLists
{
	ClosedList *lists;			/* in order only when sorted */
	int			n;
	int			next;			/* the first that has not been taken */
	int			nadded;
	int			capacity;
	bool		left_out;		/* were there more? */
	TimestampTz cutoff;			/* none of these is newer */
} ClosedLists;

/* The list with the newest head, when they are sorted; or NULL. */
static inline ClosedList *
ClosedListsFirst(const ClosedLists *closed)
{
	return closed->next == closed->n ? NULL : &closed->lists[closed->next];
}

/* Take it away; it stays where it is. */
static inline void
ClosedListsRemoveFirst(ClosedLists *closed)
{
	closed->next++;
}

extern void ClosedListsInit(ClosedLists *closed, int capacity);
extern void ClosedListsAdd(ClosedLists *closed, ClosedList list);
extern void ClosedListsLeaveOut(ClosedLists *closed, TimestampTz cutoff);
extern void ClosedListsSort(ClosedLists *closed);
extern TimestampTz ClosedListsBound(const ClosedLists *closed, int n);

#endif							/* ACTSTREAM_CLOSED_LISTS_H */
