/*
 * own_tables.c
 *		The tables that the extension works on.
 *
 * Their row types are members of the extension.  The tables belong to the role that
 * called create_tables(), and are found by name in the extension's schema.  Their owner
 * may do anything with them that is possible with tables.  So after each change
 * reported by the relation cache we check again what the code relies on: that each is a
 * table of its row type, with the columns of that type in the expected positions.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/relation_watch.h"
#include "tables/own_tables.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "nodes/pathnodes.h"
#include "nodes/supportnodes.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

PG_FUNCTION_INFO_V1(actstream_lock_tables);
PG_FUNCTION_INFO_V1(actstream_require_tables);
PG_FUNCTION_INFO_V1(actstream_tables_support);

/* as the type of a column: actstream.ref, whose OID varies */
#define REF InvalidOid

/* A column that the code relies on. */
typedef struct OwnColumn
{
	const char *name;
	Oid			type;
} OwnColumn;

/* The required shape of a table. */
typedef struct OwnShape
{
	const char *table;
	const char *row_type;
	bool		partitionable;	/* not if it is read without a query */
	int			ncolumns;
	OwnColumn	columns[Natts_mark];	/* the longest row */
} OwnShape;

static const OwnShape shapes[NUM_OWN_TABLES] = {
	[OWN_OBJECT_TYPES] = {"object_types", "object_type", false, Natts_object_type, {
			{"label", TEXTOID}, {"relation", REGCLASSOID}, {"key_columns", NAMEARRAYOID},
			{"name_template", TEXTOID}, {"url_template", TEXTOID}, {"on_delete", TEXTOID},
			{"checked", BOOLOID}}},
	[OWN_ACTIONS] = {"actions", "action", true, Natts_action, {
			{"id", INT8OID}, {"timestamp", TIMESTAMPTZOID}, {"public", BOOLOID}, {"actor", REF},
			{"verb", TEXTOID}, {"action_object", REF}, {"target", REF},
			{"description", TEXTOID}, {"data", JSONBOID}, {"external_id", TEXTOID}}},
	[OWN_FOLLOWS] = {"follows", "follow", true, Natts_follow, {
			{"follower", REF}, {"followee", REF}, {"flag", TEXTOID}, {"actor_only", BOOLOID},
			{"started", TIMESTAMPTZOID}, {"verbs", TEXTARRAYOID}}},
	[OWN_MUTES] = {"mutes", "mute", false, Natts_mute, {
			{"muter", REF}, {"muted", REF}, {"verbs", TEXTARRAYOID}, {"until", TIMESTAMPTZOID},
			{"block", BOOLOID}, {"created", TIMESTAMPTZOID}}},
	[OWN_PHRASES] = {"phrases", "phrase", false, Natts_phrase, {
			{"language", TEXTOID}, {"verb", TEXTOID}, {"pattern", TEXTOID}}},
	[OWN_FOLLOW_COUNTS] = {"follow_counts", "follow_count", false, Natts_follow_count, {
			{"object", REF}, {"flag", TEXTOID}, {"slot", INT8OID}, {"followers", INT8OID},
			{"any_flag", INT8OID}}},
	[OWN_CHANGES] = {"changes", "change", true, Natts_change, {
			{"transaction", XID8OID}, {"action_id", INT8OID}, {"timestamp", TIMESTAMPTZOID},
			{"recorded", TIMESTAMPTZOID}, {"incarnation", INT8OID}, {"delay", TSTZRANGEOID},
			{"operation", CHAROID}, {"arrived", BOOLOID}, {"old_public", BOOLOID},
			{"old_actor", REF}, {"old_verb", TEXTOID}, {"old_action_object", REF},
			{"old_target", REF}}},
	[OWN_MARKS] = {"marks", "mark", true, Natts_mark, {
			{"reader", REF}, {"feed", TEXTOID},
			{"seen", TEXTOID}, {"seen_at", TIMESTAMPTZOID}, {"seen_snapshot", PG_SNAPSHOTOID},
			{"seen_by", XID8OID}, {"seen_next", XID8OID},
			{"read", TEXTOID}, {"read_at", TIMESTAMPTZOID}, {"read_snapshot", PG_SNAPSHOTOID},
			{"read_by", XID8OID}, {"read_next", XID8OID}, {"incarnation", INT8OID}}},
	[OWN_MARK_EXCEPTIONS] = {"mark_exceptions", "mark_exception", true, Natts_mark_exception, {
			{"reader", REF}, {"feed", TEXTOID}, {"action_id", INT8OID},
			{"timestamp", TIMESTAMPTZOID}, {"read", BOOLOID}, {"archived", BOOLOID},
			{"until", TIMESTAMPTZOID}}}
};

