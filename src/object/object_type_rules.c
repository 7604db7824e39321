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
#include "object/object_probe.h"
#include "object/object_trigger.h"
#include "object/object_type_rules.h"
#include "tables/own_trigger.h"
#include "tables/spi_plan.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "catalog/catalog.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

PG_FUNCTION_INFO_V1(actstream_object_type_check);
PG_FUNCTION_INFO_V1(actstream_object_type_bind);
PG_FUNCTION_INFO_V1(actstream_object_type_keep);
PG_FUNCTION_INFO_V1(actstream_object_type_changed);
PG_FUNCTION_INFO_V1(actstream_object_type_fault);

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
 * ObjectTypeCheckOwner
 *		Raise ERRCODE_INSUFFICIENT_PRIVILEGE unless the current user owns "relid".
 */
void
ObjectTypeCheckOwner(Oid relid)
{
	if (!object_ownercheck(RelationRelationId, relid, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, get_rel_name(relid));
}

static void
wrong_relation(Relation rel, const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_WRONG_OBJECT_TYPE),
			 errmsg("relation \"%s\" cannot be registered",
					RelationGetRelationName(rel)),
			 errdetail_internal("%s", detail),
			 hint != NULL ? errhint("%s", hint) : 0));
}

#define SHORT_LIVED_ROWS	"Its rows do not outlive a session or a crash, but references to them would."

/* "relid" if the table exists, else InvalidOid. */
static Oid
if_exists(Oid relid)
{
	return SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid)) ? relid : InvalidOid;
}

/* Does the table have a partition that is not permanent?  Takes that lock on them, or NoLock. */
static bool
has_unlogged_partition(Relation rel, LOCKMODE lockmode)
{
	ListCell   *lc;

	if (rel->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		return false;
	foreach(lc, find_all_inheritors(RelationGetRelid(rel), lockmode, NULL))
	{
		if (OidIsValid(if_exists(lfirst_oid(lc))) &&
			get_rel_persistence(lfirst_oid(lc)) != RELPERSISTENCE_PERMANENT)
			return true;
	}
	return false;
}

/*
 * ObjectTypeOpenTable
 *		Open a table that the current user may register, with a lock that keeps it from
 *		changing until the end of the transaction.
 *
 * It is the lock that triggers take to create: a weaker one first would deadlock with others who
 * wait for the table, or for one of its partitions.
 *
 * Raises ERRCODE_UNDEFINED_TABLE, ERRCODE_INSUFFICIENT_PRIVILEGE, or
 * ERRCODE_WRONG_OBJECT_TYPE for what can never be registered.
 */
Relation
ObjectTypeOpenTable(Oid relid)
{
	Relation	rel;

	if (OidIsValid(if_exists(relid)))
		ObjectTypeCheckOwner(relid);
	rel = try_relation_open(relid, ShareRowExclusiveLock);
	if (rel == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	if (rel->rd_rel->relkind != RELKIND_RELATION &&
		rel->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		wrong_relation(rel, _("Only tables can be registered."),
					   _("Register the table that its rows come from; for objects without a table, use actstream.register_external()."));
	if (IsSystemRelation(rel))
		wrong_relation(rel, _("It is a system catalog."), NULL);

	ObjectTypeCheckOwner(relid);

	if (rel->rd_rel->relispartition)
		wrong_relation(rel, _("It is a partition."),
					   psprintf(_("Register the partitioned table \"%s\"."),
								get_rel_name(get_partition_parent(relid, true))));
	if (rel->rd_rel->relpersistence != RELPERSISTENCE_PERMANENT || has_unlogged_partition(rel, AccessShareLock))
		wrong_relation(rel, _(SHORT_LIVED_ROWS), NULL);
	if (IsAnyOwnTable(relid))
		wrong_relation(rel, _("It is a table of extension actstream."), NULL);
	return rel;
}

/* The longest template allowed: each session keeps all of them in memory. */
#define TEMPLATE_MAX_BYTES 2048

/*
 * Check a template.  It may name columns of the table "rel"; for an external type "rel"
 * is NULL, and the template may name "label" and "key".
 */
static void
check_template(Datum template, Relation rel)
{
	char	   *source = TextDatumGetCString(template);
	ListCell   *lc;

	if (strlen(source) > TEMPLATE_MAX_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("template is too long"),
				 errdetail("It has %zu bytes; the limit is %d.", strlen(source), TEMPLATE_MAX_BYTES)));
	foreach(lc, TemplateParse(source))
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
	if (ROW_ISNULL(row, relation))
		return InvalidOid;
	return if_exists(DatumGetObjectId(ROW_VALUE(row, relation)));
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

	if (OidIsValid(if_exists(locked.relation)))
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
		rel = table_open(new_relid, ShareRowExclusiveLock);
		ObjectTriggersCreate(rel, NameArrayToList(ROW_VALUE(&change.new, key_columns)));
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

/*
 * How a registered table violates what its type requires, if the index "without", which
 * may be InvalidOid, does not count; NULL if it does not.
 */
static const char *
missing_property(Relation rel, const RegisteredType *type, Oid without)
{
	List	   *columns = NIL;

	if (rel->rd_rel->relpersistence != RELPERSISTENCE_PERMANENT)
		return _(SHORT_LIVED_ROWS);
	for (int i = 0; i < type->nkeys; i++)
	{
		if (!column_is_not_null(RelationGetDescr(rel), type->keys[i] - 1))
			return _("One of its key columns is not marked NOT NULL.");
		columns = lappend(columns, get_attname(type->relation, type->keys[i], false));
	}
	if (!ObjectKeyIsUnique(rel, columns, without))
		return _("It has no unique constraint on exactly its key columns.");
	return NULL;
}

/*
 * ObjectTypeCheckTable
 *		Raise ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST if a table that the command has
 *		altered is registered and bound to its type, but no longer meets what
 *		register() requires.  The index "without" does not count.  For a partition of a
 *		registered table, do what ObjectTypeCheckPartition() does.
 */
void
ObjectTypeCheckTable(Oid relid, Oid without)
{
	const RegisteredType *found = RegistryLookupTable(relid);
	RegisteredType type;
	Relation	rel;
	const char *missing;

	if (found == NULL || found->nkeys == 0)
		return;
	type = *found;
	if (relid != type.relation)
	{
		ObjectTypeCheckPartition(relid);
		return;
	}
	rel = try_relation_open(relid, AccessShareLock);
	if (rel == NULL)
		return;
	missing = missing_property(rel, &type, without);
	if (missing != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("cannot alter table \"%s\" because it is registered as object type \"%s\"",
						RelationGetRelationName(rel), type.label),
				 errdetail_internal("%s", missing),
				 errhint("Use actstream.unregister() first, or bind the object type to another table with actstream.rebind().")));
	relation_close(rel, NoLock);
}

/*
 * ObjectTypeCheckPartition
 *		Raise ERRCODE_WRONG_OBJECT_TYPE if a registered table cannot have this
 *		partition.
 */
void
ObjectTypeCheckPartition(Oid relid)
{
	Relation	rel = table_open(relid, AccessShareLock);

	if (rel->rd_rel->relpersistence != RELPERSISTENCE_PERMANENT || has_unlogged_partition(rel, AccessShareLock))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" cannot be a partition of a registered table",
						RelationGetRelationName(rel)),
				 errdetail_internal("%s", _(SHORT_LIVED_ROWS))));
	table_close(rel, NoLock);
}

