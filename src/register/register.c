/*
 * register.c
 *		Registering object types.
 *
 * These functions write to actstream.object_types as the current user: privileges on
 * that table decide which roles may register at all, and only the owner of a table may
 * register it.  The rules that the rows must obey are in object_type_rules.c.
 */
#include "postgres.h"

#include "base/compat.h"
#include "object/integrity.h"
#include "object/integrity_remove.h"
#include "object/key_type.h"
#include "object/object_key.h"
#include "object/object_type_rules.h"
#include "object/object_type_table.h"
#include "register/registry_ddl.h"
#include "tables/spi_plan.h"
#include "track/track.h"
#include "track/track_triggers.h"

#include "access/relation.h"
#include "access/xact.h"
#include "catalog/partition.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(actstream_register);
PG_FUNCTION_INFO_V1(actstream_register_external);
PG_FUNCTION_INFO_V1(actstream_unregister);
PG_FUNCTION_INFO_V1(actstream_rebind);

static SpiPlan insert_object_type = {
	.sql = "INSERT INTO actstream.object_types AS t"
	" (label, relation, key_columns, name_template, url_template, on_delete, checked)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING t::actstream.object_type",
	.nargs = Natts_object_type,
	.argtypes = {TEXTOID, REGCLASSOID, NAMEARRAYOID, TEXTOID, TEXTOID, TEXTOID, BOOLOID}
};

/* a null leaves the column unchanged; an empty template removes it */
static SpiPlan update_object_type = {
	.sql = "UPDATE actstream.object_types t SET"
	" key_columns = CASE WHEN $3 IS NULL THEN t.key_columns ELSE $3 END,"
	" name_template = CASE WHEN $4 IS NULL THEN t.name_template"
	" WHEN $4 OPERATOR(pg_catalog.<>) '' THEN $4 END,"
	" url_template = CASE WHEN $5 IS NULL THEN t.url_template"
	" WHEN $5 OPERATOR(pg_catalog.<>) '' THEN $5 END,"
	" on_delete = CASE WHEN $6 IS NULL THEN t.on_delete ELSE $6 END,"
	" checked = CASE WHEN $7 IS NULL THEN t.checked ELSE $7 END"
	" WHERE t.label OPERATOR(pg_catalog.=) $1 RETURNING t::actstream.object_type",
	.nargs = Natts_object_type,
	.argtypes = {TEXTOID, REGCLASSOID, NAMEARRAYOID, TEXTOID, TEXTOID, TEXTOID, BOOLOID}
};

/* the row, if the same update would change nothing */
static SpiPlan equal_object_type = {
	.sql = "SELECT t::actstream.object_type FROM actstream.object_types t"
	" WHERE t.label OPERATOR(pg_catalog.=) $1"
	" AND (t.relation OPERATOR(pg_catalog.=) $2 OR t.relation IS NULL AND $2 IS NULL)"
	" AND ($3 IS NULL OR t.key_columns OPERATOR(pg_catalog.=) $3)"
	" AND ($4 IS NULL OR COALESCE(t.name_template, '') OPERATOR(pg_catalog.=) $4)"
	" AND ($5 IS NULL OR COALESCE(t.url_template, '') OPERATOR(pg_catalog.=) $5)"
	" AND ($6 IS NULL OR t.on_delete OPERATOR(pg_catalog.=) $6)"
	" AND ($7 IS NULL OR t.checked OPERATOR(pg_catalog.=) $7)",
	.nargs = Natts_object_type,
	.argtypes = {TEXTOID, REGCLASSOID, NAMEARRAYOID, TEXTOID, TEXTOID, TEXTOID, BOOLOID}
};

static SpiPlan rebind_object_type = {
	.sql = "UPDATE actstream.object_types t SET relation = $2, key_columns = $3,"
	" checked = t.checked OR t.relation IS NULL"
	" WHERE t.label OPERATOR(pg_catalog.=) $1 RETURNING t::actstream.object_type",
	.nargs = 3,
	.argtypes = {TEXTOID, REGCLASSOID, NAMEARRAYOID}
};

/*
 * Raise an error unless the current user has one of the privileges "mode" on the
 * registry.  Called before taking a lock that could make others wait.
 */
