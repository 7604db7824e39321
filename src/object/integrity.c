/*
 * integrity.c
 *		References and the rows that they name: both exist, or neither.
 *
 * This does for any registered table what a foreign key does for a fixed pair of tables,
 * and in the same way (see ri_triggers.c).  A transaction that stores a reference locks
 * the row that it names FOR KEY SHARE.  A transaction that deletes a row looks for
 * references to it in the newest state of the database, which includes those that were
 * stored before it got the row lock.
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
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"

PG_FUNCTION_INFO_V1(actstream_object_exists);

/*
 * Objects that are known to exist while an action about them is stored, or NULL.  Owned
 * by the caller of IntegrityAssumeExists().
 */
static const AssumedObjects *assumed = NULL;

/*
 * IntegrityAssumeExists
 *		Assume that these objects exist; with NULL, assume nothing.
 *
 * Returns the previous assumption, which the caller must restore, even after an error.
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
 * IntegrityLockLabel
 *		Lock what a label means until the end of the transaction: with RowShareLock to
 *		store a reference, with AccessExclusiveLock to remove the label from the
 *		registry or change its meaning.
 *
 * The lock is on the table, the same that DROP TABLE takes.  An external type has no
 * table, so the label itself is locked.
 */
void
IntegrityLockLabel(const RegisteredType *type, LOCKMODE lockmode)
{
	if (OidIsValid(type->relation))
		LockRelationOid(type->relation, lockmode);
	else
		RegistryLockLabel(type->label, LABEL_MEANING, lockmode);
}

/*
 * IntegrityLockTypeOf
 *		Lock what the label of "ref" means, as IntegrityLockLabel() does, and set *type
 *		to a copy of its type, which the lock keeps from changing.  Returns false if
 *		the label is not, or no longer, registered.
 */
bool
IntegrityLockTypeOf(const Ref *ref, LOCKMODE lockmode, RegisteredType *type)
{
	for (;;)
	{
		const RegisteredType *found = RegistryLookupRef(ref);

		if (found == NULL)
			return false;
		*type = *found;
		IntegrityLockLabel(type, lockmode);
		/* the registry may have changed while we waited for the lock */
		found = RegistryLookupRef(ref);
		if (found != NULL && found->relation == type->relation)
		{
			*type = *found;
			return true;
		}
		if (OidIsValid(type->relation))
			UnlockRelationOid(type->relation, lockmode);
	}
}

/* A reference that is checked, and the column that it is in. */
typedef struct RowReference
{
	const Ref  *ref;
	AttrNumber	attnum;
	const char *column;
	OwnTable	table;
	const char *trigger;
} RowReference;

/* The fields of an error that tell a program what is wrong. */
static int
errreference(const RowReference *reference)
{
	err_generic_string(PG_DIAG_SCHEMA_NAME, get_namespace_name(OwnSchema()));
	err_generic_string(PG_DIAG_TABLE_NAME, OwnTableName(reference->table));
	err_generic_string(PG_DIAG_COLUMN_NAME, reference->column);
	err_generic_string(PG_DIAG_CONSTRAINT_NAME, reference->trigger);
	return 0;
}

/* The same, but raises ERRCODE_UNDEFINED_OBJECT if the label is not registered. */
static void
lock_type_of(const RowReference *reference, LOCKMODE lockmode, RegisteredType *type)
{
	const Ref  *ref = reference->ref;

	if (!IntegrityLockTypeOf(ref, lockmode, type))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("object type \"%.*s\" is not registered", RefLabelLength(ref),
						VARDATA_ANY(ref)),
				 errdetail("The %s is \"%s\".", reference->column, RefToText(ref)),
				 errhint("%s", RegistryLabelHint(VARDATA_ANY(ref), RefLabelLength(ref))),
				 errreference(reference)));
}

/*
 * Does row-level security hide the row from the current user?  To that user it must look
 * the same as a row that does not exist.
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
 * Check one reference, and lock the row that it names until the end of the transaction.
 */