/* What is known about the relation that has the name of a table. */
typedef enum OwnState
{
	OWN_UNKNOWN, OWN_MISSING, OWN_OTHER, OWN_FITS
} OwnState;

/*
 * OIDs of what is ours.  Invalidation clears "valid" and loading sets it; while it is
 * not set, the rest means nothing.
 */
static struct
{
	bool		valid;
	Oid			schema;
	Oid			internal_schema;
	Oid			ref;
	Oid			tables[NUM_OWN_TABLES]; /* relation with the name; InvalidOid: none */
	OwnState	states[NUM_OWN_TABLES];
}			own;

/* Callback: a table has changed. */
static void
relation_changed(Oid relid)
{
	bool		concerns = !OidIsValid(relid);

	for (int i = 0; i < NUM_OWN_TABLES; i++)
		/* any table can be given the name of a missing one */
		concerns = concerns || relid == own.tables[i] || !OidIsValid(own.tables[i]);
	if (concerns)
		own.valid = false;
}

/*
 * ExtensionExists
 *		Is the extension installed in this database?  Also looks up the relations that
 *		have the names of its tables.
 *
 * A role that can create schemas can make one that looks like ours, so the type of
 * references must be a member of the extension.
 */
bool
ExtensionExists(void)
{
	Oid			extension;
	uint64		changes_before;

	if (own.valid)
		return true;
	RelationWatch(relation_changed);
	changes_before = RelationChanges();
	own.schema = get_namespace_oid("actstream", true);
	own.internal_schema = get_namespace_oid("actstream_internal", true);
	own.ref = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid,
							  CStringGetDatum("ref"),
							  ObjectIdGetDatum(own.schema));
	extension = OidIsValid(own.ref) ? get_extension_oid("actstream", true) : InvalidOid;
	if (!OidIsValid(extension) || getExtensionOfObject(TypeRelationId, own.ref) != extension)
		return false;
	for (int i = 0; i < NUM_OWN_TABLES; i++)
	{
		own.tables[i] = get_relname_relid(shapes[i].table, own.schema);
		own.states[i] = OidIsValid(own.tables[i]) ? OWN_UNKNOWN : OWN_MISSING;
	}
	own.valid = (changes_before == RelationChanges());
	return true;
}

static void
require_extension(void)
{
	if (!ExtensionExists())
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("extension \"actstream\" is not installed in this database"),
				 errhint("Use CREATE EXTENSION actstream.")));
}

/*
 * OwnSchema, OwnInternalSchema, RefTypeId
 *		The OIDs of the extension's schemas and of actstream.ref.
 *
 * Raise ERRCODE_UNDEFINED_OBJECT if the extension is not installed.
 */
Oid
OwnSchema(void)
{
	require_extension();
	return own.schema;
}

Oid
OwnInternalSchema(void)
{
	require_extension();
	return own.internal_schema;
}

Oid
RefTypeId(void)
{
	require_extension();
	return own.ref;
}

/* Is there a column of that number, counted from 0? */
static bool
is_there(TupleDesc tupdesc, int i)
{
	return i < tupdesc->natts && !TupleDescAttr(tupdesc, i)->attisdropped;
}

/* The name of the first column that is not in its position, or NULL. */
static const char *
misplaced_column(TupleDesc tupdesc, const OwnShape *shape)
{
	for (int i = 0; i < shape->ncolumns; i++)
	{
		Oid			type = shape->columns[i].type == REF ? own.ref : shape->columns[i].type;

		if (!is_there(tupdesc, i) || TupleDescAttr(tupdesc, i)->atttypid != type ||
			strcmp(NameStr(TupleDescAttr(tupdesc, i)->attname), shape->columns[i].name) != 0)
			return shape->columns[i].name;
	}
	return NULL;
}