static void
check_registry_privilege(AclMode mode)
{
	if (pg_class_aclcheck(OwnTableId(OWN_OBJECT_TYPES), GetUserId(), mode) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, "object_types");
}

/*
 * Keep other sessions from registering the label until the end of the transaction.  Neither reading the
 * registry nor VACUUM waits for this lock.  It comes after those on tables.
 */
static void
lock_registration(const char *label)
{
	RegistryLockLabel(label, LABEL_REGISTRATION, ExclusiveLock);
	AcceptInvalidationMessages();
}

/*
 * Raise an error if "concurrent": the registry has changed since we looked.
 */
static void
require_no_change(bool concurrent)
{
	if (concurrent)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not serialize access due to concurrent registration")));
}

/*
 * Raise an error: a statement has not found a row that existed in the newest state of the
 * registry, whose label we have locked.  Either the transaction's snapshot is too old, or DDL on the
 * table has removed the row, or the user may not see it.
 */
static void
registry_row_not_found(const char *label)
{
	AcceptInvalidationMessages();
	require_no_change(IsolationUsesXactSnapshot() || RegistryLookupLabel(label, strlen(label)) == NULL);
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied to change the object type")));
}

/*
 * Run a statement on the row of the registry that "row" is about, as the current user; false if it has
 * not found that, else sets *result to the row as it is now.
 */
static bool
run_on_row(SpiPlan *statement, ObjectTypeRow *row, Datum *result)
{
	char		nulls[Natts_object_type];
	bool		found;
	bool		isnull;

	for (int i = 0; i < Natts_object_type; i++)
		nulls[i] = row->isnull[i] ? 'n' : ' ';

	SPI_connect();
	found = SpiPlanExecute(statement, row->values, nulls) > 0;
	if (found)
		*result = SpiPlanResult(&isnull);
	SPI_finish();
	return found;
}

/*
 * Run a statement that stores "row" in the registry, and return the row as stored.
 *
 * The caller holds the lock that keeps other sessions from registering the label, and has seen in
 * the newest state of the registry that a row to update exists.
 */
static Datum
store_object_type(SpiPlan *statement, ObjectTypeRow *row)
{
	Datum		result;

	if (!run_on_row(statement, row, &result))
		registry_row_not_found(TextDatumGetCString(ROW_VALUE(row, label)));
	return result;
}

/* Copy an argument into a column of the row. */
static void
take_argument(ObjectTypeRow *row, AttrNumber attnum, FunctionCallInfo fcinfo, int arg)
{
	row->isnull[attnum - 1] = PG_ARGISNULL(arg);
	row->values[attnum - 1] = PG_ARGISNULL(arg) ? (Datum) 0 : PG_GETARG_DATUM(arg);
}

/* Set a column of a new row if the caller gave no value for it. */
static void
set_default(ObjectTypeRow *row, AttrNumber attnum, Datum value)
{
	if (row->isnull[attnum - 1])
		row->values[attnum - 1] = value;
	row->isnull[attnum - 1] = false;
}

/* For a new row: treat an empty template as null. */
static void
drop_empty(ObjectTypeRow *row, AttrNumber attnum)
{
	row->isnull[attnum - 1] = row->isnull[attnum - 1] ||
		VARSIZE_ANY_EXHDR(DatumGetTextPP(row->values[attnum - 1])) == 0;
}

/*
 * Raise ERRCODE_DUPLICATE_OBJECT if the label of "existing", which may be NULL, belongs
 * to another table than "relation", which is InvalidOid for an external type.
 */
static void
check_label_is_free(const RegisteredType *existing, Oid relation)
{
	if (existing == NULL || existing->relation == relation)
		return;
	if (!OidIsValid(existing->relation))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("label \"%s\" is already registered for objects without a table",
						existing->label),
				 errhint("If their table was dropped or replaced, use actstream.rebind(); otherwise choose another label.")));
	ereport(ERROR,
			(errcode(ERRCODE_DUPLICATE_OBJECT),
			 OidIsValid(relation) ?
			 errmsg("label \"%s\" is already registered for another table", existing->label) :
			 errmsg("label \"%s\" is already registered for a table", existing->label),
			 OidIsValid(relation) ?
			 errhint("To bind it to this table instead, use actstream.rebind(); otherwise choose another label.") :
			 errhint("Choose another label, or use actstream.unregister() first.")));
}