static void
check_reference(const RowReference *reference)
{
	const Ref  *ref = reference->ref;
	RegisteredType type;
	Relation	rel;
	bool		found;
	char	   *hint;
	char	   *relname;

	if (is_assumed(ref))
		return;
	lock_type_of(reference, RowShareLock, &type);
	if (!type.checked)
		return;
	RegistryRequireBound(&type);

	rel = table_open(type.relation, NoLock);
	found = !row_is_hidden(rel, &type, ref) &&
		ObjectRowFind(rel, &type, ref, ROW_QUERY_LOCK);
	hint = found ? NULL : ObjectKeyHint(&type, RelationGetDescr(rel), ref);
	relname = found ? NULL : pstrdup(RelationGetRelationName(rel));
	table_close(rel, NoLock);

	if (!found)
		ereport(ERROR,
				(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
				 errmsg("object \"%s\" does not exist", RefToText(ref)),
				 errdetail("Key (%s)=(%s) is not present in table \"%s\".",
						   reference->column, RefToText(ref), relname),
				 hint != NULL ? errhint("%s", hint) : 0,
				 errreference(reference)));
}

static int
compare_references(const void *a, const void *b)
{
	const RowReference *x = a;
	const RowReference *y = b;
	int			order = RefCompare(x->ref, y->ref);

	return order != 0 ? order : x->attnum - y->attnum;
}

/*
 * Collect the references in "columns" of a row, in the order in which their rows are to
 * be locked, except those that the row had before, as "old".  Returns their number.
 */
static int
collect_references(TupleDesc tupdesc, HeapTuple row, HeapTuple old,
				   const AttrNumber *columns, int ncolumns, RowReference *references)
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
		references[n].ref = ref;
		references[n].attnum = columns[i];
		references[n++].column = NameStr(TupleDescAttr(tupdesc, columns[i] - 1)->attname);
	}
	qsort(references, n, sizeof(references[0]), compare_references);
	return n;
}

/*
 * IntegrityTriggerRow
 *		The row that an AFTER ROW trigger for INSERT or UPDATE was fired for; sets *old
 *		to the row that an UPDATE replaced, else to NULL.
 *
 * Raises ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED in any other trigger.
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
 *		Check the references in "columns" of a row that has been stored in that table of
 *		ours, except those that it had before, as "old", unless that is NULL.
 *
 * Raises ERRCODE_UNDEFINED_OBJECT for a label that is not registered.  If its type is
 * checked, raises ERRCODE_FOREIGN_KEY_VIOLATION for a row that does not exist or that
 * the current user may not see.  The errors name the column and, as a constraint, the
 * trigger of "trigdata".
 *
 * Locks the rows FOR KEY SHARE, in the order of their references, and what their labels
 * mean, see IntegrityLockLabel().  Unlike a lock on the row of the registry, that lock
 * stays cheap however many sessions write under one label.
 */
void
IntegrityCheckRow(const TriggerData *trigdata, OwnTable table, TupleDesc tupdesc,
				  HeapTuple row, HeapTuple old, const AttrNumber *columns, int ncolumns)
{
	RowReference references[MAX_REFERENCES];
	int			n;

	n = collect_references(tupdesc, row, old, columns, ncolumns, references);
	for (int i = 0; i < n; i++)
	{
		references[i].table = table;
		references[i].trigger = trigdata->tg_trigger->tgname;
		if (i == 0 || RefCompare(references[i - 1].ref, references[i].ref) != 0)
			check_reference(&references[i]);
	}
}

/*
 * IntegrityObjectExists
 *		Does the object that "ref" names exist in the newest state of the database?
 *		True for any object of an external type; false if the table is missing.
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

/*
 * IntegrityWasReplaced
 *		Has the command of this transaction that deleted the object put another row in its place?
 */
bool
IntegrityWasReplaced(const Ref *ref, CommandId command)
{
	const RegisteredType *found = RegistryLookupLabel(VARDATA_ANY(ref), RefLabelLength(ref));
	RegisteredType type;
	Relation	rel;
	bool		result;

	if (found == NULL || !OidIsValid(found->relation) || found->nkeys == 0)
		return false;
	type = *found;
	rel = try_table_open(type.relation, AccessShareLock);
	if (rel == NULL)
		return false;
	/* the state that the command has left, without what triggers have done since */
	PushCopiedSnapshot(GetLatestSnapshot());
	GetActiveSnapshot()->curcid = command + 1;
	result = ObjectRowWasThere(rel, &type, ref, ROW_QUERY_EXISTS, GetActiveSnapshot());
	PopActiveSnapshot();
	table_close(rel, NoLock);
	return result;
}

/* Arguments and result of find_object(). */
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
 *		As IntegrityObjectExists(), but returns false if an error prevented the check,
 *		which can happen where it runs code of the table's owner.
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
 * Null if the check failed.  Only the owner of the registry may call it, because it
 * discloses rows that other roles may not see.
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
