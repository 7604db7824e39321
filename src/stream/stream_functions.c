/*
 * stream_functions.c
 *		The conditions that identify streams.
 *
 * The functions that return streams are written in SQL.  Their conditions include a call
 * of one of the functions here, which tests whether a row belongs to the stream.  The
 * planner hook recognizes a stream by it: see stream_plan.c.  The functions are executed
 * only in plans without the custom scan, and in rechecks.
 *
 * They are leakproof, so none of them may raise an error because of its arguments, and
 * immutable.  They read tables only if the planner has left out the queries for follows and
 * mutes (see stream_inline.c): then they read these as the scan of the stream would.
 */
#include "postgres.h"

#include "base/compat.h"
#include "object/registry.h"
#include "reader/source_filter.h"
#include "reader/stream_sources.h"
#include "stream/stream_functions.h"
#include "tables/own_tables.h"

#include "catalog/pg_namespace.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* What a condition keeps between rows. */
typedef struct ConditionState
{
	MemoryContext context;		/* holds the rest */
	bool		valid;			/* is the rest filled in? */
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
 *		Is the function one of these conditions?  If so, sets *kind to its stream.
 *
 * It is recognized by its C function, and must be in the schema actstream_internal.
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
 *		The name of a stream, for EXPLAIN.
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

/*
 * Is the argument the same as for the previous row?  Compares values, because another
 * one may be in the same memory.
 */
static bool
same_arg(FunctionCallInfo fcinfo, StreamKind kind, int i, const NullableDatum *before)
{
	if (get_fn_expr_arg_stable(fcinfo->flinfo, i))
		return true;
	if (fcinfo->args[i].isnull || before->isnull)
		return fcinfo->args[i].isnull == before->isnull;
	return datumIsEqual(fcinfo->args[i].value, before->value, is_by_value(kind, i), -1);
}

/* Copy an argument into the current memory context. */
static NullableDatum
copy_arg(NullableDatum arg, bool by_value)
{
	if (!arg.isnull)
		arg.value = datumCopy(arg.value, by_value, -1);
	return arg;
}

/*
 * What the stream is about: computed again only if the arguments have changed since the
 * previous row.
 */
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
 * in_…(actor, target, action_object, "timestamp", verb, …) RETURNS boolean
 *
 * Does a public action belong to the stream?  Never if it has no timestamp.
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
	action.verb = PG_ARGISNULL(STREAM_VERB_ARG) ? NULL : PG_GETARG_TEXT_PP(STREAM_VERB_ARG);
	for (ActionIndex role = 0; role < NUM_ACTION_ROLES; role++)
		action.objects[role] = PG_ARGISNULL(role) ? NULL : PG_GETARG_REF_PP(role);
	PG_RETURN_BOOL(StreamSubjectShows(subject, &action));
}

/*
 * role_bits(roles text[]) RETURNS integer
 *
 * The roles as a RoleSet; an error if one of them does not exist.
 */
Datum
actstream_role_bits(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(RolesFromArray(PG_GETARG_ARRAYTYPE_P(0)));
}

/* May the current user read a column of actstream.actions? */
static bool
may_read_actions(void)
{
	Oid			relid = OwnTableId(OWN_ACTIONS);

	return pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK ||
		pg_attribute_aclcheck_all(relid, GetUserId(), ACL_SELECT, ACLMASK_ANY) == ACLCHECK_OK;
}

/*
 * model_start(label) RETURNS ref
 *		The least reference with the label.
 *
 * Raises ERRCODE_UNDEFINED_OBJECT if the label is not registered, or the errors of
 * RefCheckLabel() if it cannot be one.
 */
Datum
actstream_model_start(PG_FUNCTION_ARGS)
{
	char	   *label = text_to_cstring(PG_GETARG_TEXT_PP(0));

	if (object_aclcheck(NamespaceRelationId, OwnSchema(), GetUserId(), ACL_USAGE) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_SCHEMA, "actstream");
	RefCheckLabel(label, strlen(label));
	/* whoever may read no action will be told that, and not which labels there are */
	if (may_read_actions() && RegistryLookupLabel(label, strlen(label)) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("object type \"%s\" is not registered", label),
				 errhint("%s", RegistryLabelHint(label, strlen(label)))));
	PG_RETURN_REF_P(RefFromInteger(label, strlen(label), PG_INT64_MIN));
}
