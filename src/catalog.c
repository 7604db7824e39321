/*
 * catalog.c
 *		The extension's own tables, and the registry of object types.
 *
 * The registry is small and read on every write, so each backend keeps all of
 * it in a hash table.  It is emptied when the relation cache hears of a change
 * to actstream.object_type, which a trigger of that table announces, and
 * filled anew, with what is committed then, by the next look-up.
 */
#include "postgres.h"

#include "compat.h"
#include "binding.h"
#include "catalog.h"
#include "relation_watch.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/*
 * The OIDs of our tables and of the reference type, which come and go with the
 * tables.  "valid" is cleared by invalidation alone and set by loading alone.
 */
static struct
{
	bool		valid;
	Oid			schema;
	Oid			ref;
	Oid			object_type;
	Oid			action;
	Oid			follow;
	Oid			phrase;			/* its changes do not concern the registry */
}			own;

/*
 * The registry: RegisteredType by label; NULL until it is loaded whole.
 * Everything lives in registry_context, which is reset when the next look-up
 * finds the registry invalid, never before.
 */
static MemoryContext registry_context = NULL;
static HTAB *registry = NULL;
static bool registry_valid = false;

/* the types that have a table, by its OID: entries of TypeByRelation */
static HTAB *types_by_relation = NULL;

typedef struct TypeByRelation
{
	Oid			relation;		/* hash key */
	RegisteredType *type;
} TypeByRelation;

/*
 * Watcher: forget what depended on "relid", or everything if that is InvalidOid.
 */
static void
relation_changed(Oid relid)
{
	if (!own.valid || relid == InvalidOid ||
		relid == own.object_type || relid == own.action ||
		relid == own.follow)
	{
		own.valid = false;
		registry_valid = false;
	}
	else if (types_by_relation != NULL)
	{
		TypeByRelation *entry = hash_search(types_by_relation, &relid, HASH_FIND, NULL);

		if (entry != NULL)
			entry->type->binding_known = false;
	}
}

/*
 * Is there such an object, and is it the extension's?  Whoever may create a schema can
 * make others that are called like ours.
 */
static bool
is_member(Oid classid, Oid objid)
{
	Oid			extension = OidIsValid(objid) ? get_extension_oid("actstream", true) : InvalidOid;

	return OidIsValid(extension) && getExtensionOfObject(classid, objid) == extension;
}

/*
 * ExtensionIsComplete
 *		Find the OIDs of what is ours; false unless all of it is there.
 */
bool
ExtensionIsComplete(void)
{
	uint64		changes_before;

	if (own.valid)
		return true;
	RelationWatch(relation_changed);
	changes_before = RelationChanges();
	own.schema = get_namespace_oid("actstream", true);
	own.ref = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid,
							  CStringGetDatum("ref"),
							  ObjectIdGetDatum(own.schema));
	own.object_type = get_relname_relid("object_type", own.schema);
	own.action = get_relname_relid("action", own.schema);
	own.follow = get_relname_relid("follow", own.schema);
	own.phrase = get_relname_relid("phrase", own.schema);
	if (!is_member(TypeRelationId, own.ref) ||
		!is_member(RelationRelationId, own.object_type) ||
		!is_member(RelationRelationId, own.action) ||
		!is_member(RelationRelationId, own.follow) ||
		!is_member(RelationRelationId, own.phrase))
		return false;
	own.valid = (changes_before == RelationChanges());
	return true;
}

static void
report_incomplete(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("extension \"actstream\" is not complete in this database"),
			 errhint("Use CREATE EXTENSION actstream.")));
}

static void
load_own_oids(void)
{
	if (!ExtensionIsComplete())
		report_incomplete();
}

/*
 * OwnTableOpen
 *		Open and lock one of our tables, as table_open() does.
 *
 * Raises ERRCODE_UNDEFINED_OBJECT if it was dropped while we waited.
 */
Relation
OwnTableOpen(Oid relid, LOCKMODE lockmode)
{
	Relation	rel = try_table_open(relid, lockmode);

	if (rel == NULL)
		report_incomplete();
	return rel;
}

