/*
 * closed_lists.h
 *		The lists of a merge that have not been opened.
 */
#ifndef ACTSTREAM_CLOSED_LISTS_H
#define ACTSTREAM_CLOSED_LISTS_H

#include "ref/ref.h"
#include "tables/table_index.h"

#include "datatype/timestamp.h"

/* A closed list.  Most lists are never opened, so it is small. */
typedef struct ClosedList
{
	TimestampTz head;			/* no entry is newer than this */
	TimestampTz oldest;			/* older entries do not belong to the list */
	Ref		   *object;
	ActionIndex index;
	int			number:31;		/* in the order in which lists were added */
	bool		bounded:1;		/* is head from the recency map? */
} ClosedList;

/* Up to "capacity" closed lists, those with the newest heads. */
typedef struct ClosedLists
{
	ClosedList *lists;			/* in order only after ClosedListsSort() */
	int			n;
	int			next;			/* first list that has not been taken */
	int			nadded;
	int			capacity;
	bool		left_out;		/* have lists been left out? */
	TimestampTz cutoff;			/* no list that was left out has a newer head */
} ClosedLists;

/* The list with the newest head, once they are sorted; NULL if there is none. */
static inline ClosedList *
ClosedListsFirst(const ClosedLists *closed)
{
	return closed->next == closed->n ? NULL : &closed->lists[closed->next];
}

/* Remove that list; its memory stays valid. */
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