/*
 * Does the table, which is OF the type, have its columns under the same numbers as the
 * type?
 *
 * Does not lock the type: to add an attribute, ALTER TYPE locks it before the tables.
 */
static bool
has_columns_of(TupleDesc tupdesc, Oid row_type)
{
	Oid			relid = get_typ_typrelid(row_type);
	HeapTuple	type = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	int			natts;
	bool		result = true;

	if (!HeapTupleIsValid(type))
		return false;
	natts = ((Form_pg_class) GETSTRUCT(type))->relnatts;
	ReleaseSysCache(type);
	for (int i = 0; i < Max(tupdesc->natts, natts) && result; i++)
	{
		HeapTuple	attribute = SearchSysCacheAttNum(relid, i + 1);

		result = is_there(tupdesc, i) == HeapTupleIsValid(attribute);
		if (HeapTupleIsValid(attribute))
			ReleaseSysCache(attribute);
	}
	return result;
}

/*
 * Is the relation a table of the row type, with the columns of that in the expected
 * positions?  Columns added by a later version are for that version to check.
 */
static bool
has_shape(Relation rel, const OwnShape *shape)
{
	Oid			row_type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid,
										   CStringGetDatum(shape->row_type),
										   ObjectIdGetDatum(own.schema));

	return (rel->rd_rel->relkind == RELKIND_RELATION ||
			(rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE && shape->partitionable)) &&
		rel->rd_rel->relpersistence == RELPERSISTENCE_PERMANENT &&
		OidIsValid(row_type) && rel->rd_rel->reloftype == row_type &&
		has_columns_of(RelationGetDescr(rel), row_type) &&
		misplaced_column(RelationGetDescr(rel), shape) == NULL;
}

/*
 * Open and lock the relation that has the name of a table, and check whether it is that
 * table.  If it is not, returns NULL, holding no lock.
 */
static Relation
open_table(OwnTable table, LOCKMODE lockmode, OwnState *state)
{
	for (;;)
	{
		Relation	rel;
		Oid			relid;
		uint64		changes_before;

		CHECK_FOR_INTERRUPTS();
		*state = OWN_MISSING;
		if (!ExtensionExists() || !OidIsValid(own.tables[table]))
			return NULL;
		relid = own.tables[table];
		rel = try_relation_open(relid, lockmode);
		/* another table may have taken its place while we waited for the lock */
		if (!ExtensionExists() || own.tables[table] != relid || rel == NULL)
		{
			if (rel != NULL)
				relation_close(rel, lockmode);
			else
				own.valid = false;
			continue;
		}
		changes_before = RelationChanges();
		*state = own.states[table];
		if (*state == OWN_UNKNOWN)
		{
			*state = has_shape(rel, &shapes[table]) ? OWN_FITS : OWN_OTHER;
			if (own.valid && RelationChanges() == changes_before)
				own.states[table] = *state;
		}
		if (*state == OWN_FITS)
			return rel;
		relation_close(rel, lockmode);
		return NULL;
	}
}

/* Whether a table exists and has the required shape. */
static OwnState
find_state(OwnTable table)
{
	OwnState	state;
	Relation	rel;

	if (own.valid && own.states[table] != OWN_UNKNOWN)
		return own.states[table];
	rel = open_table(table, AccessShareLock, &state);
	if (rel != NULL)
		relation_close(rel, AccessShareLock);
	return state;
}

/*
 * Raise ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, or ERRCODE_UNDEFINED_OBJECT if the
 * extension is not installed.
 */
static void
report_state(OwnTable table, OwnState state)
{
	const OwnShape *shape = &shapes[table];

	require_extension();
	if (state == OWN_MISSING)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"actstream.%s\" does not exist", shape->table),
				 errhint("Call actstream.create_tables() as the role that is to own the tables of the extension.")));
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("\"actstream.%s\" is not the table that the extension needs", shape->table),
			 errdetail(shape->partitionable ?
					   "It must be a permanent table, possibly partitioned, OF actstream.%s, with the columns of that type in order." :
					   "It must be a permanent table OF actstream.%s, with the columns of that type in order.",
					   shape->row_type),
			 errhint("Undo the changes to it, or move it to another schema, call actstream.create_tables(), and copy its rows.")));
}

