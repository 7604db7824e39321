/*
 * row_trigger.c
 *		The triggers of a tracked table.
 *
 * Each call of track() makes a trigger that calls row_changed().  A tracked partitioned
 * table has one more, which calls row_moved(): PostgreSQL moves a row to another
 * partition by deleting it from one and inserting it into the other, and fires the
 * triggers of these two events, but not those AFTER UPDATE.  To the user, it is one
 * change of one row.  So
 *
 *	row_changed()	ignores both halves of a move;
 *	row_moved()		remembers the deleted row, and when the inserted row follows, does for
 *					each trigger AFTER UPDATE what an update in place would do.
 *
 * The tuple that a move has deleted is marked.  The two events are queued one after the
 * other by one command, whose ID is in both tuples.  What users' triggers do in between,
 * they do at a greater trigger depth.  If a trigger BEFORE INSERT suppresses the
 * insertion, the row is gone without an action.  Only where the same statement inserts
 * another row next, in a WITH query, that one is taken for the row that has moved:
 * PostgreSQL does not tell them apart.
 */
#include "postgres.h"

#include "base/compat.h"
#include "tables/own_trigger.h"
#include "track/row_changed.h"
#include "track/tracking_cache.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tupconvert.h"
#include "access/xact.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_trigger.h"
#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "rewrite/rewriteHandler.h"
#include "rewrite/rewriteManip.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(actstream_row_changed);
PG_FUNCTION_INFO_V1(actstream_row_moved);

/* A row on its way to another partition. */
typedef struct Move
{
	int			depth;			/* trigger depth at which its triggers are fired */
	TransactionId xid;			/* that deletes the row, and inserts it */
	CommandId	cid;
	Oid			from;			/* the partition that the row leaves */
	HeapTuple	old;
	Oid			to;				/* the partition that it has arrived in; InvalidOid
								 * before that */
	ItemPointerData new;		/* its place there, unless that is a foreign table */
	List	   *seen;			/* if it is, the triggers that have been fired for it */
	struct Move *outer;			/* the one at a lesser depth */
} Move;

/* the last move at each depth, deepest first, in TopTransactionContext */
static Move *moves = NULL;

/* Memory context callback: the transaction has ended. */
static void forget_moves(void *arg);
static MemoryContextCallback end_of_moves = {.func = forget_moves};
static bool end_is_watched = false;

static void
forget_moves(void *arg)
{
	moves = NULL;
	end_is_watched = false;
}

static void
forget_row(Move *move)
{
	heap_freetuple(move->old);
	list_free(move->seen);
	move->seen = NIL;
}

/*
 * The last move at this trigger depth, or NULL.  Forgets moves at greater depths, which
 * are over.
 */
static Move *
last_move(int depth)
{
	while (moves != NULL && moves->depth > depth)
	{
		Move	   *over = moves;

		moves = over->outer;
		forget_row(over);
		pfree(over);
	}
	return moves != NULL && moves->depth == depth ? moves : NULL;
}

static int
trigger_depth(void)
{
	return DatumGetInt32(DirectFunctionCall1(pg_trigger_depth, (Datum) 0));
}

static bool
is_half_of_move(const TriggerData *trigdata)
{
	return TRIGGER_FIRED_BY_DELETE(trigdata->tg_event) &&
		HeapTupleHeaderIndicatesMovedPartitions(trigdata->tg_trigtuple->t_data);
}

/* Remember that a row has left its partition. */
static void
remember_departure(const TriggerData *trigdata)
{
	HeapTupleHeader header = trigdata->tg_trigtuple->t_data;
	int			depth = trigger_depth();
	Move	   *move = last_move(depth);
	MemoryContext oldcontext = MemoryContextSwitchTo(TopTransactionContext);

	if (!end_is_watched)
		MemoryContextRegisterResetCallback(TopTransactionContext, &end_of_moves);
	end_is_watched = true;
	if (move == NULL)
	{
		move = palloc0(sizeof(Move));
		move->depth = depth;
		move->outer = moves;
		moves = move;
	}
	else
		forget_row(move);
	move->xid = HeapTupleHeaderGetUpdateXid(header);
	move->cid = HeapTupleHeaderGetCmax(header);
	move->from = RelationGetRelid(trigdata->tg_relation);
	move->to = InvalidOid;
	move->old = heap_copytuple(trigdata->tg_trigtuple);
	MemoryContextSwitchTo(oldcontext);
}

