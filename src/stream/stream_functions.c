/*
 * stream_functions.c
 *		The conditions that streams are known by.
 *
 * The functions that return streams are written in SQL.  Among their conditions
 * is one of the functions here, which tells whether a row belongs to the stream.
 * The planner's hook knows the scan by it: see stream_plan.c.  Where some other
 * plan is made, and where the executor looks at a row again, they are called.
 *
 * They are leakproof, so none of them may raise an error over its arguments, and
 * immutable.  Only where the planner has left out a query for follows, see
 * stream_inline.c, are these read here, as the scan of the stream would.
 */
#include "postgres.h"

#include "base/compat.h"
#include "object/registry.h"
#include "reader/stream_sources.h"
#include "stream/stream_functions.h"
#include "tables/own_tables.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* What a condition keeps from row to row. */
typedef struct ConditionState
{
	MemoryContext context;		/* of what follows */
	bool		valid;			/* does the rest hold? */
	NullableDatum args[STREAM_MAX_ARGS];
	StreamSubject subject;
} ConditionState;

static Datum is_shown(FunctionCallInfo fcinfo, StreamKind kind);

#define STREAM_CONDITION(name, kind) \
PG_FUNCTION_INFO_V1(name); \
Datum \
name(PG_FUNCTION_ARGS) \
{ \
	return is_shown(fcinfo, kind); \
}

STREAM_CONDITION(actstream_in_public_stream, PUBLIC_STREAM)
STREAM_CONDITION(actstream_in_model_stream, MODEL_STREAM)
STREAM_CONDITION(actstream_in_stream_of, STREAM_OF)
STREAM_CONDITION(actstream_in_user_stream, USER_STREAM)

PG_FUNCTION_INFO_V1(actstream_role_bits);
PG_FUNCTION_INFO_V1(actstream_model_start);

static const struct
{
	PGFunction	function;
	const char *name;
}			conditions[NUM_STREAM_KINDS] = {
	[PUBLIC_STREAM] = {actstream_in_public_stream, "public_stream"},
	[MODEL_STREAM] = {actstream_in_model_stream, "model_stream"},
	[STREAM_OF] = {actstream_in_stream_of, "stream_of"},
	[USER_STREAM] = {actstream_in_user_stream, "user_stream"}
};

/*
 * StreamConditionKind
 *		Whether the function is one of these conditions, and of which stream.
 *
 * It is known by the C function that it is declared with, in our schema for such functions.
 */
bool
StreamConditionKind(Oid function, StreamKind *kind)
{
	FmgrInfo	info;

	if (!ExtensionExists() || get_func_namespace(function) != OwnInternalSchema())
		return false;
	fmgr_info(function, &info);
	for (int i = 0; i < NUM_STREAM_KINDS; i++)
	{
		if (info.fn_addr == conditions[i].function)
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
	return conditions[kind].name;
}

/* Is the argument a boolean or an integer?  The others are of variable length. */
static bool
is_by_value(StreamKind kind, int i)
{
	return (kind == USER_STREAM && (i == STREAM_ROW_ARGS + 2 || i == STREAM_ROW_ARGS + 3)) ||
		(kind == STREAM_OF && i == STREAM_ROW_ARGS + 1);
}

/* Is the argument the same as for the row before?  Another may lie in the same place. */
static bool
same_arg(FunctionCallInfo fcinfo, StreamKind kind, int i, const NullableDatum *before)
{
	if (get_fn_expr_arg_stable(fcinfo->flinfo, i))
		return true;
	if (fcinfo->args[i].isnull || before->isnull)
		return fcinfo->args[i].isnull == before->isnull;
	return datumIsEqual(fcinfo->args[i].value, before->value, is_by_value(kind, i), -1);
}

/* Keep an argument in the current memory context. */
static NullableDatum
copy_arg(NullableDatum arg, bool by_value)
{
	if (!arg.isnull)
		arg.value = datumCopy(arg.value, by_value, -1);
	return arg;
}

/* What the stream is about: as for the row before, or found out anew. */
static const StreamSubject *
get_subject(FunctionCallInfo fcinfo, StreamKind kind)
{
	ConditionState *state = fcinfo->flinfo->fn_extra;
	bool		kept_follows = get_fn_expr_argtype(fcinfo->flinfo, STREAM_FOLLOWS_ARG) ==
		STREAM_KEPT_FOLLOWS;
	MemoryContext oldcontext;

	if (state == NULL)
	{
		state = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(ConditionState));
		state->context = AllocSetContextCreate(fcinfo->flinfo->fn_mcxt, "actstream condition",
											   ALLOCSET_SMALL_SIZES);
		fcinfo->flinfo->fn_extra = state;
	}
	for (int i = STREAM_ROW_ARGS; state->valid && i < PG_NARGS(); i++)
		state->valid = same_arg(fcinfo, kind, i, &state->args[i]);
	if (state->valid)
		return &state->subject;

	MemoryContextReset(state->context);
	oldcontext = MemoryContextSwitchTo(state->context);
	for (int i = STREAM_ROW_ARGS; i < PG_NARGS(); i++)
		state->args[i] = copy_arg(fcinfo->args[i], is_by_value(kind, i));
	state->subject = StreamSubjectOf(kind, &state->args[STREAM_ROW_ARGS], kept_follows,
									 kept_follows ? GetActiveSnapshot() : NULL);
	if (state->subject.sources != NULL)
		SourceSetIndex(state->subject.sources);
	MemoryContextSwitchTo(oldcontext);
	state->valid = true;
	return &state->subject;
}

/*
 * in_…(actor, target, action_object, "timestamp", …) RETURNS boolean
 *		Does a public action belong to the stream?  One without a timestamp is in
 *		none.
 */
static Datum
is_shown(FunctionCallInfo fcinfo, StreamKind kind)
{
	const StreamSubject *subject;
	ActionRefs	action;

	if (PG_ARGISNULL(STREAM_TIMESTAMP_ARG))
		PG_RETURN_BOOL(false);
	if (kind == PUBLIC_STREAM)
		PG_RETURN_BOOL(true);
	subject = get_subject(fcinfo, kind);
	action.timestamp = PG_GETARG_TIMESTAMPTZ(STREAM_TIMESTAMP_ARG);
	for (ActionIndex role = 0; role < NUM_ACTION_ROLES; role++)
		action.objects[role] = PG_ARGISNULL(role) ? NULL : PG_GETARG_REF_PP(role);
	PG_RETURN_BOOL(StreamSubjectShows(subject, &action));
}

/*
 * role_bits(roles text[]) RETURNS integer
 *		The roles as RoleSet, or an error if one of them is none.
 */
Datum
actstream_role_bits(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(RolesFromArray(PG_GETARG_ARRAYTYPE_P(0)));
}

/*
 * model_start(label) RETURNS ref
 *		The least reference with the label, which is registered;
 *		ERRCODE_UNDEFINED_OBJECT if it is not.
 */
Datum
actstream_model_start(PG_FUNCTION_ARGS)
{
	char	   *label = text_to_cstring(PG_GETARG_TEXT_PP(0));

	if (RegistryLookupLabel(label, strlen(label)) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("object type \"%s\" does not exist", label),
				 errhint("The labels of object types are in actstream.object_types; actstream.register() adds one for a table.")));
	PG_RETURN_REF_P(RefFromInteger(label, strlen(label), PG_INT64_MIN));
}
