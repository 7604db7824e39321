/*
 * follow.c
 *		Following and unfollowing, and the rules that rows of actstream.follows must obey.
 */
#include "postgres.h"

#include "base/compat.h"
#include "action/action_send.h"
#include "follow/follow.h"
#include "follow/follow_verbs.h"
#include "follow/mute.h"
#include "object/integrity.h"
#include "tables/local_tables.h"
#include "tables/own_trigger.h"
#include "tables/spi_plan.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

/*
 * With "started " or "stopped " before it, a flag must fit into a verb of 255
 * characters; and with two references of maximum length, into an entry of the primary
 * key.
 */
#define FLAG_MAX_BYTES 247

PG_FUNCTION_INFO_V1(actstream_follow);
PG_FUNCTION_INFO_V1(actstream_unfollow);
PG_FUNCTION_INFO_V1(actstream_follow_time);
PG_FUNCTION_INFO_V1(actstream_follow_check);

#define INSERT_FOLLOW \
	"INSERT INTO actstream.follows AS f (follower, followee, flag, actor_only, started, verbs)" \
	" VALUES ($1, $2, $3, $4, $5, $6)"

#define FOLLOW_ARGTYPES {REF_ARG, REF_ARG, TEXTOID, BOOLOID, TIMESTAMPTZOID, TEXTARRAYOID}

/* of the follow, and what may be changed of it */
#define IS_FOLLOW \
	"f.follower OPERATOR(pg_catalog.=) $1 AND f.followee OPERATOR(pg_catalog.=) $2" \
	" AND f.flag OPERATOR(pg_catalog.=) $3"

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
	.sql = "UPDATE actstream.follows f SET actor_only = $4, verbs = $6"
	" WHERE " IS_FOLLOW " AND NOT (" HAS_TERMS ") RETURNING f::actstream.follow",
	.nargs = Natts_follow,
	.argtypes = FOLLOW_ARGTYPES,
	.by_index = true
};

static SpiPlan find_follow = {
	.sql = "SELECT f::actstream.follow FROM actstream.follows f WHERE " IS_FOLLOW " AND " HAS_TERMS,
	.nargs = Natts_follow,
	.argtypes = FOLLOW_ARGTYPES,
	.by_index = true
};

static SpiPlan delete_follow = {
	.sql = "DELETE FROM actstream.follows f"
	" WHERE f.follower OPERATOR(pg_catalog.=) $1"
	" AND f.followee OPERATOR(pg_catalog.=) $2"
	" AND ($3 IS NULL OR f.flag OPERATOR(pg_catalog.=) $3) RETURNING f.flag",
	.nargs = 3,
	.argtypes = {REF_ARG, REF_ARG, TEXTOID},
	.by_index = true
};

/*
 * Look for an action with the same actor, verb, target and public, and a time from $5 to
 * $6.
 *
 * The first statement looks at the newest actions of the actor in that time.  If there may
 * be more of them, for example when a program follows thousands of objects, the second
 * statement looks at the actions with the target.  Reading only one of the two lists to
 * its end would be slow for a busy actor, or for a target that many follow at once.
 */
#define LIKE_ARGTYPES {REF_ARG, TEXTOID, REF_ARG, BOOLOID, TIMESTAMPTZOID, TIMESTAMPTZOID}
#define IS_LIKE \
	" AND a.public OPERATOR(pg_catalog.=) $4" \
	" AND a.\"timestamp\" OPERATOR(pg_catalog.>=) $5 AND a.\"timestamp\" OPERATOR(pg_catalog.<=) $6"

/* is it among the newest ones, and may there be more of them? */
static SpiPlan find_like_by_actor = {
	.sql = "SELECT pg_catalog.bool_or(a.verb OPERATOR(pg_catalog.=) $2 AND a.target OPERATOR(pg_catalog.=) $3),"
	" pg_catalog.count(*) OPERATOR(pg_catalog.=) 20"
	" FROM (SELECT a.verb, a.target FROM actstream.actions a"
	" WHERE a.actor OPERATOR(pg_catalog.=) $1" IS_LIKE
	" ORDER BY a.\"timestamp\" DESC, a.id DESC LIMIT 20) AS a",
	.nargs = 6,
	.argtypes = LIKE_ARGTYPES,
	.by_index = true
};

