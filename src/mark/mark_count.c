/*
 * mark_count.c
 *		How many notifications have not been seen, or read; and which below the mark.
 *
 * They are counted when asked for, no further than wanted.  Above the mark these are all
 * rows of the stream, unless there are exceptions; at or below it, they are looked up.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/row_limit.h"
#include "base/run_as.h"
#include "mark/mark_below.h"
#include "tables/spi_plan.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "storage/bufmgr.h"
#include "utils/rel.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(actstream_unseen_count);
PG_FUNCTION_INFO_V1(actstream_unread_count);
PG_FUNCTION_INFO_V1(actstream_unread_below);

/* the columns of the result of "look": those of each mark, and whether there are exceptions */
enum
{
	LOOK_CURSOR = 1, LOOK_TIME, LOOK_SNAPSHOT, LOOK_NEXT, LOOK_WIDTH = LOOK_NEXT
};
#define LOOK_EXCEPTIONS	(2 * LOOK_WIDTH + 1)

#define LOOK_MARK(mark) "m." mark ", m." mark "_at, m." mark "_snapshot, m." mark "_next,"

static SpiPlan look = {
	.sql = "SELECT " LOOK_MARK("seen") " " LOOK_MARK("read")
	" EXISTS (SELECT FROM actstream.mark_exceptions x WHERE " OF_READER("x") ")"
	" FROM actstream.marks m WHERE " OF_READER("m"),
	.nargs = 2, .argtypes = {REF_ARG, TEXTOID}, .by_index = true
};

/*
 * Are there exceptions above the place ($4, $5), and others that say what has been read?
 */
static SpiPlan look_at_exceptions = {
	.sql = "SELECT"
	" EXISTS (SELECT FROM actstream.mark_exceptions x WHERE " OF_READER("x")
	" AND (x.\"timestamp\", x.action_id) OPERATOR(pg_catalog.>) ($4, $5)),"
	" EXISTS (SELECT FROM actstream.mark_exceptions x WHERE " OF_READER("x") " AND " SAYS_READ("x")
	" AND (x.\"timestamp\", x.action_id) OPERATOR(pg_catalog.<=) ($4, $5))",
	.nargs = 5, .argtypes = {REF_ARG, TEXTOID, TEXTOID, TIMESTAMPTZOID, INT8OID}, .by_index = true
};

/* Is there a record?  Its last entry is looked for at the end that is not trimmed. */
static SpiPlan look_at_record = {
	.sql = "SELECT FROM actstream.changes c ORDER BY c.transaction DESC LIMIT 1",
	.by_index = true
};

/* rows of the stream above the place ($4, $5), if there are no exceptions, up to $6 */
#define COUNT_PLAIN(limit) {.sql = "SELECT pg_catalog.count(*) FROM (" \
	"SELECT FROM actstream.user_stream($1, $3, without_own => true) s" \
	" WHERE (s.\"timestamp\", s.id) OPERATOR(pg_catalog.>) ($4, $5) LIMIT " limit ") AS s", \
	.nargs = 6, .argtypes = {REF_ARG, TEXTOID, TEXTOID, TIMESTAMPTZOID, INT8OID, INT8OID}, \
	.by_index = true}

/* the same if there are */
#define COUNT_ABOVE(mark) {.sql = "SELECT pg_catalog.count(*) FROM (" \
	"SELECT FROM actstream_internal.notices($1, $2, $3, NULL, NULL) n" \
	" WHERE (n.\"timestamp\", n.id) OPERATOR(pg_catalog.>) ($4, $5)" \
	" AND NOT n.hidden AND NOT n." mark " LIMIT $6) AS n", \
	.nargs = 6, .argtypes = {REF_ARG, TEXTOID, TEXTOID, TIMESTAMPTZOID, INT8OID, INT8OID}, \
	.by_index = true}

/* the columns of rows of the stream that are not above the place */
#define ROWS_BELOW(columns, mark) \
	"SELECT " columns " FROM " BELOW_MARK " AS b CROSS JOIN LATERAL (" \
	"SELECT " columns " FROM actstream_internal.notices($1, $2, $3, NULL, NULL) n" \
	" WHERE n.id OPERATOR(pg_catalog.=) b.id" \
	" AND n.\"timestamp\" OPERATOR(pg_catalog.=) b.\"timestamp\"" \
	" AND (n.\"timestamp\", n.id) OPERATOR(pg_catalog.<=) ($4, $5)" \
	" AND NOT n.hidden AND NOT n." mark " OFFSET 0) AS n"

