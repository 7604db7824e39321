/*
 * changes_since.c
 *		What has happened to actions since a position.
 */
#include "postgres.h"

#include "base/compat.h"
#include "change/change_queries.h"
#include "change/incarnation.h"
#include "change/position.h"
#include "tables/own_trigger.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/xid8.h"

PG_FUNCTION_INFO_V1(actstream_stream_position);
PG_FUNCTION_INFO_V1(actstream_changes_since);

/* Rows that are fetched at a time: two of these batches are in memory, with their actions. */
#define FETCH_ROWS			100

/* Actions that one statement finds, at most. */
#define MAX_ACTIONS			1000

/* After so many actions a call returns, whether they were of interest or not. */
#define REPORT_ACTIONS		10000

/*
 * Where there is nothing to tell, a position that is older is renewed all the same, so that it does
 * not become too old.  So many transactions do not end while a program asks again.
 */
#define RENEW_TRANSACTIONS	10000

/*
 * Each gap, and the transaction that has made it; and has one of these transactions, which
 * are before it, committed?  Then it may be that its changes have been trimmed, if that was done
 * since it was in progress.
 */
static SpiPlan find_gaps = {
	.sql = "SELECT g.transaction, g.action_id, EXISTS (SELECT FROM pg_catalog.unnest($2) AS u (id)"
	" WHERE u.id OPERATOR(pg_catalog.<) g.transaction"
	" AND (pg_catalog.pg_xact_status(u.id) OPERATOR(pg_catalog.=) 'aborted') IS NOT TRUE)"
	" FROM actstream.changes g"
	" WHERE g.operation OPERATOR(pg_catalog.=) 'G' AND g.incarnation OPERATOR(pg_catalog.=) $1",
	.nargs = 2,
	.argtypes = {INT8OID, XID8ARRAYOID},
	.by_index = true
};

/* The last transaction from $1 on and before $2 that has changed anything, without $4. */
static SpiPlan find_last = {
	.sql = "SELECT c.transaction FROM actstream.changes c"
	" WHERE c.transaction OPERATOR(pg_catalog.>=) $1 AND c.transaction OPERATOR(pg_catalog.<) $2"
	" AND c.incarnation OPERATOR(pg_catalog.=) $3 AND c.transaction OPERATOR(pg_catalog.<>) $4"
	" AND c.operation OPERATOR(pg_catalog.<>) 'G' ORDER BY c.transaction DESC LIMIT 1",
	.nargs = 4,
	.argtypes = {XID8OID, XID8OID, INT8OID, XID8OID},
	.by_index = true
};

/* A place in the order in which changes are told. */
typedef struct Place
{
	bool		exists;
	uint64		transaction;
	int64		id;				/* of the action */
} Place;

/* One call of changes_since(). */
typedef struct Telling
{
	Position   *from;
	Position   *now;
	ReturnSetInfo *result;
	int64		max_rows;
	int64		nrows;			/* told so far, with the one that is held back */
	int64		nactions;		/* looked at */
	Place		last;			/* of these */
	bool		enough;			/* has been told, or looked at, for one call */

	text	   *reached;		/* the position after the last action that was told */

	/* The last row, whose position is known when it is known whether more follow. */
	bool		held_back;
	Datum		row[4];
	bool		isnull[4];
	MemoryContext row_context;
} Telling;

/* Raise an error if the server, or the record, cannot tell. */
static void
require_record(const char *function)
{
	Relation	actions;
	bool		recorded;

	PreventCommandDuringRecovery(function);
	/* such a snapshot does not list what was in progress */
	if (GetActiveSnapshot()->takenDuringRecovery)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("cannot execute %s in a transaction that began during recovery", function),
				 errhint("Ask in a new transaction.")));
	(void) OwnTableId(OWN_CHANGES);
	actions = OwnTableOpen(OWN_ACTIONS, AccessShareLock);
	recorded = HasOwnTrigger(actions, "action_changed", TRIGGER_TYPE_AFTER | EACH_ROW_CHANGE,
							 TRIGGER_FIRES_ALWAYS) &&
		HasOwnTrigger(actions, "action_changed", TRIGGER_TYPE_AFTER | TRIGGER_TYPE_TRUNCATE,
					  TRIGGER_FIRES_ALWAYS);
	relation_close(actions, AccessShareLock);
	if (!recorded)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("changes to actions are not recorded"),
				 errhint("The owner of the tables can call actstream.record_changes(true).")));
}