/* with IS TRUE, no index on these columns is considered */
static SpiPlan find_like_by_target = {
	.sql = "SELECT FROM actstream.actions a"
	" WHERE a.target OPERATOR(pg_catalog.=) $3" IS_LIKE
	" AND (a.actor OPERATOR(pg_catalog.=) $1) IS TRUE"
	" AND (a.verb OPERATOR(pg_catalog.=) $2) IS TRUE LIMIT 1",
	.nargs = 6,
	.argtypes = LIKE_ARGTYPES,
	.by_index = true
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
 * Store a follow, or if it exists already, update its actor_only and verbs; the result of
 * SPI is its row.  Returns whether it is new.
 *
 * Another session may change or delete the row before we have read it; then this tries
 * again.  (Under REPEATABLE READ and SERIALIZABLE, which would not see that change,
 * INSERT raises ERRCODE_T_R_SERIALIZATION_FAILURE.)  If the row can be read in no try,
 * the current user may not see it: the plain INSERT then raises the error.
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

/*
 * Is there already such an action (see above) less than a minute before or after this one?
 */
static bool
was_sent(const NewAction *action)
{
	TimestampTz when = DatumGetTimestampTz(action->values[Anum_action_timestamp - 1]);
	bool		is_finite = !TIMESTAMP_NOT_FINITE(when);
	Datum		values[] = {
		action->values[Anum_action_actor - 1],
		action->values[Anum_action_verb - 1],
		action->values[Anum_action_target - 1],
		action->values[Anum_action_public - 1],
		TimestampTzGetDatum(is_finite ? Max(when - USECS_PER_MINUTE, MIN_TIMESTAMP) : when),
		TimestampTzGetDatum(is_finite ? Min(when + USECS_PER_MINUTE, END_TIMESTAMP - 1) : when)
	};
	bool		result;

	if (action->isnull[Anum_action_public - 1])
		return false;
	LocalTableRequire(OWN_ACTIONS);
	/* as for the INSERT: to lock the table again, and more, could make a deadlock with REINDEX */
	LockRelationOid(OwnTableId(OWN_ACTIONS), RowExclusiveLock);
	SPI_connect();
	SpiPlanExecuteLatest(&find_like_by_actor, values, NULL);
	result = SpiPlanColumnIsTrue(1) ||
		(SpiPlanColumnIsTrue(2) && SpiPlanExecuteLatest(&find_like_by_target, values, NULL) > 0);
	SPI_finish();
	return result;
}

/*
 * Send the action of a follow that has begun or ended, unless there is the same one less
 * than a minute before or after it: pressing a button again and again must not fill
 * streams.
 *
 * Two sessions cannot send the same action at the same time.  Both have inserted, or
 * deleted, the row of the same follow, so the first one has committed, with its action,
 * before the second one could; and the second one looks at the latest state of the
 * database.
 */
static void
send_once(NewAction *action)
{
	bool		isnull;

	if (!was_sent(action))
		(void) ActionSend(action, &isnull);
}

static void
check_flag(Datum flag)
{
	int			nbytes = VARSIZE_ANY_EXHDR(DatumGetTextPP(flag));

	if (nbytes > FLAG_MAX_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("flag is too long"),
				 errdetail("The flag has %d bytes; the limit is %d.",
						   nbytes, FLAG_MAX_BYTES),
				 errhint("A flag names a kind of follow, such as \"watching\".")));
}

/*
 * FollowRequireFlag
 *		Raise ERRCODE_NOT_NULL_VIOLATION if that argument, the flag of a follow, is null.
 */
void
FollowRequireFlag(FunctionCallInfo fcinfo, int arg)
{
	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NOT_NULL_VIOLATION),
				 errmsg("flag of a follow must not be null"),
				 errhint("Use the empty string, which is the default, for a plain follow.")));
}

