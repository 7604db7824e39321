/*
 * action_send.c
 *		Sending actions, and the rules that rows of actstream.actions must obey.
 */
#include "postgres.h"

#include "base/compat.h"
#include "action/action_send.h"
#include "object/integrity.h"
#include "tables/local_tables.h"
#include "tables/own_tables.h"
#include "tables/own_trigger.h"
#include "tables/spi_plan.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

/* a btree entry holds at most 2704 bytes, with 8 kB pages; stay well below */
#define EXTERNAL_ID_MAX_BYTES	1024

PG_FUNCTION_INFO_V1(actstream_act_send);
PG_FUNCTION_INFO_V1(actstream_action_time);
PG_FUNCTION_INFO_V1(actstream_action_check);

#define INTO_ACTIONS(id) \
	"INSERT INTO actstream.actions AS a" \
	" (\"timestamp\", public, actor, verb, action_object, target, description, data, external_id" id ")"
#define VALUES_ARE "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9"
#define INSERT_ACTION INTO_ACTIONS("") " " VALUES_ARE ")"

/* the id is no argument, or the last one */
#define ACTION_NARGS (Natts_action - 1)
StaticAssertDecl(ACTION_NARGS == 9, "these statements name every column but the id");
#define ACTION_ARGTYPES \
	{TIMESTAMPTZOID, BOOLOID, REF_ARG, TEXTOID, REF_ARG, REF_ARG, TEXTOID, JSONBOID, TEXTOID, INT8OID}

static SpiPlan insert_action = {
	.sql = INSERT_ACTION " RETURNING a::actstream.action",
	.nargs = ACTION_NARGS,
	.argtypes = ACTION_ARGTYPES
};

static SpiPlan insert_unless_sent = {
	.sql = INSERT_ACTION
	" ON CONFLICT (external_id) WHERE external_id IS NOT NULL DO NOTHING RETURNING a::actstream.action",
	.nargs = ACTION_NARGS,
	.argtypes = ACTION_ARGTYPES
};

static SpiPlan emit_action = {
	.sql = INSERT_ACTION,
	.nargs = ACTION_NARGS,
	.argtypes = ACTION_ARGTYPES
};

static SpiPlan emit_action_by_id = {
	.sql = INTO_ACTIONS(", id") " OVERRIDING SYSTEM VALUE " VALUES_ARE ", $10)",
	.nargs = ACTION_NARGS + 1,
	.argtypes = ACTION_ARGTYPES
};

static SpiPlan find_sent = {
	.sql = "SELECT a::actstream.action FROM actstream.actions a WHERE a.external_id OPERATOR(pg_catalog.=) $1",
	.nargs = 1,
	.argtypes = {TEXTOID},
	.by_index = true
};

/*
 * NewActionInit
 *		A public action that happens now, with all else null.
 */
void
NewActionInit(NewAction *action)
{
	memset(action->isnull, true, sizeof(action->isnull));
	NewActionSet(action, Anum_action_public, BoolGetDatum(true));
	NewActionSet(action, Anum_action_timestamp,
				 TimestampTzGetDatum(GetCurrentTimestamp()));
}

/*
 * NewActionSet
 *		Set a column; the value must live until the action is sent.
 */
void
NewActionSet(NewAction *action, AttrNumber attnum, Datum value)
{
	action->values[attnum - 1] = value;
	action->isnull[attnum - 1] = false;
}

/*
 * NewActionSetArg
 *		Set a column to an argument of a function, which may be null.
 */
void
NewActionSetArg(NewAction *action, AttrNumber attnum, FunctionCallInfo fcinfo, int arg)
{
	action->values[attnum - 1] = PG_ARGISNULL(arg) ? (Datum) 0 : PG_GETARG_DATUM(arg);
	action->isnull[attnum - 1] = PG_ARGISNULL(arg);
}

/*
 * ActionCheckVerb
 *		Raise ERRCODE_INVALID_PARAMETER_VALUE unless it has 1 to 255 characters.
 */
