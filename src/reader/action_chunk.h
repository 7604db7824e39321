/*
 * action_chunk.h
 *		Reading index entries of actions a chunk at a time.
 */
#ifndef ACTSTREAM_ACTION_CHUNK_H
#define ACTSTREAM_ACTION_CHUNK_H

#include "reader/read_counters.h"
#include "tables/index_cursor.h"

/* In entries.  With this many, positioning is a negligible part of the cost. */
#define LARGEST_CHUNK	1024

typedef struct ActionChunk
{
	ActionEntry *entries;		/* newest first */
	int			n;
	int			capacity;
	int			next;			/* first entry that has not been taken */
	int			size;			/* entries to read into the next chunk */
	bool		whole_pages;	/* end the chunk where an index page ends? */
	bool		more;			/* may there be entries after these? */
	ActionPlace resume;			/* where to go on: no entry after this chunk is newer */
	bool		clean;			/* read the next chunk without dead entries? */
	ActionEntry first;			/* if clean: entry to begin with */
} ActionChunk;

extern void ActionChunkAdd(ActionChunk *chunk, const ActionEntry *entry, MemoryContext context);
extern void ActionChunkSet(ActionChunk *chunk, const ActionEntry *entry, MemoryContext context);
extern void ActionChunkClean(ActionChunk *chunk, const ActionEntry *dead);
extern void ActionChunkRead(ActionChunk *chunk, IndexCursor *cursor, AttrNumber timestamp,
							MemoryContext context, ReadCounters *counters);

#endif							/* ACTSTREAM_ACTION_CHUNK_H */
