/*
 * integrity.c
 *		References and the rows that they name: together or not at all.
 *
 * What a foreign key does with a fixed pair of tables is done here for any
 * registered table, and in the same way, see ri_triggers.c: whoever stores a
 * reference locks the row that it names FOR KEY SHARE; whoever deletes a row
 * looks for references to it in the newest state of the database, where those
 * that were stored before he got the row are to be seen.
 */
#include "postgres.h"

#include "compat.h"
#include "integrity.h"
#include "object_row.h"
#include "spi_plan.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(actstream_object_exists);

/* as many references as a row of our tables has */
#define MAX_REFERENCES 3

/* where references are, in the words of the statements below */
#define IN_ACTION(column) "actstream.action t WHERE t." column " OPERATOR(actstream.=) $1"
#define IN_FOLLOW(column) "actstream.follow t WHERE t." column " OPERATOR(actstream.=) $1"

#define REF_STATEMENT(text) \
	{.sql = text, .nargs = 1, .argtypes = {REF_ARG}}

/* locked, for a reference that is being deleted may be gone in a moment */
#define FIND(text) REF_STATEMENT("SELECT 1 FROM " text " LIMIT 1 FOR KEY SHARE OF t")

static SpiPlan find_reference[] = {
	FIND(IN_ACTION("actor")),
	FIND(IN_ACTION("action_object")),
	FIND(IN_ACTION("target")),
	FIND(IN_FOLLOW("follower")),
	FIND(IN_FOLLOW("followee"))
};

static SpiPlan delete_by_actor = REF_STATEMENT("DELETE FROM " IN_ACTION("actor"));

static SpiPlan delete_by_role[] = {
	REF_STATEMENT("DELETE FROM " IN_ACTION("action_object")),
	REF_STATEMENT("DELETE FROM " IN_ACTION("target"))
};

static SpiPlan empty_role[] = {
	REF_STATEMENT("UPDATE actstream.action t SET action_object = NULL"
				  " WHERE t.action_object OPERATOR(actstream.=) $1"),
	REF_STATEMENT("UPDATE actstream.action t SET target = NULL"
				  " WHERE t.target OPERATOR(actstream.=) $1")
};

static SpiPlan delete_follows[] = {
	REF_STATEMENT("DELETE FROM " IN_FOLLOW("follower")),
	REF_STATEMENT("DELETE FROM " IN_FOLLOW("followee"))
};

/*
 * A follow that the new reference has already makes the old one superfluous;
 * it is left to delete_follows.
 */
#define RENAME_IN_ACTION(column) \
	{.sql = "UPDATE actstream.action t SET " column " = $2" \
	 " WHERE t." column " OPERATOR(actstream.=) $1", \
	 .nargs = 2, .argtypes = {REF_ARG, REF_ARG}}
#define RENAME_IN_FOLLOW(column, other) \
	{.sql = "UPDATE actstream.follow t SET " column " = $2" \
	 " WHERE t." column " OPERATOR(actstream.=) $1 AND NOT EXISTS" \
	 " (SELECT FROM actstream.follow u WHERE u." column " OPERATOR(actstream.=) $2" \
	 " AND u." other " OPERATOR(actstream.=) t." other \
	 " AND u.flag OPERATOR(pg_catalog.=) t.flag)", \
	 .nargs = 2, .argtypes = {REF_ARG, REF_ARG}}

static SpiPlan rename_object[] = {
	RENAME_IN_ACTION("actor"),
	RENAME_IN_ACTION("action_object"),
	RENAME_IN_ACTION("target"),
	RENAME_IN_FOLLOW("follower", "followee"),
	RENAME_IN_FOLLOW("followee", "follower")
};

/* every object of a label that is referred to, once */
#define OF_LABEL(column, relation) \
	"SELECT t." column " FROM actstream." relation " t" \
	" WHERE t." column " OPERATOR(actstream.>=) actstream.label_start($1)" \
	" AND t." column " OPERATOR(actstream.<) actstream.label_stop($1)"

