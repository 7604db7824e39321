/*
 * closed_lists.c
 *		The lists of a merge that have not been opened.
 *
 * If there are very many lists, only those with the newest heads are kept.  When the
 * limit is reached, they become a heap with the oldest head first; each further list
 * with a newer head replaces the top.
 */
#include "postgres.h"

#include "base/compat.h"
#include "reader/closed_lists.h"

#include "port.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/*
 * ClosedListsInit
 *		Begin with no lists, in the current memory context.
 */
void
ClosedListsInit(ClosedLists *closed, int capacity)
{
	closed->lists = palloc_extended(Max(capacity, 1) * sizeof(ClosedList), MCXT_ALLOC_HUGE);
	closed->capacity = capacity;
	closed->n = closed->next = closed->nadded = 0;
	closed->left_out = false;
	closed->cutoff = DT_NOBEGIN;
}

/* Move a list down in a heap with the oldest head first, to where it belongs. */
static void
sink(ClosedList *heap, int n, int place)
{
	ClosedList	list = heap[place];

	for (;;)
	{
		int			child = 2 * place + 1;

		if (child + 1 < n && heap[child + 1].head < heap[child].head)
			child++;
		if (child >= n || heap[child].head >= list.head)
			break;
		heap[place] = heap[child];
		place = child;
	}
	heap[place] = list;
}

/* There are as many lists as may be kept: make them a heap, the oldest head first. */
static void
begin_leaving_out(ClosedLists *closed)
{
	for (int i = closed->n / 2 - 1; i >= 0; i--)
		sink(closed->lists, closed->n, i);
	closed->left_out = true;
	closed->cutoff = closed->lists[0].head;
}

/*
 * ClosedListsAdd
 *		Add a list.  Sets its number.
 */
void
ClosedListsAdd(ClosedLists *closed, ClosedList list)
{
	list.number = closed->nadded++;
	if (closed->n < closed->capacity)
	{
		closed->lists[closed->n++] = list;
		return;
	}
	if (!closed->left_out)
		begin_leaving_out(closed);
	if (list.head <= closed->cutoff)
		return;
	closed->lists[0] = list;
	sink(closed->lists, closed->n, 0);
	closed->cutoff = closed->lists[0].head;
}

/*
 * ClosedListsLeaveOut
 *		Note that there are other lists, none newer than "cutoff".  Called after all
 *		lists have been added.
 */
void
ClosedListsLeaveOut(ClosedLists *closed, TimestampTz cutoff)
{
	closed->left_out = true;
	closed->cutoff = Max(closed->cutoff, cutoff);
}

static int
compare_closed(const void *a, const void *b, void *arg)
{
	const ClosedList *x = a;
	const ClosedList *y = b;

	if (x->head != y->head)
		return x->head < y->head ? 1 : -1;
	return x->number < y->number ? -1 : 1;
}

/*
 * ClosedListsSort
 *		Sort the lists, the newest head first.
 *
 * Lists with the same head, such as all those about which nothing is known, stay in the
 * order in which they were added.
 */
void
ClosedListsSort(ClosedLists *closed)
{
	qsort_interruptible(closed->lists, closed->n, sizeof(ClosedList), compare_closed, NULL);
}

/*
 * ClosedListsBound
 *		Of the lists that have a bound, the head of the n-th, or of the last if there
 *		are fewer; DT_NOBEGIN if there are none.  The lists have been sorted.
 */
TimestampTz
ClosedListsBound(const ClosedLists *closed, int n)
{
	int			unbounded = 0;

	while (unbounded < closed->n && !closed->lists[unbounded].bounded)
		unbounded++;
	return unbounded == closed->n ? DT_NOBEGIN :
		closed->lists[Min(unbounded + n, closed->n) - 1].head;
}
