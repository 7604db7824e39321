/*
 * mark_count.c
 *		How many notifications have not been seen, or read.
 *
 * They are counted when asked for, no further than wanted.  Above the mark these are all
 * rows of the stream, unless there are exceptions; at or below it, they are looked up.
 */
#include "postgres.h"

#include "base/compat.h"
#include "mark/mark_row.h"
#include "tables/spi_plan.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(actstream_unseen_count);
PG_FUNCTION_INFO_V1(actstream_unread_count);

/* the columns of the result of "look" */
enum
{
	LOOK_CURSOR = 1, LOOK_TIME, LOOK_SNAPSHOT, LOOK_ABOVE, LOOK_BELOW, LOOK_RECORD
};

/*
 * The mark; are there exceptions above it, and others below it, and is there a record?  The
 * last entry is looked for at the end that is not trimmed.
 */
#define LOOK(mark) {.sql = "SELECT m." mark ", m." mark "_at, m." mark "_snapshot," \
	" EXISTS (SELECT FROM actstream.mark_exceptions x WHERE " OF_READER("x") \
	" AND (x.\"timestamp\", x.action_id) OPERATOR(pg_catalog.>=)" \
	" (actstream_internal.cursor_timestamp(m." mark ", false), actstream_internal.cursor_id(m." mark ", false)))," \
	" EXISTS (SELECT FROM actstream.mark_exceptions x WHERE " OF_READER("x") " AND " SAYS_READ("x") \
	" AND (x.\"timestamp\", x.action_id) OPERATOR(pg_catalog.<)" \
	" (actstream_internal.cursor_timestamp(m." mark ", false), actstream_internal.cursor_id(m." mark ", false)))," \
	" (SELECT true FROM actstream.changes c ORDER BY c.transaction DESC LIMIT 1)" \
	" FROM (VALUES (0)) AS v LEFT JOIN actstream.marks m ON " OF_READER("m"), \
	.nargs = 2, .argtypes = {REF_ARG, TEXTOID}, .generic = true}

/* rows of the stream above the place ($4, $5), if there are no exceptions, up to $6 */
#define COUNT_PLAIN(limit) {.sql = "SELECT pg_catalog.count(*) FROM (" \
	"SELECT FROM actstream.user_stream($1, $3, without_own => true) s" \
	" WHERE (s.\"timestamp\", s.id) OPERATOR(pg_catalog.>) ($4, $5) LIMIT " limit ") AS s", \
	.nargs = 6, .argtypes = {REF_ARG, TEXTOID, TEXTOID, TIMESTAMPTZOID, INT8OID, INT8OID}, \
	.generic = true}

/* the same if there are */
#define COUNT_ABOVE(mark) {.sql = "SELECT pg_catalog.count(*) FROM (" \
	"SELECT FROM actstream_internal.notices($1, $2, $3, NULL, NULL) n" \
	" WHERE (n.\"timestamp\", n.id) OPERATOR(pg_catalog.>) ($4, $5)" \
	" AND NOT n.hidden AND NOT n." mark " LIMIT $6) AS n", \
	.nargs = 6, .argtypes = {REF_ARG, TEXTOID, TEXTOID, TIMESTAMPTZOID, INT8OID, INT8OID}, \
	.generic = true}

/* rows of the stream that are not above the place, up to $8 */
#define COUNT_BELOW(mark) {.sql = "SELECT pg_catalog.count(*) FROM (" \
	"SELECT FROM " BELOW_MARK " AS b CROSS JOIN LATERAL (" \
	"SELECT FROM actstream_internal.notices($1, $2, $3, NULL, NULL) n" \
	" WHERE n.id OPERATOR(pg_catalog.=) b.id" \
	" AND n.\"timestamp\" OPERATOR(pg_catalog.=) b.\"timestamp\"" \
	" AND (n.\"timestamp\", n.id) OPERATOR(pg_catalog.<=) ($4, $5)" \
	" AND NOT n.hidden AND NOT n." mark " OFFSET 0) AS n LIMIT $8) AS n", \
	.nargs = 8, \
	.argtypes = {REF_ARG, TEXTOID, TEXTOID, TIMESTAMPTZOID, INT8OID, TIMESTAMPTZOID, \
		PG_SNAPSHOTOID, INT8OID}, .generic = true}

static SpiPlan look[] = {[MARK_SEEN] = LOOK("seen"), [MARK_READ] = LOOK("read")};
static SpiPlan count_above[] = {[MARK_SEEN] = COUNT_ABOVE("seen"), [MARK_READ] = COUNT_ABOVE("read")};
static SpiPlan count_below[] = {[MARK_SEEN] = COUNT_BELOW("seen"), [MARK_READ] = COUNT_BELOW("read")};

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
	return DatumGetInt64(MarkColumn(1, &isnull));
}

/* The largest result: the argument "cap", or without one what an integer can hold. */
static int64
get_cap(FunctionCallInfo fcinfo)
{
	int64		cap = PG_ARGISNULL(3) ? PG_INT32_MAX : PG_GETARG_INT32(3);

	if (cap < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_ROW_COUNT_IN_LIMIT_CLAUSE),
				 errmsg("cap must not be negative"),
				 errhint("Use null to count all.")));
	return cap;
}

/*
 * count(reader, feed, flag, cap)
 */
static Datum
count_unmarked(FunctionCallInfo fcinfo, MarkKind kind)
{
	int64		cap = get_cap(fcinfo);
	int64		result;
	Datum		values[8];
	char		nulls[8];
	ActionPlace place = OldestPlaceOf(DT_NOBEGIN);
	char		no_mark;
	Datum		cursor;
	bool		exceptions_above;
	bool		look_below;

	OwnTablesRequire();
	for (int i = 0; i < 3; i++)
		values[i] = MarkArg(fcinfo, i, &nulls[i]);
	SPI_connect();
	SpiPlanRead(&look[kind], values, nulls);
	cursor = MarkColumn(LOOK_CURSOR, &no_mark);
	(void) MarkPlace(cursor, no_mark, &place);
	exceptions_above = MarkColumnIsTrue(LOOK_ABOVE);
	look_below = no_mark == ' ' && (MarkColumnIsTrue(LOOK_BELOW) || MarkColumnIsTrue(LOOK_RECORD));
	values[3] = TimestampTzGetDatum(place.timestamp);
	values[4] = Int64GetDatum(place.id);
	values[5] = Int64GetDatum(cap);
	nulls[3] = nulls[4] = nulls[5] = ' ';
	/* below, these have other meanings */
	values[6] = MarkColumn(LOOK_SNAPSHOT, &nulls[6]);
	values[7] = MarkColumn(LOOK_TIME, &nulls[7]);

	result = count(exceptions_above ? &count_above[kind] :
				   cap == USUAL_CAP ? &count_usual : &count_plain, values, nulls);
	if (result < cap && look_below)
	{
		values[5] = values[7];
		nulls[5] = nulls[7];
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
