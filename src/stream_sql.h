/*
 * stream_sql.h
 *		Reading a stream by the SQL form of its function.
 */
#ifndef ACTSTREAM_STREAM_SQL_H
#define ACTSTREAM_STREAM_SQL_H

#include "executor/tuptable.h"
#include "nodes/execnodes.h"
#include "reader.h"

typedef struct StreamSql StreamSql;

extern Oid	StreamSqlFunction(Oid function);
extern StreamSql *StreamSqlCreate(Oid function, ExprContext *econtext);
extern void StreamSqlBegin(StreamSql *sql, const StreamCall *call);
extern TupleTableSlot *StreamSqlNext(StreamSql *sql);
extern void StreamSqlEnd(StreamSql *sql);

#endif							/* ACTSTREAM_STREAM_SQL_H */