/*
 * The type to update when "relation" is registered with "label"; NULL if neither is
 * registered yet.  Raises ERRCODE_DUPLICATE_OBJECT if one of them is already registered
 * with a different counterpart.
 */
static const RegisteredType *
type_to_register(Oid relation, const char *label)
{
	const RegisteredType *existing = RegistryLookupRelation(relation);

	if (existing != NULL && strcmp(existing->label, label) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("table \"%s\" is already registered with label \"%s\"",
						get_rel_name(relation), existing->label),
				 errhint("To change what is registered, use that label; to give the table another one, use actstream.unregister() first.")));
	existing = RegistryLookupLabel(label, strlen(label));
	check_label_is_free(existing, relation);
	return existing;
}

/*
 * The type of that label, or ERRCODE_UNDEFINED_OBJECT.
 */
static const RegisteredType *
registered_type(const char *label)
{
	const RegisteredType *type = RegistryLookupLabel(label, strlen(label));

	if (type == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("object type \"%s\" is not registered", label),
				 errhint("%s", RegistryLabelHint(label, strlen(label)))));
	return type;
}

/* Is the value, if one is given, that text?  NULL is an empty text. */
static bool
fits_text(const ObjectTypeRow *row, AttrNumber attnum, const char *known)
{
	return row->isnull[attnum - 1] ||
		strcmp(TextDatumGetCString(row->values[attnum - 1]), known == NULL ? "" : known) == 0;
}

/* Do the values that are given fit the type, but for those that only its row in the registry can tell? */
static bool
fits(const ObjectTypeRow *row, const RegisteredType *type)
{
	return fits_text(row, Anum_object_type_label, type->label) &&
		fits_text(row, Anum_object_type_name_template, type->name_template) &&
		fits_text(row, Anum_object_type_url_template, type->url_template) &&
		(ROW_ISNULL(row, key_columns) || ObjectTypeIsBoundBy(type, ROW_VALUE(row, key_columns))) &&
		(ROW_ISNULL(row, checked) || DatumGetBool(ROW_VALUE(row, checked)) == type->checked);
}

/*
 * Is a table registered as the arguments of register() say, with all that belongs to it?  Then sets
 * *result to its row of the registry, and nothing is locked or written: programs register their tables
 * at each start.
 *
 * Both the newest state of the registry and the transaction's snapshot have to say so.  The former comes
 * first: a serializable transaction that has seen a row as it was may have to begin again.
 */
static bool
is_registered_so(Oid relid, const ObjectTypeRow *arguments, Datum *result)
{
	ObjectTypeRow row = *arguments;
	const RegisteredType *found;
	RegisteredType type;
	Relation	rel;
	bool		is_intact;

	/* we have taken no lock, which would have processed invalidations */
	AcceptInvalidationMessages();
	found = RegistryLookupRelation(relid);
	if (found == NULL || !fits(&row, found))
		return false;
	type = *found;
	if (type.name_template != NULL)
		type.name_template = pstrdup(type.name_template);
	if (type.url_template != NULL)
		type.url_template = pstrdup(type.url_template);
	ObjectTypeCheckOwner(relid);
	rel = try_relation_open(relid, AccessShareLock);
	if (rel == NULL)
		return false;
	is_intact = ObjectTypeIsIntact(rel, &type);
	relation_close(rel, AccessShareLock);
	set_default(&row, Anum_object_type_label, CStringGetTextDatum(type.label));
	return is_intact && run_on_row(&equal_object_type, &row, result);
}

/*
 * A table is to be registered by other columns than those that bind it: take the lock for that before
 * the one on the table, so that whoever has sent actions, for whom this waits, can register it
 * meanwhile.  If the columns are no key, or not given, it does not wait for them.
 *
 * Without need it does not even look: a serializable transaction that has seen the registry as it was
 * may have to begin again.
 */
