/*
 * verb_line.h
 *		Reading the actions that have some verbs from an index, newest first.
 */
#ifndef ACTSTREAM_VERB_LINE_H
#define ACTSTREAM_VERB_LINE_H

#include "reader/action_chunk.h"
#include "reader/row_fetch.h"
#include "reader/source_set.h"

/* With more verbs than this, it is not known to be cheaper than reading all actions. */
#define MOST_VERBS	100

typedef struct VerbLine VerbLine;

extern VerbLine *VerbLineCreate(Relation action, Oid index, Snapshot snapshot, RowFetch *fetch,
								const VerbList *verbs, ReadCounters *counters);
extern void VerbLineBegin(VerbLine *line, ActionPlace newest, TimestampTz oldest);
extern void VerbLineClean(VerbLine *line);
extern void VerbLineRead(VerbLine *line, ActionChunk *chunk, MemoryContext context);
extern bool VerbLineHas(const VerbLine *line, const text *verb);
extern void VerbLineEnd(VerbLine *line);

#endif							/* ACTSTREAM_VERB_LINE_H */
