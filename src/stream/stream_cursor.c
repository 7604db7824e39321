/*
 * stream_cursor.c
 *		Positions in streams, as clients keep them.
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

/*
 * stream_cursor(action) RETURNS text
 *		The position of an action; null if it has no timestamp or no id.
 */
Datum
actstream_stream_cursor(PG_FUNCTION_ARGS)
{
	ActionRow	row;
	ActionPlace place;
	bool		no_timestamp;
	bool		no_id;

	ActionRowBegin(&row, PG_GETARG_HEAPTUPLEHEADER(0));
	place.timestamp = DatumGetTimestampTz(ActionRowGet(&row, Anum_action_timestamp, &no_timestamp));
	place.id = DatumGetInt64(ActionRowGet(&row, Anum_action_id, &no_id));
	ActionRowEnd(&row);
	if (no_timestamp || no_id)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(ActionPlaceToText(place)));
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
	*place = ActionPlaceFromText(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	if (!(before ? ActionPlaceGoDown(place) : ActionPlaceGoUp(place)))
		return false;
	/* the next position that a timestamp can be of */
	if (!TIMESTAMP_NOT_FINITE(place->timestamp) && !IS_VALID_TIMESTAMP(place->timestamp))
	{
		if (before)
			*place = NewestPlaceOf(place->timestamp < MIN_TIMESTAMP ? DT_NOBEGIN : END_TIMESTAMP - 1);
		else
			*place = OldestPlaceOf(place->timestamp < MIN_TIMESTAMP ? MIN_TIMESTAMP : DT_NOEND);
	}
	return true;
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
 *		The conditions of a stream without those that are true because there is no cursor.
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