static void
lock_to_change_key(Oid relid, const ObjectTypeRow *row)
{
	const RegisteredType *existing;
	Relation	rel;

	if (ROW_ISNULL(row, key_columns))
		return;
	existing = RegistryLookupRelation(relid);
	if (existing == NULL ||
		ObjectTypeIsBoundBy(existing, ROW_VALUE(row, key_columns)) ||
		(!ROW_ISNULL(row, label) &&
		 strcmp(existing->label, TextDatumGetCString(ROW_VALUE(row, label))) != 0))
		return;
	ObjectTypeCheckOwner(relid);
	rel = try_relation_open(relid, AccessShareLock);
	if (rel == NULL)
		return;
	ObjectKeyCheck(rel, NameArrayToList(ROW_VALUE(row, key_columns)));
	relation_close(rel, AccessShareLock);
	existing = RegistryLookupRelation(relid);
	if (existing != NULL)
		ObjectTypeLockToChange(existing);
}

/* Warn if a table that has been registered does not meet all that this requires, such as its owner's rights. */
static void
warn_of_fault(Oid relid, const char *label)
{
	const char *fault = ObjectTypeFault(label);

	if (fault != NULL)
		ereport(WARNING,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" does not meet all that object type \"%s\" requires",
						get_rel_name(relid), label),
				 errdetail_internal("%s", fault)));
}

/*
 * register(relation, label, key_columns, name_template, url_template,
 *			on_delete, checked)
 */
Datum
actstream_register(PG_FUNCTION_ARGS)
{
	ObjectTypeRow row;
	Relation	rel;
	Oid			relid;
	char	   *label;
	const RegisteredType *existing;
	bool		was_unknown;
	Datum		result;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("relation to register must not be null")));
	relid = PG_GETARG_OID(0);

	PreventCommandIfReadOnly("actstream.register()");
	check_registry_privilege(ACL_INSERT | ACL_UPDATE);

	take_argument(&row, Anum_object_type_relation, fcinfo, 0);
	take_argument(&row, Anum_object_type_label, fcinfo, 1);
	take_argument(&row, Anum_object_type_key_columns, fcinfo, 2);
	take_argument(&row, Anum_object_type_name_template, fcinfo, 3);
	take_argument(&row, Anum_object_type_url_template, fcinfo, 4);
	take_argument(&row, Anum_object_type_on_delete, fcinfo, 5);
	take_argument(&row, Anum_object_type_checked, fcinfo, 6);

	if (is_registered_so(relid, &row, &result))
		PG_RETURN_DATUM(result);
	lock_to_change_key(relid, &row);
	rel = ObjectTypeOpenTable(relid);
	existing = RegistryLookupRelation(relid);
	if (ROW_ISNULL(&row, label) && existing != NULL)
		set_default(&row, Anum_object_type_label, CStringGetTextDatum(existing->label));
	if (ROW_ISNULL(&row, label) &&
		!RefLabelIsWellFormed(RelationGetRelationName(rel), strlen(RelationGetRelationName(rel))))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("name of table \"%s\" cannot be a label", RelationGetRelationName(rel)),
				 errdetail(REF_LABEL_RULE),
				 errhint("Give a label: actstream.register('%s', 'label').",
						 quote_identifier(RelationGetRelationName(rel)))));
	set_default(&row, Anum_object_type_label,
				CStringGetTextDatum(RelationGetRelationName(rel)));
	label = TextDatumGetCString(ROW_VALUE(&row, label));

	lock_registration(label);
	existing = type_to_register(relid, label);
	if (existing == NULL)
	{
		if (ROW_ISNULL(&row, key_columns))
			set_default(&row, Anum_object_type_key_columns,
						ListToNameArray(ObjectKeyPrimary(rel)));
		set_default(&row, Anum_object_type_on_delete, CStringGetTextDatum("cascade"));
		set_default(&row, Anum_object_type_checked, BoolGetDatum(true));
		drop_empty(&row, Anum_object_type_name_template);
		drop_empty(&row, Anum_object_type_url_template);
	}
	relation_close(rel, NoLock);

	/* its objects were not checked, or its rows could change without our knowing */
	was_unknown = existing != NULL && (!existing->checked || existing->nkeys == 0);
	result = store_object_type(existing != NULL ? &update_object_type : &insert_object_type, &row);
	existing = registered_type(label);
	if (was_unknown && existing->checked)
		IntegrityRequireObjects(existing);
	warn_of_fault(relid, label);
	PG_RETURN_DATUM(result);
}

