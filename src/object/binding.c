/*
 * binding.c
 *		What binds a registered table to its object type.
 *
 * The registry says which columns are the key of a table.  It is the authority: its rows
 * are checked when they are written, and only the owner of the table can register it.
 * But columns are renamed, and a restored dump may number them differently.  The trigger
 * that binds the table names the same columns (UPDATE OF …), and PostgreSQL keeps those
 * up to date.
 *
 * The owner of a table can replace its triggers with any others.  So a table counts as
 * bound only while it has our trigger, on exactly the columns that the registry names.
 */
#include "postgres.h"

#include "base/compat.h"
#include "object/binding.h"
#include "tables/own_tables.h"
#include "tables/own_trigger.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_trigger.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/* Does the trigger do what a binding one is to do, whenever it is to? */
static bool
is_binding(HeapTuple tuple, TupleDesc tupdesc)
{
	Form_pg_trigger trigger = (Form_pg_trigger) GETSTRUCT(tuple);

	return OidIsValid(trigger->tgfoid) &&
		trigger->tgfoid == OwnTriggerFunction("object_deleted") &&
		trigger->tgtype == (TRIGGER_TYPE_ROW | TRIGGER_TYPE_AFTER |
							TRIGGER_TYPE_DELETE | TRIGGER_TYPE_UPDATE) &&
		!trigger->tgdeferrable && heap_attisnull(tuple, Anum_pg_trigger_tgqual, tupdesc);
}

/*
 * Fill in the numbers of the columns that a binding trigger is for; returns how many,
 * 0 unless they are those of the list, in its order.
 */
static int
matching_columns(Form_pg_trigger trigger, List *key_columns, AttrNumber *keys)
{
	int			n = trigger->tgattr.dim1;

	if (n > INDEX_MAX_KEYS || n != list_length(key_columns))
		return 0;
	for (int i = 0; i < n; i++)
	{
		AttrNumber	attnum = trigger->tgattr.values[i];
		char	   *name = get_attname(trigger->tgrelid, attnum, true);

		if (attnum <= 0 || name == NULL || strcmp(name, list_nth(key_columns, i)) != 0)
			return 0;
		keys[i] = attnum;
	}
	return n;
}

/*
 * BindingFind
 *		Fill in the numbers of the key columns (char *) of a registered table; returns
 *		how many there are, 0 if the table is not there or not bound by them.
 *
 * "keys" has room for INDEX_MAX_KEYS.
 */
int
BindingFind(Oid relation, List *key_columns, AttrNumber *keys)
{
	Relation	rel = table_open(TriggerRelationId, AccessShareLock);
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	int			nkeys = 0;

	ScanKeyInit(&key[0], Anum_pg_trigger_tgrelid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(relation));
	ScanKeyInit(&key[1], Anum_pg_trigger_tgname, BTEqualStrategyNumber,
				F_NAMEEQ, CStringGetDatum(BINDING_TRIGGER_NAME));
	scan = systable_beginscan(rel, TriggerRelidNameIndexId, true, NULL, 2, key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple) && is_binding(tuple, RelationGetDescr(rel)))
		nkeys = matching_columns((Form_pg_trigger) GETSTRUCT(tuple), key_columns, keys);
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return nkeys;
}

/*
 * IsOwnTriggerName
 *		Are the triggers of registered tables called like this?
 */
bool
IsOwnTriggerName(const char *name)
{
	return strncmp(name, "actstream_", 10) == 0 || strncmp(name, "zz_actstream_", 13) == 0;
}

/*
 * HasOwnTriggerName
 *		Has the table a trigger that is called like those of registered tables?  Takes no lock on it,
 *		and returns false if there is no such table.
 */
bool
HasOwnTriggerName(Oid relid)
{
	HeapTuple	class_tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	bool		has_triggers = HeapTupleIsValid(class_tuple) &&
		((Form_pg_class) GETSTRUCT(class_tuple))->relhastriggers;
	bool		result = false;
	Relation	rel;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	if (HeapTupleIsValid(class_tuple))
		ReleaseSysCache(class_tuple);
	if (!has_triggers)
		return false;
	rel = table_open(TriggerRelationId, AccessShareLock);
	ScanKeyInit(&key, Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(rel, TriggerRelidNameIndexId, true, NULL, 1, &key);
	while (!result && HeapTupleIsValid(tuple = systable_getnext(scan)))
		result = IsOwnTriggerName(NameStr(((Form_pg_trigger) GETSTRUCT(tuple))->tgname));
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return result;
}

/*
 * TriggerRelation
 *		The table of a trigger, or InvalidOid if there is no such trigger or, with
 *		"own", it is not called like those of registered tables.  Sets *function to that of the
 *		trigger, unless "function" is NULL.
 */
Oid
TriggerRelation(Oid trigger, bool own, Oid *function)
{
	Relation	rel = table_open(TriggerRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	Oid			result = InvalidOid;

	ScanKeyInit(&key, Anum_pg_trigger_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(trigger));
	scan = systable_beginscan(rel, TriggerOidIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple) &&
		(!own || IsOwnTriggerName(NameStr(((Form_pg_trigger) GETSTRUCT(tuple))->tgname))))
	{
		result = ((Form_pg_trigger) GETSTRUCT(tuple))->tgrelid;
		if (function != NULL)
			*function = ((Form_pg_trigger) GETSTRUCT(tuple))->tgfoid;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return result;
}
