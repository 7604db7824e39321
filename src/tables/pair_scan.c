/*
 * pair_scan.c
 *		Rows about a pair of objects, also those of transactions that have not ended.
 *
 * Two transactions that store what excludes each other, as a follow and a block, do not see
 * each other's rows.  So they look for them as the check of a unique index does.
 *
 * Any index will do that finds the rows by the two objects, whatever else it has; a
 * partitioned table is read partition by partition, each by an index of its own.
 */
#include "postgres.h"

#include "base/compat.h"
#include "tables/index_cursor.h"
#include "tables/pair_scan.h"
#include "tables/table_index.h"

#include "access/stratnum.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_am.h"
#include "catalog/pg_inherits.h"
#include "miscadmin.h"
#include "storage/lockdefs.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/*
 * Is it an index that finds the rows of a pair by its first two columns, in either order?
 *
 * Somebody else's functions must not be called, so the columns are compared first, and the
 * predicate is not simplified.
 */
static bool
is_pair_index(Relation index, const AttrNumber attnums[2])
{
	Form_pg_index form = index->rd_index;
	AttrNumber	first = form->indkey.values[0];
	AttrNumber	second = form->indnkeyatts > 1 ? form->indkey.values[1] : InvalidAttrNumber;

	return index->rd_rel->relam == BTREE_AM_OID &&
		((first == attnums[0] && second == attnums[1]) ||
		 (first == attnums[1] && second == attnums[0])) &&
		form->indisvalid && form->indisready && form->indislive && !IndexHasPredicate(index);
}

/*
 * Open an index of a table that has rows itself.  Raises
 * ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE if the owner has dropped all that would do.
 */
static Relation
open_index(const PairScan *pair, const AttrNumber attnums[2])
{
	List	   *indexes = RelationGetIndexList(pair->table);
	ListCell   *lc;

	foreach(lc, indexes)
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		if (is_pair_index(index, attnums))
		{
			list_free(indexes);
			return index;
		}
		index_close(index, AccessShareLock);
	}
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("table \"%s\" has no index by %s and %s", RelationGetRelationName(pair->table),
					pair->columns[0].name, pair->columns[1].name),
			 errhint("Call actstream.create_tables() as the owner of the table.")));
}

/* Begin to read the next table that has rows itself; false if there is none. */
static bool
begin_table(PairScan *pair)
{
	AttrNumber	attnums[2];
	ScanKeyData keys[2];

	do
	{
		if (pair->next >= list_length(pair->tables))
			return false;
		if (pair->table != NULL)
			table_close(pair->table, NoLock);
		pair->table = table_open(list_nth_oid(pair->tables, pair->next++), NoLock);
	} while (!RELKIND_HAS_TABLE_AM(pair->table->rd_rel->relkind));

	for (int i = 0; i < 2; i++)
		attnums[i] = get_attnum(RelationGetRelid(pair->table), pair->columns[i].name);
	pair->index = open_index(pair, attnums);
	for (int i = 0; i < 2; i++)
	{
		const PairColumn *column =
			&pair->columns[pair->index->rd_index->indkey.values[i] == attnums[0] ? 0 : 1];

		IndexKeyInit(&keys[i], pair->index, i + 1, BTEqualStrategyNumber,
					 PointerGetDatum(column->object));
	}
	pair->row = table_slot_create(pair->table, NULL);
	pair->scan = begin_index_scan(pair->table, pair->index,
								  pair->all_versions ? SnapshotAny : &pair->snapshot, 2);
	index_rescan(pair->scan, keys, 2, NULL, 0);
	return true;
}

/* The locks are kept. */
static void
end_table(PairScan *pair)
{
	if (pair->scan == NULL)
		return;
	index_endscan(pair->scan);
	pair->scan = NULL;
	ExecDropSingleTupleTableSlot(pair->row);
	index_close(pair->index, NoLock);
}

/*
 * PairScanBegin
 *		Begin to look for rows of one of our tables, which must exist, that have these
 *		objects in these two columns, which both are references.
 *
 * With "all_versions", also rows that are gone are returned, as long as they are stored.
 * Locks the table and those below it in AccessShareLock until the end of the transaction.
 * The caller keeps the objects until the end of the scan.
 */
void
PairScanBegin(PairScan *pair, OwnTable table, const PairColumn columns[2], bool all_versions)
{
	memset(pair, 0, sizeof(PairScan));
	memcpy(pair->columns, columns, sizeof(pair->columns));
	pair->all_versions = all_versions;
	InitDirtySnapshot(pair->snapshot);
	pair->root = OwnTableOpen(table, AccessShareLock);
	pair->tables = find_all_inheritors(RelationGetRelid(pair->root), AccessShareLock, NULL);
}

/*
 * PairScanNext
 *		The next row that is there, or will be if some transaction commits or does not; valid
 *		until the next call.  NULL if there are no more.
 *
 * Raises ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE if a table has no index to find it by.
 */
TupleTableSlot *
PairScanNext(PairScan *pair)
{
	while (pair->scan != NULL || begin_table(pair))
	{
		CHECK_FOR_INTERRUPTS();
		if (index_getnext_slot(pair->scan, ForwardScanDirection, pair->row))
			return pair->row;
		end_table(pair);
	}
	return NULL;
}

/*
 * PairScanEnd
 *		End the scan; the locks are kept.
 */
void
PairScanEnd(PairScan *pair)
{
	end_table(pair);
	if (pair->table != NULL)
		table_close(pair->table, NoLock);
	table_close(pair->root, NoLock);
	list_free(pair->tables);
}
