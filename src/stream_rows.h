/*
 * stream_rows.h
 *		The rows of a call of a stream function.
 */
#ifndef ACTSTREAM_STREAM_ROWS_H
#define ACTSTREAM_STREAM_ROWS_H

#include "nodes/execnodes.h"
#include "reader.h"

typedef struct StreamRows StreamRows;

extern StreamRows *StreamRowsCreate(StreamKind kind, Oid function, ExprContext *econtext);
extern void StreamRowsBegin(StreamRows *rows, const StreamCall *call);
extern TupleTableSlot *StreamRowsNext(StreamRows *rows);
extern const ReaderCounters *StreamRowsGetCounters(StreamRows *rows);
extern void StreamRowsEnd(StreamRows *rows);

#endif							/* ACTSTREAM_STREAM_ROWS_H */
