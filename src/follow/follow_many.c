/*
 * follow_many.c
 *		Following and unfollowing many objects at once.
 *
 * One statement does it for all of them, in the order of their references, so that
 * whoever changes follows of the same follower locks them in the same order; but if others delete
 * some meanwhile, these are stored last.
 */
#include "postgres.h"

#include "base/compat.h"
#include "follow/follow.h"
#include "tables/local_tables.h"
#include "tables/spi_plan.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(actstream_follow_many);
PG_FUNCTION_INFO_V1(actstream_unfollow_many);
PG_FUNCTION_INFO_V1(actstream_which_followed);

/* fewer than SPI_PLAN_TRIES, for each may be long; a trigger may keep rows from appearing */
#define MAX_TRIES	5

/* arguments of the statements: those of follow_many(), with the time and the verbs */
enum
{
	FOLLOWER, FOLLOWEES, FLAG, ACTOR_ONLY, STARTED, VERBS, NUM_ARGS
};

#define FOLLOW_MANY_ARGTYPES {REF_ARG, REF_ARRAY_ARG, TEXTOID, BOOLOID, TIMESTAMPTZOID, TEXTARRAYOID}

#define FOLLOWEES_IN_ORDER \
	"(SELECT DISTINCT u.object FROM pg_catalog.unnest($2) AS u (object)" \
	" WHERE u.object IS NOT NULL ORDER BY u.object) AS o"

#define INSERT_FOLLOWS \
	"INSERT INTO actstream.follows AS f (follower, followee, flag, actor_only, started, verbs)" \
	" SELECT $1, o.object, $3, $4, $5, $6 FROM " FOLLOWEES_IN_ORDER

/* each is looked up: the follower may have many others */
#define IS_FOLLOW_OF(f) \
	f ".follower OPERATOR(pg_catalog.=) $1 AND " f ".followee OPERATOR(pg_catalog.=) o.object" \
	" AND " f ".flag OPERATOR(pg_catalog.=) $3"

static SpiPlan count_followees = {
	.sql = "SELECT FROM " FOLLOWEES_IN_ORDER,
	.nargs = NUM_ARGS,
	.argtypes = FOLLOW_MANY_ARGTYPES,
	.by_index = true
};

static SpiPlan insert_new_follows = {
	.sql = INSERT_FOLLOWS " ON CONFLICT (follower, followee, flag) DO NOTHING RETURNING f.followee",
	.nargs = NUM_ARGS,
	.argtypes = FOLLOW_MANY_ARGTYPES
};

/* those that cannot be seen, to raise the error if they are there */
static SpiPlan insert_unseen_follows = {
	.sql = INSERT_FOLLOWS " WHERE NOT EXISTS (SELECT FROM actstream.follows g WHERE " IS_FOLLOW_OF("g") ")",
	.nargs = NUM_ARGS,
	.argtypes = FOLLOW_MANY_ARGTYPES
};

static SpiPlan update_follows = {
	.sql = "UPDATE actstream.follows f SET actor_only = $4, verbs = $6 FROM " FOLLOWEES_IN_ORDER
	" WHERE " IS_FOLLOW_OF("f") " AND NOT (" HAS_TERMS ")",
	.nargs = NUM_ARGS,
	.argtypes = FOLLOW_MANY_ARGTYPES,
	.by_index = true
};

static SpiPlan find_follows = {
	.sql = "SELECT FROM " FOLLOWEES_IN_ORDER " CROSS JOIN LATERAL (SELECT FROM actstream.follows f"
	" WHERE " IS_FOLLOW_OF("f") " AND " HAS_TERMS " LIMIT 1) AS f",
	.nargs = NUM_ARGS,
	.argtypes = FOLLOW_MANY_ARGTYPES,
	.by_index = true
};

/* those that have a follow with that flag, or with any */
static SpiPlan find_followed = {
	.sql = "SELECT o.object FROM " FOLLOWEES_IN_ORDER " CROSS JOIN LATERAL (SELECT FROM actstream.follows f"
	" WHERE f.follower OPERATOR(pg_catalog.=) $1 AND f.followee OPERATOR(pg_catalog.=) o.object"
	" AND ($3 IS NULL OR f.flag OPERATOR(pg_catalog.=) $3) LIMIT 1) AS f",
	.nargs = 3,
	.argtypes = {REF_ARG, REF_ARRAY_ARG, TEXTOID},
	.by_index = true
};

#define FOLLOWS_TO_END \
	" f.follower OPERATOR(pg_catalog.=) $1 AND f.followee OPERATOR(pg_catalog.=) ANY ($2)" \
	" AND ($3 IS NULL OR f.flag OPERATOR(pg_catalog.=) $3)"

/* first, because DELETE and UPDATE take the rows in the order in which they find them */
static SpiPlan lock_follows = {
	.sql = "SELECT FROM actstream.follows f WHERE" FOLLOWS_TO_END
	" ORDER BY f.followee, f.flag FOR UPDATE",
	.nargs = 3,
	.argtypes = {REF_ARG, REF_ARRAY_ARG, TEXTOID},
	.by_index = true
};

