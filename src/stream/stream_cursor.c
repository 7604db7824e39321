/*
 * stream_cursor.c
 *		Positions in streams, as clients keep them.
 *
 * A cursor is the timestamp and the id of an action, each as 16 hexadecimal digits of a
 * 64-bit number.  Clients have no reason to look into it: some of their types for
 * timestamps are less exact than PostgreSQL's.
 *
 * The stream functions compare rows with the positions next to the cursors that they are
 * given:
 *
 *		("timestamp", id) <= (cursor_timestamp(before, true), cursor_id(before, true))
 *		("timestamp", id) >= (cursor_timestamp(after, false), cursor_id(after, false))
 *
 * which the scan of a stream takes as bounds, as it does with any such comparison.
 */
#include "postgres.h"

#include "base/compat.h"
#include "stream/stream_cursor.h"
#include "tables/action_place.h"
#include "tables/action_row.h"
#include "tables/own_tables.h"

#include "common/int.h"
#include "fmgr.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(actstream_stream_cursor);
PG_FUNCTION_INFO_V1(actstream_cursor_timestamp);
PG_FUNCTION_INFO_V1(actstream_cursor_id);

/* hexadecimal digits of a number, and of a cursor */
#define NUMBER_DIGITS	16
#define CURSOR_DIGITS	(2 * NUMBER_DIGITS)

/*
 * stream_cursor(action) RETURNS text
 *		The position of an action; null if it has no timestamp or no id.
 */
Datum
actstream_stream_cursor(PG_FUNCTION_ARGS)
{
	ActionRow	row;
	TimestampTz timestamp;
	int64		id;
	bool		no_timestamp;
	bool		no_id;

	ActionRowBegin(&row, PG_GETARG_HEAPTUPLEHEADER(0));
	timestamp = DatumGetTimestampTz(ActionRowGet(&row, Anum_action_timestamp, &no_timestamp));
	id = DatumGetInt64(ActionRowGet(&row, Anum_action_id, &no_id));
	ActionRowEnd(&row);
	if (no_timestamp || no_id)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("%016llx%016llx",
											  (unsigned long long) timestamp, (unsigned long long) id)));
}

/* The value of a hexadecimal digit, or -1. */
static int
digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/*
 * The position that a cursor stands for; ERRCODE_INVALID_PARAMETER_VALUE if it is none.
 */
static ActionPlace
parse_cursor(const text *cursor)
{
	const char *digits = VARDATA_ANY(cursor);
	uint64		numbers[2] = {0, 0};
	bool		valid = VARSIZE_ANY_EXHDR(cursor) == CURSOR_DIGITS;
	ActionPlace place;

	for (int i = 0; i < CURSOR_DIGITS && valid; i++)
	{
		int			value = digit_value(digits[i]);

		valid = value >= 0;
		numbers[i / NUMBER_DIGITS] = numbers[i / NUMBER_DIGITS] << 4 | (value & 0xF);
	}
	place.timestamp = (TimestampTz) numbers[0];
	place.id = (int64) numbers[1];
	if (!valid || !(TIMESTAMP_NOT_FINITE(place.timestamp) || IS_VALID_TIMESTAMP(place.timestamp)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid cursor: \"%s\"", text_to_cstring(cursor)),
				 errhint("Pass what actstream.stream_cursor() returns for the last, or first, action of a page.")));
	return place;
}

/*
 * The position next to the cursor of cursor_timestamp() and cursor_id(); the last one
 * there is if that is null.  False if there is none.
 */
static bool
next_place(FunctionCallInfo fcinfo, ActionPlace *place)
{
	bool		before = PG_GETARG_BOOL(1);

	if (PG_ARGISNULL(0))
	{
		*place = before ? NewestPlaceOf(DT_NOEND) : OldestPlaceOf(DT_NOBEGIN);
		return true;
	}
	*place = parse_cursor(PG_GETARG_TEXT_PP(0));
	return before ? ActionPlaceGoDown(place) : ActionPlaceGoUp(place);
}

/*
 * cursor_timestamp(cursor, before) RETURNS timestamptz
 * cursor_id(cursor, before) RETURNS bigint
 *		The next position before the cursor, or after it, as a row of two columns; nulls
 *		if there is none.
 */
Datum
actstream_cursor_timestamp(PG_FUNCTION_ARGS)
{
	ActionPlace place;

	if (!next_place(fcinfo, &place))
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(place.timestamp);
}

Datum
actstream_cursor_id(PG_FUNCTION_ARGS)
{
	ActionPlace place;

	if (!next_place(fcinfo, &place))
		PG_RETURN_NULL();
	PG_RETURN_INT64(place.id);
}

/* Does a condition compare rows with the position of a cursor that is null? */
static bool
is_without_cursor(PlannerInfo *root, Node *condition)
{
	FuncExpr   *position;
	FmgrInfo	info;
	Const	   *cursor;

	if (!IsA(condition, RowCompareExpr))
		return false;
	position = linitial(((RowCompareExpr *) condition)->rargs);
	if (!IsA(position, FuncExpr) || get_func_namespace(position->funcid) != OwnInternalSchema())
		return false;
	fmgr_info(position->funcid, &info);
	if (info.fn_addr != actstream_cursor_timestamp)
		return false;
	cursor = (Const *) eval_const_expressions(root, copyObject(linitial(position->args)));
	return IsA(cursor, Const) && cursor->constisnull;
}

/*
 * StreamCursorPrune
 *		Of the conditions of a stream, those that are not true because there is no cursor.
 *
 * The planner would not find that out, and expect them to leave few rows.
 */
List *
StreamCursorPrune(PlannerInfo *root, List *conditions)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, conditions)
	{
		if (!is_without_cursor(root, lfirst(lc)))
			result = lappend(result, lfirst(lc));
	}
	return result;
}
