/*
 * next_groups.c
 *		Groups of actions, made as the actions are read.
 *
 * The functions that return groups are written in SQL, and have a body such as
 *
 *		SELECT next_groups(a."timestamp", a.id, ..., by, span, sample, before)
 *		FROM (SELECT ... FROM user_stream(...) UNION ALL SELECT NULL, ...) a
 *
 * The executor reads a stream, newest action first, as it does for any query, and calls
 * next_groups() for each action.  As soon as an action is of another span, that returns the
 * groups of the span that has ended; the row of nulls at the end ends the last one.  So no more
 * is read than the spans of the groups that are wanted and one action beyond, and no more is
 * kept than two spans.
 *
 * That the actions come in order, and the row of nulls last, is checked: no plan can make wrong
 * groups of them.
 */
#include "postgres.h"

#include "base/compat.h"
#include "group/group_cursor.h"
#include "group/group_options.h"
#include "group/group_span.h"
#include "tables/action_group.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(actstream_next_groups);
PG_FUNCTION_INFO_V1(actstream_groups_start);

/* Arguments of next_groups(). */
enum
{
	ARG_TIMESTAMP,
	ARG_ID,
	ARG_ACTOR,
	ARG_VERB,
	ARG_ACTION_OBJECT,
	ARG_TARGET,
	ARG_BY,
	ARG_SPAN,
	ARG_SAMPLE,
	ARG_BEFORE
};

static const int column_args[NUM_GROUP_COLUMNS] = {
	[GROUP_BY_VERB] = ARG_VERB,
	[GROUP_BY_ACTOR] = ARG_ACTOR,
	[GROUP_BY_ACTION_OBJECT] = ARG_ACTION_OBJECT,
	[GROUP_BY_TARGET] = ARG_TARGET
};

/* What is kept between the calls of a scan. */
typedef struct GroupScan
{
	MemoryContext row;			/* reset for each action */
	TupleDesc	tupdesc;
	Oid			ref_type;
	bool		begun;			/* if not, the rest means nothing */
	bool		ended;			/* the row of nulls has been met */
	bool		has_before;
	GroupOptions options;
	GroupCursor cursor;			/* of the group that was returned last */
	ActionPlace last;			/* of the action that was read last */
	GroupSpan  *span;			/* the one that is being read */
	bool		in_span;
	GroupSpan  *other;			/* the one whose groups are being returned */
	bool		returning;
	int			next;			/* the next of these, or after the last one */
	int			ngroups;
	SpanGroup **groups;
} GroupScan;

/* Callback: the scan ends, or begins again. */
static void
forget_scan(Datum arg)
{
	((GroupScan *) DatumGetPointer(arg))->begun = false;
}

static GroupScan *
create_scan(FunctionCallInfo fcinfo)
{
	MemoryContext context = AllocSetContextCreate(fcinfo->flinfo->fn_mcxt, "actstream group scan",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	GroupScan  *scan = palloc0(sizeof(GroupScan));

	if (get_call_result_type(fcinfo, NULL, &scan->tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	ActionGroupCheckType(scan->tupdesc);
	scan->tupdesc = BlessTupleDesc(scan->tupdesc);
	scan->ref_type = TupleDescAttr(scan->tupdesc, Anum_group_actor - 1)->atttypid;
	scan->row = AllocSetContextCreate(context, "actstream grouped action", ALLOCSET_SMALL_SIZES);
	scan->span = GroupSpanCreate(context);
	scan->other = GroupSpanCreate(context);
	MemoryContextSwitchTo(caller);
	return scan;
}

static void
require_argument(FunctionCallInfo fcinfo, int arg, const char *name)
{
	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("\"%s\" of groups must not be null", name)));
}

/* Read the arguments that are the same for all actions. */
static void
begin_scan(FunctionCallInfo fcinfo, GroupScan *scan)
{
	GroupOptions *options = &scan->options;
	GroupCursor *cursor = &scan->cursor;

	require_argument(fcinfo, ARG_BY, "by");
	require_argument(fcinfo, ARG_SPAN, "span");
	require_argument(fcinfo, ARG_SAMPLE, "sample");
	options->by = GroupByFromArray(PG_GETARG_ARRAYTYPE_P(ARG_BY));
	options->span = GroupSpanFromInterval(PG_GETARG_INTERVAL_P(ARG_SPAN));
	options->sample = PG_GETARG_INT32(ARG_SAMPLE);
	if (options->sample < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" of groups must not be negative", "sample")));

	scan->has_before = !PG_ARGISNULL(ARG_BEFORE);
	if (!scan->has_before)
	{
		cursor->by = options->by;
		cursor->span = options->span;
		GroupCursorBeginSpan(cursor, DT_NOEND);
	}
	else
	{
		GroupCursorFromText(cursor, text_to_cstring(PG_GETARG_TEXT_PP(ARG_BEFORE)));
		if (cursor->by != options->by || cursor->span != options->span)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("cursor is one of other groups"),
					 errhint("Pass the same \"by\" and \"span\" for all pages, or begin with the first page.")));
	}
	scan->last = NewestPlaceOf(DT_NOEND);
	scan->ended = scan->in_span = scan->returning = false;
}

