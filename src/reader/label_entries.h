/*
 * label_entries.h
 *		Collecting all actions with an object of one type from the indexes.
 */
#ifndef ACTSTREAM_LABEL_ENTRIES_H
#define ACTSTREAM_LABEL_ENTRIES_H

#include "reader/action_chunk.h"
#include "tables/table_index.h"

typedef struct LabelEntries LabelEntries;

extern LabelEntries *LabelEntriesCreate(Relation action, const Oid *indexes,
										Snapshot snapshot, const char *label,
										ReadCounters *counters);
extern bool LabelEntriesCollect(LabelEntries *labels, int64 limit);
extern ActionEntry *LabelEntriesSort(LabelEntries *labels, ActionPlace newest,
									 ActionPlace oldest, int *n);
extern void LabelEntriesEnd(LabelEntries *labels);

#endif							/* ACTSTREAM_LABEL_ENTRIES_H */
