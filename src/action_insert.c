/*
 * action_insert.c
 *		Storing one action without a statement.
 *
 * To begin and to end an INSERT of one row takes as long as to write the row.
 * Where the table is as the extension made it, and the user may do with it as he
 * likes, a row can be stored as the subscriber of a replication stores it:
 * constraints, indexes and triggers for each row are the executor's here as well.
 * What can be known of the table beforehand is kept, until the relation cache
 * hears of a change to it.  Whatever asks for more is left to a statement.
 */
#include "postgres.h"

#include "compat.h"
#include "action_insert.h"
#include "relation_watch.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/index.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_sequence.h"
#include "catalog/pg_trigger.h"
#include "commands/sequence.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

/* An index of the table, in which some rows have no entry. */
typedef struct KnownIndex
{
	Oid			oid;
	AttrNumber	column;			/* which these have no value in; 0: the executor will see */
	bool		is_flag;		/* nor has a row where it is false */
	bool		may_refuse;		/* could it refuse a row, as ours do not? */
} KnownIndex;

/* What is known of the table, as long as "relid" is not InvalidOid. */
static struct
{
	Oid			relid;
	Oid			sequence;		/* of its ids; InvalidOid: they come from elsewhere */
	bool		is_as_made;		/* has it the trigger that checks each row, and no other? */
	bool		may_refuse;		/* has it a constraint, an index or a sequence not as ours? */
	int			nindexes;
	KnownIndex *indexes;		/* in the order that all lock them in */
}			table;

/* Watcher. */
static void
relation_changed(Oid relid)
{
	if (relid == InvalidOid || relid == table.relid || relid == table.sequence)
		table.relid = InvalidOid;
}

/* Learn which rows have an entry in an index, if its predicate is simple. */
static void
look_at_predicate(KnownIndex *known, List *predicate)
{
	Node	   *condition = list_length(predicate) == 1 ? linitial(predicate) : NULL;
	bool		test_null = condition != NULL && IsA(condition, NullTest) &&
		((NullTest *) condition)->nulltesttype == IS_NOT_NULL;
	Node	   *column = test_null ? (Node *) ((NullTest *) condition)->arg : condition;

	known->column = column != NULL && IsA(column, Var) ? Max(((Var *) column)->varattno, 0) : 0;
	known->is_flag = !test_null;
}

/*
 * Could an index refuse a row?  Ours have no long values, nor more than two references
 * where an entry has to fit on a page, and are unique by what is ours to choose.
 */
static bool
may_refuse(Relation index, const KnownIndex *known)
{
	Form_pg_index form = index->rd_index;
	int			nrefs = 0;

	if (RelationGetIndexExpressions(index) != NIL || form->indisexclusion ||
		(known->column == 0 && RelationGetIndexPredicate(index) != NIL))
		return true;
	for (int i = 0; i < form->indnatts; i++)
	{
		AttrNumber	attnum = form->indkey.values[i];

		if (attnum == Anum_action_description || attnum == Anum_action_data)
			return true;
		nrefs += attnum == Anum_action_actor || attnum == Anum_action_action_object ||
			attnum == Anum_action_target;
	}
	return (nrefs > 2 && index->rd_rel->relam == BTREE_AM_OID) ||
		(form->indisunique && form->indkey.values[0] != Anum_action_id &&
		 form->indkey.values[0] != Anum_action_external_id);
}

/*
 * Preparing a predicate may call a function of the user's, which may send an action:
 * what is known changes at the end only.
 */
static void
look_at_indexes(Relation rel)
{
	List	   *oids = RelationGetIndexList(rel);
	Size		size = Max(list_length(oids), 1) * sizeof(KnownIndex);
	KnownIndex *indexes = palloc(size);
	int			n = 0;
	ListCell   *cell;

	/* one may be being built by another session, which waits for this transaction */
	foreach(cell, oids)
	{
		Relation	index = index_open(lfirst_oid(cell), RowExclusiveLock);

		indexes[n].oid = RelationGetRelid(index);
		look_at_predicate(&indexes[n], RelationGetIndexPredicate(index));
		indexes[n].may_refuse = may_refuse(index, &indexes[n]);
		n++;
		index_close(index, NoLock);
	}
	list_free(oids);

	table.indexes = table.indexes == NULL ?
		MemoryContextAlloc(CacheMemoryContext, size) : repalloc(table.indexes, size);
	memcpy(table.indexes, indexes, size);
	table.nindexes = n;
	pfree(indexes);
}

/* Could the sequence come to its end? */
static bool
may_end(Oid sequence)
{
	HeapTuple	tuple = SearchSysCache1(SEQRELID, ObjectIdGetDatum(sequence));
	bool		result = true;

	if (HeapTupleIsValid(tuple))
	{
		result = ((Form_pg_sequence) GETSTRUCT(tuple))->seqmax != PG_INT64_MAX;
		ReleaseSysCache(tuple);
	}
	return result;
}

/*
 * Could the table refuse a row that is right?  Its own constraints do not: it has no
 * CHECK, and what may be null is so.
 */
static bool
table_may_refuse(Relation rel)
{
	TupleDesc	tupdesc = RelationGetDescr(rel);
	bool		result = may_end(table.sequence) ||
		(tupdesc->constr != NULL && tupdesc->constr->num_check > 0);

	for (int i = Anum_action_action_object - 1; i < Min(Natts_action, tupdesc->natts); i++)
		result |= TupleDescAttr(tupdesc, i)->attnotnull;
	for (int i = 0; i < table.nindexes; i++)
		result |= table.indexes[i].may_refuse;
	return result;
}

