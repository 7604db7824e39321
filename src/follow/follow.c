/*
 * follow.c
 *		Following and unfollowing, and the rules of actstream.follows.
 */
#include "postgres.h"

#include "base/compat.h"
#include "action/action_send.h"
#include "object/integrity.h"
#include "tables/local_tables.h"
#include "tables/own_trigger.h"
#include "tables/spi_plan.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

/*
 * A verb of 255 characters must have room for "started " or "stopped ", and an
 * entry of the primary key for two references of full length beside the flag.
 */
#define FLAG_MAX_BYTES 247

PG_FUNCTION_INFO_V1(actstream_follow);
PG_FUNCTION_INFO_V1(actstream_unfollow);
PG_FUNCTION_INFO_V1(actstream_follow_check);

#define INSERT_FOLLOW \
	"INSERT INTO actstream.follows AS f (follower, followee, flag, actor_only, started)" \
	" VALUES ($1, $2, $3, $4, $5)"

#define FOLLOW_ARGTYPES {REF_ARG, REF_ARG, TEXTOID, BOOLOID, TIMESTAMPTZOID}

static SpiPlan insert_follow = {
	.sql = INSERT_FOLLOW " RETURNING f::actstream.follow",
	.nargs = Natts_follow,
	.argtypes = FOLLOW_ARGTYPES
};

static SpiPlan insert_new_follow = {
	.sql = INSERT_FOLLOW " ON CONFLICT (follower, followee, flag) DO NOTHING RETURNING f::actstream.follow",
	.nargs = Natts_follow,
	.argtypes = FOLLOW_ARGTYPES
};

static SpiPlan update_follow = {
	.sql = "UPDATE actstream.follows f SET actor_only = $4"
	" WHERE f.follower OPERATOR(pg_catalog.=) $1"
	" AND f.followee OPERATOR(pg_catalog.=) $2"
	" AND f.flag OPERATOR(pg_catalog.=) $3"
	" AND f.actor_only OPERATOR(pg_catalog.<>) $4 RETURNING f::actstream.follow",
	.nargs = 4,
	.argtypes = {REF_ARG, REF_ARG, TEXTOID, BOOLOID}
};

static SpiPlan find_follow = {
	.sql = "SELECT f::actstream.follow FROM actstream.follows f"
	" WHERE f.follower OPERATOR(pg_catalog.=) $1"
	" AND f.followee OPERATOR(pg_catalog.=) $2"
	" AND f.flag OPERATOR(pg_catalog.=) $3"
	" AND f.actor_only OPERATOR(pg_catalog.=) $4",
	.nargs = 4,
	.argtypes = {REF_ARG, REF_ARG, TEXTOID, BOOLOID}
};

static SpiPlan delete_follow = {
	.sql = "DELETE FROM actstream.follows f"
	" WHERE f.follower OPERATOR(pg_catalog.=) $1"
	" AND f.followee OPERATOR(pg_catalog.=) $2"
	" AND ($3 IS NULL OR f.flag OPERATOR(pg_catalog.=) $3) RETURNING f.flag",
	.nargs = 3,
	.argtypes = {REF_ARG, REF_ARG, TEXTOID}
};

/*
 * "started following", or "started <flag>"; likewise "stopped".
 */
static Datum
follow_verb(const char *what, Datum flag)
{
	char	   *name = TextDatumGetCString(flag);

	return PointerGetDatum(cstring_to_text(psprintf("%s %s", what,
													name[0] == '\0' ? "following" : name)));
}

/*
 * Store a follow, or bring actor_only of the one that is there up to date, and
 * leave its row as the result of SPI.  Returns whether it is a new one.
 *
 * Another session may change or remove the row between our look at it and the
 * next; then we begin again.  (Under REPEATABLE READ and SERIALIZABLE, which would not see
 * that, INSERT raises ERRCODE_T_R_SERIALIZATION_FAILURE.)  A row that is in
 * the way each time is one that the current user may not see: the plain INSERT
 * raises the error for that.
 */
static bool
store_follow(Datum *values, const char *nulls)
{
	for (int tries = 0; tries < SPI_PLAN_TRIES; tries++)
	{
		if (SpiPlanExecute(&insert_new_follow, values, nulls) > 0)
			return true;
		if (SpiPlanExecute(&update_follow, values, nulls) > 0 ||
			SpiPlanExecute(&find_follow, values, nulls) > 0)
			return false;
		CHECK_FOR_INTERRUPTS();
	}
	SpiPlanExecute(&insert_follow, values, nulls);
	return true;
}

static void
check_flag(Datum flag)
{
	int			nbytes = VARSIZE_ANY_EXHDR(DatumGetTextPP(flag));

	if (nbytes > FLAG_MAX_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("flag is too long"),
				 errdetail("The flag has %d bytes, the limit is %d.",
						   nbytes, FLAG_MAX_BYTES)));
}

