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

extern StreamReader *StreamReaderCreate(StreamKind kind, const StreamTables *tables,
										Snapshot snapshot);
extern void StreamReaderReset(StreamReader *reader);
extern void StreamReaderBegin(StreamReader *reader, const StreamCall *call);
extern TupleTableSlot *StreamReaderNext(StreamReader *reader);
extern const ReaderCounters *StreamReaderGetCounters(StreamReader *reader);
extern void StreamReaderEnd(StreamReader *reader);

#endif							/* ACTSTREAM_STREAM_READER_H */