/*
 * Is the inserted row the other half of the move?
 *
 * Returns true again when further triggers fire for the same row.  A row of a foreign
 * table does not show which command has inserted it: the next one counts, once for each
 * trigger, unless the deletion has been rolled back.
 */
static bool
is_arrival(Move *move, const TriggerData *trigdata)
{
	Oid			relid = RelationGetRelid(trigdata->tg_relation);
	HeapTuple	row = trigdata->tg_trigtuple;
	bool		is_foreign = trigdata->tg_relation->rd_rel->relkind == RELKIND_FOREIGN_TABLE;

	if (OidIsValid(move->to) && move->to != relid)
		return false;
	if (is_foreign)
	{
		MemoryContext oldcontext = MemoryContextSwitchTo(TopTransactionContext);
		Oid			trigger = trigdata->tg_trigger->tgoid;
		bool		is_new = TransactionIdIsCurrentTransactionId(move->xid) &&
			!list_member_oid(move->seen, trigger);

		if (is_new)
			move->seen = lappend_oid(move->seen, trigger);
		MemoryContextSwitchTo(oldcontext);
		move->to = relid;
		return is_new;
	}
	/* that of a subtransaction that was rolled back is not had again, but the place can be */
	if (HeapTupleHeaderGetXmin(row->t_data) != move->xid ||
		HeapTupleHeaderGetCmin(row->t_data) != move->cid)
		return false;
	if (OidIsValid(move->to))
		return ItemPointerEquals(&move->new, &row->t_self);
	move->to = relid;
	move->new = row->t_self;
	return true;
}

/*
 * The move that ends with an inserted row, if it started in a partition of the table
 * that the trigger was made on; else NULL.
 */
static Move *
arrival(const TriggerData *trigdata)
{
	Move	   *move = moves == NULL ? NULL : last_move(trigger_depth());

	if (move == NULL || !is_arrival(move, trigdata))
		return NULL;
	return list_member_oid(get_partition_ancestors(move->from),
						   TrackingSource(RelationGetRelid(trigdata->tg_relation),
										  trigdata->tg_trigger)) ? move : NULL;
}

/* The row that has left the other partition, converted to the row type of the new one. */
static HeapTuple
convert_row(Relation to, const Move *move)
{
	Relation	from = table_open(move->from, AccessShareLock);
	TupleConversionMap *map = convert_tuples_by_name(RelationGetDescr(from),
													 RelationGetDescr(to));
	HeapTuple	result = map == NULL ? move->old : execute_attr_map_tuple(move->old, map);

	result->t_tableOid = move->from;
	table_close(from, AccessShareLock);
	return result;
}

/* Does the condition of the trigger hold?  Evaluated as the executor does. */
static bool
condition_holds(const RowChange *change)
{
	TupleDesc	tupdesc = RelationGetDescr(change->rel);
	EState	   *estate;
	ExprContext *econtext;
	Node	   *condition;
	bool		result;

	if (change->trigger->tgqual == NULL)
		return true;
	condition = stringToNode(change->trigger->tgqual);
	condition = expand_virtual_columns(condition, change->rel, PRS2_OLD_VARNO);
	condition = expand_virtual_columns(condition, change->rel, PRS2_NEW_VARNO);
	ChangeVarNodes(condition, PRS2_OLD_VARNO, INNER_VAR, 0);
	ChangeVarNodes(condition, PRS2_NEW_VARNO, OUTER_VAR, 0);

	estate = CreateExecutorState();
	econtext = GetPerTupleExprContext(estate);
	econtext->ecxt_innertuple = MakeSingleTupleTableSlot(tupdesc, &TTSOpsHeapTuple);
	econtext->ecxt_outertuple = MakeSingleTupleTableSlot(tupdesc, &TTSOpsHeapTuple);
	ExecStoreHeapTuple(change->old, econtext->ecxt_innertuple, false);
	ExecStoreHeapTuple(change->row, econtext->ecxt_outertuple, false);
	result = ExecQual(ExecPrepareQual(make_ands_implicit((Expr *) condition), estate), econtext);
	ExecDropSingleTupleTableSlot(econtext->ecxt_innertuple);
	ExecDropSingleTupleTableSlot(econtext->ecxt_outertuple);
	FreeExecutorState(estate);
	return result;
}

