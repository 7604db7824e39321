/*
 * object_type_rules.c
 *		The rules that rows of actstream.object_types must obey.
 *
 * Triggers of the table enforce them, so that they hold for register() and for any other
 * way of writing to the table.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/column_names.h"
#include "base/template.h"
#include "object/binding.h"
#include "object/integrity.h"
#include "object/integrity_remove.h"
#include "object/object_key.h"
#include "object/object_trigger.h"
#include "object/object_type_rules.h"
#include "object/object_type_table.h"
#include "tables/own_trigger.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(actstream_object_type_check);
PG_FUNCTION_INFO_V1(actstream_object_type_bind);
PG_FUNCTION_INFO_V1(actstream_object_type_keep);
PG_FUNCTION_INFO_V1(actstream_object_type_changed);

static RegistryChange current_change = REGISTRY_CHANGE_CHECKED;

/*
 * ObjectTypeBeginChange
 *		Set what the next statements on the registry are for.  Returns the previous
 *		value, which the caller must restore, even after an error.
 */
RegistryChange
ObjectTypeBeginChange(RegistryChange change)
{
	RegistryChange before = current_change;

	current_change = change;
	return before;
}

/*
 * The longest template allowed: each session keeps all of them in memory.  A column counts the same
 * whatever it is called, so that a template that was allowed still is when columns have been renamed.
 */
#define TEMPLATE_MAX_BYTES 2048
#define BYTES_FOR_COLUMN 16

/*
 * Check a template.  It may name columns of the table "rel"; for an external type "rel"
 * is NULL, and the template may name "label" and "key".
 */
static void
check_template(Datum template, Relation rel)
{
	List	   *parts = TemplateParse(TextDatumGetCString(template));
	size_t		size = 0;
	ListCell   *lc;

	foreach(lc, parts)
	{
		TemplatePart *part = lfirst(lc);

		size += part->is_column ? BYTES_FOR_COLUMN : strlen(part->text);
	}
	if (size > TEMPLATE_MAX_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("template is too long"),
				 errdetail("It has %zu bytes, of which each column counts as %d; the limit is %d.",
						   size, BYTES_FOR_COLUMN, TEMPLATE_MAX_BYTES)));
	foreach(lc, parts)
	{
		TemplatePart *part = lfirst(lc);

		if (!part->is_column)
			continue;
		if (rel == NULL && strcmp(part->text, "label") != 0 &&
			strcmp(part->text, "key") != 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("unrecognized name in template: \"%s\"", part->text),
					 errdetail("A template of an external type can contain {label} and {key} only.")));
		if (rel != NULL && get_attnum(RelationGetRelid(rel), part->text) <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("column \"%s\" of relation \"%s\" does not exist",
							part->text, RelationGetRelationName(rel)),
					 errdetail("A template refers to it."),
					 errhint("Its columns are %s.", ColumnNames(RelationGetDescr(rel)))));
	}
}

static bool
attribute_differs(TupleDesc tupdesc, AttrNumber attnum, const ObjectTypeRow *old,
				  const ObjectTypeRow *new)
{
	int			at = attnum - 1;
	Form_pg_attribute att = TupleDescAttr(tupdesc, at);

	if (old->isnull[at] || new->isnull[at])
		return old->isnull[at] != new->isnull[at];
	return !datum_image_eq(old->values[at], new->values[at],
						   att->attbyval, att->attlen);
}

/*
 * Raise a notice if that template is new or changed and names no column, in case the
 * braces were forgotten.  "old" is the row as it was, or NULL.
 */
static void
warn_of_template(TupleDesc tupdesc, AttrNumber attnum, const ObjectTypeRow *old,
				 const ObjectTypeRow *new)
{
	char	   *template;

	if (new->isnull[attnum - 1] ||
		(old != NULL && !attribute_differs(tupdesc, attnum, old, new)))
		return;
	template = TextDatumGetCString(new->values[attnum - 1]);
	if (template[0] == '\0' || TemplateHasColumn(TemplateParse(template)))
		return;
	ereport(NOTICE,
			(attnum == Anum_object_type_name_template ?
			 errmsg("name template \"%s\" contains no column", template) :
			 errmsg("URL template \"%s\" contains no column", template),
			 attnum == Anum_object_type_name_template ?
			 errdetail("All objects of the type will have the same name.") :
			 errdetail("All objects of the type will have the same URL."),
			 ROW_ISNULL(new, relation) ?
			 errhint("Write {key} to insert the key of the object.") :
			 errhint("Write {column} to insert the value of a column.")));
}