/* An array of the transactions that a position lists and that have ended since. */
static Datum
ended_transactions(const Position *from, const Position *now, int *nended)
{
	Datum	   *ended = palloc(Max(from->nunseen, 1) * sizeof(Datum));

	*nended = 0;
	for (int i = 0; i < from->nunseen; i++)
	{
		if (PositionHasSeen(now, from->unseen[i]))
			ended[(*nended)++] = UInt64GetDatum(from->unseen[i]);
	}
	return PointerGetDatum(construct_array(ended, *nended, XID8OID, sizeof(uint64),
										   FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/* Raise an error: the record cannot tell what has changed since a position. */
static void
refuse_position(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_CURSOR_STATE),
			 errmsg("position is too old"),
			 errdetail("Changes since then have been trimmed or were not recorded, a trigger of the record was altered, or the actions were truncated."),
			 errhint("Get a new position from actstream.stream_position(), then read again whatever is needed.")));
}

/* Raise an error if the record may lack a change since the position; SPI is connected. */
static void
check_gaps(const Position *from, const Position *now)
{
	int			nended;
	Datum		values[2] = {Int64GetDatum(Incarnation()), ended_transactions(from, now, &nended)};
	uint64		ngaps;

	/* as the owner: no policy hides a gap */
	ngaps = SpiPlanExecuteAs(OWN_CHANGES, RUN_AS_RESTRICTED, &find_gaps, values, NULL);
	for (uint64 i = 0; i < ngaps; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		bool		isnull;
		uint64		gap = DatumGetUInt64(SPI_getbinval(row, SPI_tuptable->tupdesc, 1, &isnull));
		uint64		made_by = DatumGetInt64(SPI_getbinval(row, SPI_tuptable->tupdesc, 2, &isnull));

		if (!PositionHasSeen(from, gap) ||
			(!PositionHasSeen(from, made_by) &&
			 DatumGetBool(SPI_getbinval(row, SPI_tuptable->tupdesc, 3, &isnull))))
			refuse_position();
	}
}

/*
 * Raise an error if the triggers of the record were made, or enabled, after the position, other
 * than by record_changes(), which notes a gap.  What was changed until then may not be in the
 * record.
 *
 * A frozen row tells nothing: its xmin may be that of a later epoch.
 */
static void
check_triggers(const Position *from, const Position *now)
{
	Relation	catalog = table_open(TriggerRelationId, AccessShareLock);
	Oid			function = OwnTriggerFunction("action_changed");
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(OwnTableId(OWN_ACTIONS)));
	scan = systable_beginscan(catalog, TriggerRelidNameIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		uint64		id = (now->xmax & ~UINT64CONST(0xFFFFFFFF)) |
			HeapTupleHeaderGetRawXmin(tuple->t_data);

		/* the id is without its epoch */
		if (id >= now->xmax && id > PG_UINT32_MAX)
			id -= UINT64CONST(1) << 32;
		if (((Form_pg_trigger) GETSTRUCT(tuple))->tgfoid == function &&
			!HeapTupleHeaderXminFrozen(tuple->t_data) &&
			!TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetRawXmin(tuple->t_data)) &&
			!PositionHasSeen(from, id))
			refuse_position();
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
}

/* Return the row that was held back, if there is one. */
static void
tell(Telling *telling)
{
	if (telling->held_back)
		tuplestore_putvalues(telling->result->setResult, telling->result->setDesc,
							 telling->row, telling->isnull);
	telling->held_back = false;
	MemoryContextReset(telling->row_context);
}