/*
 * OwnTableFind
 *		The relation that has the name of a table, whatever it is; InvalidOid if there
 *		is none.
 *
 * Raises no errors and takes no locks.
 */
Oid
OwnTableFind(OwnTable table)
{
	return ExtensionExists() ? own.tables[table] : InvalidOid;
}

/*
 * OwnTableExists
 *		Does the table exist and have the required shape?  Raises no errors.
 */
bool
OwnTableExists(OwnTable table)
{
	return find_state(table) == OWN_FITS;
}

/*
 * OwnTableId
 *		The OID of a table that has the required shape.
 *
 * Raises ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE if there is none.
 */
Oid
OwnTableId(OwnTable table)
{
	OwnState	state = find_state(table);

	if (state != OWN_FITS)
		report_state(table, state);
	return own.tables[table];
}

/*
 * OwnTableName
 *		The name of a table, without its schema.
 */
const char *
OwnTableName(OwnTable table)
{
	return shapes[table].table;
}

/*
 * OwnTablesRequire
 *		Raise ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE unless all tables exist and have
 *		the required shape.
 */
void
OwnTablesRequire(void)
{
	for (OwnTable table = 0; table < NUM_OWN_TABLES; table++)
		(void) OwnTableId(table);
}

/* Does the body of the SQL function mention the table? */
static bool
is_mentioned(Oid function, OwnTable table)
{
	HeapTuple	proc = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	bool		isnull;
	bool		result;

	if (!HeapTupleIsValid(proc))
		elog(ERROR, "cache lookup failed for function %u", function);
	result = strstr(TextDatumGetCString(SysCacheGetAttr(PROCOID, proc, Anum_pg_proc_prosrc, &isnull)),
					psprintf("actstream.%s", shapes[table].table)) != NULL;
	ReleaseSysCache(proc);
	return result;
}

/*
 * OwnTablesRequireOf
 *		The same for the tables that an SQL function reads.  Locks no others.
 */
void
OwnTablesRequireOf(Oid function)
{
	for (OwnTable table = 0; table < NUM_OWN_TABLES; table++)
	{
		bool		fits = own.valid && own.states[table] == OWN_FITS;

		if (!fits && is_mentioned(function, table))
			(void) OwnTableId(table);
	}
}

/*
 * OwnTableOpen
 *		Open and lock a table, as table_open() does.
 *
 * Raises ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE if there is none with the required
 * shape.
 */
Relation
OwnTableOpen(OwnTable table, LOCKMODE lockmode)
{
	OwnState	state;
	Relation	rel = open_table(table, lockmode, &state);

	if (rel == NULL)
		report_state(table, state);
	return rel;
}

/*
 * OwnTableOwner
 *		The owner of a table, which is the role to act as where others lack the rights.
 */
Oid
OwnTableOwner(OwnTable table)
{
	Relation	rel = OwnTableOpen(table, AccessShareLock);
	Oid			owner = rel->rd_rel->relowner;

	relation_close(rel, AccessShareLock);
	return owner;
}

/*
 * OwnTableRequireOwner
 *		Raise ERRCODE_INSUFFICIENT_PRIVILEGE unless the current user owns the table.
 */
