/*
 * stream_rows.c
 *		The rows of a call of a stream function.
 *
 * They come from the indexes where the current user may read all that is
 * there, and from the SQL form of the function where not.
 */
#include "postgres.h"

#include "compat.h"
#include "stream_rows.h"
#include "stream_sql.h"

struct StreamRows
{
	StreamReader *reader;		/* one of these two is NULL */
	StreamSql  *sql;
};

/*
 * StreamRowsCreate
 *		Prepare to call a stream function of the given kind as the current user,
 *		with the snapshot of the query that "econtext" is of.
 *
 * It lives in the current memory context and has to be ended.
 */
StreamRows *
StreamRowsCreate(StreamKind kind, Oid function, ExprContext *econtext)
{
	StreamRows *rows = palloc0(sizeof(StreamRows));

	rows->reader = StreamReaderCreate(kind, econtext->ecxt_estate->es_snapshot);
	if (rows->reader == NULL)
		rows->sql = StreamSqlCreate(function, econtext);
	return rows;
}

/*
 * StreamRowsBegin
 *		Begin a call, and forget the one before.
 *
 * What "call" points to has to stay until the next call or the end.  Rows that
 * are out of its bounds may be among the result.
 */
void
StreamRowsBegin(StreamRows *rows, const StreamCall *call)
{
	if (rows->reader != NULL)
		StreamReaderBegin(rows->reader, call);
	else
		StreamSqlBegin(rows->sql, call);
}

/*
 * StreamRowsNext
 *		The next row, newest first, or NULL at the end.
 *
 * It has the columns of actstream.action, and is valid until the next call or
 * the reset of the current memory context.
 */
TupleTableSlot *
StreamRowsNext(StreamRows *rows)
{
	return rows->reader != NULL ? StreamReaderNext(rows->reader) : StreamSqlNext(rows->sql);
}

/*
 * StreamRowsGetCounters
 *		What reading the indexes has done so far, or NULL if it is SQL that
 *		reads.
 */
const ReaderCounters *
StreamRowsGetCounters(StreamRows *rows)
{
	return rows->reader != NULL ? StreamReaderGetCounters(rows->reader) : NULL;
}

/*
 * StreamRowsEnd
 *		Release what is held.
 */
void
StreamRowsEnd(StreamRows *rows)
{
	if (rows->reader != NULL)
		StreamReaderEnd(rows->reader);
	else
		StreamSqlEnd(rows->sql);
}