/*
 * register_external(label, name_template, url_template)
 */
Datum
actstream_register_external(PG_FUNCTION_ARGS)
{
	ObjectTypeRow row;
	char	   *label;
	const RegisteredType *by_label;
	Datum		result;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("label to register must not be null")));

	PreventCommandIfReadOnly("actstream.register_external()");
	check_registry_privilege(ACL_INSERT | ACL_UPDATE);
	label = TextDatumGetCString(PG_GETARG_DATUM(0));

	memset(row.isnull, true, sizeof(row.isnull));
	take_argument(&row, Anum_object_type_label, fcinfo, 0);
	take_argument(&row, Anum_object_type_name_template, fcinfo, 1);
	take_argument(&row, Anum_object_type_url_template, fcinfo, 2);

	/* there is no way to know whether such an object exists, or when it is deleted */
	set_default(&row, Anum_object_type_on_delete, CStringGetTextDatum("keep"));
	set_default(&row, Anum_object_type_checked, BoolGetDatum(false));
	AcceptInvalidationMessages();
	by_label = RegistryLookupLabel(label, strlen(label));
	if (by_label != NULL && by_label->relation == InvalidOid && fits(&row, by_label) &&
		run_on_row(&equal_object_type, &row, &result))
		PG_RETURN_DATUM(result);
	lock_registration(label);

	by_label = RegistryLookupLabel(label, strlen(label));
	check_label_is_free(by_label, InvalidOid);
	if (by_label == NULL)
	{
		drop_empty(&row, Anum_object_type_name_template);
		drop_empty(&row, Anum_object_type_url_template);
	}

	PG_RETURN_DATUM(store_object_type(by_label != NULL ? &update_object_type :
									  &insert_object_type, &row));
}

/*
 * unregister(label)
 */
Datum
actstream_unregister(PG_FUNCTION_ARGS)
{
	Datum		value;
	char	   *label;
	Oid			relid;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("label to unregister must not be null")));
	value = PG_GETARG_DATUM(0);
	label = TextDatumGetCString(value);

	PreventCommandIfReadOnly("actstream.unregister()");
	check_registry_privilege(ACL_DELETE);
	relid = registered_type(label)->relation;
	ObjectTypeLockToChange(registered_type(label));
	lock_registration(label);
	require_no_change(registered_type(label)->relation != relid);

	SPI_connect();
	if (SpiPlanExecute(&ObjectTypeDelete, &value, NULL) == 0)
		registry_row_not_found(label);
	SPI_finish();
	if (OidIsValid(relid))
		TrackDropTriggers(relid);
	PG_RETURN_VOID();
}

/*
 * The columns to use as the key of the table "rel" when a label is rebound to it: those
 * with the same names as before if they can be the key, else the primary key.
 */
static List *
key_for_rebinding(Relation rel, const RegisteredType *type)
{
	List	   *columns = NIL;
	ListCell   *lc;

	foreach(lc, type->key_columns)
	{
		if (get_attnum(RelationGetRelid(rel), lfirst(lc)) <= 0)
			return ObjectKeyPrimary(rel);
		columns = lappend(columns, pstrdup(lfirst(lc)));
	}
	return columns != NIL && ObjectKeyIsUnique(rel, columns, InvalidOid) ? columns : ObjectKeyPrimary(rel);
}

/*
 * Raise ERRCODE_DATATYPE_MISMATCH unless "columns" of the table "new" match the key of
 * the type, whose table is "old", in number and types.  All integer types match, since
 * references write them alike.
 */
static void
check_same_key(Relation old, const RegisteredType *type, Relation new, List *columns)
{
	if (list_length(columns) != type->nkeys)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("key of relation \"%s\" has %d columns, not %d",
						RelationGetRelationName(new), list_length(columns), type->nkeys)));
	for (int i = 0; i < type->nkeys; i++)
	{
		AttrNumber	attnum = get_attnum(RelationGetRelid(new), list_nth(columns, i));
		Oid			new_type = ObjectKeyType(RelationGetDescr(new), attnum);
		Oid			old_type = ObjectKeyType(RelationGetDescr(old), type->keys[i]);

		if (new_type != old_type && !(KeyTypeIsInteger(new_type) && KeyTypeIsInteger(old_type)))
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("key column \"%s\" is of type %s, not %s",
							(char *) list_nth(columns, i),
							format_type_be(new_type), format_type_be(old_type))));
	}
}