/*
 * follow(follower, followee, flag, actor_only, send_action, description,
 *		  public, "timestamp", data)
 */
Datum
actstream_follow(PG_FUNCTION_ARGS)
{
	Datum		values[Natts_follow];
	char		nulls[Natts_follow];
	NewAction	action;
	Datum		result;
	bool		isnull;
	bool		is_new;

	LocalTableRequire(OWN_FOLLOWS);
	/* the first four are columns of the table; the rest is for the action */
	for (int i = 0; i < Anum_follow_actor_only; i++)
	{
		values[i] = PG_ARGISNULL(i) ? (Datum) 0 : PG_GETARG_DATUM(i);
		nulls[i] = PG_ARGISNULL(i) ? 'n' : ' ';
	}
	values[Anum_follow_started - 1] = PG_ARGISNULL(7) ?
		TimestampTzGetDatum(GetCurrentTimestamp()) : PG_GETARG_DATUM(7);
	nulls[Anum_follow_started - 1] = ' ';

	SPI_connect();
	is_new = store_follow(values, nulls);
	result = SpiPlanResult(&isnull);
	SPI_finish();
	if (isnull)
		PG_RETURN_NULL();		/* a trigger of the user's has suppressed it */

	if (is_new && !PG_ARGISNULL(4) && PG_GETARG_BOOL(4))
	{
		NewActionInit(&action);
		NewActionSetArg(&action, Anum_action_actor, fcinfo, 0);
		NewActionSetArg(&action, Anum_action_target, fcinfo, 1);
		NewActionSet(&action, Anum_action_verb,
					 follow_verb("started", values[Anum_follow_flag - 1]));
		NewActionSetArg(&action, Anum_action_description, fcinfo, 5);
		NewActionSetArg(&action, Anum_action_public, fcinfo, 6);
		NewActionSet(&action, Anum_action_timestamp, values[Anum_follow_started - 1]);
		NewActionSetArg(&action, Anum_action_data, fcinfo, 8);
		(void) ActionSend(&action, &isnull);
	}
	PG_RETURN_DATUM(result);
}

/*
 * Send "<follower> stopped following <followee>", or "stopped <flag>".
 */
static void
send_stopped(FunctionCallInfo fcinfo, Datum flag)
{
	NewAction	action;
	bool		isnull;

	NewActionInit(&action);
	NewActionSetArg(&action, Anum_action_actor, fcinfo, 0);
	NewActionSetArg(&action, Anum_action_target, fcinfo, 1);
	NewActionSet(&action, Anum_action_verb, follow_verb("stopped", flag));
	(void) ActionSend(&action, &isnull);
}

/*
 * unfollow(follower, followee, flag, send_action)
 *
 * Sends one action for each flag that was removed.
 */
Datum
actstream_unfollow(PG_FUNCTION_ARGS)
{
	Datum		values[3];
	char		nulls[3];
	uint64		nremoved;

	LocalTableRequire(OWN_FOLLOWS);
	for (int i = 0; i < (int) lengthof(values); i++)
	{
		values[i] = PG_ARGISNULL(i) ? (Datum) 0 : PG_GETARG_DATUM(i);
		nulls[i] = PG_ARGISNULL(i) ? 'n' : ' ';
	}

	SPI_connect();
	nremoved = SpiPlanExecute(&delete_follow, values, nulls);
	if (!PG_ARGISNULL(3) && PG_GETARG_BOOL(3))
	{
		/* what ActionSend() runs has a result of its own */
		SPITupleTable *removed = SPI_tuptable;

		for (uint64 i = 0; i < nremoved; i++)
		{
			bool		isnull;

			send_stopped(fcinfo, SPI_getbinval(removed->vals[i],
											   removed->tupdesc, 1, &isnull));
		}
	}
	SPI_finish();
	PG_RETURN_INT64((int64) nremoved);
}

/*
 * Trigger AFTER INSERT OR UPDATE ON actstream.follows, for each row: the row is
 * valid, and its references are to what exists.
 */
Datum
actstream_follow_check(PG_FUNCTION_ARGS)
{
	static const AttrNumber columns[] = {
		Anum_follow_follower,
		Anum_follow_followee
	};

	TupleDesc	tupdesc;
	TriggerData *trigdata = OwnTriggerData(fcinfo, OWN_FOLLOWS, &tupdesc);
	HeapTuple	old;
	HeapTuple	row = IntegrityTriggerRow(trigdata, &old);
	bool		isnull;
	Datum		flag = heap_getattr(row, Anum_follow_flag, tupdesc, &isnull);

	/* where the table's owner has dropped a constraint, there may be none */
	if (!isnull)
		check_flag(flag);
	IntegrityCheckRow(tupdesc, row, old, columns, lengthof(columns));
	return PointerGetDatum(NULL);
}