Oid
OwnSchema(void)
{
	load_own_oids();
	return own.schema;
}

Oid
RefTypeId(void)
{
	load_own_oids();
	return own.ref;
}

Oid
ObjectTypeRelationId(void)
{
	load_own_oids();
	return own.object_type;
}

Oid
ActionRelationId(void)
{
	load_own_oids();
	return own.action;
}

Oid
FollowRelationId(void)
{
	load_own_oids();
	return own.follow;
}

Oid
PhraseRelationId(void)
{
	load_own_oids();
	return own.phrase;
}

/*
 * OwnTriggerData
 *		How a trigger function of ours was called.
 *
 * Raises an error unless the trigger manager called it for the table it was
 * made for: what it does must not be had by creating a trigger elsewhere.
 */
TriggerData *
OwnTriggerData(FunctionCallInfo fcinfo, Oid relid)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function was not called by trigger manager")));
	if (RelationGetRelid(trigdata->tg_relation) != relid)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("trigger \"%s\" of relation \"%s\" does not belong there",
						trigdata->tg_trigger->tgname,
						RelationGetRelationName(trigdata->tg_relation)),
				 errdetail("Its function serves relation \"%s\" of extension actstream only.",
						   get_rel_name(relid))));
	return trigdata;
}

/*
 * HasOwnTrigger
 *		Has the table a trigger that calls this function of ours after these events,
 *		for each row, whenever "enabled" says?  And, if "alone", no other?
 */
bool
HasOwnTrigger(Relation rel, const char *function, int16 events, char enabled, bool alone)
{
	Oid			funcid = OwnTriggerFunction(function);
	const TriggerDesc *triggers = rel->trigdesc;	/* until a catalog is read */

	if (!OidIsValid(funcid) || triggers == NULL || (alone && triggers->numtriggers > 1))
		return false;
	for (int i = 0; i < triggers->numtriggers; i++)
	{
		const Trigger *trigger = &triggers->triggers[i];

		if (trigger->tgfoid == funcid && trigger->tgenabled == enabled &&
			trigger->tgtype == (TRIGGER_TYPE_ROW | TRIGGER_TYPE_AFTER | events) &&
			trigger->tgnattr == 0 && trigger->tgqual == NULL && !trigger->tgdeferrable)
			return true;
	}
	return false;
}

/* Is it an array that NameArrayToList() takes? */
static bool
is_name_list(ArrayType *array)
{
	return ARR_NDIM(array) == 1 && !array_contains_nulls(array);
}

/*
 * NameArrayToList
 *		The elements of a name[] as a list of char *.
 *
 * Raises an error if the array is empty or holds a null.
 */
List *
NameArrayToList(Datum array)
{
	List	   *result = NIL;
	Datum	   *names;
	bool	   *nulls;
	int			n;

	if (ARR_NDIM(DatumGetArrayTypeP(array)) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("list of columns must be a one-dimensional array")));
	deconstruct_array(DatumGetArrayTypeP(array), NAMEOID, NAMEDATALEN, false,
					  TYPALIGN_CHAR, &names, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("column name must not be null")));
		result = lappend(result, pstrdup(NameStr(*DatumGetName(names[i]))));
	}
	if (result == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("list of columns must not be empty")));
	return result;
}

/*
 * ListToNameArray
 *		A name[] of a list of char *.
 */
Datum
ListToNameArray(List *names)
{
	Datum	   *elems = palloc(sizeof(Datum) * list_length(names));
	ListCell   *lc;

	foreach(lc, names)
		elems[foreach_current_index(lc)] =
			DirectFunctionCall1(namein, CStringGetDatum(lfirst(lc)));
	return PointerGetDatum(construct_array(elems, list_length(names), NAMEOID,
										   NAMEDATALEN, false, TYPALIGN_CHAR));
}

/*
 * OnDeleteFromText
 *		The value of on_delete, or ERRCODE_INVALID_PARAMETER_VALUE.
 */
