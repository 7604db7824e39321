/*
 * stream_tables.c
 *		The tables and indexes that a stream is read from.
 *
 * Reading them as they are takes what a query over them would take: the right
 * to, no row-level security, plain tables, and all indexes.
 */
#include "postgres.h"

#include "compat.h"
#include "catalog.h"
#include "local_tables.h"
#include "stream_tables.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/rel.h"
#include "utils/rls.h"

/* actstream.enable_streamscan: may streams be read from the indexes? */
static bool enable_streamscan = true;

/*
 * StreamTablesDefineSetting
 *		Called once, when the library is loaded.
 */
void
StreamTablesDefineSetting(void)
{
	DefineCustomBoolVariable("actstream.enable_streamscan",
							 "Enables reading streams from the indexes.",
							 "Otherwise their SQL forms are planned, or run.",
							 &enable_streamscan,
							 true,
							 PGC_USERSET,
							 0,
							 NULL,
							 NULL,
							 NULL);
}

/*
 * Has the table children that a query reads, too?
 *
 * After the last one is gone, the table's own row goes on to say so until ANALYZE.
 */
static bool
has_children(Relation table)
{
	return table->rd_rel->relhassubclass &&
		find_inheritance_children(RelationGetRelid(table), NoLock) != NIL;
}

/*
 * May the current user read the whole table, and is what its heap holds what
 * a query would show of it?
 */
static bool
table_is_readable(Relation table)
{
	Oid			relid = RelationGetRelid(table);

	return table->rd_rel->relpersistence == RELPERSISTENCE_PERMANENT &&
		!has_children(table) &&
		(pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK ||
		 pg_attribute_aclcheck_all(relid, GetUserId(), ACL_SELECT, ACLMASK_ALL) == ACLCHECK_OK) &&
		check_enable_rls(relid, InvalidOid, true) != RLS_ENABLED;
}

/*
 * StreamTablesClose
 *		Close what is open; the locks on the tables stay.
 */
void
StreamTablesClose(StreamTables *tables)
{
	for (int i = 0; i < NUM_ACTION_INDEXES; i++)
	{
		if (tables->index_rels[i] != NULL)
			index_close(tables->index_rels[i], NoLock);
	}
	if (tables->follow_index_rel != NULL)
		index_close(tables->follow_index_rel, NoLock);
	if (tables->follow != NULL)
		table_close(tables->follow, NoLock);
	table_close(tables->action, NoLock);
}

/*
 * StreamTablesOpen
 *		Open the tables, and lock them until the end of the transaction.
 *
 * False, and nothing is open, if a reader would not give the current user what a query over
 * the tables does.  Raises ERRCODE_FEATURE_NOT_SUPPORTED if the server does not hold
 * their rows, unless streams are to be read by queries anyway.
 */
bool
StreamTablesOpen(StreamTables *tables, bool with_follows)
{
	memset(tables, 0, sizeof(StreamTables));
	if (!enable_streamscan)
		return false;
	tables->action = OwnTableOpen(ActionRelationId(), AccessShareLock);
	if (with_follows)
	{
		tables->follow = OwnTableOpen(FollowRelationId(), AccessShareLock);
		tables->follow_index = FollowIndexFind(tables->follow);
	}
	LocalTablesRequire();
	if (table_is_readable(tables->action) &&
		ActionIndexesFind(tables->action, tables->indexes) &&
		(!with_follows ||
		 (table_is_readable(tables->follow) && OidIsValid(tables->follow_index))))
	{
		tables->recency_index = RecencyIndexFind(tables->action);
		return true;
	}
	StreamTablesClose(tables);
	return false;
}

/*
 * StreamTablesHoldIndexes
 *		Let no index be dropped, as the session itself still could, before the reader
 * comes to it.
 */
void
StreamTablesHoldIndexes(StreamTables *tables)
{
	for (int i = 0; i < NUM_ACTION_INDEXES; i++)
		tables->index_rels[i] = index_open(tables->indexes[i], AccessShareLock);
	if (OidIsValid(tables->follow_index))
		tables->follow_index_rel = index_open(tables->follow_index, AccessShareLock);
}
