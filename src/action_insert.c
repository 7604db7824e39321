/*
 * action_insert.c
 *		Storing one action without a statement.
 *
 * To begin and to end an INSERT of one row takes as long as to write the row.
 * Where the table is as the extension made it, and the user may do with it as he
 * likes, a row can be stored as the subscriber of a replication stores it:
 * constraints, indexes and triggers for each row are the executor's here as well.
 * Whatever asks for more is left to a statement.
 */
#include "postgres.h"

#include "compat.h"
#include "action_insert.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/pg_class.h"
#include "commands/sequence.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"

/* Where ids come from, as long as "table" is not InvalidOid. */
static struct
{
	Oid			table;
	Oid			sequence;		/* InvalidOid: from somewhere else */
}			ids;

/* Relation cache callback: must not access catalogs. */
static void
relation_changed(Datum arg, Oid relid)
{
	if (relid == InvalidOid || relid == ids.table)
		ids.table = InvalidOid;
}

/* The sequence of the table's ids, or InvalidOid if they have none. */
static Oid
id_sequence(Relation rel)
{
	static bool registered = false;
	Oid			sequence = InvalidOid;

	if (ids.table == RelationGetRelid(rel))
		return ids.sequence;
	if (!registered)
	{
		CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
		registered = true;
	}
	if (TupleDescAttr(RelationGetDescr(rel), Anum_action_id - 1)->attidentity != '\0')
		sequence = identity_sequence(rel, Anum_action_id);
	ids.table = RelationGetRelid(rel);
	ids.sequence = sequence;
	return sequence;
}

/*
 * Does an INSERT into the table do nothing but store the row, with constraints
 * and triggers for each row?
 */
static bool
is_plain(Relation rel)
{
	TupleDesc	tupdesc = RelationGetDescr(rel);
	TriggerDesc *triggers = rel->trigdesc;

	return rel->rd_rel->relkind == RELKIND_RELATION && rel->rd_rules == NULL &&
		tupdesc->natts == Natts_action &&
		(tupdesc->constr == NULL || !tupdesc->constr->has_generated_stored) &&
		(triggers == NULL ||
		 !(triggers->trig_insert_before_row || triggers->trig_insert_before_statement ||
		   triggers->trig_insert_after_statement || triggers->trig_insert_new_table));
}

/* May the user store, and read, whatever row, and does nobody else have a say? */
static bool
is_allowed(Relation rel)
{
	Oid			relid = RelationGetRelid(rel);
	AclMode		needed = ACL_INSERT | ACL_SELECT;

	return pg_class_aclmask(relid, GetUserId(), needed, ACLMASK_ALL) == needed &&
		check_enable_rls(relid, InvalidOid, true) != RLS_ENABLED &&
		ExecutorCheckPerms_hook == NULL;
}

/*
 * Does the predicate say no more than that a column is not null, or that it is
 * true?  "holds" is what it then says of the row.
 */
static bool
predicate_is_simple(List *predicate, TupleTableSlot *row, bool *holds)
{
	Node	   *condition = list_length(predicate) == 1 ? linitial(predicate) : NULL;
	bool		test_null = condition != NULL && IsA(condition, NullTest) &&
		((NullTest *) condition)->nulltesttype == IS_NOT_NULL;
	Node	   *column = test_null ? (Node *) ((NullTest *) condition)->arg : condition;
	Datum		value;
	bool		isnull;

	if (column == NULL || !IsA(column, Var) || ((Var *) column)->varattno <= 0)
		return false;
	value = slot_getattr(row, ((Var *) column)->varattno, &isnull);
	*holds = !isnull && (test_null || DatumGetBool(value));
	return true;
}

/*
 * Forget the indexes that the row has no entry in, and predicates that are known
 * to hold: the executor would prepare an expression for each, to find the same.
 */
static void
decide_predicates(ResultRelInfo *target, TupleTableSlot *row)
{
	for (int i = 0; i < target->ri_NumIndices; i++)
	{
		IndexInfo  *index = target->ri_IndexRelationInfo[i];
		bool		holds;

		if (!predicate_is_simple(index->ii_Predicate, row, &holds))
			continue;
		if (holds)
			index->ii_Predicate = NIL;
		else
			index->ii_ReadyForInserts = false;
	}
}

/* Let the executor store the row, and run what triggers there are. */
static void
store(Relation rel, TupleTableSlot *row)
{
	EState	   *estate = CreateExecutorState();
	ResultRelInfo *target = makeNode(ResultRelInfo);

	InitResultRelInfo(target, rel, 0, NULL, 0);
	estate->es_opened_result_relations = list_make1(target);
	estate->es_output_cid = GetCurrentCommandId(true);
	ExecOpenIndices(target, false);
	decide_predicates(target, row);

	AfterTriggerBeginQuery();
	ExecSimpleRelationInsert(target, estate, row);
	AfterTriggerEndQuery(estate);

	ExecCloseResultRelations(estate);
	ExecResetTupleTable(estate->es_tupleTable, false);
	FreeExecutorState(estate);
}

/*
 * ActionInsert
 *		Store the action as the current user and, unless "row" is NULL, return it
 *		there; false if that takes a statement, which is not tried then.
 *
 * Raises what an INSERT raises.
 */
bool
ActionInsert(NewAction *action, Datum *row)
{
	Relation	rel = OwnTableOpen(ActionRelationId(), RowExclusiveLock);
	bool		possible = is_plain(rel) && is_allowed(rel) && OidIsValid(id_sequence(rel));
	TupleTableSlot *slot;

	if (possible)
	{
		PreventCommandIfReadOnly("INSERT");
		PreventCommandIfParallelMode("INSERT");
		slot = table_slot_create(rel, NULL);
		memcpy(slot->tts_values, action->values, sizeof(action->values));
		memcpy(slot->tts_isnull, action->isnull, sizeof(action->isnull));
		slot->tts_values[Anum_action_id - 1] =
			Int64GetDatum(nextval_internal(id_sequence(rel), false));
		slot->tts_isnull[Anum_action_id - 1] = false;
		ExecStoreVirtualTuple(slot);

		CommandCounterIncrement();
		PushActiveSnapshot(GetTransactionSnapshot());
		store(rel, slot);
		PopActiveSnapshot();
		CommandCounterIncrement();
		if (row != NULL)
			*row = ExecFetchSlotHeapTupleDatum(slot);
		ExecDropSingleTupleTableSlot(slot);
	}
	table_close(rel, NoLock);
	return possible;
}
