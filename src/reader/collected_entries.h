/*
 * collected_entries.h
 *		Entries that are collected in any order, and then sorted.
 */
#ifndef ACTSTREAM_COLLECTED_ENTRIES_H
#define ACTSTREAM_COLLECTED_ENTRIES_H

#include "tables/action_place.h"

typedef struct CollectedEntries
{
	ActionEntry *entries;
	Size		n;
	Size		capacity;
} CollectedEntries;

extern void CollectedEntriesAdd(CollectedEntries *collected, const ActionEntry *entry);
extern ActionEntry *CollectedEntriesSort(CollectedEntries *collected, ActionPlace newest,
										 ActionPlace oldest, int *n);

#endif							/* ACTSTREAM_COLLECTED_ENTRIES_H */