/* Raise an error unless the result has the attributes that it should have. */
static void
require_attributes(bool as_expected)
{
	if (!as_expected)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("type \"actstream.%s\" does not have the attributes that the extension expects",
						"changed_action")));
}

/* Hold back a row of the statement's result, to be returned with the position reached. */
static void
hold_back(Telling *telling, HeapTuple tuple, TupleDesc tupdesc)
{
	MemoryContext before = MemoryContextSwitchTo(telling->row_context);

	telling->row[0] = datumCopy(PointerGetDatum(telling->reached), false, -1);
	for (int i = 1; i < (int) lengthof(telling->row); i++)
	{
		AttrNumber	column = COLUMN_VIEWER - 1 + i;
		Datum		value = SPI_getbinval(tuple, tupdesc, column, &telling->isnull[i]);

		require_attributes(TupleDescAttr(telling->result->setDesc, i)->atttypid ==
						   TupleDescAttr(tupdesc, column - 1)->atttypid);
		telling->row[i] = telling->isnull[i] ? (Datum) 0 :
			datumCopy(value, false, TupleDescAttr(tupdesc, column - 1)->attlen);
	}
	telling->held_back = true;
	telling->nrows++;
	MemoryContextSwitchTo(before);
}

/* Take note of the position that has been reached. */
static void
reach(Telling *telling, const Position *position)
{
	char	   *text = PositionText(position);

	pfree(telling->reached);
	telling->reached = cstring_to_text(text);
	pfree(text);
}

/* The place of a row of the result in the record. */
static Place
get_place(const SPITupleTable *rows, uint64 i)
{
	Place		place = {.exists = true};
	bool		isnull;

	place.transaction = DatumGetUInt64(SPI_getbinval(rows->vals[i], rows->tupdesc,
													 COLUMN_TRANSACTION, &isnull));
	place.id = DatumGetInt64(SPI_getbinval(rows->vals[i], rows->tupdesc, COLUMN_ID, &isnull));
	return place;
}

/* How many actions are the rows about? */
static int64
count_actions(const SPITupleTable *rows)
{
	Place		before = {.exists = false};
	int64		count = 0;

	for (uint64 i = 0; i < rows->numvals; i++)
	{
		Place		place = get_place(rows, i);

		count += !before.exists || place.transaction != before.transaction || place.id != before.id;
		before = place;
	}
	return count;
}

/*
 * tell_rows
 *		Tell rows of the result, until there are enough.
 *
 * The position of a row is after its action, but before it if more viewers are told of the
 * same one: a caller who keeps that position is told again rather than not at all.  What
 * follows the last of these rows is in "next", if there is anything.
 */
static void
tell_rows(Telling *telling, const SPITupleTable *rows, uint64 nrows, const Place *next, bool is_last)
{
	for (uint64 i = 0; i < nrows && !telling->enough; i++)
	{
		Place		place = get_place(rows, i);
		Place		after = i + 1 < nrows ? get_place(rows, i + 1) : *next;
		bool		ends_action = !after.exists || after.transaction != place.transaction ||
			after.id != place.id;
		bool		isnull;

		CHECK_FOR_INTERRUPTS();
		telling->nactions += ends_action;
		telling->last = place;
		(void) SPI_getbinval(rows->vals[i], rows->tupdesc, COLUMN_OPERATION, &isnull);
		if (ends_action && (!isnull || telling->nactions % REPORT_ACTIONS == 0))
		{
			Position   *position = (after.exists ? after.transaction != place.transaction : is_last) ?
				PositionAfter(telling->from, telling->now, place.transaction) :
				PositionWithin(telling->from, telling->now, place.transaction, place.id);

			reach(telling, position);
			PositionFree(position);
		}
		if (!isnull)
		{
			tell(telling);
			hold_back(telling, rows->vals[i], rows->tupdesc);
		}
		telling->enough = ends_action &&
			(telling->nrows >= telling->max_rows || telling->nactions % REPORT_ACTIONS == 0);
	}
}

/*
 * tell_phase
 *		Tell what the statement finds after a place, in batches, until there are enough
 *		rows; false if there are.
 */
