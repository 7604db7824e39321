/*
 * mark_actions.c
 *		Exceptions from marks: notifications that are read, unread, archived or snoozed one by
 *		one.
 *
 * Only what is in the reader's stream is stored: an id of anything else, whether it exists or
 * not, is passed over.  The caller of MarkActions() has locked the marks.
 */
#include "postgres.h"

#include "base/compat.h"
#include "mark/mark_actions.h"
#include "mark/mark_lock.h"
#include "mark/mark_row.h"
#include "tables/local_tables.h"
#include "tables/spi_plan.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(actstream_mark_read);
PG_FUNCTION_INFO_V1(actstream_mark_unread);
PG_FUNCTION_INFO_V1(actstream_archive);

/* the notifications with the ids $3 that meet a condition, by look-ups */
#define NOTICES_OF(condition) \
	"(SELECT DISTINCT u.id FROM pg_catalog.unnest($3) AS u (id)) AS i CROSS JOIN LATERAL (" \
	"SELECT n.* FROM actstream_internal.notices($1, $2, NULL, NULL, NULL) n" \
	" WHERE n.id OPERATOR(pg_catalog.=) i.id AND " condition " OFFSET 0) AS n"

#define IS_AWAY(x) \
	"(" x ".archived AND (" x ".until IS NULL OR " x ".until OPERATOR(pg_catalog.>) pg_catalog.now()))"

static SpiPlan set_read = {
	.sql = "INSERT INTO actstream.mark_exceptions AS x (reader, feed, action_id, \"timestamp\", read)"
	" SELECT $1, $2, n.id, n.\"timestamp\", $4 FROM "
	NOTICES_OF("NOT n.own AND n.read OPERATOR(pg_catalog.<>) $4")
	" ON CONFLICT (reader, feed, \"timestamp\", action_id) DO UPDATE SET read = excluded.read,"
	" archived = " IS_AWAY("x") " IS TRUE, until = CASE WHEN " IS_AWAY("x") " THEN x.until END",
	.nargs = 4,
	.argtypes = {REF_ARG, TEXTOID, INT8ARRAYOID, BOOLOID},
	.by_index = true
};

/*
 * The exceptions of the actions $3 that the snapshot sees.  One that was deleted since is a
 * serialization failure; INSERT ... ON CONFLICT would pass over it, and store another one
 * with the same key.
 */
static SpiPlan lock_seen = {
	.sql = "SELECT FROM actstream.mark_exceptions x WHERE " OF_READER("x")
	" AND x.action_id OPERATOR(pg_catalog.=) ANY ($3) FOR UPDATE",
	.nargs = 3,
	.argtypes = {REF_ARG, TEXTOID, INT8ARRAYOID},
	.by_index = true
};

/* exceptions that say what the mark says */
static SpiPlan delete_needless = {
	.sql = "DELETE FROM actstream.mark_exceptions x WHERE " OF_READER("x")
	" AND " SAYS_READ("x") " AND NOT x.archived"
	" AND x.action_id OPERATOR(pg_catalog.=) ANY ($3) AND x.read OPERATOR(pg_catalog.=)"
	" ANY (SELECT n.covered FROM actstream_internal.notices($1, $2, NULL, NULL, NULL) n"
	" WHERE n.id OPERATOR(pg_catalog.=) x.action_id"
	" AND n.\"timestamp\" OPERATOR(pg_catalog.=) x.\"timestamp\")",
	.nargs = 3,
	.argtypes = {REF_ARG, TEXTOID, INT8ARRAYOID},
	.by_index = true
};

/*
 * When what is put away now comes back: after the marks that are there.  The transaction that has
 * set one may have begun later than this one, so that its time is later.
 */
#define COMES_BACK \
	"CASE WHEN $4 IS NOT NULL THEN (SELECT GREATEST($4," \
	" m.seen_at OPERATOR(pg_catalog.+) '1 microsecond'::pg_catalog.interval," \
	" m.read_at OPERATOR(pg_catalog.+) '1 microsecond'::pg_catalog.interval)" \
	" FROM actstream.marks m WHERE " OF_READER("m") ") END"

/*
 * What has come back and was not read since is unread when it is taken out again, before it
 * would have come back another time.
 */
static SpiPlan put_away = {
	.sql = "INSERT INTO actstream.mark_exceptions AS x"
	" (reader, feed, action_id, \"timestamp\", read, archived, until)"
	" SELECT $1, $2, n.id, n.\"timestamp\", CASE WHEN n.returned THEN false END, true, " COMES_BACK
	" FROM "
	NOTICES_OF("true")
	" ON CONFLICT (reader, feed, \"timestamp\", action_id) DO UPDATE"
	" SET read = COALESCE(excluded.read, x.read), archived = true, until = excluded.until"
	" WHERE NOT (x.archived AND " IS_SAME("x.until", "excluded.until") ")",
	.nargs = 4,
	.argtypes = {REF_ARG, TEXTOID, INT8ARRAYOID, TIMESTAMPTZOID},
	.by_index = true
};

