/*
 * object_type.c
 *		Registering object types.
 *
 * These functions write to actstream.object_type as their caller: the
 * privileges on it say who may register at all, and the owner of a table who
 * may register that.  What the table itself insists on is in
 * object_type_rules.c.
 */
#include "postgres.h"

#include "compat.h"
#include "integrity.h"
#include "object_key.h"
#include "object_type.h"
#include "spi_plan.h"

#include "access/relation.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(actstream_register);
PG_FUNCTION_INFO_V1(actstream_register_external);
PG_FUNCTION_INFO_V1(actstream_unregister);

static SpiPlan insert_object_type = {
	.sql = "INSERT INTO actstream.object_type AS t"
	" (label, relation, key_columns, name_template, url_template, on_delete, checked)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING t",
	.nargs = Natts_object_type,
	.argtypes = {TEXTOID, REGCLASSOID, NAMEARRAYOID, TEXTOID, TEXTOID, TEXTOID, BOOLOID}
};

static SpiPlan update_object_type = {
	.sql = "UPDATE actstream.object_type t"
	" SET key_columns = $3, name_template = $4, url_template = $5, on_delete = $6, checked = $7"
	" WHERE t.label OPERATOR(pg_catalog.=) $1 RETURNING t",
	.nargs = Natts_object_type,
	.argtypes = {TEXTOID, REGCLASSOID, NAMEARRAYOID, TEXTOID, TEXTOID, TEXTOID, BOOLOID}
};

static SpiPlan delete_object_type = {
	.sql = "DELETE FROM actstream.object_type t WHERE t.label OPERATOR(pg_catalog.=) $1",
	.nargs = 1,
	.argtypes = {TEXTOID}
};

/* its templates named columns that are gone, too */
static SpiPlan unbind_object_type = {
	.sql = "UPDATE actstream.object_type t SET relation = NULL, key_columns = NULL,"
	" name_template = NULL, url_template = NULL, on_delete = 'keep', checked = false"
	" WHERE t.label OPERATOR(pg_catalog.=) $1",
	.nargs = 1,
	.argtypes = {TEXTOID}
};

/*
 * Raise an error unless the current user has one of the privileges "mode" on
 * the registry; before we take a lock on it that others would feel.
 */
static void
check_registry_privilege(AclMode mode)
{
	if (pg_class_aclcheck(ObjectTypeRelationId(), GetUserId(), mode) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, "object_type");
}

/*
 * A row that is in the newest state of the registry, which we have locked, was
 * not found: the transaction is too old to see it, or the user may not.
 */
static void
registry_row_not_found(void)
{
	if (IsolationUsesXactSnapshot())
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not serialize access due to concurrent registration")));
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied to change the object type")));
}

/*
 * Run a statement on the registry that stores "row", as the current user, and
 * return the row as stored.
 *
 * The caller holds a lock that keeps other sessions from registering, and has
 * seen in the newest state of the registry that there is such a row to update.
 */
static Datum
store_object_type(SpiPlan *statement, ObjectTypeRow *row)
{
	char		nulls[Natts_object_type];
	Datum		result;
	bool		isnull;

	for (int i = 0; i < Natts_object_type; i++)
		nulls[i] = row->isnull[i] ? 'n' : ' ';

	SPI_connect();
	if (SpiPlanExecute(statement, row->values, nulls) == 0)
		registry_row_not_found();
	result = SpiPlanResult(&isnull);
	SPI_finish();
	return result;
}

/*
 * Take an argument over into the row, unless it is null.
 */
static void
take_argument(ObjectTypeRow *row, AttrNumber attnum, FunctionCallInfo fcinfo, int arg)
{
	row->isnull[attnum - 1] = PG_ARGISNULL(arg);
	row->values[attnum - 1] = PG_ARGISNULL(arg) ? (Datum) 0 : PG_GETARG_DATUM(arg);
}

/*
 * Raise ERRCODE_DUPLICATE_OBJECT if the label of "existing", which may be NULL,
 * is not that of "relation", which is InvalidOid for an external type.
 */
static void
check_label_is_free(const RegisteredType *existing, Oid relation)
{
	if (existing == NULL || existing->relation == relation)
		return;
	if (!OidIsValid(existing->relation))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("label \"%s\" is already registered for external objects",
						existing->label)));
	ereport(ERROR,
			(errcode(ERRCODE_DUPLICATE_OBJECT),
			 errmsg("label \"%s\" is already registered for another table",
					existing->label)));
}

/*
 * The type to update when "relation" is registered under "label": NULL if
 * neither is registered yet.  Raises ERRCODE_DUPLICATE_OBJECT if one of them is,
 * with another.
 */