/*
 * Check a row that is about to be stored.  Nulls are left to the constraints of the
 * table.
 */
static void
check_new_row(const ObjectTypeRow *row)
{
	Relation	rel = NULL;
	List	   *key_columns = NIL;

	if (!ROW_ISNULL(row, label))
	{
		text	   *label = DatumGetTextPP(ROW_VALUE(row, label));

		RefCheckLabel(VARDATA_ANY(label), VARSIZE_ANY_EXHDR(label));
		if (RefAfterLabel(VARDATA_ANY(label), VARSIZE_ANY_EXHDR(label)) == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_NAME),
					 errmsg("label \"%s\" cannot be registered", text_to_cstring(label)),
					 errdetail("It is the greatest possible label.")));
	}
	if (!ROW_ISNULL(row, on_delete))
		(void) OnDeleteFromText(TextDatumGetCString(ROW_VALUE(row, on_delete)));
	if (!ROW_ISNULL(row, key_columns))
		key_columns = NameArrayToList(ROW_VALUE(row, key_columns));

	if (!ROW_ISNULL(row, relation))
	{
		rel = ObjectTypeOpenTable(DatumGetObjectId(ROW_VALUE(row, relation)));
		if (!ROW_ISNULL(row, key_columns))
			ObjectKeyCheck(rel, key_columns);
	}
	if (!ROW_ISNULL(row, name_template))
		check_template(ROW_VALUE(row, name_template), rel);
	if (!ROW_ISNULL(row, url_template))
		check_template(ROW_VALUE(row, url_template), rel);

	if (rel != NULL)
		relation_close(rel, NoLock);
}

/*
 * Raise ERRCODE_FOREIGN_KEY_VIOLATION if any action or follow refers to objects of the
 * type.
 *
 * Locks the label until the end of the transaction, which waits for every transaction
 * that has stored references with it.
 */
static void
check_unreferenced(const RegisteredType *type)
{
	bool		referenced = IntegrityIsReferenced(type->label);

	/* if it is, report that without waiting */
	if (!referenced)
	{
		IntegrityLockLabel(type, AccessExclusiveLock);
		referenced = IntegrityIsReferenced(type->label);
	}
	if (referenced)
		ereport(ERROR,
				(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
				 errmsg("object type \"%s\" is still referenced", type->label),
				 errdetail("Actions, follows, mutes or marks refer to objects of that type."),
				 errhint("Delete those rows of actstream.actions, actstream.follows, actstream.mutes and actstream.marks first, or bind the object type to another table, or to other columns, with actstream.rebind().")));
}

/*
 * The table of a stored row; InvalidOid if the type is external or the table was
 * dropped.
 */
static Oid
existing_relation(const ObjectTypeRow *row)
{
	if (ROW_ISNULL(row, relation) || get_rel_name(DatumGetObjectId(ROW_VALUE(row, relation))) == NULL)
		return InvalidOid;
	return DatumGetObjectId(ROW_VALUE(row, relation));
}

/* Check that a stored row may be deleted, or change what its label means. */
static void
check_old_row(const ObjectTypeRow *row)
{
	char	   *label = TextDatumGetCString(ROW_VALUE(row, label));
	Oid			relid = existing_relation(row);
	RegisteredType type = {.relation = relid};

	strlcpy(type.label, label, sizeof(type.label));
	if (OidIsValid(relid))
		ObjectTypeCheckOwner(relid);
	check_unreferenced(&type);
}

/*
 * ObjectTypeLockToChange
 *		Take the lock that check_old_row() will need to delete the type or to change
 *		what its label means, before the caller locks the registry.
 *
 * Otherwise we would deadlock with a transaction that has sent actions and then
 * registers a table: it would wait for our lock on the registry, and we for its lock on
 * the label.  The registry may change while this waits: the caller has to look again.
 *
 * If the change will fail anyway, this does not wait: it raises
 * ERRCODE_INSUFFICIENT_PRIVILEGE if the user is not the owner, and leaves a label that
 * is referenced to check_old_row().
 */