OnDelete
OnDeleteFromText(const char *value)
{
	static const char *const names[] = {
		[ON_DELETE_CASCADE] = "cascade",
		[ON_DELETE_SET_NULL] = "set null",
		[ON_DELETE_RESTRICT] = "restrict",
		[ON_DELETE_KEEP] = "keep"
	};

	for (int i = 0; i < (int) lengthof(names); i++)
	{
		if (strcmp(value, names[i]) == 0)
			return i;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unrecognized value for on_delete: \"%s\"", value),
			 errhint("Use \"cascade\", \"set null\", \"restrict\" or \"keep\".")));
	return ON_DELETE_CASCADE;	/* keep compiler quiet */
}

/*
 * A text of a row of actstream.object_type, or NULL.
 */
static char *
text_of_column(HeapTuple tuple, TupleDesc tupdesc, AttrNumber attnum)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, attnum, tupdesc, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

/*
 * Enter one row of actstream.object_type into the cache.
 */
static void
load_object_type(HTAB *types, HTAB *by_relation, HeapTuple tuple, TupleDesc tupdesc)
{
	char	   *label;
	char	   *on_delete;
	RegisteredType *type;
	Datum		value;
	bool		isnull;

	label = text_of_column(tuple, tupdesc, Anum_object_type_label);
	on_delete = text_of_column(tuple, tupdesc, Anum_object_type_on_delete);
	value = heap_getattr(tuple, Anum_object_type_checked, tupdesc, &isnull);
	/* the table's owner can drop constraints, and disable triggers */
	if (label == NULL || on_delete == NULL || isnull || strlen(label) > REF_MAX_LABEL)
		return;
	type = hash_search(types, label, HASH_ENTER, NULL);

	type->on_delete = OnDeleteFromText(on_delete);
	type->checked = DatumGetBool(value);
	type->name_template = text_of_column(tuple, tupdesc, Anum_object_type_name_template);
	type->url_template = text_of_column(tuple, tupdesc, Anum_object_type_url_template);

	value = heap_getattr(tuple, Anum_object_type_relation, tupdesc, &isnull);
	type->relation = isnull ? InvalidOid : DatumGetObjectId(value);
	value = heap_getattr(tuple, Anum_object_type_key_columns, tupdesc, &isnull);
	type->key_columns = isnull || !is_name_list(DatumGetArrayTypeP(value)) ? NIL :
		NameArrayToList(value);
	type->nkeys = 0;
	type->binding_known = !OidIsValid(type->relation);
	if (OidIsValid(type->relation))
	{
		TypeByRelation *entry = hash_search(by_relation, &type->relation, HASH_ENTER, NULL);

		entry->type = type;
	}
}