void
ActionCheckVerb(Datum verb)
{
	text	   *value = DatumGetTextPP(verb);
	int			nchars = pg_mbstrlen_with_len(VARDATA_ANY(value),
											  VARSIZE_ANY_EXHDR(value));

	if (nchars == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("verb must not be empty")));
	if (nchars > VERB_MAX_CHARS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("verb is too long"),
				 errdetail("The verb has %d characters; the limit is %d.",
						   nchars, VERB_MAX_CHARS),
				 errhint("What else is to be said about an action goes into its description or its data.")));
}

static void
check_external_id(Datum external_id)
{
	int			nbytes = VARSIZE_ANY_EXHDR(DatumGetTextPP(external_id));

	if (nbytes == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("external_id must not be empty"),
				 errhint("Use null for an action without one.")));
	if (nbytes > EXTERNAL_ID_MAX_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("external_id is too long"),
				 errdetail("The external_id has %d bytes; the limit is %d.",
						   nbytes, EXTERNAL_ID_MAX_BYTES),
				 errhint("Use a hash of it.")));
}

/*
 * Store the action unless one with its external_id exists already; the result of SPI is
 * the row of the one or the other.
 *
 * Another session may delete the other action before we have read it; then this tries
 * again.  If it can be read in no try, the current user may not see it: the plain INSERT
 * then raises the error.
 */
static void
insert_once(Datum *values, const char *nulls)
{
	Datum	   *external_id = &values[ACTION_NARGS - 1];

	/* a unique index of a partitioned table would have to include "timestamp" */
	if (get_rel_relkind(OwnTableId(OWN_ACTIONS)) == RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("external_id is not supported while actstream.actions is partitioned")));
	for (int tries = 0; tries < SPI_PLAN_TRIES; tries++)
	{
		if (SpiPlanExecute(&insert_unless_sent, values, nulls) > 0 ||
			SpiPlanExecute(&find_sent, external_id, NULL) > 0)
			return;
		CHECK_FOR_INTERRUPTS();
	}
	SpiPlanExecute(&insert_action, values, nulls);
}

/* The values and nulls of an action, as arguments of the statements. */
static Datum *
action_args(NewAction *action, char *nulls)
{
	for (int i = 0; i < ACTION_NARGS; i++)
		nulls[i] = action->isnull[i + 1] ? 'n' : ' ';
	return action->values + 1;	/* skip the id */
}

/*
 * ActionSend
 *		Store an action as the current user, and return its row; null if a user's
 *		trigger has suppressed it.
 *
 * If an action with its external_id exists already, returns that one's row.  Raises
 * whatever inserting into actstream.actions raises.
 */
Datum
ActionSend(NewAction *action, bool *isnull)
{
	char		nulls[ACTION_NARGS];
	Datum	   *values = action_args(action, nulls);
	bool		is_named = !action->isnull[Anum_action_external_id - 1];
	Datum		result;

	LocalTableRequire(OWN_ACTIONS);
	SPI_connect();
	if (!is_named)
		SpiPlanExecute(&insert_action, values, nulls);
	else
		insert_once(values, nulls);
	result = SpiPlanResult(isnull);
	SPI_finish();
	return result;
}

/*
 * ActionEmit
 *		Store an action of a tracked table as "owner", the owner of that table, which
 *		may insert any action.  Its id is *id, from ActionIdIfPlain(), or the next one
 *		if that is NULL.
 *
 * Leaves nothing behind that could affect the session's user: no setting, and no
 * deferred trigger, which is an error.
 *
 * Raises whatever inserting into actstream.actions raises; see ActionIdIfPlain().
 */
void
ActionEmit(NewAction *action, Oid owner, const int64 *id)
{
	Datum		values[ACTION_NARGS + 1];
	char		nulls[ACTION_NARGS + 1];
	RunAs		before;

	memcpy(values, action_args(action, nulls), ACTION_NARGS * sizeof(Datum));
	if (id != NULL)
		values[ACTION_NARGS] = Int64GetDatum(*id);
	nulls[ACTION_NARGS] = ' ';

	LocalTableRequire(OWN_ACTIONS);
	/*
	 * with an id, no code of users runs, and we save the time that the restriction takes
	 */
	RunAsBegin(&before, owner, id == NULL ? RUN_AS_RESTRICTED : RUN_AS_CASCADE);
	SPI_connect();
	SpiPlanExecute(id == NULL ? &emit_action : &emit_action_by_id, values, nulls);
	SPI_finish();
	RunAsEnd(&before);
}