/* The state of the scan; from its beginning if there is none yet. */
static GroupScan *
get_scan(FunctionCallInfo fcinfo)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	GroupScan  *scan = fcinfo->flinfo->fn_extra;
	MemoryContext caller;

	if (scan != NULL && scan->begun)
		return scan;
	if (rsinfo == NULL || !IsA(rsinfo, ReturnSetInfo) || (rsinfo->allowedModes & SFRM_ValuePerCall) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("set-valued function called in context that cannot accept a set")));
	if (scan == NULL)
		scan = fcinfo->flinfo->fn_extra = create_scan(fcinfo);
	MemoryContextReset(scan->row);
	caller = MemoryContextSwitchTo(scan->row);
	begin_scan(fcinfo, scan);
	MemoryContextSwitchTo(caller);
	RegisterExprContextCallback(rsinfo->econtext, forget_scan, PointerGetDatum(scan));
	scan->begun = true;
	return scan;
}

/* Leave out the groups that were read before the cursor that the scan began with. */
static void
skip_groups(GroupScan *scan)
{
	int			n = 0;

	for (int i = 0; i < scan->ngroups; i++)
	{
		SpanGroup  *group = scan->groups[i];

		CHECK_FOR_INTERRUPTS();
		if (!GroupCursorIsRead(&scan->cursor, group->hash, group->has_place ? &group->place : NULL))
			scan->groups[n++] = group;
	}
	scan->ngroups = n;
}

/* The span has ended: its groups are to be returned. */
static void
end_span(GroupScan *scan)
{
	GroupSpan  *span = scan->span;

	if (!scan->in_span)
		return;
	scan->ngroups = GroupSpanFinish(span, &scan->groups);
	if (scan->cursor.begin == GroupSpanBeginning(span))
		skip_groups(scan);
	else
		GroupCursorBeginSpan(&scan->cursor, GroupSpanBeginning(span));
	scan->next = 0;
	scan->returning = true;
	scan->in_span = false;
	scan->span = scan->other;
	scan->other = span;
}

/* Add an action to the groups of its span.  Allocates in the current memory context. */
static void
add_action(FunctionCallInfo fcinfo, GroupScan *scan)
{
	GroupedAction action;
	TimestampTz begin;

	/* null only if constraints were dropped */
	if (PG_ARGISNULL(ARG_ID) || PG_ARGISNULL(ARG_ACTOR) || PG_ARGISNULL(ARG_VERB))
		return;
	action.place.timestamp = PG_GETARG_TIMESTAMPTZ(ARG_TIMESTAMP);
	action.place.id = PG_GETARG_INT64(ARG_ID);
	for (int i = 0; i < NUM_GROUP_COLUMNS; i++)
		action.columns[i] = PG_ARGISNULL(column_args[i]) ? NULL :
			(const struct varlena *) PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(column_args[i]));
	if (scan->ended || ActionPlaceCompare(&action.place, &scan->last) > 0)
		elog(ERROR, "actions to be grouped are not in the order of a stream");
	scan->last = action.place;
	if (!scan->has_before)
	{
		scan->cursor.as_of = action.place;
		scan->has_before = true;
	}

	begin = GroupSpanBegin(scan->options.span, action.place.timestamp);
	if (scan->in_span && GroupSpanBeginning(scan->span) != begin)
		end_span(scan);
	if (!scan->in_span)
	{
		GroupSpanReset(scan->span, &scan->options, &scan->cursor.as_of, begin);
		scan->in_span = true;
	}
	GroupSpanAdd(scan->span, &action);
}

