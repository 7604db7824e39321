/*
 * stream_tables.c
 *		The table and indexes that a stream is read from.
 *
 * Whether a table can be read by its indexes is found out when a plan is made, and
 * remains true as long as the plan is valid: any change to the table invalidates the
 * plan.
 */
#include "postgres.h"

#include "base/compat.h"
#include "reader/stream_tables.h"
#include "recency/recency_index.h"
#include "tables/own_tables.h"

#include "access/genam.h"
#include "access/relation.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "storage/lockdefs.h"
#include "utils/rel.h"

/*
 * Are the columns that are read in the same positions as in actstream.actions?  The
 * table may be a partition, or inherit from that.
 */
static bool
has_columns(TupleDesc tupdesc)
{
	const Oid	types[Anum_action_target] = {
		INT8OID, TIMESTAMPTZOID, BOOLOID, RefTypeId(), TEXTOID, RefTypeId(), RefTypeId()
	};

	if (tupdesc->natts < (int) lengthof(types))
		return false;
	for (int i = 0; i < (int) lengthof(types); i++)
	{
		if (TupleDescAttr(tupdesc, i)->attisdropped ||
			TupleDescAttr(tupdesc, i)->atttypid != types[i])
			return false;
	}
	return true;
}

/*
 * StreamTablesFind
 *		Can streams be read from the table by its indexes?  If so, "indexes" are for
 *		StreamTablesOpen().
 *
 * The caller holds a lock on the table.  Of partitions, the recency map is for one at a time: which
 * one, StreamTablesOpen() finds out.
 */
bool
StreamTablesFind(Relation action, List **indexes)
{
	Oid			found[NUM_ACTION_INDEXES];

	if (action->rd_rel->relkind != RELKIND_RELATION ||
		action->rd_rel->relpersistence != RELPERSISTENCE_PERMANENT ||
		action->rd_rel->relam != HEAP_TABLE_AM_OID ||
		!has_columns(RelationGetDescr(action)) ||
		!ActionIndexesFind(action, found))
		return false;
	*indexes = NIL;
	for (int i = 0; i < NUM_ACTION_INDEXES; i++)
		*indexes = lappend_oid(*indexes, found[i]);
	*indexes = lappend_oid(*indexes, RelationGetRelid(action) == OwnTableFind(OWN_ACTIONS) ?
						   RecencyIndexFind(action) : InvalidOid);
	*indexes = lappend_oid(*indexes, VerbIndexFind(action));
	return true;
}

/* Open an index that the plan relies on; the transaction of a cursor may have dropped it since. */
static Relation
open_index(Relation action, Oid index)
{
	Relation	result = try_relation_open(index, AccessShareLock);

	if (result == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("an index of table \"%s\" that the stream is read from was dropped",
						RelationGetRelationName(action)),
				 errhint("Open the cursor again.")));
	return result;
}

/*
 * StreamTablesOpen
 *		Open the indexes, so that none can be dropped before the reader needs it;
 *		otherwise the session itself could drop one.
 *
 * The table is open and stays open.
 */
void
StreamTablesOpen(StreamTables *tables, Relation action, const List *indexes)
{
	tables->action = action;
	for (int i = 0; i < NUM_ACTION_INDEXES; i++)
	{
		tables->indexes[i] = list_nth_oid(indexes, i);
		tables->index_rels[i] = open_index(action, tables->indexes[i]);
	}
	tables->recency_index = list_nth_oid(indexes, NUM_ACTION_INDEXES);
	if (action->rd_rel->relispartition && !OidIsValid(tables->recency_index))
		tables->recency_index = RecencyIndexOfPartition(action);
	tables->verb_index = list_nth_oid(indexes, NUM_ACTION_INDEXES + 1);
	tables->verb_index_rel = OidIsValid(tables->verb_index) ?
		open_index(action, tables->verb_index) : NULL;
}

/*
 * StreamTablesClose
 *		Close the indexes; the locks are kept.
 */
void
StreamTablesClose(StreamTables *tables)
{
	for (int i = 0; i < NUM_ACTION_INDEXES; i++)
		index_close(tables->index_rels[i], NoLock);
	if (tables->verb_index_rel != NULL)
		index_close(tables->verb_index_rel, NoLock);
}