/* these are the reader's own rows, whatever has become of the actions */
static SpiPlan take_out = {
	.sql = "UPDATE actstream.mark_exceptions x SET archived = false, until = NULL WHERE "
	OF_READER("x") " AND x.action_id OPERATOR(pg_catalog.=) ANY ($3) AND " IS_AWAY("x"),
	.nargs = 3,
	.argtypes = {REF_ARG, TEXTOID, INT8ARRAYOID},
	.by_index = true
};

static SpiPlan delete_empty = {
	.sql = "DELETE FROM actstream.mark_exceptions x WHERE " OF_READER("x")
	" AND x.action_id OPERATOR(pg_catalog.=) ANY ($3) AND x.read IS NULL AND NOT x.archived",
	.nargs = 3,
	.argtypes = {REF_ARG, TEXTOID, INT8ARRAYOID},
	.by_index = true
};

/*
 * Store exceptions of the actions $3, which is what the plan does.  Returns how many.
 *
 * Raises ERRCODE_T_R_SERIALIZATION_FAILURE if the transaction's snapshot sees one of them
 * that is no longer there.
 */
static int64
store(SpiPlan *plan, Datum *values, const char *nulls)
{
	if (IsolationUsesXactSnapshot())
		SpiPlanExecute(&lock_seen, values, nulls);
	return (int64) SpiPlanExecute(plan, values, nulls);
}

/*
 * MarkActions
 *		Mark some notifications of the reader and feed in "values" as read or unread; SPI is
 *		connected.  Returns how many were not.
 */
int64
MarkActions(const Datum *values, const char *nulls, Datum actions, bool read)
{
	Datum		args[] = {values[0], values[1], actions, BoolGetDatum(read)};
	char		args_nulls[] = {nulls[0], nulls[1], ' ', ' '};
	int64		result = store(&set_read, args, args_nulls);

	if (result > 0)
		SpiPlanExecute(&delete_needless, args, args_nulls);
	return result;
}

/*
 * Begin what a function with the arguments reader, actions and feed does: set $1 and $2,
 * connect SPI and lock the marks.  Returns false, and does nothing, if there are no actions.
 */
static bool
begin(FunctionCallInfo fcinfo, Datum *values, char *nulls)
{
	LocalTableRequire(OWN_MARKS);
	if (PG_ARGISNULL(1))
		return false;
	values[0] = SpiPlanArg(fcinfo, 0, &nulls[0]);
	values[1] = MarkFeedArg(fcinfo, 2);
	nulls[1] = ' ';
	SPI_connect();
	MarkLock(values, nulls);
	return true;
}

/* Mark actions as read or unread; the arguments are reader, actions, feed. */
static Datum
mark_actions(FunctionCallInfo fcinfo, bool read)
{
	Datum		values[2];
	char		nulls[2];
	int64		result;

	if (!begin(fcinfo, values, nulls))
		PG_RETURN_INT64(0);
	result = MarkActions(values, nulls, PG_GETARG_DATUM(1), read);
	SPI_finish();
	PG_RETURN_INT64(result);
}

/*
 * mark_read(reader, actions, feed) RETURNS bigint
 */
Datum
actstream_mark_read(PG_FUNCTION_ARGS)
{
	return mark_actions(fcinfo, true);
}

/*
 * mark_unread(reader, actions, feed) RETURNS bigint
 */
Datum
actstream_mark_unread(PG_FUNCTION_ARGS)
{
	return mark_actions(fcinfo, false);
}

/*
 * archive(reader, actions, feed, until) RETURNS bigint
 */
Datum
actstream_archive(PG_FUNCTION_ARGS)
{
	Datum		values[4];
	char		nulls[4];
	int64		result;

	if (!begin(fcinfo, values, nulls))
		PG_RETURN_INT64(0);
	values[2] = SpiPlanArg(fcinfo, 1, &nulls[2]);
	values[3] = SpiPlanArg(fcinfo, 3, &nulls[3]);
	if (nulls[3] == 'n' || DatumGetTimestampTz(values[3]) > GetCurrentTransactionStartTimestamp())
		result = store(&put_away, values, nulls);
	else
	{
		result = (int64) SpiPlanExecute(&take_out, values, nulls);
		SpiPlanExecute(&delete_empty, values, nulls);
	}
	SPI_finish();
	PG_RETURN_INT64(result);
}