static SpiPlan list_objects = {
	.sql = OF_LABEL("actor", "action") " UNION "
	OF_LABEL("action_object", "action") " UNION "
	OF_LABEL("target", "action") " UNION "
	OF_LABEL("follower", "follow") " UNION "
	OF_LABEL("followee", "follow"),
	.nargs = 1,
	.argtypes = {TEXTOID}
};

/*
 * A row that is known to exist while one of its triggers sends an action about
 * it, or NULL.  Belongs to who set it.
 */
static const Ref *known_row = NULL;

/*
 * IntegrityKnownRow
 *		Take the existence of this row, or with NULL of none, for granted.
 *
 * Returns what was taken for granted before, to which the caller must come back,
 * on an error too.
 */
const Ref *
IntegrityKnownRow(const Ref *ref)
{
	const Ref  *before = known_row;

	known_row = ref;
	return before;
}

/*
 * The registered type of a reference, or ERRCODE_UNDEFINED_OBJECT.
 */
static const RegisteredType *
type_of_reference(const Ref *ref)
{
	const char *label = VARDATA_ANY(ref);
	int			len = RefLabelLength(ref);
	const RegisteredType *type = RegistryLookupLabel(label, len);

	if (type == NULL)
	{
		/* perhaps registered by another session since we last looked */
		AcceptInvalidationMessages();
		type = RegistryLookupLabel(label, len);
	}
	if (type == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("object type \"%.*s\" is not registered", len, label),
				 errhint("Use actstream.register() for a table, actstream.register_external() for objects outside the database.")));
	return type;
}

/*
 * Open the table of the type of "ref", and return a copy of the type as it is
 * now that the table cannot change.
 */
static Relation
open_table_of(const Ref *ref, LOCKMODE lockmode, RegisteredType *type)
{
	const RegisteredType *found = type_of_reference(ref);
	Relation	rel;

	RegistryRequireBound(found);
	rel = table_open(found->relation, lockmode);

	/* waiting for the lock may have brought news */
	*type = *type_of_reference(ref);
	RegistryRequireBound(type);
	return rel;
}

/*
 * Is the row kept from the current user by row-level security?  To him it must
 * look the same as one that does not exist.
 */
static bool
row_is_hidden(Relation rel, const RegisteredType *type, const Ref *ref)
{
	if (check_enable_rls(RelationGetRelid(rel), InvalidOid, true) != RLS_ENABLED)
		return false;
	if (pg_class_aclcheck(RelationGetRelid(rel), GetUserId(), ACL_SELECT) != ACLCHECK_OK ||
		object_aclcheck(NamespaceRelationId, RelationGetNamespace(rel),
						GetUserId(), ACL_USAGE) != ACLCHECK_OK)
		return true;
	return !ObjectRowFind(rel, type, ref, ROW_QUERY_VISIBLE);
}

/*
 * Check one reference, and keep what it names from vanishing until the end of
 * the transaction.
 */
static void
check_reference(const Ref *ref)
{
	RegisteredType type;
	Relation	rel;
	bool		found;

	if (!type_of_reference(ref)->checked || (known_row != NULL && RefCompare(ref, known_row) == 0))
		return;

	rel = open_table_of(ref, RowShareLock, &type);
	found = !row_is_hidden(rel, &type, ref) &&
		ObjectRowFind(rel, &type, ref, ROW_QUERY_LOCK);
	table_close(rel, NoLock);

	if (!found)
		ereport(ERROR,
				(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
				 errmsg("object \"%s\" does not exist", RefToText(ref))));
}

static int
compare_refs(const void *a, const void *b)
{
	return RefCompare(*(const Ref *const *) a, *(const Ref *const *) b);
}

/*
 * Take the references in "columns" out of a row, in the order in which their
 * rows are to be locked; those that it had before, as "old", are left out.
 * Returns their number.
 */
