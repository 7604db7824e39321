/*
 * object_probe.c
 *		Looking up, in the index of the primary key, the row that a reference names.
 *
 * For an ordinary table, this replaces the query "SELECT 1 FROM ONLY table WHERE key = $1
 * FOR KEY SHARE", run as the table's owner, and is three times as fast: most of what a
 * query costs is its start and its end.  What else that query would do, such as failing
 * for an owner without rights on the table, is not done here: such cases are recognized
 * first, and left to the query.
 */
#include "postgres.h"

#include "base/compat.h"
#include "object/object_key.h"
#include "object/object_probe.h"

#include "access/genam.h"
#include "access/stratnum.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "executor/tuptable.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/*
 * ObjectProbeIsAllowed
 *		May the owner of the table read its rows, and lock them if "lock" is set?
 */
bool
ObjectProbeIsAllowed(Relation rel, bool lock)
{
	Oid			owner = rel->rd_rel->relowner;
	AclMode		needed = ACL_SELECT | (lock ? ACL_UPDATE : 0);

	return pg_class_aclmask(RelationGetRelid(rel), owner, needed, ACLMASK_ALL) == needed &&
		object_aclcheck(NamespaceRelationId, RelationGetNamespace(rel), owner,
						ACL_USAGE) == ACLCHECK_OK;
}

/* The position among the type's key columns of an index column, or -1. */
static int
find_key(const RegisteredType *type, AttrNumber attnum)
{
	for (int i = 0; i < type->nkeys; i++)
	{
		if (type->keys[i] == attnum)
			return i;
	}
	return -1;
}

/*
 * Fill in the keys of a scan for the row whose key columns have the values.  Returns
 * false if the index is not on these columns, or not yet usable by all snapshots.
 *
 * A primary key uses the default operator classes of its types, and so do comparisons of
 * keys.
 */
static bool
make_scan_keys(Relation index, const RegisteredType *type, const Datum *values, ScanKey keys)
{
	if (IndexRelationGetNumberOfKeyAttributes(index) != type->nkeys ||
		index->rd_index->indcheckxmin)
		return false;
	for (int i = 0; i < type->nkeys; i++)
	{
		int			key = find_key(type, index->rd_index->indkey.values[i]);
		Oid			input = index->rd_opcintype[i];
		Oid			operator = get_opfamily_member(index->rd_opfamily[i], input, input,
												   BTEqualStrategyNumber);

		if (key < 0)
			return false;
		if (!OidIsValid(operator))
			elog(ERROR, "missing operator %d(%u,%u) in opfamily %u",
				 BTEqualStrategyNumber, input, input, index->rd_opfamily[i]);
		ScanKeyEntryInitialize(&keys[i], 0, i + 1, BTEqualStrategyNumber, InvalidOid,
							   index->rd_indcollation[i], get_opcode(operator), values[key]);
	}
	return true;
}

/* Does the row have the key that the scan looks for? */
static bool
has_key(Relation index, ScanKey keys, int nkeys, TupleTableSlot *row)
{
	for (int i = 0; i < nkeys; i++)
	{
		bool		isnull;
		Datum		value = slot_getattr(row, index->rd_index->indkey.values[i], &isnull);

		if (isnull || !DatumGetBool(FunctionCall2Coll(&keys[i].sk_func, keys[i].sk_collation,
													  value, keys[i].sk_argument)))
			return false;
	}
	return true;
}

static void
cannot_serialize(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("could not serialize access due to concurrent update")));
}

/*
 * Lock the row FOR KEY SHARE, in its newest version unless the transaction uses one
 * snapshot; false if it is gone.  Sets *moved if it has locked a newer version than the
 * one that was found, which may have another key.
 *
 * As ExecLockRows() does.
 */
static bool
lock_row(Relation rel, TupleTableSlot *row, Snapshot snapshot, bool *moved)
{
	TM_FailureData failure;
	TM_Result	result;
	uint8		flags = TUPLE_LOCK_FLAG_LOCK_UPDATE_IN_PROGRESS;

	if (!IsolationUsesXactSnapshot())
		flags |= TUPLE_LOCK_FLAG_FIND_LAST_VERSION;
	result = table_tuple_lock(rel, &row->tts_tid, snapshot, row, GetCurrentCommandId(false),
							  LockTupleKeyShare, LockWaitBlock, flags, &failure);
	switch (result)
	{
		case TM_Ok:
			*moved = failure.traversed;
			return true;
		case TM_SelfModified:
			return false;
		case TM_Updated:
		case TM_Deleted:
			if (IsolationUsesXactSnapshot())
				cannot_serialize();
			/* of an updated row, the newest version was asked for */
			if (result == TM_Deleted)
				return false;
			break;
		default:
			break;
	}
	elog(ERROR, "unrecognized table_tuple_lock status: %u", result);
	return false;
}

/* Find the row, and lock it if "lock" is set. */
static bool
probe(Relation rel, Relation index, ScanKey keys, int nkeys, bool lock, Snapshot snapshot)
{
	TupleTableSlot *row = table_slot_create(rel, NULL);
	IndexScanDesc scan = begin_index_scan(rel, index, snapshot, nkeys);
	bool		found = false;

	index_rescan(scan, keys, nkeys, NULL, 0);
	while (!found && index_getnext_slot(scan, ForwardScanDirection, row))
	{
		bool		moved = false;

		found = (!lock || lock_row(rel, row, snapshot, &moved)) &&
			(!moved || has_key(index, keys, nkeys, row));
	}
	index_endscan(scan);
	ExecDropSingleTupleTableSlot(row);
	return found;
}

/*
 * ObjectProbe
 *		Does "rel", the table of the type, have a row with these values of the key
 *		columns, as ObjectKeyParse() returns them?
 *
 * With "lock", locks it FOR KEY SHARE until the end of the transaction; raises
 * ERRCODE_T_R_SERIALIZATION_FAILURE as a query would.  The caller holds a lock on "rel",
 * RowShareLock if rows are to be locked, and "snapshot" is active.
 */
ProbeResult
ObjectProbe(Relation rel, const RegisteredType *type, const Datum *values, bool lock,
			Snapshot snapshot)
{
	ScanKeyData keys[INDEX_MAX_KEYS];
	ProbeResult result = PROBE_IMPOSSIBLE;
	Relation	index;
	Oid			primary_key;

	if (rel->rd_rel->relkind != RELKIND_RELATION ||
		!OidIsValid(primary_key = primary_key_index(rel)) || !ObjectProbeIsAllowed(rel, lock))
		return PROBE_IMPOSSIBLE;

	index = index_open(primary_key, AccessShareLock);
	if (make_scan_keys(index, type, values, keys))
		result = probe(rel, index, keys, type->nkeys, lock, snapshot) ?
			PROBE_PRESENT : PROBE_ABSENT;
	index_close(index, NoLock);
	return result;
}
