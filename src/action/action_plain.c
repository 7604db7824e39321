/*
 * action_plain.c
 *		Whether storing an action can fail.
 *
 * Changing a row of a tracked table must not fail because of the action that is sent.
 * Catching an error takes a subtransaction, with a transaction ID of its own, for each
 * row.  That is not needed where actstream.actions is as create_tables() makes it, or
 * has only additions that cannot refuse a row.
 */
#include "postgres.h"

#include "base/compat.h"
#include "action/action_plain.h"
#include "action/action_send.h"
#include "base/relation_watch.h"
#include "recency/recency_index.h"
#include "ref/ref.h"
#include "tables/own_tables.h"
#include "tables/own_trigger.h"
#include "tables/table_index.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/itup.h"
#include "access/relation.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_sequence.h"
#include "catalog/pg_trigger.h"
#include "commands/sequence.h"
#include "mb/pg_wchar.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/* The largest btree entry that fits on a page, see BTMaxItemSize. */
#define BTREE_ENTRY_SIZE	(BLCKSZ / 3 - 64)

/* A sequence with fewer values left could run out while an action is stored. */
#define IDS_LEFT			(PG_INT64_MAX / 2)

/* What was found out about actstream.actions; valid unless "relid" is InvalidOid. */
static struct
{
	Oid			relid;
	Oid			sequence;		/* that its ids come from; InvalidOid if there is none */
	Oid			ids;			/* index of its primary key, if that is on id alone */
	Oid			changes;		/* the record of changes, if there is one */
	Oid			recorder;		/* its owner */
	bool		plain;
}			known;

/* Watcher */
static void
relation_changed(Oid relid)
{
	if (relid == InvalidOid || relid == known.relid || relid == known.sequence ||
		relid == known.changes)
		known.relid = InvalidOid;
}

/*
 * Could a btree index get an entry that is too long?  Actions of tracked tables have no
 * external_id.
 */
static bool
entry_may_be_too_long(Form_pg_index form)
{
	Size		size = sizeof(IndexTupleData) + sizeof(IndexAttributeBitMapData);

	for (int i = 0; i < form->indnatts; i++)
	{
		switch (form->indkey.values[i])
		{
			case Anum_action_description:
			case Anum_action_data:
				return true;
			case Anum_action_actor:
			case Anum_action_action_object:
			case Anum_action_target:
				size += MAXALIGN(REF_MAX_SIZE);
				break;
			case Anum_action_verb:
				size += MAXALIGN(VARHDRSZ + VERB_MAX_CHARS * MAX_MULTIBYTE_CHAR_LEN);
				break;
			default:
				size += MAXIMUM_ALIGNOF;
		}
	}
	return size > BTREE_ENTRY_SIZE;
}

/*
 * Could an index refuse a row whose id is in no index yet?  Assumes so for access
 * methods other than ours and btree.
 */
static bool
index_may_refuse(Relation index)
{
	Form_pg_index form = index->rd_index;

	if (IsRecencyIndex(index))
		return false;
	return index->rd_rel->relam != BTREE_AM_OID || form->indisexclusion ||
		!heap_attisnull(index->rd_indextuple, Anum_pg_index_indexprs, NULL) ||
		entry_may_be_too_long(form) ||
		(form->indisunique && form->indkey.values[0] != Anum_action_id &&
		 (form->indkey.values[0] != Anum_action_external_id || form->indnullsnotdistinct));
}

/*
 * Is the predicate of an index, if any, only a test of one column, which raises no
 * error?
 */
static bool
predicate_is_simple(Node *predicate)
{
	if (predicate != NULL && IsA(predicate, NullTest))
		predicate = (Node *) ((NullTest *) predicate)->arg;
	return predicate == NULL || IsA(predicate, Var);
}

/*
 * Could an index refuse a row?  Also sets known.ids, without which two rows could have
 * the same id.
 */