static int
collect_references(TupleDesc tupdesc, HeapTuple row, HeapTuple old,
				   const AttrNumber *columns, int ncolumns, const Ref **refs)
{
	int			n = 0;

	Assert(ncolumns <= MAX_REFERENCES);
	for (int i = 0; i < ncolumns; i++)
	{
		bool		isnull;
		Datum		value = heap_getattr(row, columns[i], tupdesc, &isnull);
		const Ref  *ref;

		if (isnull)
			continue;
		ref = DatumGetRefPP(value);
		if (old != NULL)
		{
			value = heap_getattr(old, columns[i], tupdesc, &isnull);
			if (!isnull && RefCompare(DatumGetRefPP(value), ref) == 0)
				continue;
		}
		refs[n++] = ref;
	}
	qsort(refs, n, sizeof(refs[0]), compare_refs);
	return n;
}

/*
 * IntegrityTriggerRow
 *		The row that is stored, in an AFTER ROW trigger for INSERT or UPDATE, and
 *		the one that an UPDATE has replaced, or NULL.
 *
 * Raises ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED in any other.
 */
HeapTuple
IntegrityTriggerRow(TriggerData *trigdata, HeapTuple *old)
{
	*old = NULL;
	if (!TRIGGER_FIRED_AFTER(trigdata->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigdata->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("trigger must be fired after a change, for each row")));
	if (TRIGGER_FIRED_BY_INSERT(trigdata->tg_event))
		return trigdata->tg_trigtuple;
	if (!TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("trigger must be fired for INSERT or UPDATE")));
	*old = trigdata->tg_trigtuple;
	return trigdata->tg_newtuple;
}

/*
 * IntegrityCheckRow
 *		Check the references in "columns" of a row that has been stored in "rel",
 *		but for those that it had before, as "old", unless that is NULL.
 *
 * Raises ERRCODE_UNDEFINED_OBJECT for a label that is not registered, and for
 * a row that does not exist, or that the current user may not see, in a type
 * that is checked ERRCODE_FOREIGN_KEY_VIOLATION.
 *
 * The rows are locked FOR KEY SHARE, in the order of their references, and
 * actstream.object_type with RowShareLock: whoever takes a label out of the
 * registry waits for that with ExclusiveLock, and then sees the row.  Unlike a
 * lock on the registry's row it costs next to nothing, however many sessions
 * write under one label.
 */
void
IntegrityCheckRow(Relation rel, HeapTuple row, HeapTuple old,
				  const AttrNumber *columns, int ncolumns)
{
	const Ref  *refs[MAX_REFERENCES];
	int			nrefs;

	if (IsLoadingDump(rel))
		return;

	LockRelationOid(ObjectTypeRelationId(), RowShareLock);
	nrefs = collect_references(RelationGetDescr(rel), row, old, columns, ncolumns, refs);
	for (int i = 0; i < nrefs; i++)
	{
		if (i == 0 || RefCompare(refs[i - 1], refs[i]) != 0)
			check_reference(refs[i]);
	}
}

/*
 * IntegrityObjectExists
 *		Is there, in the newest state of the database, what "ref" names?  True
 *		for anything outside of the database; false where a table is missing.
 */
bool
IntegrityObjectExists(const Ref *ref)
{
	const RegisteredType *found = RegistryLookupLabel(VARDATA_ANY(ref), RefLabelLength(ref));
	RegisteredType type;
	Relation	rel;
	bool		exists;

	if (found == NULL)
		return false;
	if (!OidIsValid(found->relation))
		return true;
	if (found->nkeys == 0 || get_rel_name(found->relation) == NULL)
		return false;

	rel = open_table_of(ref, AccessShareLock, &type);
	exists = ObjectRowFind(rel, &type, ref, ROW_QUERY_EXISTS);
	table_close(rel, NoLock);
	return exists;
}

