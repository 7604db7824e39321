/*
 * mark_set.c
 *		Marking notifications as seen and as read, up to a position.
 */
#include "postgres.h"

#include "base/compat.h"
#include "change/incarnation.h"
#include "mark/mark_actions.h"
#include "mark/mark_below.h"
#include "mark/mark_lock.h"
#include "tables/local_tables.h"
#include "tables/spi_plan.h"

#include "access/transam.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

PG_FUNCTION_INFO_V1(actstream_mark_all_seen);
PG_FUNCTION_INFO_V1(actstream_mark_all_read);

static SpiPlan find_newest = {
	.sql = "SELECT actstream.stream_cursor(s) FROM actstream.user_stream($1) s"
	" WHERE s.\"timestamp\" OPERATOR(pg_catalog.<=) $2"
	" ORDER BY s.\"timestamp\" DESC, s.id DESC LIMIT 1",
	.nargs = 2,
	.argtypes = {REF_ARG, TIMESTAMPTZOID},
	.by_index = true
};

/*
 * Set a mark to "place" if that boolean is true; what another incarnation says of the other mark
 * is forgotten.
 */
#define SET_MARK(mark, wanted, place) \
	mark " = CASE WHEN " wanted " THEN " place " ELSE m." mark " END," \
	mark "_at = CASE WHEN " wanted " THEN GREATEST(m." mark "_at, pg_catalog.now()) ELSE m." mark "_at END," \
	mark "_snapshot = CASE WHEN " wanted " THEN pg_catalog.pg_current_snapshot()" \
	" WHEN m.incarnation OPERATOR(pg_catalog.=) $4 THEN m." mark "_snapshot END," \
	mark "_next = CASE WHEN " wanted " THEN $7 ELSE m." mark "_next END," \
	mark "_by = CASE WHEN " wanted " THEN pg_catalog.pg_current_xact_id()" \
	" WHEN m.incarnation OPERATOR(pg_catalog.=) $4 THEN m." mark "_by END"

static SpiPlan set_marks = {
	.sql = "UPDATE actstream.marks m SET "
	SET_MARK("seen", "$5", "CASE WHEN $8 THEN m.seen ELSE $3 END") ", " SET_MARK("read", "$6", "$3")
	", incarnation = $4 WHERE " OF_READER("m"),
	.nargs = 8,
	.argtypes = {REF_ARG, TEXTOID, TEXTOID, INT8OID, BOOLOID, BOOLOID, XID8OID, BOOLOID},
	.by_index = true
};

/* exceptions that a mark at ($3, $4) makes needless */
#define NOT_ABOVE \
	" WHERE " OF_READER("x") " AND " SAYS_READ("x") \
	" AND (x.\"timestamp\", x.action_id) OPERATOR(pg_catalog.<=) ($3, $4)"

static SpiPlan delete_needless = {
	.sql = "DELETE FROM actstream.mark_exceptions x" NOT_ABOVE
	" AND (NOT x.archived OR x.until OPERATOR(pg_catalog.<=) pg_catalog.now())",
	.nargs = 4,
	.argtypes = {REF_ARG, TEXTOID, TIMESTAMPTZOID, INT8OID},
	.by_index = true
};

static SpiPlan clear_needless = {
	.sql = "UPDATE actstream.mark_exceptions x SET read = NULL" NOT_ABOVE " AND x.read IS NOT NULL",
	.nargs = 4,
	.argtypes = {REF_ARG, TEXTOID, TIMESTAMPTZOID, INT8OID},
	.by_index = true
};

/* what is unread up to ($8, $9), although it is below the mark at ($4, $5) */
static SpiPlan find_below = {
	.sql = "SELECT pg_catalog.array_agg(b.id) FROM " BELOW_MARK " AS b"
	" WHERE (b.\"timestamp\", b.id) OPERATOR(pg_catalog.<=) ($8, $9)"
	" AND EXISTS (SELECT FROM actstream.actions a WHERE a.id OPERATOR(pg_catalog.=) b.id"
	" AND a.\"timestamp\" OPERATOR(pg_catalog.=) b.\"timestamp\")",
	.nargs = 9,
	.argtypes = {REF_ARG, TEXTOID, TEXTOID, TIMESTAMPTZOID, INT8OID, INT8ARRAYOID,
	TIMESTAMPTZARRAYOID, TIMESTAMPTZOID, INT8OID},
	.by_index = true
};

/*
 * Set $3 to the newest notification that is not later than "now"; false if there is none.
 */
static bool
find_position(Datum *values, char *nulls, TimestampTz now)
{
	Datum		args[] = {values[0], TimestampTzGetDatum(now)};
	char		args_nulls[] = {nulls[0], ' '};

	if (SpiPlanExecute(&find_newest, args, args_nulls) > 0)
		values[2] = SpiPlanColumn(1, &nulls[2]);
	return nulls[2] != 'n';
}

/* Does a mark move to the place?  If "now" is not 0, also back to it from the future. */
static bool
moves(ActionPlace mark, ActionPlace up_to, TimestampTz now)
{
	return ActionPlaceCompare(&up_to, &mark) >= 0 || (now != 0 && mark.timestamp > now);
}

