/*
 * action_chunk.h
 *		A few entries of an index of actions at a time.
 */
#ifndef ACTSTREAM_ACTION_CHUNK_H
#define ACTSTREAM_ACTION_CHUNK_H

#include "reader/read_counters.h"
#include "tables/index_cursor.h"

/* Here the cost of positioning has long been lost in that of reading. */
#define LARGEST_CHUNK	1024

typedef struct ActionChunk
{
	ActionEntry *entries;		/* newest first */
	int			n;
	int			capacity;
	int			next;			/* the first that has not been taken */
	int			size;			/* entries to read next */
	bool		whole_pages;	/* end with a page of the index, or before? */
	bool		more;			/* may there be entries after these? */
	ActionPlace resume;			/* none of which is newer than this */
	bool		clean;			/* are the next ones to be read without dead ones? */
	ActionEntry first;			/* which begin with this, then */
} ActionChunk;

extern void ActionChunkSet(ActionChunk *chunk, const ActionEntry *entry, MemoryContext context);
extern void ActionChunkClean(ActionChunk *chunk, const ActionEntry *dead);
extern void ActionChunkRead(ActionChunk *chunk, IndexCursor *cursor, AttrNumber timestamp,
							MemoryContext context, ReadCounters *counters);

#endif							/* ACTSTREAM_ACTION_CHUNK_H */