/* Is the trigger enabled, in this session? */
static bool
is_enabled(const Trigger *trigger)
{
	if (trigger->tgenabled == TRIGGER_FIRES_ALWAYS)
		return true;
	return trigger->tgenabled == (SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA ?
								  TRIGGER_FIRES_ON_REPLICA : TRIGGER_FIRES_ON_ORIGIN);
}

/*
 * Send the actions of the triggers AFTER UPDATE that were made on the same table as this
 * one.
 */
static void
emit_move(const TriggerData *trigdata, const Move *move)
{
	Relation	rel = trigdata->tg_relation;
	Oid			source = TrackingSource(RelationGetRelid(rel), trigdata->tg_trigger);
	Oid			function = OwnTriggerFunction(TRACKING_FUNCTION);
	TriggerDesc *triggers = CopyTriggerDesc(rel->trigdesc);
	RowChange	change = {.rel = rel};

	change.row = trigdata->tg_trigtuple;
	change.old = convert_row(rel, move);
	change.slot = trigdata->tg_trigslot;
	for (int i = 0; i < triggers->numtriggers; i++)
	{
		change.trigger = &triggers->triggers[i];
		if (change.trigger->tgfoid == function &&
			TRIGGER_FOR_UPDATE(change.trigger->tgtype) && is_enabled(change.trigger) &&
			TrackingSource(RelationGetRelid(rel), change.trigger) == source &&
			condition_holds(&change))
			EmitRowChange(&change);
	}
}

/*
 * What a trigger function of this file was called with.  Raises an error unless it was
 * fired for each row, after a change.
 */
static TriggerData *
row_trigger_data(FunctionCallInfo fcinfo)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function was not called by trigger manager")));
	if (!TRIGGER_FIRED_AFTER(trigdata->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigdata->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("trigger must be fired after a change, for each row")));
	return trigdata;
}

/*
 * Trigger AFTER INSERT OR UPDATE OR DELETE, for each row, made by track().
 *
 * A move between partitions is left to row_moved(), unless the trigger was made on the
 * partition itself: for that one, the row was deleted or inserted.
 */
Datum
actstream_row_changed(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = row_trigger_data(fcinfo);
	RowChange	change = {.rel = trigdata->tg_relation,.trigger = trigdata->tg_trigger};
	bool		is_clone = trigdata->tg_trigger->tgisclone;

	if (TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event))
	{
		change.row = trigdata->tg_newtuple;
		change.old = trigdata->tg_trigtuple;
		change.slot = trigdata->tg_newslot;
	}
	else
	{
		change.row = trigdata->tg_trigtuple;
		if (TRIGGER_FIRED_BY_INSERT(trigdata->tg_event))
			change.slot = trigdata->tg_trigslot;
		if (is_clone && change.slot == NULL && is_half_of_move(trigdata))
			return PointerGetDatum(NULL);
		if (is_clone && change.slot != NULL && arrival(trigdata) != NULL)
			return PointerGetDatum(NULL);
	}
	EmitRowChange(&change);
	return PointerGetDatum(NULL);
}

/*
 * Trigger AFTER INSERT OR DELETE, for each row, made by track() on a partitioned table.
 */
Datum
actstream_row_moved(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = row_trigger_data(fcinfo);

	if (TRIGGER_FIRED_BY_INSERT(trigdata->tg_event))
	{
		Move	   *move = arrival(trigdata);

		if (move != NULL)
			emit_move(trigdata, move);
	}
	else if (is_half_of_move(trigdata))
		remember_departure(trigdata);
	return PointerGetDatum(NULL);
}
