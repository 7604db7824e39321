/*
 * closed_lists.c
 *		Lists of a merge that have not been opened.
 *
 * Of very many lists only those with the newest heads are kept.  Once there are
 * as many as that, they stand in a heap with the oldest head first, where one that
 * is newer takes its place.
 */
#include "postgres.h"

#include "base/compat.h"
#include "reader/closed_lists.h"

#include "port.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/*
 * ClosedListsInit
 *		Begin with none, in the current memory context.
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

/* In a heap with the oldest head first, let a list sink to where it belongs. */
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

/* There are as many lists as will be kept: put the one with the oldest head first. */
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
 *		Add a list; its number is given here.
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
 *		After all have been added: there are others, none newer than "cutoff".
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
 *		Put the lists in order, the newest head first.
 *
 * Lists with the same head, as all have of which nothing is known, stay in the
 * order in which they were added.
 */
void
ClosedListsSort(ClosedLists *closed)
{
	qsort_interruptible(closed->lists, closed->n, sizeof(ClosedList), compare_closed, NULL);
}

/*
 * ClosedListsBound
 *		The head of the n-th list, or the last, of those that have a bound, which
 *		have been sorted; DT_NOBEGIN if none has.
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