static bool
any_index_may_refuse(Relation rel)
{
	List	   *oids = RelationGetIndexList(rel);
	bool		result = false;
	ListCell   *lc;

	known.ids = InvalidOid;
	foreach(lc, oids)
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);
		Form_pg_index form = index->rd_index;

		result |= index_may_refuse(index) || !predicate_is_simple(IndexPredicate(index));
		if (form->indisprimary && form->indisvalid && form->indnkeyatts == 1 &&
			form->indkey.values[0] == Anum_action_id)
			known.ids = form->indexrelid;
		index_close(index, AccessShareLock);
	}
	list_free(oids);
	return result || !OidIsValid(known.ids);
}

/* Does the sequence count upwards, up to the largest bigint? */
static bool
counts_up(Oid sequence)
{
	HeapTuple	tuple = SearchSysCache1(SEQRELID, ObjectIdGetDatum(sequence));
	bool		result = false;

	if (HeapTupleIsValid(tuple))
	{
		Form_pg_sequence form = (Form_pg_sequence) GETSTRUCT(tuple);

		result = form->seqincrement > 0 && form->seqincrement < IDS_LEFT / form->seqcache &&
			form->seqmax == PG_INT64_MAX;
		ReleaseSysCache(tuple);
	}
	return result;
}

/* Does the table have no constraint that a valid row could violate? */
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

/* Is a row put into the table without anything else being done? */
static bool
is_plain_table(Relation rel)
{
	return rel->rd_rel->relkind == RELKIND_RELATION &&
		rel->rd_rel->relam == HEAP_TABLE_AM_OID && rel->rd_rules == NULL;
}

/* Is it an index that the record of changes has, or that is as harmless? */
static bool
is_index_of_record(Relation index)
{
	Form_pg_index form = index->rd_index;
	Node	   *predicate = IndexPredicate(index);

	if (form->indisunique || form->indisexclusion ||
		!heap_attisnull(index->rd_indextuple, Anum_pg_index_indexprs, NULL))
		return false;
	for (int i = 0; i < form->indnatts; i++)
	{
		/* the others can be too long for an index */
		if (form->indkey.values[i] > Anum_change_arrived)
			return false;
	}
	if (predicate != NULL && IsA(predicate, OpExpr) && ((OpExpr *) predicate)->opfuncid == F_CHAREQ)
		return IsA(linitial(((OpExpr *) predicate)->args), Var) &&
			IsA(lsecond(((OpExpr *) predicate)->args), Const);
	return predicate_is_simple(predicate);
}

/* Can recording a change not fail: is the record as create_tables() makes it? */
static bool
record_is_plain(void)
{
	Relation	rel;
	TupleDesc	tupdesc;
	bool		result;
	ListCell   *lc;

	known.changes = OwnTableFind(OWN_CHANGES);
	if (!OwnTableExists(OWN_CHANGES))
		return false;
	rel = table_open(known.changes, RowExclusiveLock);
	tupdesc = RelationGetDescr(rel);
	known.recorder = rel->rd_rel->relowner;
	result = is_plain_table(rel) && rel->trigdesc == NULL &&
		rel->rd_rel->relpersistence == RELPERSISTENCE_PERMANENT && !has_virtual_columns(rel) &&
		tupdesc->natts == Natts_change &&
		(tupdesc->constr == NULL ||
		 (tupdesc->constr->num_check == 0 && !tupdesc->constr->has_generated_stored)) &&
		pg_class_aclcheck(known.changes, rel->rd_rel->relowner, ACL_INSERT) == ACLCHECK_OK;
	for (int i = 0; result && i < Natts_change; i++)
		result = TupleDescAttr(tupdesc, i)->attidentity == '\0' &&
			(i < Anum_change_old_public - 1 || !TupleDescAttr(tupdesc, i)->attnotnull);
	foreach(lc, RelationGetIndexList(rel))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		result = result && is_index_of_record(index);
		index_close(index, AccessShareLock);
	}
	table_close(rel, NoLock);
	return result;
}