/*
 * Check that the current user may take the label from its present table, and that this
 * table has a matching key.  Lock what the label means, so that no reference to it is
 * stored meanwhile.
 */
static void
release_label(const RegisteredType *type, Relation new, List *columns)
{
	Relation	old;

	/* without a table, its former owner is not known any more */
	ObjectTypeCheckOwner(OidIsValid(type->relation) && get_rel_name(type->relation) != NULL ?
						 type->relation : OwnTableId(OWN_OBJECT_TYPES));
	IntegrityLockLabel(type, AccessExclusiveLock);
	old = OidIsValid(type->relation) ? try_relation_open(type->relation, NoLock) : NULL;
	if (old == NULL)
	{
		ObjectTypeCheckOwner(OwnTableId(OWN_OBJECT_TYPES));
		return;
	}
	ObjectTypeCheckOwner(type->relation);
	/* a key that the table itself has lost is replaced by the one that it has now */
	if (type->relation != RelationGetRelid(new))
		RegistryRequireBound(type);
	if (type->nkeys > 0)
		check_same_key(old, type, new, columns);
	relation_close(old, NoLock);
}

/* Is the table a partition of the other, on whatever level? */
static bool
is_partition_of(Oid relid, Oid ancestor)
{
	return get_rel_relispartition(relid) && list_member_oid(get_partition_ancestors(relid), ancestor);
}

/*
 * rebind(label, relation, key_columns)
 *
 * Locks the new table against changes, as well as the old one and the label; then checks
 * that every object that is referred to exists in the new table.
 */
Datum
actstream_rebind(PG_FUNCTION_ARGS)
{
	ObjectTypeRow row;
	RegisteredType type;
	RegistryChange before;
	Relation	rel;
	Oid			relid;
	char	   *label;
	List	   *columns;
	volatile Datum result = (Datum) 0;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("label and relation must not be null")));
	label = text_to_cstring(PG_GETARG_TEXT_PP(0));
	relid = PG_GETARG_OID(1);

	PreventCommandIfReadOnly("actstream.rebind()");
	check_registry_privilege(ACL_UPDATE);
	rel = ObjectTypeOpenTable(relid);
	if (RegistryLookupRelation(relid) != NULL)
		(void) type_to_register(relid, label);
	type = *registered_type(label);
	columns = PG_ARGISNULL(2) ? key_for_rebinding(rel, &type) : NameArrayToList(PG_GETARG_DATUM(2));
	ObjectKeyCheck(rel, columns);
	if (type.relation != relid || !ObjectTypeIsBoundBy(&type, ListToNameArray(columns)))
		release_label(&type, rel, columns);

	lock_registration(label);
	require_no_change(!RegistryMeansTheSame(registered_type(label), &type));
	memset(row.isnull, true, sizeof(row.isnull));
	set_default(&row, Anum_object_type_label, PG_GETARG_DATUM(0));
	set_default(&row, Anum_object_type_relation, ObjectIdGetDatum(relid));
	set_default(&row, Anum_object_type_key_columns, ListToNameArray(columns));
	before = ObjectTypeBeginChange(REGISTRY_CHANGE_REBIND);
	PG_TRY();
	{
		result = store_object_type(&rebind_object_type, &row);
	}
	PG_FINALLY();
	{
		(void) ObjectTypeBeginChange(before);
	}
	PG_END_TRY();
	relation_close(rel, NoLock);
	IntegrityRequireObjects(registered_type(label));
	if (OidIsValid(type.relation) && type.relation != relid && TrackTriggers(type.relation) != NIL && TrackTriggers(relid) == NIL)
		ereport(NOTICE,
				(errmsg("relation \"%s\" is tracked, but not \"%s\"", get_rel_name(type.relation),
						get_rel_name(relid)),
				 is_partition_of(type.relation, relid) ?
				 errhint("Call actstream.untrack() for the partition, and actstream.track() for the partitioned table.") :
				 errhint("Call actstream.track() for what it is to send.")));
	PG_RETURN_DATUM(result);
}