/*
 * follow(follower, followee, flag, actor_only, send_action, description,
 *		  public, "timestamp", data, verbs)
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
	FollowRequireFlag(fcinfo, 2);
	/* the first four arguments are columns of the table; the others are for the action */
	for (int i = 0; i < Anum_follow_actor_only; i++)
		values[i] = SpiPlanArg(fcinfo, i, &nulls[i]);
	values[Anum_follow_started - 1] = PG_ARGISNULL(7) ?
		TimestampTzGetDatum(GetCurrentTimestamp()) : PG_GETARG_DATUM(7);
	nulls[Anum_follow_started - 1] = ' ';
	values[Anum_follow_verbs - 1] = SpiPlanArg(fcinfo, 9, &nulls[Anum_follow_verbs - 1]);

	SPI_connect();
	is_new = store_follow(values, nulls);
	result = SpiPlanResult(&isnull);
	SPI_finish();
	if (isnull)
		PG_RETURN_NULL();		/* a user's trigger has suppressed it */

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
		send_once(&action);
	}
	PG_RETURN_DATUM(result);
}

/*
 * FollowSendAction
 *		Send "<follower> <what> following <followee>", or "<what> <flag>"; see
 *		send_once().
 */
void
FollowSendAction(Datum follower, const char *what, Datum followee, Datum flag)
{
	NewAction	action;

	NewActionInit(&action);
	NewActionSet(&action, Anum_action_actor, follower);
	NewActionSet(&action, Anum_action_target, followee);
	NewActionSet(&action, Anum_action_verb, follow_verb(what, flag));
	send_once(&action);
}

/*
 * unfollow(follower, followee, flag, send_action)
 *
 * Sends one action for each follow that was deleted; see send_once().
 */
Datum
actstream_unfollow(PG_FUNCTION_ARGS)
{
	Datum		values[3];
	char		nulls[3];
	uint64		nremoved;

	LocalTableRequire(OWN_FOLLOWS);
	for (int i = 0; i < (int) lengthof(values); i++)
		values[i] = SpiPlanArg(fcinfo, i, &nulls[i]);

	SPI_connect();
	nremoved = SpiPlanExecute(&delete_follow, values, nulls);
	if (!PG_ARGISNULL(3) && PG_GETARG_BOOL(3))
	{
		/* ActionSend() sets SPI_tuptable */
		SPITupleTable *removed = SPI_tuptable;

		for (uint64 i = 0; i < nremoved; i++)
		{
			bool		isnull;

			FollowSendAction(values[0], "stopped", values[1],
							 SPI_getbinval(removed->vals[i], removed->tupdesc, 1, &isnull));
		}
	}
	SPI_finish();
	PG_RETURN_INT64((int64) nremoved);
}

/* Check the flag and the verbs of a row, which indexes contain. */
static void
check_texts(HeapTuple row, TupleDesc tupdesc)
{
	bool		isnull;
	Datum		value = heap_getattr(row, Anum_follow_flag, tupdesc, &isnull);

	/* null only if the table's owner has dropped the constraint */
	if (!isnull)
		check_flag(value);
	value = heap_getattr(row, Anum_follow_verbs, tupdesc, &isnull);
	if (!isnull)
		FollowCheckVerbs(value);
}

/*
 * Trigger BEFORE INSERT ON actstream.follows, for each row: replaces a null "started" by the
 * current time.
 *
 * Checks the texts already, as one that is too long for an index would raise an error there.
 */
Datum
actstream_follow_time(PG_FUNCTION_ARGS)
{
	Datum		result = OwnTriggerSetTime(fcinfo, OWN_FOLLOWS, "started");
	TupleDesc	tupdesc;
	TriggerData *trigdata = OwnTriggerData(fcinfo, OWN_FOLLOWS, &tupdesc);

	check_texts(trigdata->tg_trigtuple, tupdesc);
	return result;
}

/*
 * Trigger AFTER INSERT OR UPDATE ON actstream.follows, for each row: the row must be
 * valid, and its references must name existing objects.
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
	bool		isnull[2];
	Datum		objects[2];

	check_texts(row, tupdesc);
	IntegrityCheckRow(trigdata, OWN_FOLLOWS, tupdesc, row, old, columns, lengthof(columns));
	for (int i = 0; i < (int) lengthof(columns); i++)
		objects[i] = heap_getattr(row, columns[i], tupdesc, &isnull[i]);
	if (!isnull[0] && !isnull[1])
		MuteRefuseFollow(DatumGetRefPP(objects[0]), DatumGetRefPP(objects[1]));
	return PointerGetDatum(NULL);
}