#define BELOW_ARGTYPES \
	REF_ARG, TEXTOID, TEXTOID, TIMESTAMPTZOID, INT8OID, INT8ARRAYOID, TIMESTAMPTZARRAYOID

/* their number, up to $8 */
#define COUNT_BELOW(mark) {.sql = "SELECT pg_catalog.count(*) FROM (" \
	ROWS_BELOW("", mark) " LIMIT $8) AS n", \
	.nargs = 8, .argtypes = {BELOW_ARGTYPES, INT8OID}, .by_index = true}

static SpiPlan count_above[] = {[MARK_SEEN] = COUNT_ABOVE("seen"), [MARK_READ] = COUNT_ABOVE("read")};
static SpiPlan count_below[] = {[MARK_SEEN] = COUNT_BELOW("seen"), [MARK_READ] = COUNT_BELOW("read")};

static SpiPlan list_below = {
	.sql = ROWS_BELOW("n.action, n.seen, n.read", "read")
	" ORDER BY b.\"timestamp\" DESC, b.id DESC",
	.nargs = 7, .argtypes = {BELOW_ARGTYPES}, .by_index = true
};

/* with the usual limit as a constant, the scan is prepared for so many rows */
#define USUAL_CAP	100
static SpiPlan count_usual = COUNT_PLAIN("100");
static SpiPlan count_plain = COUNT_PLAIN("$6");

/* Run a plan that counts. */
static int64
count(SpiPlan *plan, Datum *values, const char *nulls)
{
	char		isnull;

	SpiPlanRead(plan, values, nulls);
	return DatumGetInt64(SpiPlanColumn(1, &isnull));
}

/* The largest result: the argument "cap", but no more than an integer can hold. */
static int64
get_cap(FunctionCallInfo fcinfo)
{
	int64		cap = PG_ARGISNULL(3) ? PG_INT32_MAX : PG_GETARG_INT64(3);

	RowLimitCheck("cap", cap);
	return Min(cap, PG_INT32_MAX);
}

/*
 * What has been stored of the reader's notifications: the mark, and whether there are exceptions
 * above it and below it.
 */
typedef struct Mark
{
	bool		exists;
	MarkSet		set;
	bool		exceptions_above;
	bool		exceptions_below;
} Mark;

/* One of the two marks, as "look" has found it. */
static void
get_mark(MarkKind kind, Mark *mark)
{
	int			before = kind == MARK_SEEN ? 0 : LOOK_WIDTH;
	char		isnull;
	Datum		cursor = SpiPlanColumn(before + LOOK_CURSOR, &isnull);

	mark->set.place = OldestPlaceOf(DT_NOBEGIN);
	mark->exists = MarkPlace(cursor, isnull, &mark->set.place);
	mark->set.time = SpiPlanColumn(before + LOOK_TIME, &mark->set.time_isnull);
	mark->set.snapshot = SpiPlanColumn(before + LOOK_SNAPSHOT, &mark->set.snapshot_isnull);
	mark->set.next = SpiPlanColumn(before + LOOK_NEXT, &mark->set.next_isnull);
}

/*
 * Read that; $1 to $3 are set, and $4 and $5 become its place.
 *
 * What has been read has been seen, so the mark of what was seen is the higher of the two.
 */
static void
look_at_mark(MarkKind kind, Datum *values, char *nulls, Mark *mark)
{
	mark->set.place = OldestPlaceOf(DT_NOBEGIN);
	if (SpiPlanRead(&look, values, nulls) > 0)
	{
		get_mark(kind, mark);
		if (kind == MARK_SEEN)
		{
			Mark		read = {0};

			get_mark(MARK_READ, &read);
			if (ActionPlaceCompare(&read.set.place, &mark->set.place) > 0)
				*mark = read;
		}
		mark->exceptions_above = SpiPlanColumnIsTrue(LOOK_EXCEPTIONS);
	}
	values[3] = TimestampTzGetDatum(mark->set.place.timestamp);
	values[4] = Int64GetDatum(mark->set.place.id);
	nulls[3] = nulls[4] = ' ';
	if (mark->exceptions_above)
	{
		SpiPlanRead(&look_at_exceptions, values, nulls);
		mark->exceptions_above = SpiPlanColumnIsTrue(1);
		mark->exceptions_below = SpiPlanColumnIsTrue(2);
	}
}

