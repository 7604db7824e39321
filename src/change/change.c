/*
 * change.c
 *		The record of changes: which transaction changed which action.
 *
 * A row of actstream.changes is part of the transaction that it names, so whoever sees the
 * change sees the row.  Senders only insert: they do not wait for each other.
 */
#include "postgres.h"

#include "base/compat.h"
#include "change/doorbell.h"
#include "change/incarnation.h"
#include "tables/own_trigger.h"
#include "tables/spi_plan.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/rel.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

PG_FUNCTION_INFO_V1(actstream_action_changed);
PG_FUNCTION_INFO_V1(actstream_note_gap);

#define INSERT_CHANGE(arrived) { \
	.sql = "INSERT INTO actstream.changes" \
	" (transaction, action_id, \"timestamp\", recorded, incarnation, delay, operation, arrived," \
	" old_public, old_actor, old_verb, old_action_object, old_target)" \
	" VALUES ($1, $2, $3, $4, $5," \
	" pg_catalog.tstzrange(LEAST($3, $4), GREATEST($3, $4), '[]'), $6, " arrived "," \
	" $8, $9, $10, $11, $12)", \
	.nargs = 12, \
	.argtypes = {XID8OID, INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID, INT8OID, CHAROID, BOOLOID, \
		BOOLOID, REF_ARG, TEXTOID, REF_ARG, REF_ARG}, \
	.by_index = true}

static SpiPlan insert_change = INSERT_CHANGE("$7");

/*
 * Into a partition an action may have moved by an update, which deletes it from another one: then
 * it has been at its place before, in a version that others have seen.
 */
static SpiPlan insert_into_partition =
	INSERT_CHANGE("$7 AND NOT EXISTS (SELECT FROM actstream.changes c"
				  " WHERE c.action_id OPERATOR(pg_catalog.=) $2"
				  " AND c.transaction OPERATOR(pg_catalog.=) $1"
				  " AND c.old_public AND NOT c.arrived"
				  " AND c.\"timestamp\" OPERATOR(pg_catalog.=) $3)");

static SpiPlan find_change = {
	.sql = "SELECT FROM actstream.changes c WHERE c.transaction OPERATOR(pg_catalog.=) $1"
	" AND c.action_id OPERATOR(pg_catalog.=) $2 AND c.operation OPERATOR(pg_catalog.<>) 'G' LIMIT 1",
	.nargs = 2,
	.argtypes = {XID8OID, INT8OID},
	.by_index = true
};

/* What was changed by this transaction, or before, may not be in the record. */
static SpiPlan insert_gap = {
	.sql = "INSERT INTO actstream.changes"
	" (transaction, action_id, \"timestamp\", recorded, incarnation, delay, operation, arrived)"
	" VALUES ($1, $1::pg_catalog.text::pg_catalog.int8, $2, $2, $3, 'empty', 'G', false)",
	.nargs = 3,
	.argtypes = {XID8OID, TIMESTAMPTZOID, INT8OID}
};

/* columns of an action that an UPDATE or DELETE has replaced, in the order of the arguments */
static const AttrNumber old_columns[] = {
	Anum_action_public, Anum_action_actor, Anum_action_verb, Anum_action_action_object,
	Anum_action_target
};
#define FIRST_OLD_ARG	7

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

/* Has this transaction changed the action of the row before, according to the record? */
static bool
has_changed(HeapTuple row, TupleDesc tupdesc)
{
	Datum		values[2] = {FullTransactionIdGetDatum(GetTopFullTransactionId())};
	bool		isnull;
	bool		result;

	values[1] = column_of(row, tupdesc, Anum_action_id, &isnull);
	SPI_connect();
	result = SpiPlanExecuteAs(OWN_CHANGES, RUN_AS_CASCADE, &find_change, values, NULL) > 0;
	SPI_finish();
	return result;
}

/*
 * Is the old version of the row one that others have seen?  Not if this transaction has made it,
 * perhaps by COPY FREEZE.  "fcinfo" is that of a trigger, whose rows are as they are stored; "old" is as
 * "tupdesc" describes it.
 *
 * If it has rewritten the whole table, it has made all versions.
 */
static bool
is_seen(FunctionCallInfo fcinfo, HeapTuple old, TupleDesc tupdesc)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	HeapTuple	stored = trigdata->tg_trigtuple;
	Relation	rel = trigdata->tg_relation;

	if (!TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetRawXmin(stored->t_data)))
		return true;
	return rel->rd_createSubid == InvalidSubTransactionId &&
		rel->rd_firstRelfilelocatorSubid != InvalidSubTransactionId &&
		!has_changed(old, tupdesc);
}

