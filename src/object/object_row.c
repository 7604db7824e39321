/*
 * object_row.c
 *		Looking up the row that a reference names.
 *
 * This takes a query, see kept_query.c; or where possible ObjectProbe().
 */
#include "postgres.h"

#include "base/compat.h"
#include "object/kept_query.h"
#include "object/object_key.h"
#include "object/object_probe.h"
#include "object/object_row.h"
#include "object/table_role.h"

#include "access/xact.h"
#include "catalog/pg_class.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/*
 * "SELECT 1 FROM table WHERE key = $1 …", and the types of its parameters.
 *
 * ONLY, as for a foreign key: a row of an inheritance child is not one of the table's,
 * and its key is not unique.
 */
static char *
text_of_query(Relation rel, const RegisteredType *type, RowQuery query, Oid *argtypes)
{
	TupleDesc	tupdesc = RelationGetDescr(rel);
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT 1 FROM %s%s x WHERE ",
					 rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE ? "" : "ONLY ",
					 quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)),
												RelationGetRelationName(rel)));
	for (int i = 0; i < type->nkeys; i++)
		argtypes[i] = ObjectKeyType(tupdesc, type->keys[i]);
	ObjectKeyAppendCondition(&sql, type, tupdesc, "$%d");
	if (query == ROW_QUERY_LOCK)
		appendStringInfoString(&sql, " FOR KEY SHARE OF x");
	return sql.data;
}

/* Look up a row with a query, as the owner of the table or as the current user. */
static bool
find_by_query(Relation rel, const RegisteredType *type, Datum *values, RowQuery query,
			  Snapshot snapshot, bool read_only)
{
	Oid			argtypes[INDEX_MAX_KEYS];
	TableQuestion question = {
		.relation = RelationGetRelid(rel), .purpose = query, .nargs = type->nkeys,
		.argtypes = argtypes, .args = values, .snapshot = snapshot, .read_only = read_only,
		.max_rows = 1
	};
	RunAs		before;
	bool		found;

	TableRoleBegin(&before, rel, query == ROW_QUERY_VISIBLE);
	SPI_connect();
	question.sql = text_of_query(rel, type, query, argtypes);
	found = KeptQueryExecute(&question) > 0;
	SPI_finish();
	RunAsEnd(&before);
	return found;
}

/*
 * Which snapshot to look with; InvalidSnapshot means that of a new statement.
 *
 * Only the newest snapshot finds a row that has moved to another partition, so
 * partitioned tables are locked with that, as RI does.
 */
static Snapshot
snapshot_for(Relation rel, RowQuery query)
{
	if (IsolationUsesXactSnapshot() &&
		(query == ROW_QUERY_EXISTS ||
		 (query == ROW_QUERY_LOCK && rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)))
		return GetLatestSnapshot();
	return InvalidSnapshot;
}

/*
 * ObjectRowProbe
 *		As ObjectRowFind(), but returns PROBE_IMPOSSIBLE where that would need a query.
 *
 * Raises no errors except ERRCODE_T_R_SERIALIZATION_FAILURE and those of waiting for a
 * lock, because only code of core runs.
 */
ProbeResult
ObjectRowProbe(Relation rel, const RegisteredType *type, const Ref *ref, RowQuery query)
{
	Datum		values[INDEX_MAX_KEYS];
	Snapshot	snapshot;
	ProbeResult result;

	if (!ObjectKeyParse(type, RelationGetDescr(rel), ref, values))
		return PROBE_ABSENT;
	if (query == ROW_QUERY_VISIBLE)
		return PROBE_IMPOSSIBLE;

	CommandCounterIncrement();
	snapshot = snapshot_for(rel, query);
	PushActiveSnapshot(snapshot != InvalidSnapshot ? snapshot : GetTransactionSnapshot());
	result = ObjectProbe(rel, type, values, query == ROW_QUERY_LOCK, GetActiveSnapshot());
	PopActiveSnapshot();
	return result;
}

/*
 * ObjectRowFind
 *		Does "rel", the table of the type, have the row that "ref" names?
 *
 * ROW_QUERY_LOCK locks the row against deletion and against a change of its key until
 * the end of the transaction.  Under REPEATABLE READ and SERIALIZABLE it raises
 * ERRCODE_T_R_SERIALIZATION_FAILURE if the row has been deleted since the transaction's
 * snapshot, and does not see a row that was inserted since.
 *
 * ROW_QUERY_EXISTS sees what is committed now, at any isolation level.
 *
 * The caller holds a lock on "rel" that keeps it from changing.
 */
bool
ObjectRowFind(Relation rel, const RegisteredType *type, const Ref *ref, RowQuery query)
{
	Datum		values[INDEX_MAX_KEYS];
	ProbeResult result = ObjectRowProbe(rel, type, ref, query);

	if (result != PROBE_IMPOSSIBLE)
		return result == PROBE_PRESENT;
	return ObjectKeyParse(type, RelationGetDescr(rel), ref, values) &&
		find_by_query(rel, type, values, query, snapshot_for(rel, query), false);
}

/*
 * ObjectRowWasThere
 *		Did that row exist in the state of the database that "snapshot" sees?
 *
 * "query" is ROW_QUERY_EXISTS or ROW_QUERY_VISIBLE, and selects the role to look as.
 */
bool
ObjectRowWasThere(Relation rel, const RegisteredType *type, const Ref *ref, RowQuery query,
				  Snapshot snapshot)
{
	Datum		values[INDEX_MAX_KEYS];

	return ObjectKeyParse(type, RelationGetDescr(rel), ref, values) &&
		find_by_query(rel, type, values, query, snapshot, true);
}