static void
load_registry(void)
{
	HASHCTL		ctl = {0};
	HASHCTL		by_relation_ctl = {0};
	HTAB	   *types;
	HTAB	   *by_relation;
	Oid			relid;
	Relation	rel;
	SysScanDesc scan;
	HeapTuple	tuple;
	MemoryContext oldcontext;

	relid = ObjectTypeRelationId();
	if (registry_valid && registry != NULL)
		return;

	if (registry_context == NULL)
		registry_context = AllocSetContextCreate(CacheMemoryContext,
												 "actstream registry",
												 ALLOCSET_SMALL_SIZES);
	registry = NULL;
	types_by_relation = NULL;
	MemoryContextReset(registry_context);
	oldcontext = MemoryContextSwitchTo(registry_context);

	ctl.keysize = sizeof(((RegisteredType *) NULL)->label);
	ctl.entrysize = sizeof(RegisteredType);
	ctl.hcxt = registry_context;
	types = hash_create("actstream object types", 32, &ctl,
						HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	by_relation_ctl.keysize = sizeof(Oid);
	by_relation_ctl.entrysize = sizeof(TypeByRelation);
	by_relation_ctl.hcxt = registry_context;
	by_relation = hash_create("actstream object types by relation", 32, &by_relation_ctl,
							  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);

	rel = table_open(relid, AccessShareLock);

	/* before the scan, so that a change during it is not missed */
	registry_valid = true;

	/* no snapshot given: the newest, also under REPEATABLE READ */
	scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		load_object_type(types, by_relation, tuple, RelationGetDescr(rel));
	systable_endscan(scan);

	table_close(rel, AccessShareLock);
	MemoryContextSwitchTo(oldcontext);
	registry = types;
	types_by_relation = by_relation;
}

/*
 * The type as it is bound now: what is kept of that is forgotten as soon as the
 * relation cache hears of a change to the table.
 */
static const RegisteredType *
with_binding(RegisteredType *type)
{
	if (type != NULL && !type->binding_known)
	{
		/* a change while it is being looked at clears this again */
		type->binding_known = true;
		type->nkeys = BindingFind(type->relation, type->key_columns, type->keys);
	}
	return type;
}

/*
 * OwnTablesOwner
 *		The owner of our tables, as whom we write what nobody else may.
 */
Oid
OwnTablesOwner(void)
{
	Relation	rel = table_open(ActionRelationId(), AccessShareLock);
	Oid			owner = rel->rd_rel->relowner;

	table_close(rel, AccessShareLock);
	return owner;
}

/*
 * RegistryLookupLabel
 *		The object type of that label, or NULL.
 *
 * What it returns is good until the next call of this file's functions.
 */
const RegisteredType *
RegistryLookupLabel(const char *label, int len)
{
	char		key[REF_MAX_LABEL + 1];

	if (len > REF_MAX_LABEL)
		return NULL;
	memcpy(key, label, len);
	key[len] = '\0';

	load_registry();
	return with_binding(hash_search(registry, key, HASH_FIND, NULL));
}

/*
 * RegistryLookupRelation
 *		The object type of that table, or NULL; see RegistryLookupLabel().
 */
const RegisteredType *
RegistryLookupRelation(Oid relation)
{
	TypeByRelation *entry;

	load_registry();
	entry = hash_search(types_by_relation, &relation, HASH_FIND, NULL);
	return entry == NULL ? NULL : with_binding(entry->type);
}

/*
 * RegistryLookupTable
 *		The object type of that table, or of the partitioned table that it is a
 *		partition of, or NULL; see RegistryLookupLabel().
 */
const RegisteredType *
RegistryLookupTable(Oid relation)
{
	const RegisteredType *type = RegistryLookupRelation(relation);

	/* one that is being detached still belongs to what it is detached from */
	while (type == NULL && get_rel_relispartition(relation))
	{
		relation = get_partition_parent(relation, true);
		type = RegistryLookupRelation(relation);
	}
	return type;
}

/*
 * RegistryRequireBound
 *		Raise ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE unless the table of the
 *		type is there and bound to it by its triggers: else its rows come and go
 *		without our knowing, or it is not the table that was registered.
 */
void
RegistryRequireBound(const RegisteredType *type)
{
	if (type->nkeys > 0)
		return;
	if (get_rel_name(type->relation) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("object type \"%s\" is not bound to a table", type->label),
				 errdetail("The table is gone."),
				 errhint("Hand the object type to another table with actstream.rebind(), or use actstream.unregister().")));
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("object type \"%s\" is not bound to a table", type->label),
			 errdetail("The trigger \"%s\" of the table is gone, or not for the key columns that were registered.",
					   BINDING_TRIGGER_NAME),
			 errhint("Let the owner of the table call actstream.register() for it again.")));
}

/*
 * IsLoadingDump
 *		Is "own_table" being filled from a dump?
 *
 * A dump loads tables in an order of its own: actions come before the registry
 * that their labels are in, and the registry comes before the primary keys of
 * the tables it names.  What every dump does first is to turn
 * check_function_bodies off, whose very meaning is that things may be referred
 * to before they exist.  We take it in the same sense, for whoever owns the
 * table and could disable its triggers as well: the session's user, not the
 * owner of a function that he calls.
 */
bool
IsLoadingDump(Relation own_table)
{
	return !check_function_bodies && !InLocalUserIdChange() &&
		object_ownercheck(RelationRelationId, RelationGetRelid(own_table),
						  GetUserId());
}
