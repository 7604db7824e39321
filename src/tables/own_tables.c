/*
 * own_tables.c
 *		The tables that the extension works on.
 *
 * The extension has their row types; the tables are those of whoever has called
 * create_tables(), and are found by their names in the extension's schema.  An owner may
 * do with them what one may do with tables.  So what the code relies on is looked at
 * again whenever the relation cache has heard of a change: that each is a table of the
 * row type, with the columns of that where they are expected.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/relation_watch.h"
#include "tables/own_tables.h"

#include "access/htup_details.h"
#include "access/relation.h"
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
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

PG_FUNCTION_INFO_V1(actstream_lock_tables);
PG_FUNCTION_INFO_V1(actstream_require_tables);
PG_FUNCTION_INFO_V1(actstream_tables_support);

/* In the types of columns: actstream.ref, whatever its OID is. */
#define REF InvalidOid

/* A column that the code relies on. */
typedef struct OwnColumn
{
	const char *name;
	Oid			type;
} OwnColumn;

/* What a table has to be. */
typedef struct OwnShape
{
	const char *table;
	const char *row_type;
	bool		partitionable;	/* or is it read without a query? */
	int			ncolumns;
	OwnColumn	columns[Natts_action];
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
			{"started", TIMESTAMPTZOID}}},
	[OWN_PHRASES] = {"phrases", "phrase", false, Natts_phrase, {
			{"language", TEXTOID}, {"verb", TEXTOID}, {"pattern", TEXTOID}}}
};

/* What is known of what bears the name of a table. */
typedef enum OwnState
{
	OWN_UNKNOWN, OWN_MISSING, OWN_OTHER, OWN_FITS
} OwnState;

/*
 * What is ours.  "valid" is cleared by invalidation alone and set by loading alone;
 * while it is not set, the rest means nothing.
 */
static struct
{
	bool		valid;
	Oid			schema;
	Oid			internal_schema;
	Oid			ref;
	Oid			tables[NUM_OWN_TABLES]; /* what bears the name; InvalidOid: nothing */
	OwnState	states[NUM_OWN_TABLES];
}			own;

/* Watcher. */
static void
relation_changed(Oid relid)
{
	bool		concerns = !OidIsValid(relid);

	for (int i = 0; i < NUM_OWN_TABLES; i++)
		/* any table may come to bear the name of one that is not there */
		concerns = concerns || relid == own.tables[i] || !OidIsValid(own.tables[i]);
	if (concerns)
		own.valid = false;
}

/*
 * ExtensionExists
 *		Is the extension in this database?  Also finds what bears the names of its
 *		tables.
 *
 * Whoever may create a schema can make others in it that are called like ours, so the
 * type of references has to be a member of the extension.
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
 *		OIDs of what is ours; ERRCODE_UNDEFINED_OBJECT if the extension is not there.
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

/* The first column that is not where it should be, or NULL. */
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
 * Has the table, which is OF the type, its columns under the numbers that they have there?
 *
 * Does not lock the type: whoever adds an attribute to it locks that before the tables.
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
 * Is it a table of the row type, with the columns of that where they are expected?  Those
 * that a later version has added are for it to look at.
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
 * Open and lock what bears the name of a table, and see whether it is that.  NULL, and
 * no lock, unless it is.
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
		/* whoever kept us waiting may have put another in its place */
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

/* Whether a table is there, and as it has to be. */
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

/* Raise ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, or ERRCODE_UNDEFINED_OBJECT. */
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
 *		What bears the name of a table, whatever it is; InvalidOid if nothing does.
 *
 * Raises nothing, and locks nothing.
 */
Oid
OwnTableFind(OwnTable table)
{
	return ExtensionExists() ? own.tables[table] : InvalidOid;
}

/*
 * OwnTableExists
 *		Is the table there, and as the code needs it?  Raises nothing.
 */
bool
OwnTableExists(OwnTable table)
{
	return find_state(table) == OWN_FITS;
}

/*
 * OwnTableId
 *		The OID of a table that is as the code needs it.
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
 *		What a table is called.
 */
const char *
OwnTableName(OwnTable table)
{
	return shapes[table].table;
}

/*
 * OwnTablesRequire
 *		Raise ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE unless all tables are there, and as
 *		the code needs them.
 */
void
OwnTablesRequire(void)
{
	for (OwnTable table = 0; table < NUM_OWN_TABLES; table++)
		(void) OwnTableId(table);
}

/* Does the body of the function, which is in SQL, mention the table? */
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
 *		The same of the tables that a function in SQL reads.  No other is locked.
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
 * Raises ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE if there is none that is as the code
 * needs it.
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
 *		The owner of a table, as whom we do what nobody else may.
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
 *		Is it the table, or a partition of it?
 *
 * Raises nothing, and does not look whether it is as it has to be.
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
 *		Raise ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE unless rows of the table's type have
 *		its columns where they are expected.
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
 *		Wait until no other transaction makes tables of the extension, and let none begin
 *		to until this one ends.
 *
 * For whoever may make them or owns them: nobody else can keep these waiting.  It is the
 * schema that is locked, in a mode that does not keep others from using it.
 */
Datum
actstream_lock_tables(PG_FUNCTION_ARGS)
{
	Oid			schema = OwnSchema();
	Oid			registry = OwnTableFind(OWN_OBJECT_TYPES);

	PreventCommandIfReadOnly("actstream.create_tables()");
	if (object_aclcheck(NamespaceRelationId, schema, GetUserId(), ACL_CREATE) != ACLCHECK_OK &&
		!(OidIsValid(registry) &&
		  object_ownercheck(RelationRelationId, registry, GetUserId())))
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_SCHEMA, "actstream");
	LockDatabaseObject(NamespaceRelationId, schema, 0, ShareUpdateExclusiveLock);
	PG_RETURN_VOID();
}

/*
 * require_tables()
 *		Raise an error unless all tables are there, and as the code needs them.
 */
Datum
actstream_require_tables(PG_FUNCTION_ARGS)
{
	OwnTablesRequire();
	PG_RETURN_VOID();
}

/* Let the plan, if there is to be one, be made anew when something happens to a table. */
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
 *		Support function of those in SQL that read the tables: where these are missing,
 *		or something else bears their names by now, say so as all other functions do.
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
