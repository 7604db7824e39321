/*
 * verb_entries.h
 *		Collecting all actions with some verbs from an index.
 */
#ifndef ACTSTREAM_VERB_ENTRIES_H
#define ACTSTREAM_VERB_ENTRIES_H

#include "reader/read_counters.h"
#include "reader/row_fetch.h"
#include "reader/source_set.h"
#include "tables/action_place.h"

typedef struct VerbEntries VerbEntries;

extern VerbEntries *VerbEntriesCreate(Relation action, Oid index, Snapshot snapshot,
									  RowFetch *fetch, const VerbList *verbs,
									  ActionPlace newest, ActionPlace oldest,
									  ReadCounters *counters);
extern bool VerbEntriesCollect(VerbEntries *verbs, int64 limit);
extern bool VerbEntriesAreMany(const VerbEntries *verbs);
extern ActionEntry *VerbEntriesSort(VerbEntries *verbs, ActionPlace newest, int *n);
extern void VerbEntriesEnd(VerbEntries *verbs);

#endif							/* ACTSTREAM_VERB_ENTRIES_H */