void
ObjectTypeLockToChange(const RegisteredType *type)
{
	RegisteredType locked = *type;

	if (OidIsValid(locked.relation) && get_rel_name(locked.relation) != NULL)
		ObjectTypeCheckOwner(locked.relation);
	if (!IntegrityIsReferenced(locked.label))
		IntegrityLockLabel(&locked, AccessExclusiveLock);
}

/* The type of a stored row, if its table is bound to it; else NULL. */
static const RegisteredType *
bound_type(const ObjectTypeRow *row)
{
	char	   *label = TextDatumGetCString(ROW_VALUE(row, label));
	const RegisteredType *type = RegistryLookupLabel(label, strlen(label));

	return type != NULL && OidIsValid(existing_relation(row)) &&
		type->relation == existing_relation(row) && type->nkeys > 0 ? type : NULL;
}

/*
 * ObjectTypeIsBoundBy
 *		Is the table bound by exactly these columns, whatever their names were at
 *		registration?
 */
bool
ObjectTypeIsBoundBy(const RegisteredType *type, Datum key_columns)
{
	List	   *columns = NameArrayToList(key_columns);
	ListCell   *lc;

	if (type->nkeys != list_length(columns))
		return false;
	foreach(lc, columns)
	{
		if (get_attnum(type->relation, lfirst(lc)) != type->keys[foreach_current_index(lc)])
			return false;
	}
	return true;
}

/*
 * Does the label of "old" come to mean something else?
 *
 * Not if its table was dropped and the type becomes an external one.
 */
static bool
meaning_changes(TupleDesc tupdesc, const ObjectTypeRow *old, const ObjectTypeRow *new)
{
	const RegisteredType *type;

	if (attribute_differs(tupdesc, Anum_object_type_label, old, new))
		return true;
	if (ROW_ISNULL(new, relation) && !OidIsValid(existing_relation(old)))
		return false;
	if (attribute_differs(tupdesc, Anum_object_type_relation, old, new))
		return true;
	type = bound_type(old);
	if (type == NULL || ROW_ISNULL(new, key_columns))
		return attribute_differs(tupdesc, Anum_object_type_key_columns, old, new);
	return !ObjectTypeIsBoundBy(type, ROW_VALUE(new, key_columns));
}

/* The arguments of a row trigger of the registry. */
typedef struct RowChange
{
	TriggerData *trigdata;
	TupleDesc	tupdesc;
	bool		has_old;
	bool		has_new;
	ObjectTypeRow old;			/* undefined unless has_old is set */
	ObjectTypeRow new;
} RowChange;

/*
 * Begin a row trigger of the registry.  Raises ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED
 * unless it is fired BEFORE ("before" set) or AFTER a change, for each row.
 */
static void
begin_change(RowChange *change, FunctionCallInfo fcinfo, bool before)
{
	TriggerData *trigdata = OwnTriggerData(fcinfo, OWN_OBJECT_TYPES, &change->tupdesc);
	TriggerEvent event = trigdata->tg_event;
	HeapTuple	new_tuple = TRIGGER_FIRED_BY_INSERT(event) ?
		trigdata->tg_trigtuple : trigdata->tg_newtuple;

	if ((before ? !TRIGGER_FIRED_BEFORE(event) : !TRIGGER_FIRED_AFTER(event)) ||
		!TRIGGER_FIRED_FOR_ROW(event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 before ?
				 errmsg("trigger must be fired before a change, for each row") :
				 errmsg("trigger must be fired after a change, for each row")));
	change->trigdata = trigdata;
	change->has_old = !TRIGGER_FIRED_BY_INSERT(event);
	change->has_new = !TRIGGER_FIRED_BY_DELETE(event);
	for (int i = 0; i < Natts_object_type; i++)
	{
		if (change->has_old)
			change->old.values[i] = heap_getattr(trigdata->tg_trigtuple, i + 1,
												 change->tupdesc, &change->old.isnull[i]);
		if (change->has_new)
			change->new.values[i] = heap_getattr(new_tuple, i + 1,
												 change->tupdesc, &change->new.isnull[i]);
	}
}