static bool
tell_phase(Telling *telling, SpiPlan *plan, Datum *values, const char *nulls,
		   uint64 transaction, int64 id)
{
	int64		limit = Min(telling->max_rows, MAX_ACTIONS);
	int64		before;
	bool		is_full;

	telling->last = (Place) {true, transaction, id};
	do
	{
		Portal		portal;
		SPITupleTable *rows;
		bool		more;

		before = telling->nactions;
		values[ARG_LIMIT] = Int64GetDatum(limit);
		values[ARG_TRANSACTION] = UInt64GetDatum(telling->last.transaction);
		values[ARG_ID] = Int64GetDatum(telling->last.id);
		portal = SpiPlanOpen(plan, values, nulls);
		SPI_cursor_fetch(portal, true, FETCH_ROWS);
		rows = SPI_tuptable;
		do
		{
			SPITupleTable *next;
			Place		place = {.exists = false};

			CHECK_FOR_INTERRUPTS();
			SPI_cursor_fetch(portal, true, FETCH_ROWS);
			next = SPI_tuptable;
			more = next->numvals > 0;
			if (more)
				place = get_place(next, 0);
			tell_rows(telling, rows, rows->numvals, &place,
					  telling->nactions - before + count_actions(rows) < limit);
			SPI_freetuptable(rows);
			rows = next;
		} while (more && !telling->enough);
		SPI_freetuptable(rows);
		SPI_cursor_close(portal);
		is_full = telling->nactions - before == limit;
		/* few rows are wanted, but it may take many actions to find them */
		limit = Min(limit * 2, MAX_ACTIONS);
	} while (!telling->enough && is_full);
	return !telling->enough;
}

/*
 * The last transaction that is later than all that the position has seen or lists, and has changed
 * anything; 0 if there is none.  Asked as the owner: no policy hides it.
 */
static uint64
last_later(const Position *from, const Position *now)
{
	Datum		values[] = {
		UInt64GetDatum(from->xmax), UInt64GetDatum(now->xmax), Int64GetDatum(Incarnation()),
		FullTransactionIdGetDatum(GetTopFullTransactionIdIfAny())
	};
	RunAs		before;
	uint64		nfound;
	char		isnull;

	/* what the snapshot sees, as what is told: changes that are trimmed just now are still there */
	RunAsBegin(&before, OwnTableOwner(OWN_CHANGES), RUN_AS_RESTRICTED);
	nfound = SpiPlanRead(&find_last, values, NULL);
	RunAsEnd(&before);
	return nfound == 0 ? 0 : DatumGetUInt64(SpiPlanColumn(1, &isnull));
}

/* Tell everything, or enough; SPI is connected. */
static void
tell_changes(Telling *telling, SpiPlan *plans, Datum *values, char *nulls)
{
	Position   *from = telling->from;
	bool		was_partly = from->partly != 0;
	uint64		last = last_later(from, telling->now);
	int			nended;

	values[ARG_ENDED] = ended_transactions(from, telling->now, &nended);
	if (was_partly)
	{
		if (!tell_phase(telling, &plans[PHASE_REST], values, nulls, from->partly, from->last_id))
			goto enough;
		telling->from = from = PositionAfter(from, telling->now, from->partly);
		values[ARG_ENDED] = ended_transactions(from, telling->now, &nended);
	}
	if ((nended == 0 ||
		 tell_phase(telling, &plans[PHASE_LISTED], values, nulls, 0, PG_INT64_MAX)) &&
		(last < from->xmax ||
		 tell_phase(telling, &plans[PHASE_LATER], values, nulls, from->xmax - 1, PG_INT64_MAX)))
	{
		/* all that there is */
		reach(telling, telling->now);
	}
enough:
	if (telling->nactions == 0 && !was_partly &&
		telling->now->xmax - from->xmax <= RENEW_TRANSACTIONS)
	{
		Position   *position;

		if (nended == 0 && last == 0)
			return;
		/* what has ended, or policies hide, would make the position too old when it is trimmed */
		position = PositionAfter(from, telling->now, Max(last, from->xmax - 1));
		reach(telling, position);
		PositionFree(position);
	}
	/* the last row has the position that was reached; if nothing was of interest, no more */
	telling->row[0] = PointerGetDatum(telling->reached);
	if (!telling->held_back)
		telling->held_back = telling->isnull[1] = telling->isnull[2] = telling->isnull[3] = true;
}

