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

#include "base/compat.h"
#include "base/attempt.h"
#include "object/integrity.h"
#include "object/object_key.h"
#include "object/object_row.h"
#include "ref/ref_ops.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"

PG_FUNCTION_INFO_V1(actstream_object_exists);

/*
 * Objects that are known to exist while an action about them is stored, or NULL.
 * Owned by the setter.
 */
static const AssumedObjects *assumed = NULL;

/*
 * IntegrityAssumeExists
 *		Take the existence of these objects, or with NULL of none, for granted.
 *
 * Returns what was taken for granted before, which the caller must restore, on an
 * error too.
 */
const AssumedObjects *
IntegrityAssumeExists(const AssumedObjects *objects)
{
	const AssumedObjects *before = assumed;

	assumed = objects;
	return before;
}

static bool
is_assumed(const Ref *ref)
{
	for (int i = 0; assumed != NULL && i < assumed->n; i++)
	{
		if (RefCompare(assumed->refs[i], ref) == 0)
			return true;
	}
	return false;
}

/*
 * The registered type of a reference, or NULL.
 */
static const RegisteredType *
find_type_of_reference(const Ref *ref)
{
	const RegisteredType *type = RegistryLookupLabel(VARDATA_ANY(ref), RefLabelLength(ref));

	if (type == NULL)
	{
		/* perhaps registered by another session since we last looked */
		AcceptInvalidationMessages();
		type = RegistryLookupLabel(VARDATA_ANY(ref), RefLabelLength(ref));
	}
	return type;
}

/*
 * IntegrityLockLabel
 *		Lock what a label means until the end of the transaction: RowShareLock by
 *		whoever stores a reference, AccessExclusiveLock by whoever takes the label out
 *		of the registry or lets it mean something else.
 *
 * That is the table; DROP TABLE takes the same lock.  An external type has none, so
 * there the label itself is locked.
 */
void
IntegrityLockLabel(const RegisteredType *type, LOCKMODE lockmode)
{
	if (OidIsValid(type->relation))
		LockRelationOid(type->relation, lockmode);
	else
		LockDatabaseObject(OwnTableId(OWN_OBJECT_TYPES),
						   DatumGetUInt32(hash_any((const unsigned char *) type->label,
												   strlen(type->label))),
						   0, lockmode);
}

/*
 * IntegrityLockTypeOf
 *		Lock what the label of "ref" means, see IntegrityLockLabel(), and return a copy of
 *		its type as it is now that this cannot change; false if the label is not
 *		registered, or not any more.
 */
bool
IntegrityLockTypeOf(const Ref *ref, LOCKMODE lockmode, RegisteredType *type)
{
	for (;;)
	{
		const RegisteredType *found = find_type_of_reference(ref);

		if (found == NULL)
			return false;
		*type = *found;
		IntegrityLockLabel(type, lockmode);
		/* waiting for the lock may have brought news */
		found = find_type_of_reference(ref);
		if (found != NULL && found->relation == type->relation)
		{
			*type = *found;
			return true;
		}
		if (OidIsValid(type->relation))
			UnlockRelationOid(type->relation, lockmode);
	}
}

/*
 * The same, but ERRCODE_UNDEFINED_OBJECT if the label is not registered.
 */
static void
lock_type_of(const Ref *ref, LOCKMODE lockmode, RegisteredType *type)
{
	if (!IntegrityLockTypeOf(ref, lockmode, type))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("object type \"%.*s\" is not registered", RefLabelLength(ref),
						VARDATA_ANY(ref)),
				 errhint("Use actstream.register() for a table, actstream.register_external() for objects outside the database.")));
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
	char	   *hint;

	if (is_assumed(ref))
		return;
	lock_type_of(ref, RowShareLock, &type);
	if (!type.checked)
		return;
	RegistryRequireBound(&type);

	rel = table_open(type.relation, NoLock);
	found = !row_is_hidden(rel, &type, ref) &&
		ObjectRowFind(rel, &type, ref, ROW_QUERY_LOCK);
	hint = found ? NULL : ObjectKeyHint(&type, RelationGetDescr(rel), ref);
	table_close(rel, NoLock);

	if (!found)
		ereport(ERROR,
				(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
				 errmsg("object \"%s\" does not exist", RefToText(ref)),
				 hint != NULL ? errhint("%s", hint) : 0));
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
 *		Check the references in "columns" of a row that has been stored, but for those
 *		that it had before, as "old", unless that is NULL.
 *
 * Raises ERRCODE_UNDEFINED_OBJECT for a label that is not registered, and for
 * a row that does not exist, or that the current user may not see, in a type
 * that is checked ERRCODE_FOREIGN_KEY_VIOLATION.
 *
 * The rows are locked FOR KEY SHARE, in the order of their references, and what their
 * labels mean, see IntegrityLockLabel().  Unlike a lock on the registry's row that
 * costs next to nothing, however many sessions write under one label.
 */
void
IntegrityCheckRow(TupleDesc tupdesc, HeapTuple row, HeapTuple old,
				  const AttrNumber *columns, int ncolumns)
{
	const Ref  *refs[MAX_REFERENCES];
	int			nrefs;

	nrefs = collect_references(tupdesc, row, old, columns, ncolumns, refs);
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
	type = *found;
	rel = type.nkeys == 0 ? NULL : try_table_open(type.relation, AccessShareLock);
	if (rel == NULL)
		return false;
	exists = ObjectRowFind(rel, &type, ref, ROW_QUERY_EXISTS);
	table_close(rel, NoLock);
	return exists;
}

/* A question to IntegrityObjectExists(). */
typedef struct ExistsQuestion
{
	const Ref  *ref;
	bool		exists;
} ExistsQuestion;

/* AttemptFunction */
static void
find_object(void *arg)
{
	ExistsQuestion *question = arg;

	question->exists = IntegrityObjectExists(question->ref);
}

/*
 * IntegrityTryExists
 *		As IntegrityObjectExists(), but returns whether it could be told: not if code
 *		of the table's owner fails that must run for an answer.
 */
bool
IntegrityTryExists(const Ref *ref, bool *exists)
{
	ExistsQuestion question = {.ref = ref};

	if (Attempt(find_object, &question) != NULL)
		return false;
	*exists = question.exists;
	return true;
}

/*
 * object_exists(ref)
 *
 * Null if that cannot be told.  Only for who owns the registry: it tells of rows that others
 * may not see.
 */
Datum
actstream_object_exists(PG_FUNCTION_ARGS)
{
	bool		exists;

	OwnTableRequireOwner(OWN_OBJECT_TYPES);
	if (!IntegrityTryExists(PG_GETARG_REF_PP(0), &exists))
		PG_RETURN_NULL();
	PG_RETURN_BOOL(exists);
}
