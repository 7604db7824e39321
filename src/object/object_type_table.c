/*
 * object_type_table.c
 *		What a table has to be to be registered, and to stay so.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/template.h"
#include "object/binding.h"
#include "object/object_key.h"
#include "object/object_probe.h"
#include "object/object_trigger.h"
#include "object/object_type_table.h"
#include "object/registry.h"
#include "tables/own_tables.h"

#include "access/relation.h"
#include "access/table.h"
#include "catalog/catalog.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(actstream_object_type_fault);
PG_FUNCTION_INFO_V1(actstream_template_fault);

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

/* Does the table have a partition that is not permanent?  Takes that lock on them, or NoLock. */
static bool
has_unlogged_partition(Relation rel, LOCKMODE lockmode)
{
	ListCell   *lc;

	if (rel->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		return false;
	foreach(lc, find_all_inheritors(RelationGetRelid(rel), lockmode, NULL))
	{
		if (get_rel_name(lfirst_oid(lc)) != NULL &&
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

	if (get_rel_name(relid) != NULL)
		ObjectTypeCheckOwner(relid);
	rel = try_relation_open(relid, ShareRowExclusiveLock);
	if (rel == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid),
				 errhint("It has been dropped, perhaps just now, to be replaced: call the function again.")));
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
	if (rel->rd_rel->relpersistence != RELPERSISTENCE_PERMANENT || has_unlogged_partition(rel, ShareRowExclusiveLock))
		wrong_relation(rel, _(SHORT_LIVED_ROWS), NULL);
	if (IsAnyOwnTable(relid))
		wrong_relation(rel, _("It is a table of extension actstream."), NULL);
	return rel;
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
 * does.  Keeps no lock, but may wait for one on its
 * indexes.
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

/*
 * ObjectTypeTemplateFault
 *		A sentence that says why the template, which may be NULL, gives no name or URL to objects of the
 *		table, or of an external type if that is InvalidOid; NULL if it does.
 */
char *
ObjectTypeTemplateFault(const char *template, Oid relid)
{
	List	   *parts = NIL;
	ListCell   *lc;

	if (template != NULL && !TemplateTryParse(template, &parts))
		return psprintf(_("The template \"%s\" is malformed."), template);
	foreach(lc, parts)
	{
		TemplatePart *part = lfirst(lc);

		if (part->is_column &&
			(OidIsValid(relid) ? get_attnum(relid, part->text) <= 0 :
			 strcmp(part->text, "label") != 0 && strcmp(part->text, "key") != 0))
			return psprintf(_("There is no column \"%s\" for the template \"%s\"."), part->text, template);
	}
	return NULL;
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

	if (fault_of(rel, type) != NULL ||
		ObjectTypeTemplateFault(type->name_template, RelationGetRelid(rel)) != NULL ||
		ObjectTypeTemplateFault(type->url_template, RelationGetRelid(rel)) != NULL)
		return false;
	for (int i = 0; i < type->nkeys; i++)
		key_columns = lappend(key_columns, get_attname(type->relation, type->keys[i], false));
	return ObjectTriggersExist(rel, key_columns);
}

/*
 * ObjectTypeFault
 *		A sentence that says why the table of a type does not meet what was registered; NULL
 *		if it does, or if there is no such type or table.
 */
const char *
ObjectTypeFault(const char *label)
{
	const RegisteredType *found = RegistryLookupLabel(label, strlen(label));
	RegisteredType type;
	Relation	rel;
	const char *fault;

	if (found == NULL || !OidIsValid(found->relation))
		return NULL;
	type = *found;
	rel = try_relation_open(type.relation, AccessShareLock);
	if (rel == NULL)
		return NULL;
	fault = fault_of(rel, &type);
	relation_close(rel, AccessShareLock);
	return fault;
}

/* object_type_fault(label): the same, or null */
Datum
actstream_object_type_fault(PG_FUNCTION_ARGS)
{
	const char *fault;

	OwnTableRequireOwner(OWN_OBJECT_TYPES);
	fault = ObjectTypeFault(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	if (fault == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(fault));
}

/* template_fault(template, relation): see ObjectTypeTemplateFault(); null, too, for a table that is gone */
Datum
actstream_template_fault(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_ARGISNULL(1) ? InvalidOid : PG_GETARG_OID(1);
	char	   *fault = NULL;

	if (!PG_ARGISNULL(0) && (!OidIsValid(relid) || get_rel_name(relid) != NULL))
		fault = ObjectTypeTemplateFault(text_to_cstring(PG_GETARG_TEXT_PP(0)), relid);
	if (fault == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(fault));
}