/* Can there be a record of changes?  Whatever has been stored there takes up space. */
static bool
is_record_used(void)
{
	Relation	rel = OwnTableOpen(OWN_CHANGES, AccessShareLock);
	bool		result = rel->rd_rel->relkind != RELKIND_RELATION ||
		RelationGetNumberOfBlocks(rel) > 0;
	RunAs		before;

	relation_close(rel, AccessShareLock);
	if (!result)
		return false;
	/* behind a policy, a search in vain would read all of it */
	RunAsBegin(&before, OwnTableOwner(OWN_CHANGES), RUN_AS_RESTRICTED);
	result = SpiPlanRead(&look_at_record, NULL, NULL) > 0;
	RunAsEnd(&before);
	return result;
}

/*
 * Begin what a function with the arguments reader, feed and flag does: set $1 to $5, connect SPI, and
 * read the mark.
 */
static void
begin(FunctionCallInfo fcinfo, MarkKind kind, Datum *values, char *nulls, Mark *mark)
{
	static const OwnTable tables[] = {
		OWN_ACTIONS, OWN_FOLLOWS, OWN_CHANGES, OWN_MARKS, OWN_MARK_EXCEPTIONS
	};

	for (int i = 0; i < (int) lengthof(tables); i++)
		(void) OwnTableId(tables[i]);
	for (int i = 0; i < 3; i++)
		values[i] = SpiPlanArg(fcinfo, i, &nulls[i]);
	values[1] = MarkFeedArg(fcinfo, 1);
	nulls[1] = ' ';
	SPI_connect();
	look_at_mark(kind, values, nulls, mark);
}

/* Can anything be unmarked that is not above the mark?  If so, set $6 and $7 to find it. */
static bool
look_below(const Mark *mark, Datum *values, char *nulls)
{
	if (!mark->exists || !(mark->exceptions_below || is_record_used()))
		return false;
	MarkFindRecorded(&mark->set, true, &values[5], &nulls[5]);
	return true;
}

/*
 * count(reader, feed, flag, cap)
 */
static Datum
count_unmarked(FunctionCallInfo fcinfo, MarkKind kind)
{
	int64		cap = get_cap(fcinfo);
	int64		result;
	Mark		mark = {0};
	Datum		values[8];
	char		nulls[8];

	begin(fcinfo, kind, values, nulls, &mark);
	values[5] = Int64GetDatum(cap);
	nulls[5] = ' ';
	result = count(mark.exceptions_above ? &count_above[kind] :
				   cap == USUAL_CAP ? &count_usual : &count_plain, values, nulls);
	if (result < cap && look_below(&mark, values, nulls))
	{
		values[7] = Int64GetDatum(cap - result);
		nulls[7] = ' ';
		result += count(&count_below[kind], values, nulls);
	}
	SPI_finish();
	PG_RETURN_INT32((int32) result);
}

/*
 * unseen_count(reader, feed, flag, cap) RETURNS integer
 * unread_count(reader, feed, flag, cap) RETURNS integer
 */
Datum
actstream_unseen_count(PG_FUNCTION_ARGS)
{
	return count_unmarked(fcinfo, MARK_SEEN);
}

Datum
actstream_unread_count(PG_FUNCTION_ARGS)
{
	return count_unmarked(fcinfo, MARK_READ);
}

/* Have both columns of the same types?  A superuser can alter the type of the result. */
static bool
has_same_columns(TupleDesc a, TupleDesc b)
{
	bool		result = a->natts == b->natts;

	for (int i = 0; result && i < a->natts; i++)
		result = TupleDescAttr(a, i)->atttypid == TupleDescAttr(b, i)->atttypid;
	return result;
}

/*
 * unread_below(reader, feed, flag) RETURNS SETOF actstream.notification
 *		The unread notifications that are not above the mark, the newest first.
 */
Datum
actstream_unread_below(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Mark		mark = {0};
	Datum		values[7];
	char		nulls[7];

	InitMaterializedSRF(fcinfo, 0);
	begin(fcinfo, MARK_READ, values, nulls, &mark);
	if (look_below(&mark, values, nulls))
	{
		uint64		n = SpiPlanRead(&list_below, values, nulls);
		SPITupleTable *rows = SPI_tuptable;

		if (!has_same_columns(rows->tupdesc, result->setDesc))
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("type actstream.notification has been altered")));
		for (uint64 i = 0; i < n; i++)
		{
			Datum		row[3];
			bool		isnull[3];

			heap_deform_tuple(rows->vals[i], rows->tupdesc, row, isnull);
			tuplestore_putvalues(result->setResult, result->setDesc, row, isnull);
		}
	}
	SPI_finish();
	return (Datum) 0;
}