/*
 * Why a table that is open does not meet what was registered for its type, as a sentence; NULL if it
 * does.  Takes no lock.
 */
static const char *
fault_of(Relation rel, const RegisteredType *type)
{
	if (type->nkeys == 0)
		return psprintf(_("It has no trigger \"%s\" on the registered key columns."),
						BINDING_TRIGGER_NAME);
	if (!ObjectProbeIsAllowed(rel, true))
		return _("Its owner lacks SELECT or UPDATE on it, or USAGE on its schema.");
	if (rel->rd_rel->relispartition)
		return _("It is a partition of another table.");
	if (has_unlogged_partition(rel, NoLock))
		return _(SHORT_LIVED_ROWS);
	return missing_property(rel, type, InvalidOid);
}

/* Does a template, which may be NULL, name columns of the table only? */
static bool
template_fits(const char *template, Relation rel)
{
	List	   *parts = NIL;
	ListCell   *lc;

	if (template != NULL && !TemplateTryParse(template, &parts))
		return false;
	foreach(lc, parts)
	{
		TemplatePart *part = lfirst(lc);

		if (part->is_column && get_attnum(RelationGetRelid(rel), part->text) <= 0)
			return false;
	}
	return true;
}

/*
 * ObjectTypeIsIntact
 *		Does a table that is open meet what was registered for its type, with all triggers and
 *		templates?
 *
 * The type is a copy, for the registry may be loaded again meanwhile.
 */
bool
ObjectTypeIsIntact(Relation rel, const RegisteredType *type)
{
	List	   *key_columns = NIL;

	if (fault_of(rel, type) != NULL || !template_fits(type->name_template, rel) ||
		!template_fits(type->url_template, rel))
		return false;
	for (int i = 0; i < type->nkeys; i++)
		key_columns = lappend(key_columns, get_attname(type->relation, type->keys[i], false));
	return ObjectTriggersExist(rel, key_columns);
}

/*
 * object_type_fault(label)
 *
 * A sentence that says why the table of a type does not meet what was registered; null
 * if it does, or if there is no such type or table.
 */
Datum
actstream_object_type_fault(PG_FUNCTION_ARGS)
{
	char	   *label = text_to_cstring(PG_GETARG_TEXT_PP(0));
	const RegisteredType *found;
	RegisteredType type;
	Relation	rel;
	const char *fault;

	OwnTableRequireOwner(OWN_OBJECT_TYPES);
	found = RegistryLookupLabel(label, strlen(label));
	if (found == NULL || !OidIsValid(found->relation))
		PG_RETURN_NULL();
	type = *found;
	rel = try_relation_open(type.relation, AccessShareLock);
	if (rel == NULL)
		PG_RETURN_NULL();
	fault = fault_of(rel, &type);
	relation_close(rel, AccessShareLock);
	if (fault == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(fault));
}