/* Run a statement on the record, as its owner. */
static void
record(SpiPlan *plan, Datum *values, const char *nulls)
{
	SPI_connect();
	SpiPlanExecuteAs(OWN_CHANGES, RUN_AS_CASCADE, plan, values, nulls);
	SPI_finish();
	DoorbellNote();
}

/*
 * Record the change of a row by that plan; "old" is the version before, or NULL.  What that was is
 * stored if others have seen it.
 */
static void
record_row(SpiPlan *plan, char operation, HeapTuple row, HeapTuple old, bool seen, TupleDesc tupdesc)
{
	Datum		values[FIRST_OLD_ARG + lengthof(old_columns)];
	char		nulls[lengthof(values)];
	bool		no_id;
	bool		no_timestamp;

	memset(nulls, ' ', sizeof(nulls));
	values[0] = FullTransactionIdGetDatum(GetTopFullTransactionId());
	values[1] = column_of(row, tupdesc, Anum_action_id, &no_id);
	values[2] = column_of(row, tupdesc, Anum_action_timestamp, &no_timestamp);
	values[3] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[4] = Int64GetDatum(Incarnation());
	values[5] = CharGetDatum(operation);
	values[6] = BoolGetDatum(operation != 'D' && has_arrived(row, old, tupdesc));
	for (int i = 0; i < (int) lengthof(old_columns); i++)
	{
		bool		isnull = true;

		values[FIRST_OLD_ARG + i] = !seen ? (Datum) 0 :
			column_of(old, tupdesc, old_columns[i], &isnull);
		nulls[FIRST_OLD_ARG + i] = isnull ? 'n' : ' ';
	}
	/* null only if the table's owner has dropped the constraint; no stream shows it */
	if (!no_id && !no_timestamp)
		record(plan, values, nulls);
}

/* Record an update.  With another id, it is another action. */
static void
record_update(HeapTuple row, HeapTuple old, bool seen, TupleDesc tupdesc)
{
	bool		isnull;

	if (DatumGetInt64(column_of(row, tupdesc, Anum_action_id, &isnull)) ==
		DatumGetInt64(column_of(old, tupdesc, Anum_action_id, &isnull)))
		record_row(&insert_change, 'U', row, old, seen, tupdesc);
	else
	{
		record_row(&insert_change, 'D', old, old, seen, tupdesc);
		record_row(&insert_change, 'I', row, NULL, false, tupdesc);
	}
}

/* Record a gap. */
static void
record_gap(void)
{
	Datum		values[] = {
		FullTransactionIdGetDatum(GetTopFullTransactionId()),
		TimestampTzGetDatum(GetCurrentTimestamp()),
		Int64GetDatum(Incarnation())
	};

	record(&insert_gap, values, NULL);
}

/*
 * note_gap() RETURNS void
 */
Datum
actstream_note_gap(PG_FUNCTION_ARGS)
{
	PreventCommandIfReadOnly("note_gap()");
	OwnTableRequireOwner(OWN_CHANGES);
	record_gap();
	PG_RETURN_VOID();
}

/*
 * Trigger action_changed AFTER INSERT OR DELETE OR UPDATE ON actstream.actions, for each row,
 * and action_truncated AFTER TRUNCATE ON actstream.actions, for each statement: record the
 * change, as the owner of the record.
 */
Datum
actstream_action_changed(PG_FUNCTION_ARGS)
{
	TupleDesc	tupdesc;
	TriggerData *trigdata = OwnTriggerData(fcinfo, OWN_ACTIONS, &tupdesc);
	TriggerEvent event = trigdata->tg_event;
	HeapTuple	row = trigdata->tg_trigtuple;

	if (!TRIGGER_FIRED_AFTER(event) ||
		!!TRIGGER_FIRED_FOR_ROW(event) == !!TRIGGER_FIRED_BY_TRUNCATE(event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("trigger must be fired after the change, for each row, or for TRUNCATE")));
	if (TRIGGER_FIRED_BY_INSERT(event))
		record_row(trigdata->tg_relation->rd_rel->relispartition ? &insert_into_partition :
				   &insert_change, 'I', row, NULL, false, tupdesc);
	else if (TRIGGER_FIRED_BY_UPDATE(event))
		record_update(trigdata->tg_newtuple, row, is_seen(fcinfo, row, tupdesc), tupdesc);
	else if (TRIGGER_FIRED_BY_DELETE(event))
		record_row(&insert_change, 'D', row, row, is_seen(fcinfo, row, tupdesc), tupdesc);
	else
		record_gap();
	return PointerGetDatum(NULL);
}