static const RegisteredType *
type_to_register(Oid relation, const char *label)
{
	const RegisteredType *existing = RegistryLookupRelation(relation);

	if (existing != NULL && strcmp(existing->label, label) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("table \"%s\" is already registered with label \"%s\"",
						get_rel_name(relation), existing->label)));
	existing = RegistryLookupLabel(label, strlen(label));
	check_label_is_free(existing, relation);
	return existing;
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

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("relation to register must not be null")));
	relid = PG_GETARG_OID(0);

	PreventCommandIfReadOnly("actstream.register()");
	check_registry_privilege(ACL_INSERT | ACL_UPDATE);
	rel = ObjectTypeOpenTable(relid);
	LockRelationOid(ObjectTypeRelationId(), ShareRowExclusiveLock);

	take_argument(&row, Anum_object_type_relation, fcinfo, 0);
	take_argument(&row, Anum_object_type_label, fcinfo, 1);
	take_argument(&row, Anum_object_type_key_columns, fcinfo, 2);
	take_argument(&row, Anum_object_type_name_template, fcinfo, 3);
	take_argument(&row, Anum_object_type_url_template, fcinfo, 4);
	take_argument(&row, Anum_object_type_on_delete, fcinfo, 5);
	take_argument(&row, Anum_object_type_checked, fcinfo, 6);

	if (ROW_ISNULL(&row, label))
	{
		ROW_VALUE(&row, label) = CStringGetTextDatum(RelationGetRelationName(rel));
		ROW_ISNULL(&row, label) = false;
	}
	if (ROW_ISNULL(&row, key_columns))
	{
		ROW_VALUE(&row, key_columns) = ListToNameArray(ObjectKeyPrimary(rel));
		ROW_ISNULL(&row, key_columns) = false;
	}

	label = TextDatumGetCString(ROW_VALUE(&row, label));
	existing = type_to_register(relid, label);
	if (existing != NULL && !ObjectTypeIsBoundBy(existing, ROW_VALUE(&row, key_columns)))
	{
		ObjectKeyCheck(rel, NameArrayToList(ROW_VALUE(&row, key_columns)));
		ObjectTypeLockToChange(existing);
		existing = type_to_register(relid, label);
	}
	relation_close(rel, NoLock);

	PG_RETURN_DATUM(store_object_type(existing != NULL ? &update_object_type :
									  &insert_object_type, &row));
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

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("label to register must not be null")));

	PreventCommandIfReadOnly("actstream.register_external()");
	check_registry_privilege(ACL_INSERT | ACL_UPDATE);
	LockRelationOid(ObjectTypeRelationId(), ShareRowExclusiveLock);

	memset(row.isnull, true, sizeof(row.isnull));
	take_argument(&row, Anum_object_type_label, fcinfo, 0);
	take_argument(&row, Anum_object_type_name_template, fcinfo, 1);
	take_argument(&row, Anum_object_type_url_template, fcinfo, 2);

	/* nobody tells us of the end of such an object, nor of its existence */
	ROW_VALUE(&row, on_delete) = CStringGetTextDatum("keep");
	ROW_ISNULL(&row, on_delete) = false;
	ROW_VALUE(&row, checked) = BoolGetDatum(false);
	ROW_ISNULL(&row, checked) = false;

	label = TextDatumGetCString(ROW_VALUE(&row, label));
	by_label = RegistryLookupLabel(label, strlen(label));
	check_label_is_free(by_label, InvalidOid);

	PG_RETURN_DATUM(store_object_type(by_label != NULL ? &update_object_type :
									  &insert_object_type, &row));
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
				 errmsg("object type \"%s\" is not registered", label)));
	return type;
}

/*
 * unregister(label)
 */
Datum
actstream_unregister(PG_FUNCTION_ARGS)
{
	Datum		value;
	char	   *label;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("label to unregister must not be null")));
	value = PG_GETARG_DATUM(0);
	label = TextDatumGetCString(value);

	PreventCommandIfReadOnly("actstream.unregister()");
	check_registry_privilege(ACL_DELETE);
	LockRelationOid(ObjectTypeRelationId(), ShareRowExclusiveLock);

	ObjectTypeLockToChange(registered_type(label));
	(void) registered_type(label);

	SPI_connect();
	if (SpiPlanExecute(&delete_object_type, &value, NULL) == 0)
		registry_row_not_found();
	SPI_finish();
	PG_RETURN_VOID();
}

/*
 * ObjectTypeTableDropped
 *		The table of the type was dropped: do with its references what on_delete
 *		says, and forget the type.
 *
 * Nobody's DROP is stopped: "restrict" keeps the references here.  A type that
 * is still referenced then stays, as the label of objects that are nowhere, so
 * that nothing else can take their name.
 */
void
ObjectTypeTableDropped(const char *label)
{
	const RegisteredType *type = RegistryLookupLabel(label, strlen(label));
	Datum		value = CStringGetTextDatum(label);
	RegisteredType dropped;

	if (type == NULL)
		return;
	dropped = *type;
	if (dropped.on_delete == ON_DELETE_RESTRICT)
		dropped.on_delete = ON_DELETE_KEEP;

	/* whoever is sending or following has to come to an end */
	LockRelationOid(ObjectTypeRelationId(), ExclusiveLock);

	IntegritySweep(&dropped);
	SPI_connect();
	SpiPlanExecuteAs(OwnTablesOwner(), RUN_AS_RESTRICTED, ObjectTypeIsReferenced(label) ?
					 &unbind_object_type : &delete_object_type, &value);
	SPI_finish();
}