/*
 * act_send(actor, verb, action_object, target, description, public,
 *			"timestamp", data, external_id)
 */
Datum
actstream_act_send(PG_FUNCTION_ARGS)
{
	NewAction	action;
	Datum		sent;
	bool		isnull;

	NewActionInit(&action);
	NewActionSetArg(&action, Anum_action_actor, fcinfo, 0);
	NewActionSetArg(&action, Anum_action_verb, fcinfo, 1);
	NewActionSetArg(&action, Anum_action_action_object, fcinfo, 2);
	NewActionSetArg(&action, Anum_action_target, fcinfo, 3);
	NewActionSetArg(&action, Anum_action_description, fcinfo, 4);
	NewActionSetArg(&action, Anum_action_public, fcinfo, 5);
	if (!PG_ARGISNULL(6))
		NewActionSetArg(&action, Anum_action_timestamp, fcinfo, 6);
	NewActionSetArg(&action, Anum_action_data, fcinfo, 7);
	NewActionSetArg(&action, Anum_action_external_id, fcinfo, 8);

	sent = ActionSend(&action, &isnull);
	if (isnull)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(sent);
}

/* Check the columns that streams rely on: NOT NULL constraints can be dropped. */
static void
check_not_null(HeapTuple row, TupleDesc tupdesc)
{
	static const AttrNumber columns[] = {
		Anum_action_timestamp,
		Anum_action_verb
	};

	for (int i = 0; i < (int) lengthof(columns); i++)
	{
		if (heap_attisnull(row, columns[i], tupdesc))
			ereport(ERROR,
					(errcode(ERRCODE_NOT_NULL_VIOLATION),
					 errmsg("%s must not be null",
							NameStr(TupleDescAttr(tupdesc, columns[i] - 1)->attname))));
	}
}

/* Check the texts of a row, which indexes may contain. */
static void
check_texts(HeapTuple row, TupleDesc tupdesc)
{
	bool		isnull;
	Datum		value = heap_getattr(row, Anum_action_verb, tupdesc, &isnull);

	if (!isnull)
		ActionCheckVerb(value);
	value = heap_getattr(row, Anum_action_external_id, tupdesc, &isnull);
	if (!isnull)
		check_external_id(value);
}

/*
 * Trigger action_time BEFORE INSERT ON actstream.actions, for each row: replaces a null
 * "timestamp" by the current time.
 *
 * Checks the texts already, as one that is too long for an index would raise an error there.
 */
Datum
actstream_action_time(PG_FUNCTION_ARGS)
{
	Datum		result = OwnTriggerSetTime(fcinfo, OWN_ACTIONS, "timestamp");
	TupleDesc	tupdesc;
	TriggerData *trigdata = OwnTriggerData(fcinfo, OWN_ACTIONS, &tupdesc);

	check_texts(trigdata->tg_trigtuple, tupdesc);
	return result;
}

/*
 * Trigger action_check AFTER INSERT OR UPDATE ON actstream.actions, for each row: the
 * row must be valid, and its references must name existing objects.
 *
 * What else is checked here must not concern the actions of tracked rows, or
 * ActionIdIfPlain() has to know of it.
 */
Datum
actstream_action_check(PG_FUNCTION_ARGS)
{
	static const AttrNumber roles[] = {
		Anum_action_actor,
		Anum_action_action_object,
		Anum_action_target
	};

	TupleDesc	tupdesc;
	TriggerData *trigdata = OwnTriggerData(fcinfo, OWN_ACTIONS, &tupdesc);
	HeapTuple	old;
	HeapTuple	row = IntegrityTriggerRow(trigdata, &old);

	check_not_null(row, tupdesc);
	check_texts(row, tupdesc);
	IntegrityCheckRow(trigdata, OWN_ACTIONS, tupdesc, row, old, roles, lengthof(roles));
	return PointerGetDatum(NULL);
}
