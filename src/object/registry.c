/*
 * registry.c
 *		The registry of object types.
 *
 * The registry is small and read on every write, so each backend keeps all of it in a
 * hash table.  A trigger of actstream.object_types sends a relation cache invalidation
 * on every change; that marks the hash table invalid, and the next look-up fills it
 * again with what is committed then.  While that trigger is missing or disabled, each
 * look-up fills it again.
 *
 * The table is read without a query, so that its policies and rules have no effect.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/relation_watch.h"
#include "object/binding.h"
#include "object/registry.h"
#include "tables/own_trigger.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/partition.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/varlena.h"

/* A label that differs in more characters is not suggested. */
#define MAX_LABEL_DISTANCE 3

/*
 * The registry: RegisteredType by label; NULL until it is loaded completely.  Everything
 * lives in registry_context, which is reset only when a look-up finds the registry
 * invalid.
 */
static MemoryContext registry_context = NULL;
static HTAB *registry = NULL;
static Oid	registry_relid = InvalidOid;	/* the table that it was loaded from */
static bool registry_valid = false;

/* the types that have a table, by its OID: entries of TypeByRelation */
static HTAB *types_by_relation = NULL;

typedef struct TypeByRelation
{
	Oid			relation;		/* hash key */
	RegisteredType *type;
} TypeByRelation;

/* Watcher: forget what depends on "relid", or everything if that is InvalidOid. */
static void
relation_changed(Oid relid)
{
	if (relid == InvalidOid || relid == registry_relid)
		registry_valid = false;
	else if (types_by_relation != NULL)
	{
		TypeByRelation *entry = hash_search(types_by_relation, &relid, HASH_FIND, NULL);

		if (entry != NULL)
			entry->type->binding_known = false;
	}
}

/* Is it an array that NameArrayToList() accepts? */
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
 *		A name[] from a list of char *.
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

/* The value of on_delete with this name; false if there is none. */
static bool
find_on_delete(const char *value, OnDelete *on_delete)
{
	static const char *const names[] = {
		[ON_DELETE_CASCADE] = "cascade",
		[ON_DELETE_SET_NULL] = "set null",
		[ON_DELETE_RESTRICT] = "restrict",
		[ON_DELETE_KEEP] = "keep"
	};

	for (int i = 0; i < (int) lengthof(names); i++)
	{
		*on_delete = i;
		if (strcmp(value, names[i]) == 0)
			return true;
	}
	return false;
}

/*
 * OnDeleteFromText
 *		The value of on_delete, or ERRCODE_INVALID_PARAMETER_VALUE.
 */
OnDelete
OnDeleteFromText(const char *value)
{
	OnDelete	result;

	if (!find_on_delete(value, &result))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unrecognized value for on_delete: \"%s\"", value),
				 errhint("Use \"cascade\", \"set null\", \"restrict\" or \"keep\".")));
	return result;
}

/*
 * Enter a row of actstream.object_types into the cache, unless it is one that the
 * table's triggers would have refused.
 */
