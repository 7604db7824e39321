/*
 * stream_reader.h
 *		Reading a stream from the indexes.
 */
#ifndef ACTSTREAM_STREAM_READER_H
#define ACTSTREAM_STREAM_READER_H

#include "reader/read_counters.h"
#include "reader/stream_call.h"
#include "reader/stream_tables.h"

#include "executor/tuptable.h"
#include "utils/snapshot.h"

typedef enum ReaderStrategy
{
	READ_NOTHING,				/* not begun, or nothing to read */
	READ_TIME_LINE,				/* only the time line so far */
	READ_LISTS,					/* only lists */
	READ_BOTH,					/* lists, after trying the time line */
	READ_VERBS					/* actions with some verbs, perhaps after trying others */
} ReaderStrategy;

/* What a reader as a whole has done; its parts count in ReadCounters. */
typedef struct ReaderCounters
{
	ReaderStrategy strategy;	/* of the latest call */
	int64		sources;		/* objects that the stream is about */
	bool		recency_map;	/* was it used by the latest call? */
	int64		lists_skipped;	/* lists not opened owing to their bounds */
	int64		rows_filtered;	/* rows fetched that the stream does not show */
	ReadCounters read;
} ReaderCounters;

typedef struct StreamReader StreamReader;

extern StreamReader *StreamReaderCreate(StreamKind kind, const StreamTables *tables,
										Snapshot snapshot);
extern void StreamReaderReset(StreamReader *reader);
extern void StreamReaderBegin(StreamReader *reader, const StreamCall *call);
extern TupleTableSlot *StreamReaderNext(StreamReader *reader);
extern const ReaderCounters *StreamReaderGetCounters(StreamReader *reader);
extern void StreamReaderEnd(StreamReader *reader);

#endif							/* ACTSTREAM_STREAM_READER_H */