/*
 * stream_position() RETURNS text
 *		The position after everything that the statement sees.
 */
Datum
actstream_stream_position(PG_FUNCTION_ARGS)
{
	Position   *now;

	require_record("stream_position()");
	now = PositionNow();
	PositionKeep(now);
	PG_RETURN_TEXT_P(cstring_to_text(PositionText(now)));
}

/*
 * changes_since(since, viewers, max_rows) RETURNS SETOF changed_action
 */
Datum
actstream_changes_since(PG_FUNCTION_ARGS)
{
	SpiPlan    *plans = ChangeQueries(!PG_ARGISNULL(1));
	Telling		telling = {0};
	Datum		values[NUM_ARGS] = {0};
	char		nulls[NUM_ARGS];

	require_record("changes_since()");
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"since\" of actstream.changes_since() must not be null"),
				 errhint("Get one from actstream.stream_position().")));
	if (PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"max_rows\" of actstream.changes_since() must not be null")));
	if (PG_GETARG_INT64(2) < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_ROW_COUNT_IN_LIMIT_CLAUSE),
				 errmsg("max_rows must be greater than zero"),
				 errhint("Ask again, with the position of the last row, for what does not fit.")));
	InitMaterializedSRF(fcinfo, 0);
	telling.result = (ReturnSetInfo *) fcinfo->resultinfo;
	require_attributes(telling.result->setDesc->natts == lengthof(telling.row) &&
					   TupleDescAttr(telling.result->setDesc, 0)->atttypid == TEXTOID);
	telling.max_rows = PG_GETARG_INT64(2);
	SPI_connect();
	/* first, for without the rights on tables a caller is not even told whether anything has changed */
	memset(nulls, 'n', sizeof(nulls));
	(void) SpiPlanRead(&plans[PHASE_NONE], values, nulls);
	telling.reached = PG_GETARG_TEXT_P_COPY(0);
	telling.from = PositionParse(text_to_cstring(telling.reached));
	telling.row_context = AllocSetContextCreate(CurrentMemoryContext, "actstream row",
												ALLOCSET_DEFAULT_SIZES);
	telling.now = PositionNow();
	if (telling.from->xmax > U64FromFullTransactionId(ReadNextFullTransactionId()))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_CURSOR_STATE),
				 errmsg("position is later than what this server has reached"),
				 errdetail("The server was restored from a copy."),
				 errhint("Get a new position from actstream.stream_position(), then read again whatever is needed.")));
	if (!PositionIsWithin(telling.from, telling.now))
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("position is later than what this transaction sees"),
				 errhint("Keep the position, and ask in a new transaction.")));
	check_triggers(telling.from, telling.now);
	check_gaps(telling.from, telling.now);
	memset(nulls, ' ', sizeof(nulls));
	values[ARG_OWN] = FullTransactionIdGetDatum(GetTopFullTransactionIdIfAny());
	values[ARG_INCARNATION] = Int64GetDatum(Incarnation());
	values[ARG_VIEWERS] = PG_ARGISNULL(1) ? (Datum) 0 : PG_GETARG_DATUM(1);
	nulls[ARG_VIEWERS] = PG_ARGISNULL(1) ? 'n' : ' ';
	values[ARG_XMAX] = UInt64GetDatum(telling.now->xmax);
	values[ARG_FROM_XMAX] = UInt64GetDatum(telling.from->xmax);
	tell_changes(&telling, plans, values, nulls);
	if (telling.held_back)
		PositionKeep(telling.now);
	tell(&telling);
	SPI_finish();
	return (Datum) 0;
}