/* Does the table have our triggers alone, perhaps with those that record changes? */
static bool
triggers_are_ours(Relation rel)
{
	bool		recorded = HasOwnTrigger(rel, "action_changed", TRIGGER_TYPE_AFTER | EACH_ROW_CHANGE,
										 TRIGGER_FIRES_ALWAYS) &&
		HasOwnTrigger(rel, "action_changed", TRIGGER_TYPE_AFTER | TRIGGER_TYPE_TRUNCATE,
					  TRIGGER_FIRES_ALWAYS);

	known.changes = InvalidOid;
	return rel->trigdesc != NULL && rel->trigdesc->numtriggers == (recorded ? 4 : 2) &&
		HasOwnTrigger(rel, "action_time",
					  TRIGGER_TYPE_ROW | TRIGGER_TYPE_BEFORE | TRIGGER_TYPE_INSERT,
					  TRIGGER_FIRES_ON_ORIGIN) &&
		HasOwnTrigger(rel, "action_check",
					  TRIGGER_TYPE_ROW | TRIGGER_TYPE_AFTER | TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE,
					  TRIGGER_FIRES_ON_ORIGIN) &&
		(!recorded || record_is_plain());
}

static bool
is_plain(Relation rel)
{
	return is_plain_table(rel) && triggers_are_ours(rel) && constraints_are_ours(rel) &&
		OidIsValid(known.sequence) && counts_up(known.sequence) && !any_index_may_refuse(rel);
}

/* Is the sequence far from its end?  Any role with UPDATE on it can set it. */
static bool
has_ids_left(Oid sequence)
{
	Relation	rel = relation_open(sequence, AccessShareLock);
	Buffer		buffer = ReadBuffer(rel, 0);
	HeapTupleHeader tuple;
	bool		result;

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	tuple = (HeapTupleHeader) PageGetItem(BufferGetPage(buffer),
										  PageGetItemId(BufferGetPage(buffer), FirstOffsetNumber));
	result = ((Form_pg_sequence_data) ((char *) tuple + tuple->t_hoff))->last_value < IDS_LEFT;
	UnlockReleaseBuffer(buffer);
	relation_close(rel, AccessShareLock);
	return result;
}

/* Does the index have an entry for that id, even of a dead row? */
static bool
id_is_there(Relation rel, Oid ids, int64 id)
{
	Relation	index = index_open(ids, AccessShareLock);
	IndexScanDesc scan = begin_index_scan(rel, index, SnapshotAny, 1);
	ScanKeyData key;
	bool		result;

	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(id));
	index_rescan(scan, &key, 1, NULL, 0);
	result = index_getnext_tid(scan, ForwardScanDirection) != NULL;
	index_endscan(scan);
	index_close(index, AccessShareLock);
	return result;
}

/*
 * ActionIdIfPlain
 *		Take the next id, if storing an action with it, whose references are valid,
 *		cannot raise an error that a user of the database has caused: if the table is
 *		as create_tables() makes it, except for additions that cannot refuse a row, and
 *		has no such id.
 *
 * Returns false otherwise.  The transaction must not be read-only.
 */
bool
ActionIdIfPlain(int64 *id)
{
	Relation	rel = OwnTableOpen(OWN_ACTIONS, RowExclusiveLock);
	uint64		changes;
	bool		result;

	/* as the INSERT will: it must not change after it was looked at */
	if (known.relid == RelationGetRelid(rel) && OidIsValid(known.changes))
		LockRelationOid(known.changes, RowExclusiveLock);
	if (known.relid != RelationGetRelid(rel))
	{
		RelationWatch(relation_changed);
		changes = RelationChanges();
		known.relid = known.sequence = InvalidOid;
		if (TupleDescAttr(RelationGetDescr(rel), Anum_action_id - 1)->attidentity != '\0')
			known.sequence = identity_sequence(rel, Anum_action_id);
		known.plain = is_plain(rel);
		/* after a change meanwhile, look again the next time */
		if (RelationChanges() == changes)
			known.relid = RelationGetRelid(rel);
	}
	result = known.plain && has_ids_left(known.sequence) &&
		(!OidIsValid(known.changes) || object_aclcheck(NamespaceRelationId, OwnSchema(), known.recorder,
													   ACL_USAGE) == ACLCHECK_OK);
	if (result)
	{
		*id = nextval_internal(known.sequence, false);
		result = !id_is_there(rel, known.ids, *id);
	}
	table_close(rel, NoLock);
	return result;
}