/* Remove the exceptions that a mark at the place makes needless. */
static void
remove_needless(const Datum *values, const char *nulls, ActionPlace place)
{
	Datum		args[] = {
		values[0], values[1], TimestampTzGetDatum(place.timestamp), Int64GetDatum(place.id)
	};

	SpiPlanExecute(&delete_needless, args, NULL);
	SpiPlanExecute(&clear_needless, args, NULL);
}

/*
 * Mark as read what is unread up to "up_to", below the read mark, which does not move back.
 * The row of marks is the result of SPI.  Returns how many actions.
 */
static int64
read_below(const Datum *values, ActionPlace place, ActionPlace up_to)
{
	Datum		args[9] = {values[0], values[1]};
	char		nulls[9] = {' ', ' ', 'n', ' ', ' ', ' ', ' ', ' ', ' '};
	MarkSet		mark = {.place = place};
	Datum		actions;
	char		isnull;

	mark.time = SpiPlanColumn(LOCKED_READ_AT, &mark.time_isnull);
	mark.snapshot = SpiPlanColumn(LOCKED_READ_SNAPSHOT, &mark.snapshot_isnull);
	mark.next = SpiPlanColumn(LOCKED_READ_NEXT, &mark.next_isnull);
	args[3] = TimestampTzGetDatum(place.timestamp);
	args[4] = Int64GetDatum(place.id);
	MarkFindRecorded(&mark, false, &args[5], &nulls[5]);
	args[7] = TimestampTzGetDatum(up_to.timestamp);
	args[8] = Int64GetDatum(up_to.id);
	SpiPlanExecute(&find_below, args, nulls);
	actions = SpiPlanColumn(1, &isnull);
	return isnull == 'n' ? 0 : MarkActions(args, nulls, actions, true);
}

/* The place of one of the marks in the row that is the result of SPI. */
static ActionPlace
place_of_mark(MarkKind kind)
{
	ActionPlace place;
	char		isnull;
	Datum		cursor = SpiPlanColumn(kind == MARK_SEEN ? LOCKED_SEEN : LOCKED_READ, &isnull);

	return MarkPlace(cursor, isnull, &place) ? place : OldestPlaceOf(DT_NOBEGIN);
}

/*
 * Set the mark of that kind.  The first arguments are reader, feed and up_to; SPI is
 * connected.  Returns 1 if the mark has moved, or else how many actions were not read.
 *
 * What has been read has been seen.  Without "up_to", a mark is not set to the future, or
 * all that is sent until then would count as read.  If there is then nothing above the mark of
 * what was seen, that is set again where it is, for what has come below it.
 */
static int64
set_mark(FunctionCallInfo fcinfo, MarkKind kind)
{
	Datum		values[8];
	char		nulls[8] = {' ', ' ', ' ', ' ', ' ', ' ', ' ', ' '};
	ActionPlace up_to;
	ActionPlace seen;
	ActionPlace read;
	bool		sets_seen;
	bool		sets_read;
	bool		stays = false;
	TimestampTz now = 0;
	int64		result = 1;

	for (int i = 0; i < 3; i++)
		values[i] = SpiPlanArg(fcinfo, i, &nulls[i]);
	values[1] = MarkFeedArg(fcinfo, 1);
	nulls[1] = ' ';
	(void) MarkPlace(values[2], nulls[2], &up_to);	/* before anything is locked */
	MarkLock(values, nulls);
	if (nulls[2] == 'n')
	{
		now = GetCurrentTimestamp();
		if (!find_position(values, nulls, now))
			return 0;
		MarkLock(values, nulls);
	}
	(void) MarkPlace(values[2], nulls[2], &up_to);
	seen = place_of_mark(MARK_SEEN);
	read = place_of_mark(MARK_READ);
	sets_seen = moves(seen, up_to, now);
	sets_read = kind == MARK_READ && moves(read, up_to, now);
	if (kind == MARK_SEEN && now != 0 && !sets_seen)
		sets_seen = stays = true;
	if (kind == MARK_READ && (!sets_read || ActionPlaceCompare(&up_to, &read) == 0))
		result = read_below(values, read, up_to);
	if (sets_seen || sets_read)
	{
		values[3] = Int64GetDatum(Incarnation());
		values[4] = BoolGetDatum(sets_seen);
		values[5] = BoolGetDatum(sets_read);
		values[6] = FullTransactionIdGetDatum(ReadNextFullTransactionId());
		values[7] = BoolGetDatum(stays);
		SpiPlanExecute(&set_marks, values, nulls);
	}
	if (sets_read)
		remove_needless(values, nulls, up_to);
	return result;
}

/*
 * mark_all_seen(reader, feed, up_to) RETURNS void
 */
Datum
actstream_mark_all_seen(PG_FUNCTION_ARGS)
{
	LocalTableRequire(OWN_MARKS);
	SPI_connect();
	(void) set_mark(fcinfo, MARK_SEEN);
	SPI_finish();
	PG_RETURN_VOID();
}

/*
 * mark_all_read(reader, feed, up_to) RETURNS bigint
 */
Datum
actstream_mark_all_read(PG_FUNCTION_ARGS)
{
	int64		result;

	LocalTableRequire(OWN_MARKS);
	SPI_connect();
	result = set_mark(fcinfo, MARK_READ);
	SPI_finish();
	PG_RETURN_INT64(result);
}
