/*
 * collected_entries.c
 *		Entries that are collected in any order, and then sorted.
 */
#include "postgres.h"

#include "base/compat.h"
#include "reader/collected_entries.h"

#include "miscadmin.h"
#include "port.h"
#include "utils/memutils.h"

#define FIRST_CAPACITY	64

/*
 * CollectedEntriesAdd
 *		Add a copy of an entry; the first is allocated in the current memory context.
 */
void
CollectedEntriesAdd(CollectedEntries *collected, const ActionEntry *entry)
{
	if (collected->n == collected->capacity)
	{
		collected->capacity = Max(collected->capacity * 2, FIRST_CAPACITY);
		collected->entries = collected->entries == NULL ?
			palloc(collected->capacity * sizeof(ActionEntry)) :
			repalloc_huge(collected->entries, collected->capacity * sizeof(ActionEntry));
	}
	collected->entries[collected->n++] = *entry;
}

static int
compare_entries(const void *a, const void *b, void *arg)
{
	return ActionEntryCompare(b, a);
}

/*
 * CollectedEntriesSort
 *		The entries from "newest" to "oldest", both included, the newest first.  The others
 *		are dropped.
 */
ActionEntry *
CollectedEntriesSort(CollectedEntries *collected, ActionPlace newest, ActionPlace oldest, int *n)
{
	Size		kept = 0;

	for (Size i = 0; i < collected->n; i++)
	{
		const ActionPlace *place = &collected->entries[i].place;

		CHECK_FOR_INTERRUPTS();
		if (ActionPlaceCompare(place, &newest) <= 0 && ActionPlaceCompare(place, &oldest) >= 0)
			collected->entries[kept++] = collected->entries[i];
	}
	qsort_interruptible(collected->entries, kept, sizeof(ActionEntry), compare_entries, NULL);
	collected->n = *n = kept;
	return collected->entries;
}