static SpiPlan delete_follows = {
	.sql = "DELETE FROM actstream.follows f WHERE" FOLLOWS_TO_END " RETURNING f.followee, f.flag",
	.nargs = 3,
	.argtypes = {REF_ARG, REF_ARRAY_ARG, TEXTOID},
	.by_index = true
};

/* Send an action for each follow, with its flag in column 2 or else with that flag. */
static void
send_actions(const SPITupleTable *follows, uint64 n, Datum follower, const char *what,
			 const Datum *flag)
{
	for (uint64 i = 0; i < n; i++)
	{
		bool		isnull;
		Datum		followee = SPI_getbinval(follows->vals[i], follows->tupdesc, 1, &isnull);

		CHECK_FOR_INTERRUPTS();
		FollowSendAction(follower, what, followee,
						 flag != NULL ? *flag :
						 SPI_getbinval(follows->vals[i], follows->tupdesc, 2, &isnull));
	}
}

/*
 * Store the follows that are not there, and update actor_only and verbs of the others.  Returns the
 * number of new follows.
 *
 * Others may delete follows meanwhile; then this tries again, as store_follow() in
 * follow.c does.
 */
static uint64
store_follows(Datum *values, const char *nulls, bool send_action)
{
	uint64		nfollowees = SpiPlanExecute(&count_followees, values, nulls);
	uint64		nnew = 0;

	for (int tries = 0; tries < MAX_TRIES && nfollowees > 0; tries++)
	{
		uint64		ninserted = SpiPlanExecute(&insert_new_follows, values, nulls);
		SPITupleTable *inserted = SPI_tuptable;

		nnew += ninserted;
		if (send_action)
			send_actions(inserted, ninserted, values[FOLLOWER], "started", &values[FLAG]);
		if (nnew == nfollowees)
			return nnew;
		if (SpiPlanExecute(&find_follows, values, nulls) >= nfollowees)
			return nnew;
		(void) SpiPlanExecute(&lock_follows, values, nulls);
		(void) SpiPlanExecute(&update_follows, values, nulls);
		if (SpiPlanExecute(&find_follows, values, nulls) >= nfollowees)
			return nnew;
		CHECK_FOR_INTERRUPTS();
	}
	if (nfollowees > 0)
		(void) SpiPlanExecute(&insert_unseen_follows, values, nulls);
	return nnew;
}

/*
 * follow_many(follower, followees, flag, actor_only, send_action, verbs)
 *
 * Nulls among the followees are left out, and each is taken once.
 */
Datum
actstream_follow_many(PG_FUNCTION_ARGS)
{
	Datum		values[NUM_ARGS];
	char		nulls[NUM_ARGS];
	uint64		nnew;

	LocalTableRequire(OWN_FOLLOWS);
	FollowRequireFlag(fcinfo, FLAG);
	for (int i = 0; i < STARTED; i++)
		values[i] = SpiPlanArg(fcinfo, i, &nulls[i]);
	values[STARTED] = TimestampTzGetDatum(GetCurrentTimestamp());
	nulls[STARTED] = ' ';
	values[VERBS] = SpiPlanArg(fcinfo, 5, &nulls[VERBS]);

	SPI_connect();
	nnew = store_follows(values, nulls, !PG_ARGISNULL(4) && PG_GETARG_BOOL(4));
	SPI_finish();
	PG_RETURN_INT64((int64) nnew);
}

/*
 * unfollow_many(follower, followees, flag, send_action)
 *
 * Sends one action for each follow that was deleted.
 */
Datum
actstream_unfollow_many(PG_FUNCTION_ARGS)
{
	Datum		values[3];
	char		nulls[3];
	uint64		nremoved;
	Snapshot	snapshot;

	LocalTableRequire(OWN_FOLLOWS);
	for (int i = 0; i < (int) lengthof(values); i++)
		values[i] = SpiPlanArg(fcinfo, i, &nulls[i]);

	SPI_connect();
	/* one snapshot for both, for a row that came meanwhile would be locked out of order */
	snapshot = RegisterSnapshot(IsolationUsesXactSnapshot() ? GetTransactionSnapshot() :
								GetLatestSnapshot());
	/* policies may let rows be deleted that they do not let be locked */
	(void) SpiPlanExecuteSnapshot(&lock_follows, values, nulls, snapshot);
	nremoved = SpiPlanExecuteSnapshot(&delete_follows, values, nulls, snapshot);
	UnregisterSnapshot(snapshot);
	if (!PG_ARGISNULL(3) && PG_GETARG_BOOL(3))
		send_actions(SPI_tuptable, nremoved, values[FOLLOWER], "stopped", NULL);
	SPI_finish();
	PG_RETURN_INT64((int64) nremoved);
}

/*
 * which_followed(follower, objects, flag) RETURNS SETOF ref
 */
Datum
actstream_which_followed(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum		values[3];
	char		nulls[3];
	uint64		n;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	(void) OwnTableId(OWN_FOLLOWS);
	for (int i = 0; i < (int) lengthof(values); i++)
		values[i] = SpiPlanArg(fcinfo, i, &nulls[i]);

	SPI_connect();
	n = SpiPlanRead(&find_followed, values, nulls);
	for (uint64 i = 0; i < n; i++)
	{
		bool		isnull;
		Datum		followee = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull);

		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, &followee, &isnull);
	}
	SPI_finish();
	return (Datum) 0;
}