/* What a BEFORE ROW trigger returns to let the change happen. */
static Datum
let_change(const TriggerData *trigdata)
{
	return PointerGetDatum(TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event) ?
						   trigdata->tg_newtuple : trigdata->tg_trigtuple);
}

/*
 * Trigger BEFORE INSERT OR UPDATE OR DELETE ON actstream.object_types, for each row:
 * what is stored must be valid, and a label that is referenced must keep its meaning.
 */
Datum
actstream_object_type_check(PG_FUNCTION_ARGS)
{
	RowChange	change;

	begin_change(&change, fcinfo, true);
	if (current_change == REGISTRY_CHANGE_INTERNAL)
		return let_change(change.trigdata);
	if (change.has_new)
	{
		const ObjectTypeRow *old = change.has_old ? &change.old : NULL;

		check_new_row(&change.new);
		warn_of_template(change.tupdesc, Anum_object_type_name_template, old, &change.new);
		warn_of_template(change.tupdesc, Anum_object_type_url_template, old, &change.new);
	}
	if (change.has_old && current_change == REGISTRY_CHANGE_CHECKED &&
		(!change.has_new || meaning_changes(change.tupdesc, &change.old, &change.new)))
		check_old_row(&change.old);
	return let_change(change.trigdata);
}

/*
 * Trigger AFTER INSERT OR UPDATE OR DELETE ON actstream.object_types, for each row:
 * create the triggers that bind a registered table, drop them from one that is no longer
 * registered.
 */
Datum
actstream_object_type_bind(PG_FUNCTION_ARGS)
{
	RowChange	change;
	Oid			old_relid;
	Oid			new_relid;
	Relation	rel;

	begin_change(&change, fcinfo, false);
	if (current_change == REGISTRY_CHANGE_INTERNAL)
		return PointerGetDatum(NULL);

	old_relid = change.has_old ? existing_relation(&change.old) : InvalidOid;
	new_relid = change.has_new ? existing_relation(&change.new) : InvalidOid;

	if (OidIsValid(old_relid) && old_relid != new_relid)
	{
		rel = table_open(old_relid, AccessExclusiveLock);
		ObjectTriggersDrop(rel);
		table_close(rel, NoLock);
	}
	if (OidIsValid(new_relid))
	{
		List	   *key_columns = NameArrayToList(ROW_VALUE(&change.new, key_columns));
		AttrNumber	keys[INDEX_MAX_KEYS];

		rel = table_open(new_relid, ShareRowExclusiveLock);
		if (BindingFind(new_relid, key_columns, keys) == 0 || !ObjectTriggersExist(rel, key_columns))
			ObjectTriggersCreate(rel, key_columns, old_relid == new_relid);
		table_close(rel, NoLock);
	}
	return PointerGetDatum(NULL);
}

/* Trigger BEFORE TRUNCATE ON actstream.object_types: refuse it. */
Datum
actstream_object_type_keep(PG_FUNCTION_ARGS)
{
	TupleDesc	tupdesc;

	(void) OwnTriggerData(fcinfo, OWN_OBJECT_TYPES, &tupdesc);
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot truncate table \"object_types\""),
			 errhint("Use actstream.unregister() or DELETE.")));
	return PointerGetDatum(NULL);	/* keep compiler quiet */
}

/*
 * Trigger BEFORE and AFTER INSERT OR UPDATE OR DELETE ON actstream.object_types, for
 * each row: make all sessions reload the registry, this one at its next command.
 *
 * For each row, because logical replication workers fire no statement triggers.  After
 * the row is stored, because another session may have loaded the registry just before.
 * Also before, because this session may load the registry during the statement, and if
 * the statement then fails, no AFTER trigger fires.
 */
Datum
actstream_object_type_changed(PG_FUNCTION_ARGS)
{
	TupleDesc	tupdesc;
	TriggerData *trigdata = OwnTriggerData(fcinfo, OWN_OBJECT_TYPES, &tupdesc);

	CacheInvalidateRelcache(trigdata->tg_relation);
	return let_change(trigdata);
}
