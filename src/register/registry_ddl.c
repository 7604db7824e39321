/*
 * registry_ddl.c
 *		What happens to rows of actstream.object_types when their tables are dropped or altered.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/template.h"
#include "object/binding.h"
#include "object/integrity_remove.h"
#include "object/object_type_rules.h"
#include "object/object_type_table.h"
#include "register/registry_ddl.h"

#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"

SpiPlan		ObjectTypeDelete = {
	.sql = "DELETE FROM actstream.object_types t WHERE t.label OPERATOR(pg_catalog.=) $1",
	.nargs = 1,
	.argtypes = {TEXTOID}
};

/* its templates name columns of the dropped table, so they go, too */
static SpiPlan unbind_object_type = {
	.sql = "UPDATE actstream.object_types t SET relation = NULL, key_columns = NULL,"
	" name_template = NULL, url_template = NULL, on_delete = 'keep', checked = false"
	" WHERE t.label OPERATOR(pg_catalog.=) $1",
	.nargs = 1,
	.argtypes = {TEXTOID}
};

static SpiPlan rename_in_object_type = {
	.sql = "UPDATE actstream.object_types t"
	" SET key_columns = pg_catalog.array_replace(t.key_columns, $2, $3),"
	" name_template = $4, url_template = $5"
	" WHERE t.label OPERATOR(pg_catalog.=) $1",
	.nargs = 5,
	.argtypes = {TEXTOID, NAMEOID, NAMEOID, TEXTOID, TEXTOID}
};

/*
 * Run a statement on the registry as its owner, because DDL has changed a registered
 * table.
 */
static void
change_registry(SpiPlan *statement, Datum *values, const char *nulls)
{
	RegistryChange before = ObjectTypeBeginChange(REGISTRY_CHANGE_INTERNAL);

	PG_TRY();
	{
		SPI_connect();
		SpiPlanExecuteAs(OWN_OBJECT_TYPES, RUN_AS_RESTRICTED, statement, values, nulls);
		SPI_finish();
	}
	PG_FINALLY();
	{
		(void) ObjectTypeBeginChange(before);
	}
	PG_END_TRY();
}

/*
 * ObjectTypeTableDropped
 *		The table of the type was dropped: apply on_delete to its references, and
 *		remove the type.
 *
 * A DROP is never refused, so "restrict" keeps the references here.  A type that is
 * still referenced stays, as an external type without templates, so that the label
 * cannot come to mean other objects.  Transactions that have stored references with the
 * label have ended by now, because they lock the table: see IntegrityLockLabel().
 *
 * Raises whatever writing to our tables raises; the caller must not let that stop the
 * DROP.
 */
void
ObjectTypeTableDropped(const RegisteredType *type)
{
	RegisteredType dropped = *type;
	Datum		value = CStringGetTextDatum(dropped.label);
	bool		removed = false;
	bool		stays;

	if (dropped.on_delete == ON_DELETE_RESTRICT)
		dropped.on_delete = ON_DELETE_KEEP;
	if (IntegrityIsReferenced(dropped.label))
		removed = IntegrityForgetLabel(&dropped, RUN_AS_RESTRICTED);
	stays = IntegrityIsReferenced(dropped.label);
	change_registry(stays ? &unbind_object_type : &ObjectTypeDelete, &value, NULL);
	if (removed)
		ereport(NOTICE,
				(errmsg("drop cascades to what refers to objects of type \"%s\"", dropped.label),
				 errhint("Where another table takes its place, call actstream.rebind() before the old one is dropped.")));
	if (stays)
		ereport(NOTICE,
				(errmsg("object type \"%s\" has no table any more, but is still referred to", dropped.label),
				 errdetail("New references are not checked; its templates are gone, and on_delete is 'keep'."),
				 errhint("Bind it to the table that takes its place with actstream.rebind(), then set what it had with actstream.register().")));
}

/* Warn if a template, which may be NULL, names a column that the table does not have. */
static void
warn_of_template(const char *label, const char *template, Oid relid)
{
	char	   *fault = ObjectTypeTemplateFault(template, relid);

	if (fault != NULL)
		ereport(WARNING,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("template of object type \"%s\" is broken", label),
				 errdetail_internal("%s", fault),
				 errhint("Give another one to actstream.register().")));
}

/*
 * ObjectTypeTableAltered
 *		The columns of a table, and of those that inherit from it, have changed: warn if templates name
 *		what is not there any more.
 *
 * Does not look at the registry, which could be locked, if none of the tables can be registered.
 */
void
ObjectTypeTableAltered(Oid relid)
{
	ListCell   *lc;

	foreach(lc, find_all_inheritors(relid, NoLock, NULL))
	{
		const RegisteredType *found = HasOwnTriggerName(lfirst_oid(lc)) && OwnTableExists(OWN_OBJECT_TYPES) ?
			RegistryLookupRelation(lfirst_oid(lc)) : NULL;
		RegisteredType type;

		if (found == NULL)
			continue;
		type = *found;
		warn_of_template(type.label, type.name_template, lfirst_oid(lc));
		warn_of_template(type.label, type.url_template, lfirst_oid(lc));
	}
}

/*
 * A template with the new name of a column; null if there is no template.  Warns if no template
 * can contain that name.
 */
static Datum
rename_in_template(const RegisteredType *type, const char *template, const char *old_name, const char *new_name, char *null)
{
	char	   *renamed;

	*null = template == NULL ? 'n' : ' ';
	if (template == NULL)
		return (Datum) 0;
	renamed = TemplateRename(template, old_name, new_name);
	if (!TemplateCanName(new_name) && TemplateNames(template, old_name))
		warn_of_template(type->label, renamed, type->relation);
	return CStringGetTextDatum(renamed);
}

/* Does the type name a column of its table, as one of its key or in a template? */
static bool
names_column(const RegisteredType *type, const char *name)
{
	ListCell   *lc;

	foreach(lc, type->key_columns)
	{
		if (strcmp(lfirst(lc), name) == 0)
			return true;
	}
	return (type->name_template != NULL && TemplateNames(type->name_template, name)) ||
		(type->url_template != NULL && TemplateNames(type->url_template, name));
}

/*
 * ObjectTypeColumnRenamed
 *		A column of a table was renamed: if the table is registered, rename it in its
 *		type.
 *
 * Says so if the type names a column of the new name, which must have been dropped before.
 */
void
ObjectTypeColumnRenamed(Oid relid, const char *old_name, const char *new_name)
{
	const RegisteredType *type = RegistryLookupRelation(relid);
	Datum		values[5];
	char		nulls[5] = {' ', ' ', ' ', ' ', ' '};

	if (type == NULL)
		return;
	if (names_column(type, new_name))
		ereport(NOTICE,
				(errmsg("object type \"%s\" uses column \"%s\" now", type->label, new_name),
				 errdetail("It named a column that did not exist any more.")));
	values[0] = CStringGetTextDatum(type->label);
	values[1] = DirectFunctionCall1(namein, CStringGetDatum(old_name));
	values[2] = DirectFunctionCall1(namein, CStringGetDatum(new_name));
	values[3] = rename_in_template(type, type->name_template, old_name, new_name, &nulls[3]);
	values[4] = rename_in_template(type, type->url_template, old_name, new_name, &nulls[4]);
	change_registry(&rename_in_object_type, values, nulls);
}
