/*
 * change.c
 *		The record of changes: which transaction changed which action.
 *
 * A row of actstream.changes is part of the transaction that it names, so whoever sees the
 * change sees the row.  Senders only insert: they do not wait for each other.
 */
#include "postgres.h"

#include "base/compat.h"
#include "change/incarnation.h"
#include "tables/own_trigger.h"
#include "tables/spi_plan.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

PG_FUNCTION_INFO_V1(actstream_action_changed);

static SpiPlan insert_change = {
	.sql = "INSERT INTO actstream.changes"
	" (transaction, action_id, \"timestamp\", recorded, incarnation, delay, operation, arrived)"
	" VALUES ($1, $2, $3, $4, $5,"
	" pg_catalog.tstzrange(LEAST($3, $4), GREATEST($3, $4), '[]'), $6, $7)",
	.nargs = 7,
	.argtypes = {XID8OID, INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID, INT8OID, CHAROID, BOOLOID}
};

/* A column of a row; 0, with *isnull set, if it is null. */
static Datum
column_of(HeapTuple row, TupleDesc tupdesc, AttrNumber column, bool *isnull)
{
	Datum		value = heap_getattr(row, column, tupdesc, isnull);

	return *isnull ? (Datum) 0 : value;
}

/* Do streams show the row? */
static bool
is_public(HeapTuple row, TupleDesc tupdesc)
{
	bool		isnull;

	return DatumGetBool(column_of(row, tupdesc, Anum_action_public, &isnull));
}

/* Has the action come to its place in streams with this version of its row? */
static bool
has_arrived(HeapTuple row, HeapTuple old, TupleDesc tupdesc)
{
	bool		isnull;

	return is_public(row, tupdesc) &&
		(old == NULL || !is_public(old, tupdesc) ||
		 DatumGetTimestampTz(column_of(row, tupdesc, Anum_action_timestamp, &isnull)) !=
		 DatumGetTimestampTz(column_of(old, tupdesc, Anum_action_timestamp, &isnull)));
}

/*
 * Trigger action_changed AFTER INSERT OR DELETE OR UPDATE ON actstream.actions, for each row:
 * records the change, as the owner of the record.
 */
Datum
actstream_action_changed(PG_FUNCTION_ARGS)
{
	TupleDesc	tupdesc;
	TriggerData *trigdata = OwnTriggerData(fcinfo, OWN_ACTIONS, &tupdesc);
	TriggerEvent event = trigdata->tg_event;
	HeapTuple	row = trigdata->tg_trigtuple;
	HeapTuple	old = NULL;
	char		operation = TRIGGER_FIRED_BY_DELETE(event) ? 'D' : 'I';
	Datum		values[7];
	bool		no_id;
	bool		no_timestamp;

	if (!TRIGGER_FIRED_AFTER(event) || !TRIGGER_FIRED_FOR_ROW(event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("trigger must be fired after the change, for each row")));
	if (TRIGGER_FIRED_BY_UPDATE(event))
	{
		old = row;
		row = trigdata->tg_newtuple;
		operation = 'U';
	}
	values[0] = FullTransactionIdGetDatum(GetTopFullTransactionId());
	values[1] = column_of(row, tupdesc, Anum_action_id, &no_id);
	values[2] = column_of(row, tupdesc, Anum_action_timestamp, &no_timestamp);
	values[3] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[4] = Int64GetDatum(Incarnation());
	values[5] = CharGetDatum(operation);
	values[6] = BoolGetDatum(operation != 'D' && has_arrived(row, old, tupdesc));
	/* null only if the table's owner has dropped the constraint; no stream shows it */
	if (no_id || no_timestamp)
		return PointerGetDatum(NULL);
	SPI_connect();
	SpiPlanExecuteAs(OWN_CHANGES, RUN_AS_CASCADE, &insert_change, values, NULL);
	SPI_finish();
	return PointerGetDatum(NULL);
}
