/*
 * stream.c
 *		The functions that return streams.
 *
 * A query that has such a function alone in its FROM clause is planned as a
 * scan of the stream, see stream_plan.c.  Everywhere else the functions run,
 * and yield the same rows, one by one.
 */
#include "postgres.h"

#include "compat.h"
#include "catalog.h"
#include "stream.h"
#include "stream_rows.h"

#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"

/* Rows that a call is taken to be for: functions hear of no LIMIT. */
#define DEFAULT_PAGE	100

static Datum next_row(FunctionCallInfo fcinfo, StreamKind kind);

#define STREAM_FUNCTION(name, kind) \
PG_FUNCTION_INFO_V1(name); \
Datum \
name(PG_FUNCTION_ARGS) \
{ \
	return next_row(fcinfo, kind); \
}

STREAM_FUNCTION(actstream_public_stream, PUBLIC_STREAM)
STREAM_FUNCTION(actstream_actor_stream, ACTOR_STREAM)
STREAM_FUNCTION(actstream_target_stream, TARGET_STREAM)
STREAM_FUNCTION(actstream_action_object_stream, ACTION_OBJECT_STREAM)
STREAM_FUNCTION(actstream_any_stream, ANY_STREAM)
STREAM_FUNCTION(actstream_model_stream, MODEL_STREAM)
STREAM_FUNCTION(actstream_stream_of, STREAM_OF)
STREAM_FUNCTION(actstream_user_stream, USER_STREAM)

PG_FUNCTION_INFO_V1(actstream_check_roles);

static const struct
{
	PGFunction	function;
	const char *name;
}			streams[NUM_STREAM_KINDS] = {
	[PUBLIC_STREAM] = {actstream_public_stream, "public_stream"},
	[ACTOR_STREAM] = {actstream_actor_stream, "actor_stream"},
	[TARGET_STREAM] = {actstream_target_stream, "target_stream"},
	[ACTION_OBJECT_STREAM] = {actstream_action_object_stream, "action_object_stream"},
	[ANY_STREAM] = {actstream_any_stream, "any_stream"},
	[MODEL_STREAM] = {actstream_model_stream, "model_stream"},
	[STREAM_OF] = {actstream_stream_of, "stream_of"},
	[USER_STREAM] = {actstream_user_stream, "user_stream"}
};

/*
 * StreamFunctionKind
 *		Whether the function returns a stream, and which.
 *
 * It is known by the C function that it is declared with, in our schema.
 */
bool
StreamFunctionKind(Oid function, StreamKind *kind)
{
	FmgrInfo	info;

	if (!ExtensionIsComplete() || get_func_namespace(function) != OwnSchema())
		return false;
	fmgr_info(function, &info);
	for (int i = 0; i < NUM_STREAM_KINDS; i++)
	{
		if (info.fn_addr == streams[i].function)
		{
			*kind = i;
			return true;
		}
	}
	return false;
}

/*
 * StreamKindName
 *		What a stream is called.
 */
const char *
StreamKindName(StreamKind kind)
{
	return streams[kind].name;
}

/* Callback of an expression context: nobody will ask for more. */
static void
end_rows(Datum arg)
{
	FuncCallContext *funcctx = (FuncCallContext *) DatumGetPointer(arg);

	StreamRowsEnd(funcctx->user_fctx);
}

/* Copy an argument of a call to the current memory context. */
static NullableDatum
copy_arg(FunctionCallInfo fcinfo, int arg)
{
	NullableDatum result = fcinfo->args[arg];
	int16		typlen;
	bool		typbyval;

	get_typlenbyval(get_fn_expr_argtype(fcinfo->flinfo, arg), &typlen, &typbyval);
	if (!result.isnull)
		result.value = datumCopy(result.value, typbyval, typlen);
	return result;
}

/* Begin to return the rows of a stream. */
static void
begin_rows(FunctionCallInfo fcinfo, StreamKind kind)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	FuncCallContext *funcctx = SRF_FIRSTCALL_INIT();
	MemoryContext oldcontext = MemoryContextSwitchTo(funcctx->multi_call_memory_ctx);
	StreamCall	call = {.kind = kind, .newest = NewestPlaceOf(DT_NOEND),
	.oldest = OldestPlaceOf(DT_NOBEGIN), .page = DEFAULT_PAGE};

	Assert(PG_NARGS() <= STREAM_MAX_ARGS);
	for (int i = 0; i < PG_NARGS(); i++)
		call.args[i] = copy_arg(fcinfo, i);
	funcctx->user_fctx = StreamRowsCreate(kind, fcinfo->flinfo->fn_oid, rsinfo->econtext);
	/* called before the memory of the rows goes: the last comes first */
	RegisterExprContextCallback(rsinfo->econtext, end_rows, PointerGetDatum(funcctx));
	StreamRowsBegin(funcctx->user_fctx, &call);
	MemoryContextSwitchTo(oldcontext);
}

/* Return the next row of a stream, as a function that returns a set does. */
static Datum
next_row(FunctionCallInfo fcinfo, StreamKind kind)
{
	FuncCallContext *funcctx;
	TupleTableSlot *row;

	if (SRF_IS_FIRSTCALL())
		begin_rows(fcinfo, kind);
	funcctx = SRF_PERCALL_SETUP();
	row = StreamRowsNext(funcctx->user_fctx);
	if (row != NULL)
		SRF_RETURN_NEXT(funcctx, ExecFetchSlotHeapTupleDatum(row));

	UnregisterExprContextCallback(((ReturnSetInfo *) fcinfo->resultinfo)->econtext,
								  end_rows, PointerGetDatum(funcctx));
	StreamRowsEnd(funcctx->user_fctx);
	SRF_RETURN_DONE(funcctx);
}

/*
 * actstream_check_roles
 *		Return the array, or raise an error if one of its elements is not a role.
 */
Datum
actstream_check_roles(PG_FUNCTION_ARGS)
{
	(void) RolesFromArray(PG_GETARG_ARRAYTYPE_P(0));
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}