/* Learn what the table is like, unless that is known. */
static void
look_at_table(Relation rel)
{
	uint64		changes;

	if (table.relid == RelationGetRelid(rel))
		return;
	RelationWatch(relation_changed);
	changes = RelationChanges();
	table.relid = table.sequence = InvalidOid;
	if (TupleDescAttr(RelationGetDescr(rel), Anum_action_id - 1)->attidentity != '\0')
		table.sequence = identity_sequence(rel, Anum_action_id);
	table.is_as_made = HasOwnTrigger(rel, "action_check",
									 TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE,
									 TRIGGER_FIRES_ON_ORIGIN, true);
	look_at_indexes(rel);
	table.may_refuse = table_may_refuse(rel);
	/* what is heard of meanwhile is for the next time */
	if (RelationChanges() == changes)
		table.relid = RelationGetRelid(rel);
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

/* May the user store, or that and read, whatever row, and does nobody else have a say? */
static bool
is_allowed(Relation rel, AclMode needed)
{
	Oid			relid = RelationGetRelid(rel);

	return pg_class_aclmask(relid, GetUserId(), needed, ACLMASK_ALL) == needed &&
		check_enable_rls(relid, InvalidOid, true) != RLS_ENABLED &&
		ExecutorCheckPerms_hook == NULL;
}

/*
 * Open the indexes that the row has, or may have, an entry in.
 *
 * They stay locked until the end of the transaction, as the table does: a lock that
 * is held already costs little.
 */
static void
open_indexes(ResultRelInfo *target, TupleTableSlot *row)
{
	target->ri_IndexRelationDescs = palloc(table.nindexes * sizeof(Relation));
	target->ri_IndexRelationInfo = palloc(table.nindexes * sizeof(IndexInfo *));
	for (int i = 0; i < table.nindexes; i++)
	{
		KnownIndex	known = table.indexes[i];
		Relation	index;
		IndexInfo  *info;

		if (known.column > 0 &&
			(row->tts_isnull[known.column - 1] ||
			 (known.is_flag && !DatumGetBool(row->tts_values[known.column - 1]))))
			continue;
		index = index_open(known.oid, RowExclusiveLock);
		info = BuildIndexInfo(index);
		if (known.column > 0)
			info->ii_Predicate = NIL;
		target->ri_IndexRelationDescs[target->ri_NumIndices] = index;
		target->ri_IndexRelationInfo[target->ri_NumIndices] = info;
		target->ri_NumIndices++;
	}
}

static void
close_indexes(ResultRelInfo *target)
{
	for (int i = 0; i < target->ri_NumIndices; i++)
		index_close(target->ri_IndexRelationDescs[i], NoLock);
	target->ri_NumIndices = 0;
}

/* What the trigger would do. */
static void
check_stored(Relation rel, TupleTableSlot *row)
{
	bool		should_free;
	HeapTuple	tuple = ExecFetchSlotHeapTuple(row, false, &should_free);

	ActionCheckRow(rel, tuple, NULL);
	if (should_free)
		heap_freetuple(tuple);
}

/*
 * Let the executor store the row, and run what triggers there are.
 *
 * If there is but the one that checks the row, there is no need to queue it.
 */
static void
store(Relation rel, TupleTableSlot *row)
{
	EState	   *estate = CreateExecutorState();
	ResultRelInfo *target = makeNode(ResultRelInfo);
	bool		just_check = table.is_as_made &&
		SessionReplicationRole != SESSION_REPLICATION_ROLE_REPLICA;

	InitResultRelInfo(target, rel, 0, NULL, 0);
	estate->es_opened_result_relations = list_make1(target);
	estate->es_output_cid = GetCurrentCommandId(true);
	open_indexes(target, row);
	if (just_check)
		target->ri_TrigDesc = NULL;
	else
		AfterTriggerBeginQuery();

	ExecSimpleRelationInsert(target, estate, row);
	close_indexes(target);

	if (just_check)
		check_stored(rel, row);
	else
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
	bool		possible;
	TupleTableSlot *slot;

	look_at_table(rel);
	possible = OidIsValid(table.sequence) && is_plain(rel) &&
		is_allowed(rel, row == NULL ? ACL_INSERT : ACL_INSERT | ACL_SELECT);
	if (possible)
	{
		PreventCommandIfReadOnly("INSERT");
		PreventCommandIfParallelMode("INSERT");
		slot = table_slot_create(rel, NULL);
		memcpy(slot->tts_values, action->values, sizeof(action->values));
		memcpy(slot->tts_isnull, action->isnull, sizeof(action->isnull));
		slot->tts_values[Anum_action_id - 1] =
			Int64GetDatum(nextval_internal(table.sequence, false));
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

/*
 * ActionInsertIsPlain
 *		Can storing an action, whose references are right, raise no error of anybody's
 *		making: is the table as we have made it, but for what cannot refuse a row?
 */
bool
ActionInsertIsPlain(void)
{
	Relation	rel = OwnTableOpen(ActionRelationId(), RowExclusiveLock);
	bool		result;

	look_at_table(rel);
	result = table.is_as_made && !table.may_refuse && OidIsValid(table.sequence) &&
		is_plain(rel) && rel->rd_rel->relam == HEAP_TABLE_AM_OID;
	table_close(rel, NoLock);
	return result;
}