static Datum
make_array(const Datum *elements, int n, Oid type)
{
	ArrayType  *array = type == INT8OID ?
		construct_array((Datum *) elements, n, type, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE) :
		construct_array((Datum *) elements, n, type, -1, false, TYPALIGN_INT);

	return PointerGetDatum(array);
}

/* A group as a row, in the current memory context. */
static Datum
make_row(GroupScan *scan, const SpanGroup *group)
{
	static const AttrNumber columns[NUM_GROUP_COLUMNS] = {
		[GROUP_BY_VERB] = Anum_group_verb,
		[GROUP_BY_ACTOR] = Anum_group_actor,
		[GROUP_BY_ACTION_OBJECT] = Anum_group_action_object,
		[GROUP_BY_TARGET] = Anum_group_target
	};
	Datum		values[Natts_group];
	bool		nulls[Natts_group] = {false};

	values[Anum_group_cursor - 1] = CStringGetTextDatum(GroupCursorToText(&scan->cursor));
	values[Anum_group_newest - 1] = TimestampTzGetDatum(group->newest);
	values[Anum_group_oldest - 1] = TimestampTzGetDatum(group->oldest);
	for (int i = 0; i < NUM_GROUP_COLUMNS; i++)
	{
		values[columns[i] - 1] = PointerGetDatum(group->columns[i]);
		nulls[columns[i] - 1] = group->columns[i] == NULL;
	}
	values[Anum_group_actions - 1] = Int64GetDatum(group->actions);
	values[Anum_group_actors - 1] = Int64GetDatum(group->actors);
	values[Anum_group_actor_sample - 1] = make_array(group->actor_sample, group->nactors, scan->ref_type);
	values[Anum_group_action_sample - 1] = make_array(group->action_sample, group->nids, INT8OID);
	return HeapTupleGetDatum(heap_form_tuple(scan->tupdesc, values, nulls));
}

/*
 * next_groups("timestamp", id, actor, verb, action_object, target, by, span, sample, before)
 *		RETURNS SETOF action_group
 *
 * The groups of the span that this action of a stream ends, if it does; with a null for a
 * timestamp, those of the last one.
 */
Datum
actstream_next_groups(PG_FUNCTION_ARGS)
{
	GroupScan  *scan = get_scan(fcinfo);
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext caller;

	CHECK_FOR_INTERRUPTS();
	if (!scan->returning)
	{
		MemoryContextReset(scan->row);
		caller = MemoryContextSwitchTo(scan->row);
		if (PG_ARGISNULL(ARG_TIMESTAMP))
		{
			end_span(scan);
			scan->ended = true;
		}
		else
			add_action(fcinfo, scan);
		MemoryContextSwitchTo(caller);
	}
	if (scan->returning && scan->next < scan->ngroups)
	{
		const SpanGroup *group = scan->groups[scan->next++];

		GroupCursorAdd(&scan->cursor, group->hash, group->has_place ? &group->place : NULL);
		rsinfo->isDone = ExprMultipleResult;
		PG_RETURN_DATUM(make_row(scan, group));
	}
	scan->returning = false;
	rsinfo->isDone = ExprEndResult;
	PG_RETURN_NULL();
}

/*
 * groups_start(before text) RETURNS text
 *		The cursor of the streams from which the groups after this cursor are made: they begin
 *		with the newest action of the span that is being read.
 */
Datum
actstream_groups_start(PG_FUNCTION_ARGS)
{
	GroupCursor cursor;

	GroupCursorFromText(&cursor, text_to_cstring(PG_GETARG_TEXT_PP(0)));
	if (TIMESTAMP_IS_NOEND(cursor.begin))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(ActionPlaceToText(OldestPlaceOf(GroupSpanEnd(cursor.span, cursor.begin)))));
}
