/*
 * object_type.c
 *		Registering object types, and the rules of actstream.object_type.
 *
 * The rules are kept by triggers of the table, so that they hold for register()
 * and for any other way of writing to it.  The functions run as their caller:
 * the privileges on actstream.object_type say who may register at all, and
 * the owner of a table who may register that.
 */
#include "postgres.h"

#include "compat.h"
#include "catalog.h"
#include "object_key.h"
#include "spi_plan.h"
#include "template.h"

#include "access/relation.h"
#include "access/xact.h"
#include "catalog/catalog.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

PG_FUNCTION_INFO_V1(actstream_register);
PG_FUNCTION_INFO_V1(actstream_register_external);
PG_FUNCTION_INFO_V1(actstream_unregister);
PG_FUNCTION_INFO_V1(actstream_object_type_check);
PG_FUNCTION_INFO_V1(actstream_object_type_keep);
PG_FUNCTION_INFO_V1(actstream_object_type_changed);

/* A row of actstream.object_type; the attribute number is the index + 1. */
typedef struct ObjectTypeRow
{
	Datum		values[Natts_object_type];
	bool		isnull[Natts_object_type];
} ObjectTypeRow;

#define ROW_VALUE(row, name)	((row)->values[Anum_object_type_##name - 1])
#define ROW_ISNULL(row, name)	((row)->isnull[Anum_object_type_##name - 1])

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

/*
 * In each index, the first reference that is not below the label's: if it
 * bears another label, none bears this one.
 */
#define FIRST_LABEL(column, relation) \
	"(SELECT actstream.ref_label(t." column ") FROM actstream." relation " t" \
	" WHERE t." column " OPERATOR(actstream.>=) actstream.label_start($1)" \
	" ORDER BY t." column " LIMIT 1)"

static SpiPlan find_label = {
	.sql = "SELECT 1 WHERE $1 OPERATOR(pg_catalog.=) ANY (ARRAY["
	FIRST_LABEL("actor", "action") ", "
	FIRST_LABEL("action_object", "action") ", "
	FIRST_LABEL("target", "action") ", "
	FIRST_LABEL("follower", "follow") ", "
	FIRST_LABEL("followee", "follow") "])",
	.nargs = 1,
	.argtypes = {TEXTOID}
};

static SpiPlan find_any = {
	.sql = "SELECT 1 WHERE EXISTS (SELECT FROM actstream.action)"
	" OR EXISTS (SELECT FROM actstream.follow)",
	.nargs = 0
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
 * Raise ERRCODE_INSUFFICIENT_PRIVILEGE unless the current user owns "relid".
 */
static void
check_owner(Oid relid)
{
	if (!object_ownercheck(RelationRelationId, relid, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, get_rel_name(relid));
}

static void
wrong_relation(Relation rel, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_WRONG_OBJECT_TYPE),
			 errmsg("relation \"%s\" cannot be registered",
					RelationGetRelationName(rel)),
			 errdetail_internal("%s", detail)));
}

/*
 * Open a table that the current user may register, and keep it from changing
 * until the end of the transaction.
 *
 * ERRCODE_UNDEFINED_TABLE, ERRCODE_INSUFFICIENT_PRIVILEGE, or for what can
 * never be registered ERRCODE_WRONG_OBJECT_TYPE.
 */
static Relation
open_registrable(Oid relid)
{
	Relation	rel = try_relation_open(relid, AccessShareLock);

	if (rel == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	if (rel->rd_rel->relkind != RELKIND_RELATION &&
		rel->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		wrong_relation(rel, _("Only tables can be registered."));
	if (IsSystemRelation(rel))
		wrong_relation(rel, _("It is a system catalog."));

	check_owner(relid);

	if (rel->rd_rel->relispartition)
		wrong_relation(rel, _("It is a partition; register the partitioned table."));
	if (rel->rd_rel->relpersistence != RELPERSISTENCE_PERMANENT)
		wrong_relation(rel, _("Its rows do not outlive a session or a crash, references do."));
	if (relid == ObjectTypeRelationId() || relid == ActionRelationId() ||
		relid == FollowRelationId())
		wrong_relation(rel, _("It belongs to extension actstream."));
	return rel;
}

/*
 * A text[] or name[] of names, from a list of char *.
 */
static Datum
name_array(List *names)
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
 * Check a template: "rel" is the table whose columns it may name, NULL for an
 * external type, which has a label and a key, and while that cannot be known.
 */
static void
check_template(Datum template, Relation rel, bool external)
{
	ListCell   *lc;

	foreach(lc, TemplateParse(TextDatumGetCString(template)))
	{
		TemplatePart *part = lfirst(lc);

		if (!part->is_column)
			continue;
		if (external && strcmp(part->text, "label") != 0 &&
			strcmp(part->text, "key") != 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("unrecognized name in template: \"%s\"", part->text),
					 errdetail("The template of an external type may hold {label} and {key}.")));
		if (rel != NULL && get_attnum(RelationGetRelid(rel), part->text) <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("column \"%s\" of relation \"%s\" does not exist",
							part->text, RelationGetRelationName(rel)),
					 errdetail("It is named in a template.")));
	}
}