static void
load_object_type(HTAB *types, HTAB *by_relation, HeapTuple tuple, TupleDesc tupdesc)
{
	char	   *label;
	char	   *on_delete_text;
	OnDelete	on_delete;
	RegisteredType *type;
	Datum		value;
	bool		isnull;

	label = OwnRowText(tuple, tupdesc, Anum_object_type_label);
	on_delete_text = OwnRowText(tuple, tupdesc, Anum_object_type_on_delete);
	value = heap_getattr(tuple, Anum_object_type_checked, tupdesc, &isnull);
	/* possible, since the table's owner can drop constraints and disable triggers */
	if (label == NULL || strlen(label) > REF_MAX_LABEL || isnull ||
		on_delete_text == NULL || !find_on_delete(on_delete_text, &on_delete))
		return;
	type = hash_search(types, label, HASH_ENTER, NULL);

	type->on_delete = on_delete;
	type->checked = DatumGetBool(value);
	type->name_template = OwnRowText(tuple, tupdesc, Anum_object_type_name_template);
	type->url_template = OwnRowText(tuple, tupdesc, Anum_object_type_url_template);

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
	Relation	rel;
	bool		watched;
	SysScanDesc scan;
	HeapTuple	tuple;
	MemoryContext oldcontext;

	if (registry_valid && registry != NULL && OwnTableId(OWN_OBJECT_TYPES) == registry_relid)
		return;

	RelationWatch(relation_changed);
	rel = OwnTableOpen(OWN_OBJECT_TYPES, AccessShareLock);
	watched = OwnTableIsWatched(rel, "object_type_changed");
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

	/* before the scan, so that a change during it is not lost */
	registry_relid = RelationGetRelid(rel);
	registry_valid = watched;

	/* no snapshot given: uses the newest, even under REPEATABLE READ */
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
 * Bring the binding of the type up to date, and return the type.  The binding stays
 * known until the relation cache reports a change to the table.
 */
static const RegisteredType *
with_binding(RegisteredType *type)
{
	if (type != NULL && !type->binding_known)
	{
		/* set first: a change during BindingFind() clears it again */
		type->binding_known = true;
		PG_TRY();
		{
			type->nkeys = BindingFind(type->relation, type->key_columns, type->keys);
		}
		PG_CATCH();
		{
			type->binding_known = false;
			PG_RE_THROW();
		}
		PG_END_TRY();
	}
	return type;
}

/*
 * RegistryLookupLabel
 *		The object type with that label, or NULL.
 *
 * Raises ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE if there is no registry: see
 * OwnTableExists().  The result is valid until the next call of a function of this file.
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
 * RegistryLookupRef
 *		As RegistryLookupLabel(), for the label of a reference; knows what other sessions have
 *		registered just now.
 */
const RegisteredType *
RegistryLookupRef(const Ref *ref)
{
	const RegisteredType *type = RegistryLookupLabel(VARDATA_ANY(ref), RefLabelLength(ref));

	if (type == NULL)
	{
		AcceptInvalidationMessages();
		type = RegistryLookupLabel(VARDATA_ANY(ref), RefLabelLength(ref));
	}
	return type;
}

/*
 * RegistryLockLabel
 *		Lock a label for a purpose until the end of the transaction, whether it is registered or not.
 *
 * Labels with the same hash have the same lock.
 */
void
RegistryLockLabel(const char *label, RegistryLock purpose, LOCKMODE lockmode)
{
	LockDatabaseObject(OwnTableId(OWN_OBJECT_TYPES),
					   DatumGetUInt32(hash_any((const unsigned char *) label, strlen(label))),
					   purpose, lockmode);
}

/*
 * RegistryLookupRelation
 *		The object type of that table, or NULL; see RegistryLookupLabel().
 *
 * If there is no registry, nothing is registered.
 */
const RegisteredType *
RegistryLookupRelation(Oid relation)
{
	TypeByRelation *entry;

	if (!OidIsValid(OwnTableFind(OWN_OBJECT_TYPES)))
		return NULL;
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

	/* a partition that is being detached still belongs to its parent */
	while (type == NULL && get_rel_relispartition(relation))
	{
		relation = get_partition_parent(relation, true);
		type = RegistryLookupRelation(relation);
	}
	return type;
}

/* The label in lower case; labels are ASCII. */
static char *
lower_case(const char *label, int len)
{
	char	   *result = pnstrdup(label, len);

	for (char *c = result; *c != '\0'; c++)
		*c = pg_ascii_tolower((unsigned char) *c);
	return result;
}

/*
 * How much the label of the type differs from "written", which is in lower case: the
 * number of edits, or more than MAX_LABEL_DISTANCE if there are too many for a hint.  It is
 * 0 if "written" is the name of the type's table, with or without a schema.
 */
static int
label_distance(const RegisteredType *type, const char *written)
{
	const char *dot = strrchr(written, '.');
	char	   *label = lower_case(type->label, strlen(type->label));
	char	   *relname = OidIsValid(type->relation) ? get_rel_name(type->relation) : NULL;
	int			limit = Min(MAX_LABEL_DISTANCE, Max(strlen(written), strlen(label)) / 2);
	int			distance;

	if (relname != NULL && pg_strcasecmp(relname, dot != NULL ? dot + 1 : written) == 0)
		return 0;
	distance = varstr_levenshtein_less_equal(written, strlen(written), label, strlen(label),
											 1, 1, 1, limit, true);
	return distance <= limit ? distance : MAX_LABEL_DISTANCE + 1;
}

/*
 * RegistryMeansTheSame
 *		Are these two states of a type bound to the same columns of the same table?
 */
bool
RegistryMeansTheSame(const RegisteredType *a, const RegisteredType *b)
{
	return a->relation == b->relation && a->nkeys == b->nkeys &&
		memcmp(a->keys, b->keys, sizeof(AttrNumber) * a->nkeys) == 0;
}

/*
 * RegistryLabelHint
 *		A hint for the error that the label is not registered.
 *
 * It names no label to a role that may not read the registry.
 */
char *
RegistryLabelHint(const char *label, int len)
{
	const RegisteredType *nearest = NULL;
	int			nearest_distance = MAX_LABEL_DISTANCE + 1;
	RegisteredType *type;
	HASH_SEQ_STATUS scan;
	char	   *written;

	load_registry();
	if (len > 0 && len <= 2 * REF_MAX_LABEL &&
		pg_class_aclcheck(registry_relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK &&
		check_enable_rls(registry_relid, InvalidOid, true) != RLS_ENABLED)
	{
		written = lower_case(label, len);
		hash_seq_init(&scan, registry);
		while ((type = hash_seq_search(&scan)) != NULL)
		{
			int			distance = label_distance(type, written);

			/* of equally near labels, take the first in order */
			if (distance < nearest_distance ||
				(nearest != NULL && distance == nearest_distance &&
				 strcmp(type->label, nearest->label) < 0))
			{
				nearest = type;
				nearest_distance = distance;
			}
		}
	}
	if (nearest != NULL)
		return psprintf(_("Perhaps you meant the label \"%s\"."), nearest->label);
	return pstrdup(_("See actstream.object_types for existing labels. To add one, use actstream.register() for a table, or actstream.register_external() for objects outside the database."));
}

/*
 * RegistryRequireBound
 *		Raise ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE unless the type's table exists
 *		and its triggers bind it to the type.  Otherwise rows could be deleted without
 *		our knowing, or the table might not be the one that was registered.
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
				 errdetail("Its table does not exist any more."),
				 errhint("Bind it to another table with actstream.rebind(), or remove it with actstream.unregister().")));
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("object type \"%s\" is not bound to a table", type->label),
			 errdetail("Trigger \"%s\" of its table is missing, or is not on the registered key columns.",
					   BINDING_TRIGGER_NAME),
			 errhint("The owner of the table must call actstream.register() for it again.")));
}