static void
execute_all(Oid owner, RunAsMode mode, SpiPlan *statements, int n, Datum *values)
{
	for (int i = 0; i < n; i++)
		SpiPlanExecuteAs(owner, mode, &statements[i], values);
}

/*
 * IntegrityRemoveObject
 *		Do with the references to an object that is gone what its type's
 *		on_delete says.
 *
 * Raises ERRCODE_FOREIGN_KEY_VIOLATION if that is "restrict" and there are any.
 */
void
IntegrityRemoveObject(const RegisteredType *type, const Ref *ref)
{
	OnDelete	on_delete = type->on_delete;
	Datum		value = PointerGetDatum(ref);
	Oid			owner = OwnTablesOwner();

	SPI_connect();
	switch (on_delete)
	{
		case ON_DELETE_RESTRICT:
			for (int i = 0; i < (int) lengthof(find_reference); i++)
			{
				if (SpiPlanExecuteAs(owner, RUN_AS_CASCADE, &find_reference[i], &value) > 0)
					ereport(ERROR,
							(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
							 errmsg("object \"%s\" is still referenced", RefToText(ref)),
							 errdetail("Actions or follows refer to it.")));
			}
			break;
		case ON_DELETE_CASCADE:
			SpiPlanExecuteAs(owner, RUN_AS_CASCADE, &delete_by_actor, &value);
			execute_all(owner, RUN_AS_CASCADE, delete_by_role, lengthof(delete_by_role), &value);
			execute_all(owner, RUN_AS_CASCADE, delete_follows, lengthof(delete_follows), &value);
			break;
		case ON_DELETE_SET_NULL:
			SpiPlanExecuteAs(owner, RUN_AS_CASCADE, &delete_by_actor, &value);
			execute_all(owner, RUN_AS_CASCADE, empty_role, lengthof(empty_role), &value);
			execute_all(owner, RUN_AS_CASCADE, delete_follows, lengthof(delete_follows), &value);
			break;
		case ON_DELETE_KEEP:
			execute_all(owner, RUN_AS_CASCADE, delete_follows, lengthof(delete_follows), &value);
			break;
	}
	SPI_finish();
}

/*
 * IntegrityRenameObject
 *		Let what refers to "old_ref" refer to "new_ref".
 */
void
IntegrityRenameObject(const Ref *old_ref, const Ref *new_ref)
{
	Datum		values[2];
	Oid			owner = OwnTablesOwner();

	values[0] = PointerGetDatum(old_ref);
	values[1] = PointerGetDatum(new_ref);

	SPI_connect();
	execute_all(owner, RUN_AS_CASCADE, rename_object, lengthof(rename_object), values);
	execute_all(owner, RUN_AS_CASCADE, delete_follows, lengthof(delete_follows), values);
	SPI_finish();
}

/*
 * IntegritySweep
 *		Remove, as on_delete of the type says, every object that is referred to
 *		and does not exist: after many rows have gone without a word of which.
 */
void
IntegritySweep(const RegisteredType *type)
{
	RegisteredType swept = *type;	/* ours may be replaced meanwhile */
	Datum		label = CStringGetTextDatum(swept.label);
	SPITupleTable *objects;
	uint64		nobjects;

	SPI_connect();
	nobjects = SpiPlanExecuteAs(OwnTablesOwner(), RUN_AS_RESTRICTED, &list_objects, &label);
	objects = SPI_tuptable;
	for (uint64 i = 0; i < nobjects; i++)
	{
		bool		isnull;
		Datum		value = SPI_getbinval(objects->vals[i], objects->tupdesc, 1, &isnull);
		const Ref  *ref = DatumGetRefPP(value);

		CHECK_FOR_INTERRUPTS();
		if (!IntegrityObjectExists(ref))
			IntegrityRemoveObject(&swept, ref);
	}
	SPI_finish();
}

/*
 * object_exists(ref)
 */
Datum
actstream_object_exists(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(IntegrityObjectExists(PG_GETARG_REF_PP(0)));
}
