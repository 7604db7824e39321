/*
 * action_plain.c
 *		Whether the table of actions can refuse an action.
 *
 * Who changes a row of a tracked table must not fail over the action that is sent of it.
 * To try takes a subtransaction, with a number of its own, for each row.  Where the table
 * is as create_tables() makes it, but for what can refuse nothing, there is no need to.
 */
#include "postgres.h"

#include "compat.h"
#include "action_plain.h"
#include "own_tables.h"
#include "relation_watch.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_sequence.h"
#include "catalog/pg_trigger.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/* What was found, as long as "relid" is not InvalidOid. */
static struct
{
	Oid			relid;
	Oid			sequence;		/* of its ids; InvalidOid: they come from elsewhere */
	bool		plain;
}			known;

/* Watcher. */
static void
relation_changed(Oid relid)
{
	if (relid == InvalidOid || relid == known.relid || relid == known.sequence)
		known.relid = InvalidOid;
}

/*
 * Could an index refuse a row?  Ours have no long values, nor more than two references
 * where an entry has to fit on a page, and are unique by what is ours to choose.
 */
static bool
index_may_refuse(Relation index)
{
	Form_pg_index form = index->rd_index;
	int			nrefs = 0;

	if (RelationGetIndexExpressions(index) != NIL || form->indisexclusion)
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

/* Can the predicate of an index raise no error, being at most a test of one column? */
static bool
predicate_is_simple(List *predicate)
{
	Node	   *condition = predicate == NIL ? NULL : linitial(predicate);

	if (list_length(predicate) == 1 && IsA(condition, NullTest))
		condition = (Node *) ((NullTest *) condition)->arg;
	return predicate == NIL || (list_length(predicate) == 1 && IsA(condition, Var));
}

static bool
any_index_may_refuse(Relation rel)
{
	List	   *oids = RelationGetIndexList(rel);
	bool		result = false;
	ListCell   *lc;

	foreach(lc, oids)
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		result |= index_may_refuse(index) || !predicate_is_simple(RelationGetIndexPredicate(index));
		index_close(index, AccessShareLock);
	}
	list_free(oids);
	return result;
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

/* Has the table no constraint that a right row could be in conflict with? */
static bool
constraints_are_ours(Relation rel)
{
	TupleDesc	tupdesc = RelationGetDescr(rel);

	if (has_virtual_columns(rel) || tupdesc->natts != Natts_action ||
		(tupdesc->constr != NULL &&
		 (tupdesc->constr->num_check > 0 || tupdesc->constr->has_generated_stored)))
		return false;
	for (int i = Anum_action_action_object - 1; i < Natts_action; i++)
	{
		if (TupleDescAttr(tupdesc, i)->attnotnull)
			return false;
	}
	return true;
}

static bool
is_plain(Relation rel)
{
	return rel->rd_rel->relkind == RELKIND_RELATION &&
		rel->rd_rel->relam == HEAP_TABLE_AM_OID && rel->rd_rules == NULL &&
		rel->trigdesc != NULL && rel->trigdesc->numtriggers == 1 &&
		HasOwnTrigger(rel, "action_check", TRIGGER_TYPE_AFTER,
					  TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE, TRIGGER_FIRES_ON_ORIGIN) &&
		constraints_are_ours(rel) &&
		OidIsValid(known.sequence) && !may_end(known.sequence) && !any_index_may_refuse(rel);
}

/*
 * ActionTableIsPlain
 *		Can storing an action, whose references are right, raise no error of anybody's
 *		making: is the table as create_tables() makes it, but for what cannot refuse a
 *		row?
 */
bool
ActionTableIsPlain(void)
{
	Relation	rel = OwnTableOpen(OWN_ACTIONS, RowExclusiveLock);
	uint64		changes;
	bool		result;

	if (known.relid != RelationGetRelid(rel))
	{
		RelationWatch(relation_changed);
		changes = RelationChanges();
		known.relid = known.sequence = InvalidOid;
		if (TupleDescAttr(RelationGetDescr(rel), Anum_action_id - 1)->attidentity != '\0')
			known.sequence = identity_sequence(rel, Anum_action_id);
		known.plain = is_plain(rel);
		/* what is heard of meanwhile is for the next time */
		if (RelationChanges() == changes)
			known.relid = RelationGetRelid(rel);
	}
	result = known.plain;
	table_close(rel, NoLock);
	return result;
}
