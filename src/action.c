/*
 * action.c
 *		Sending actions, and the rules of actstream.action.
 */
#include "postgres.h"

#include "compat.h"
#include "action.h"
#include "integrity.h"
#include "spi_plan.h"

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* as the constraints of the table have it */
#define VERB_MAX_CHARS			255

/* a btree entry holds at most 2704 bytes, with 8 kB pages; stay well below */
#define EXTERNAL_ID_MAX_BYTES	1024

PG_FUNCTION_INFO_V1(actstream_act_send);
PG_FUNCTION_INFO_V1(actstream_action_check);

#define INSERT_ACTION \
	"INSERT INTO actstream.action AS a" \
	" (\"timestamp\", public, actor, verb, action_object, target, description, data, external_id)" \
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"

/* the id is not an argument */
#define ACTION_NARGS (Natts_action - 1)
#define ACTION_ARGTYPES \
	{TIMESTAMPTZOID, BOOLOID, REF_ARG, TEXTOID, REF_ARG, REF_ARG, TEXTOID, JSONBOID, TEXTOID}

static SpiPlan insert_action = {
	.sql = INSERT_ACTION " RETURNING a",
	.nargs = ACTION_NARGS,
	.argtypes = ACTION_ARGTYPES
};

static SpiPlan insert_unless_sent = {
	.sql = INSERT_ACTION
	" ON CONFLICT (external_id) WHERE external_id IS NOT NULL DO NOTHING RETURNING a",
	.nargs = ACTION_NARGS,
	.argtypes = ACTION_ARGTYPES
};

static SpiPlan find_sent = {
	.sql = "SELECT a FROM actstream.action a WHERE a.external_id OPERATOR(pg_catalog.=) $1",
	.nargs = 1,
	.argtypes = {TEXTOID}
};

/*
 * NewActionInit
 *		An action of which nothing is said but that it is public and happens now.
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
 *		Say one thing of it; the value must live until the action is sent.
 */
void
NewActionSet(NewAction *action, AttrNumber attnum, Datum value)
{
	action->values[attnum - 1] = value;
	action->isnull[attnum - 1] = false;
}

/*
 * NewActionSetArg
 *		Say what an argument of a function says, null included.
 */
void
NewActionSetArg(NewAction *action, AttrNumber attnum, FunctionCallInfo fcinfo, int arg)
{
	action->values[attnum - 1] = PG_ARGISNULL(arg) ? (Datum) 0 : PG_GETARG_DATUM(arg);
	action->isnull[attnum - 1] = PG_ARGISNULL(arg);
}

static void
check_verb(Datum verb)
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
				 errdetail("The verb has %d characters, the limit is %d.",
						   nchars, VERB_MAX_CHARS)));
}

static void
check_external_id(Datum external_id)
{
	int			nbytes = VARSIZE_ANY_EXHDR(DatumGetTextPP(external_id));

	if (nbytes > EXTERNAL_ID_MAX_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("external_id is too long"),
				 errdetail("It has %d bytes, the limit is %d.",
						   nbytes, EXTERNAL_ID_MAX_BYTES)));
}

/*
 * Store the action unless one with its external_id is there, and leave that
 * one or this one as the result of SPI.
 *
 * An action that is in the way and cannot be found is one that the current
 * user may not see, or one that has just been deleted: the plain INSERT finds
 * out.
 */
static void
insert_once(Datum *values, const char *nulls)
{
	Datum	   *external_id = &values[ACTION_NARGS - 1];

	if (SpiPlanExecute(&insert_unless_sent, values, nulls) == 0 &&
		SpiPlanExecute(&find_sent, external_id, NULL) == 0)
		SpiPlanExecute(&insert_action, values, nulls);
}

/*
 * ActionSend
 *		Store an action as the current user, and return its row.
 *
 * With an external_id that is already there, returns the row that has it.
 * Raises ERRCODE_INVALID_PARAMETER_VALUE for an empty or oversized verb, and
 * whatever inserting into actstream.action raises.
 */
Datum
ActionSend(NewAction *action)
{
	Datum	   *values = action->values + 1;	/* skip the id */
	char		nulls[ACTION_NARGS];
	Datum		result;

	for (int i = 0; i < ACTION_NARGS; i++)
		nulls[i] = action->isnull[i + 1] ? 'n' : ' ';

	if (!action->isnull[Anum_action_verb - 1])
		check_verb(action->values[Anum_action_verb - 1]);

	SPI_connect();
	if (action->isnull[Anum_action_external_id - 1])
		SpiPlanExecute(&insert_action, values, nulls);
	else
	{
		check_external_id(action->values[Anum_action_external_id - 1]);
		insert_once(values, nulls);
	}
	result = SpiPlanResult(1);
	SPI_finish();
	return result;
}

/*
 * act_send(actor, verb, action_object, target, description, public,
 *			"timestamp", data, external_id)
 */
Datum
actstream_act_send(PG_FUNCTION_ARGS)
{
	NewAction	action;

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

	PG_RETURN_DATUM(ActionSend(&action));
}

/*
 * Trigger AFTER INSERT OR UPDATE ON actstream.action, for each row:
 * references bear registered labels.
 */
Datum
actstream_action_check(PG_FUNCTION_ARGS)
{
	static const AttrNumber roles[] = {
		Anum_action_actor,
		Anum_action_action_object,
		Anum_action_target
	};

	IntegrityCheckRow(OwnTriggerData(fcinfo, ActionRelationId()),
					  roles, lengthof(roles));
	return PointerGetDatum(NULL);
}
