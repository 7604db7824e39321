/*
 * pair_scan.c
 *		Rows about a pair of objects, also those of transactions that have not ended.
 *
 * Two transactions that store what excludes each other, as a follow and a block, do not see
 * each other's rows.  So they look for them as the check of a unique index does.
 */
#include "postgres.h"

#include "base/compat.h"
#include "tables/pair_scan.h"

#include "access/stratnum.h"
#include "access/tableam.h"
#include "storage/lockdefs.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* A key that requires a column of the index, which is of references, to equal this one. */
static void
init_key(ScanKey key, Relation index, AttrNumber attnum, const Ref *ref)
{
	Oid			type = index->rd_opcintype[attnum - 1];
	Oid			operator = get_opfamily_member(index->rd_opfamily[attnum - 1], type, type,
											   BTEqualStrategyNumber);

	if (!OidIsValid(operator))
		elog(ERROR, "missing operator %d(%u,%u) in opfamily %u",
			 BTEqualStrategyNumber, type, type, index->rd_opfamily[attnum - 1]);
	ScanKeyEntryInitialize(key, 0, attnum, BTEqualStrategyNumber, InvalidOid, InvalidOid,
						   get_opcode(operator), PointerGetDatum(ref));
}

/*
 * PairScanBegin
 *		Begin to look for rows by an index whose first columns are two references.
 *
 * The caller holds a lock on the table, and keeps the references until the end.
 */
void
PairScanBegin(PairScan *pair, Relation table, Oid index, const Ref *first, const Ref *second)
{
	ScanKeyData keys[2];

	pair->index = index_open(index, AccessShareLock);
	InitDirtySnapshot(pair->snapshot);
	init_key(&keys[0], pair->index, 1, first);
	init_key(&keys[1], pair->index, 2, second);
	pair->row = table_slot_create(table, NULL);
	pair->scan = begin_index_scan(table, pair->index, &pair->snapshot, lengthof(keys));
	index_rescan(pair->scan, keys, lengthof(keys), NULL, 0);
}

/*
 * PairScanNext
 *		The next row that is there, or will be if some transaction commits or does not; valid
 *		until the next call.  NULL if there are no more.
 */
TupleTableSlot *
PairScanNext(PairScan *pair)
{
	return index_getnext_slot(pair->scan, ForwardScanDirection, pair->row) ? pair->row : NULL;
}

/*
 * PairScanEnd
 *		End the scan; the lock on the index is kept.
 */
void
PairScanEnd(PairScan *pair)
{
	index_endscan(pair->scan);
	ExecDropSingleTupleTableSlot(pair->row);
	index_close(pair->index, NoLock);
}