static void
check_on_delete(Datum on_delete)
{
	char	   *value = TextDatumGetCString(on_delete);

	if (strcmp(value, "cascade") != 0 && strcmp(value, "set null") != 0 &&
		strcmp(value, "restrict") != 0 && strcmp(value, "keep") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unrecognized value for on_delete: \"%s\"", value),
				 errhint("Use \"cascade\", \"set null\", \"restrict\" or \"keep\".")));
}

/*
 * Check a row that is about to be stored.  Nulls where they do not belong are
 * left to the constraints of the table.
 */
static void
check_new_row(const ObjectTypeRow *row, bool loading)
{
	Relation	rel = NULL;
	bool		external = ROW_ISNULL(row, relation);
	List	   *key_columns = NIL;

	if (!ROW_ISNULL(row, label))
	{
		text	   *label = DatumGetTextPP(ROW_VALUE(row, label));

		RefCheckLabel(VARDATA_ANY(label), VARSIZE_ANY_EXHDR(label));
	}
	if (!ROW_ISNULL(row, on_delete))
		check_on_delete(ROW_VALUE(row, on_delete));
	if (!ROW_ISNULL(row, key_columns))
		key_columns = NameArrayToList(ROW_VALUE(row, key_columns));

	/* in a dump the table comes first, but its primary key comes last */
	if (!external && !loading)
	{
		rel = open_registrable(DatumGetObjectId(ROW_VALUE(row, relation)));
		if (!ROW_ISNULL(row, key_columns))
			ObjectKeyCheck(rel, key_columns);
	}
	if (!ROW_ISNULL(row, name_template))
		check_template(ROW_VALUE(row, name_template), rel, external);
	if (!ROW_ISNULL(row, url_template))
		check_template(ROW_VALUE(row, url_template), rel, external);

	if (rel != NULL)
		relation_close(rel, NoLock);
}

/*
 * Raise ERRCODE_FOREIGN_KEY_VIOLATION if any action or follow bears "label",
 * or, where that is NULL, if there is any at all.
 *
 * Takes ExclusiveLock on the registry until the end of the transaction, which
 * waits for every transaction that has sent or followed: see
 * IntegrityCheckRow().
 */
static void
check_unreferenced(Relation registry, const char *label)
{
	uint64		found;

	LockRelationOid(RelationGetRelid(registry), ExclusiveLock);

	SPI_connect();
	if (label != NULL)
	{
		Datum		value = CStringGetTextDatum(label);

		found = SpiPlanExecuteNewest(&find_label, &value, registry->rd_rel->relowner);
	}
	else
		found = SpiPlanExecuteNewest(&find_any, NULL, registry->rd_rel->relowner);
	SPI_finish();

	if (found > 0)
		ereport(ERROR,
				(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
				 label != NULL ?
				 errmsg("object type \"%s\" is still referenced", label) :
				 errmsg("object types are still referenced"),
				 errdetail("Actions or follows refer to objects of that type.")));
}

/*
 * Check that a stored row may go, or change what its label means.
 */
static void
check_old_row(Relation registry, const ObjectTypeRow *row)
{
	Oid			relid = ROW_ISNULL(row, relation) ? InvalidOid :
		DatumGetObjectId(ROW_VALUE(row, relation));

	/* a table that was dropped has no owner to ask */
	if (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid)))
		check_owner(relid);
	check_unreferenced(registry, TextDatumGetCString(ROW_VALUE(row, label)));
}

/*
 * Does the label of "old" come to mean something else?
 */
static bool
meaning_changes(TupleDesc tupdesc, const ObjectTypeRow *old, const ObjectTypeRow *new)
{
	static const AttrNumber meaning[] = {
		Anum_object_type_label,
		Anum_object_type_relation,
		Anum_object_type_key_columns
	};

	for (int i = 0; i < (int) lengthof(meaning); i++)
	{
		int			at = meaning[i] - 1;
		Form_pg_attribute att = TupleDescAttr(tupdesc, at);

		if (old->isnull[at] != new->isnull[at])
			return true;
		if (!old->isnull[at] &&
			!datum_image_eq(old->values[at], new->values[at],
							att->attbyval, att->attlen))
			return true;
	}
	return false;
}

