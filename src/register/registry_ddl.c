/*
 * registry_ddl.c
 *		What happens to rows of actstream.object_types when their tables are dropped or altered.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/template.h"
#include "object/integrity.h"
#include "object/integrity_remove.h"
#include "object/object_type_rules.h"
#include "register/registry_ddl.h"

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

/*
 * A template with the new name of a column; null if there is no template.  Warns if no template
 * can contain that name.
 */
static Datum
rename_in_template(const char *label, const char *template, const char *old_name, const char *new_name, char *null)
{
	*null = template == NULL ? 'n' : ' ';
	if (template == NULL)
		return (Datum) 0;
	if (!TemplateCanName(new_name) && TemplateNames(template, old_name))
		ereport(WARNING,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("template \"%s\" of object type \"%s\" is broken", template, label),
				 errdetail("Its column \"%s\" is now \"%s\", which no template can contain.", old_name, new_name),
				 errhint("Rename the column back, or give another template to actstream.register().")));
	return CStringGetTextDatum(TemplateRename(template, old_name, new_name));
}

/*
 * ObjectTypeColumnRenamed
 *		A column of a table was renamed: if the table is registered, rename it in its
 *		type.
 */
void
ObjectTypeColumnRenamed(Oid relid, const char *old_name, const char *new_name)
{
	const RegisteredType *type = RegistryLookupRelation(relid);
	Datum		values[5];
	char		nulls[5] = {' ', ' ', ' ', ' ', ' '};

	if (type == NULL)
		return;
	values[0] = CStringGetTextDatum(type->label);
	values[1] = DirectFunctionCall1(namein, CStringGetDatum(old_name));
	values[2] = DirectFunctionCall1(namein, CStringGetDatum(new_name));
	values[3] = rename_in_template(type->label, type->name_template, old_name, new_name, &nulls[3]);
	values[4] = rename_in_template(type->label, type->url_template, old_name, new_name, &nulls[4]);
	change_registry(&rename_in_object_type, values, nulls);
}
