/*
 * reader_state.h
 *		What a reader of a stream keeps while it reads.
 */
#ifndef ACTSTREAM_READER_STATE_H
#define ACTSTREAM_READER_STATE_H

#include "reader/label_entries.h"
#include "reader/source_lists.h"
#include "reader/stream_call.h"
#include "reader/stream_tables.h"
#include "reader/time_line.h"
#include "reader/verb_line.h"

struct StreamReader
{
	StreamKind	kind;
	StreamTables tables;
	Snapshot	snapshot;
	MemoryContext context;		/* of all that lives as long as the reader */
	MemoryContext call_context; /* of the current call */
	MemoryContext filter_context;	/* reset after each row that is filtered */
	RowFetch   *fetch;
	RecencyLowerer *lowerer;
	TimeLine   *time_line;
	ReaderCounters counters;

	/* the current call */
	ActionPlace below;			/* the next entries are at this place, or older */
	bool		at_bottom;		/* or is there no such place? */
	ActionEntry latest;			/* the latest entry, if there is one */
	bool		has_latest;
	bool		again;			/* is its place read again, after it? */
	SourceLists lists;
	RecencyMap	map;
	bool		has_map;		/* can the map be relied on? */
	const char *label;			/* of MODEL_STREAM */
	int			label_len;
	LabelEntries *entries;		/* of the label; NULL between calls */
	VerbLine   *verbs;			/* what the time line reads, if only some verbs are wanted and
								 * an index has these; or NULL */
	int			nverbs;			/* how many they are */
	int64		turn;			/* length of the current turn */
	int64		turn_began;		/* work that was done when it began */
	bool		opening;		/* have the lists not yet returned an entry? */
	int64		opened;			/* work that was done when they had */
	bool		trying;			/* is the time line tried, with lists to follow? */
	int64		visited_before; /* rows of the time line before this try */
	int64		found;			/* rows of the stream found in the current call */
	int64		found_before;	/* of these, those before this try */
	int64		missed;			/* rows met in this try that are not visible */
	int64		dead;			/* rows met that are dead to all transactions */
	double		wanted;			/* rows of the page that are still wanted */
	double		lists_cost;		/* cost of opening the lists, in rows of the time line */
	bool		counted;		/* does that include lists with newer actions? */
	bool		fell_short;		/* have too few lists been kept for a page? */
};

#endif							/* ACTSTREAM_READER_STATE_H */