/*
 * Trigger BEFORE INSERT OR UPDATE OR DELETE ON actstream.object_type, for each
 * row: what is stored is valid, and what is referenced keeps its meaning.
 */
Datum
actstream_object_type_check(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = OwnTriggerData(fcinfo, ObjectTypeRelationId());
	Relation	rel = trigdata->tg_relation;
	TupleDesc	tupdesc = RelationGetDescr(rel);
	HeapTuple	old_tuple = NULL;
	HeapTuple	new_tuple = NULL;
	ObjectTypeRow old_row;
	ObjectTypeRow new_row;

	if (!TRIGGER_FIRED_BEFORE(trigdata->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigdata->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("trigger must be fired before a change, for each row")));

	if (TRIGGER_FIRED_BY_INSERT(trigdata->tg_event))
		new_tuple = trigdata->tg_trigtuple;
	else
	{
		old_tuple = trigdata->tg_trigtuple;
		new_tuple = trigdata->tg_newtuple;	/* NULL for DELETE */
	}

	if (new_tuple != NULL)
	{
		heap_deform_tuple(new_tuple, tupdesc, new_row.values, new_row.isnull);
		check_new_row(&new_row, IsLoadingDump(rel));
	}
	if (old_tuple != NULL)
	{
		heap_deform_tuple(old_tuple, tupdesc, old_row.values, old_row.isnull);
		if (new_tuple == NULL || meaning_changes(tupdesc, &old_row, &new_row))
			check_old_row(rel, &old_row);
	}

	return PointerGetDatum(new_tuple != NULL ? new_tuple : old_tuple);
}

/*
 * Trigger BEFORE TRUNCATE ON actstream.object_type.
 */
Datum
actstream_object_type_keep(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = OwnTriggerData(fcinfo, ObjectTypeRelationId());

	if (!TRIGGER_FIRED_BY_TRUNCATE(trigdata->tg_event) ||
		!TRIGGER_FIRED_BEFORE(trigdata->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("trigger must be fired before TRUNCATE")));

	check_unreferenced(trigdata->tg_relation, NULL);
	return PointerGetDatum(NULL);
}

/*
 * Trigger AFTER any change OF actstream.object_type, for each statement: all
 * sessions, this one at its next command, read the registry anew.
 */
Datum
actstream_object_type_changed(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = OwnTriggerData(fcinfo, ObjectTypeRelationId());

	CacheInvalidateRelcache(trigdata->tg_relation);
	return PointerGetDatum(NULL);
}

/*
 * Run a statement on the registry that stores "row", as the current user, and
 * return the row as stored.
 *
 * The caller holds a lock that keeps other sessions from registering, and has
 * seen in the newest state of the registry that there is such a row to update:
 * if it is not found, this transaction is too old to see it.
 */
static Datum
store_object_type(SpiPlan *statement, ObjectTypeRow *row)
{
	char		nulls[Natts_object_type];
	Datum		result;

	for (int i = 0; i < Natts_object_type; i++)
		nulls[i] = row->isnull[i] ? 'n' : ' ';

	SPI_connect();
	if (SpiPlanExecute(statement, row->values, nulls) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not serialize access due to concurrent registration")));
	result = SpiPlanResult(1);
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
	const RegisteredType *by_label;
	const RegisteredType *by_relation;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("relation to register must not be null")));
	relid = PG_GETARG_OID(0);

	check_registry_privilege(ACL_INSERT | ACL_UPDATE);
	rel = open_registrable(relid);
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
		ROW_VALUE(&row, key_columns) = name_array(ObjectKeyPrimary(rel));
		ROW_ISNULL(&row, key_columns) = false;
	}
	relation_close(rel, NoLock);

	label = TextDatumGetCString(ROW_VALUE(&row, label));
	by_relation = RegistryLookupRelation(relid);
	if (by_relation != NULL && strcmp(by_relation->label, label) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("table \"%s\" is already registered with label \"%s\"",
						get_rel_name(relid), by_relation->label)));
	by_label = RegistryLookupLabel(label, strlen(label));
	check_label_is_free(by_label, relid);

	PG_RETURN_DATUM(store_object_type(by_label != NULL ? &update_object_type :
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

	check_registry_privilege(ACL_DELETE);
	LockRelationOid(ObjectTypeRelationId(), ExclusiveLock);

	if (RegistryLookupLabel(label, strlen(label)) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("object type \"%s\" is not registered", label)));

	SPI_connect();
	if (SpiPlanExecute(&delete_object_type, &value, NULL) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not serialize access due to concurrent registration")));
	SPI_finish();
	PG_RETURN_VOID();
}