void
OwnTableRequireOwner(OwnTable table)
{
	if (!object_ownercheck(RelationRelationId, OwnTableId(table), GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, shapes[table].table);
}

/*
 * IsOwnTable
 *		Is the relation the table, or a partition of it?
 *
 * Raises no errors, and does not check the shape.
 */
bool
IsOwnTable(Oid relid, OwnTable table)
{
	if (!ExtensionExists() || !OidIsValid(own.tables[table]))
		return false;
	return relid == own.tables[table] ||
		(get_rel_relispartition(relid) &&
		 list_member_oid(get_partition_ancestors(relid), own.tables[table]));
}

bool
IsAnyOwnTable(Oid relid)
{
	for (OwnTable table = 0; table < NUM_OWN_TABLES; table++)
	{
		if (IsOwnTable(relid, table))
			return true;
	}
	return false;
}

/*
 * OwnRowText
 *		A text column of a row, in the current memory context, or NULL if it is null.
 */
char *
OwnRowText(HeapTuple row, TupleDesc tupdesc, AttrNumber column)
{
	bool		isnull;
	Datum		value = heap_getattr(row, column, tupdesc, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

/*
 * OwnRowCheck
 *		Raise ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE unless rows of this description
 *		have the columns of the table in the expected positions.
 */
void
OwnRowCheck(TupleDesc tupdesc, OwnTable table)
{
	const char *column;

	require_extension();
	column = misplaced_column(tupdesc, &shapes[table]);
	if (column != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("type \"actstream.%s\" does not have the attributes that the extension expects",
						shapes[table].row_type),
				 errdetail("Attribute \"%s\" is missing, has another type, or is in another position.", column)));
}

/*
 * lock_tables()
 *		Wait until no other transaction is making tables of the extension, and keep
 *		others from beginning to until this one ends.
 *
 * Only for roles that may make the tables or own them, so that other roles cannot block
 * these.  It is the schema that is locked, in a mode that allows its use.
 *
 * Raises ERRCODE_T_R_SERIALIZATION_FAILURE if it had to wait, and the transaction's snapshot is older.
 */
Datum
actstream_lock_tables(PG_FUNCTION_ARGS)
{
	Oid			schema = OwnSchema();
	Oid			registry = OwnTableFind(OWN_OBJECT_TYPES);
	LOCKTAG		tag;

	PreventCommandIfReadOnly("actstream.create_tables()");
	if (object_aclcheck(NamespaceRelationId, schema, GetUserId(), ACL_CREATE) != ACLCHECK_OK &&
		!(OidIsValid(registry) &&
		  object_ownercheck(RelationRelationId, registry, GetUserId())))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for schema %s", "actstream"),
				 errhint("The owner of the schema can grant it: GRANT USAGE, CREATE ON SCHEMA actstream TO %s.",
						 quote_identifier(GetUserNameFromId(GetUserId(), false)))));
	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, NamespaceRelationId, schema, 0);
	if (LockAcquire(&tag, ShareUpdateExclusiveLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
	{
		LockDatabaseObject(NamespaceRelationId, schema, 0, ShareUpdateExclusiveLock);
		/* what the other has made is not seen by the statements to come */
		if (IsolationUsesXactSnapshot())
			ereport(ERROR,
					(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					 errmsg("could not serialize access due to concurrent actstream.create_tables()")));
	}
	AcceptInvalidationMessages();
	PG_RETURN_VOID();
}

/*
 * require_tables()
 *		Raise an error unless all tables exist and have the required shape.
 */
Datum
actstream_require_tables(PG_FUNCTION_ARGS)
{
	OwnTablesRequire();
	PG_RETURN_VOID();
}

/*
 * Make the plan, if there is to be one, depend on the tables, so that it is planned
 * again when one of them changes.
 */
static void
depend_on_tables(PlannerInfo *root)
{
	if (root == NULL)
		return;
	for (OwnTable table = 0; table < NUM_OWN_TABLES; table++)
	{
		Oid			relid = OwnTableFind(table);

		if (OidIsValid(relid))
			root->glob->relationOids = list_append_unique_oid(root->glob->relationOids, relid);
	}
}

/*
 * tables_support(internal) RETURNS internal
 *		Support function of the SQL functions that read the tables.  If a table is
 *		missing, or something else has its name by now, raises the same error as all
 *		other functions.
 */
Datum
actstream_tables_support(PG_FUNCTION_ARGS)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);

	if (IsA(request, SupportRequestSimplify))
	{
		OwnTablesRequireOf(((SupportRequestSimplify *) request)->fcall->funcid);
		depend_on_tables(((SupportRequestSimplify *) request)->root);
	}
	PG_RETURN_POINTER(NULL);
}
