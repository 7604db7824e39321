/*
 * ddl_drop.c
 *		What happens to references when registered tables and their partitions are dropped.
 *
 * The rows of a dropped partition cannot be read any more when the event trigger runs; so an object
 * access hook reads them just before PostgreSQL drops it, or the first thing that they are read with.
 *
 * DROP is refused in two cases only: for a partition whose rows are referred to under
 * on_delete = 'restrict', while its table stays, and for an index or property that the key
 * of a registered table needs.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/attempt.h"
#include "base/run_as.h"
#include "object/binding.h"
#include "object/integrity.h"
#include "object/integrity_remove.h"
#include "object/object_type_table.h"
#include "register/ddl_drop.h"
#include "register/ddl_notes.h"
#include "register/ddl_table.h"
#include "register/registry_ddl.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/index.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "commands/event_trigger.h"
#include "commands/trigger.h"
#include "commands/user.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(actstream_objects_dropped);

/*
 * Does the statement drop the table?  If that is not seen here, the rows of each partition are
 * read for nothing.
 *
 * This looks up no name: it checks whether a name in the statement would find this
 * table.  If the table is not dropped after all, the references are cleaned up at the
 * end of the command.
 */
static bool
seems_to_drop(Oid relid)
{
	DropStmt   *stmt = (DropStmt *) DdlNotesStatement();
	ListCell   *lc;

	if (stmt == NULL)
		return false;
	if (IsA(stmt, DropOwnedStmt))
		return list_member_oid(roleSpecsToIds(((DropOwnedStmt *) stmt)->roles),
							   TableOwner(relid));
	foreach(lc, stmt->objects)
	{
		if (stmt->removeType == OBJECT_SCHEMA)
		{
			if (strcmp(strVal(lfirst(lc)), get_namespace_name(get_rel_namespace(relid))) == 0)
				return true;
		}
		else if (stmt->removeType == OBJECT_TABLE)
		{
			List	   *name = lfirst_node(List, lc);
			char	   *schema = list_length(name) > 1 ? strVal(list_nth(name, list_length(name) - 2)) : NULL;

			if (strcmp(strVal(llast(name)), get_rel_name(relid)) == 0 &&
				(schema == NULL ? RelationIsVisible(relid) :
				 strcmp(schema, get_namespace_name(get_rel_namespace(relid))) == 0))
				return true;
		}
	}
	return false;
}

/* What to do about rows of a registered table that disappear with a table. */
typedef struct Loss
{
	DdlEventKind kind;
	RegisteredType type;		/* a copy: the registry may be loaded again */
	Relation	partition;		/* about to be dropped, or NULL */
} Loss;

/* AttemptFunction */
static void
forget_lost(void *arg)
{
	Loss	   *loss = arg;

	if (loss->partition != NULL)
		IntegrityForgetRows(&loss->type, loss->partition, RUN_AS_RESTRICTED);
	else if (loss->kind == PARTITION_LOST)
		IntegritySweep(&loss->type, RUN_AS_RESTRICTED);
	else
		ObjectTypeTableDropped(&loss->type);
}

/* Is it the error by which on_delete = 'restrict' keeps a partition? */
static bool
is_refusal(const ErrorData *error, const Loss *loss)
{
	return loss->type.on_delete == ON_DELETE_RESTRICT && loss->kind == PARTITION_LOST &&
		error->sqlerrcode == ERRCODE_FOREIGN_KEY_VIOLATION;
}

/*
 * Apply on_delete to the references to what has gone, or is going; raise the error of 'restrict'.
 *
 * Whatever the owner of our tables has added to them must not stop that, but for errors such as
 * serialization failures, which the transaction may avoid when it is tried again: warn of others.
 */
static void
forget_or_refuse(Loss *loss)
{
	ErrorData  *error = Attempt(forget_lost, loss);

	if (error == NULL)
		return;
	if (is_refusal(error, loss))
		ReThrowError(error);
	ereport(WARNING,
			(errcode(error->sqlerrcode),
			 errmsg("could not remove references to dropped objects of type \"%s\": %s",
					loss->type.label, error->message),
			 errhint("The owner of the extension's tables should delete what actstream.integrity_check() reports.")));
}

/*
 * DdlForgetDetached
 *		Apply on_delete to the references to the rows of a table that has been detached, for good, from
 *		the table of the type; warn of errors.
 */
void
DdlForgetDetached(const RegisteredType *type, Relation rel)
{
	Loss		loss = {.kind = CHILD_CHANGED, .type = *type, .partition = rel};

	forget_or_refuse(&loss);
}

/*
 * A partition of a registered table is about to be dropped, by itself or along with what
 * it depends on.  Whether that is refused is known at the end of the command: not if its table
 * is dropped, too.
 *
 * If its rows cannot be read, all references to objects of the type are looked at in the end, unless
 * these are not checked.
 */
static void
partition_goes(Oid relid, const RegisteredType *type)
{
	Oid			table = type->relation;
	Loss		loss = {.kind = PARTITION_LOST, .type = *type};
	ErrorData  *error;

	if (get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE || DdlNotesHas(PARTITION_READ, relid))
		return;					/* its own partitions are dropped first */
	(void) DdlNote(PARTITION_READ, relid);
	if (get_rel_relkind(relid) != RELKIND_RELATION || seems_to_drop(table))
	{
		(void) DdlNote(PARTITION_LOST, table);
		return;
	}
	loss.partition = table_open(relid, NoLock);
	error = Attempt(forget_lost, &loss);
	if (error != NULL)
	{
		DdlEvent   *event = DdlNote(PARTITION_LOST, table);

		if (is_refusal(error, &loss))
		{
			event->refusal = DdlNoteText(error->message);
			event->detail = error->detail == NULL ? NULL : DdlNoteText(error->detail);
		}
	}
	table_close(loss.partition, NoLock);
}

/* The table whose long values are in a TOAST table; InvalidOid if there is none. */
static Oid
table_of_toast(Oid toast)
{
	Relation	depend = table_open(DependRelationId, AccessShareLock);
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	Oid			result = InvalidOid;

	ScanKeyInit(&key[0], Anum_pg_depend_classid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(RelationRelationId));
	ScanKeyInit(&key[1], Anum_pg_depend_objid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(toast));
	scan = systable_beginscan(depend, DependDependerIndexId, true, NULL, 2, key);
	while (!OidIsValid(result) && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);

		if (form->refclassid == RelationRelationId && form->deptype == DEPENDENCY_INTERNAL)
			result = form->refobjid;
	}
	systable_endscan(scan);
	table_close(depend, AccessShareLock);
	return result;
}

/* A table is about to be dropped, or what its rows are read with. */
static void
table_goes(Oid relid)
{
	const RegisteredType *type = get_rel_relispartition(relid) && DdlMayBeRegistered(relid) ?
		DdlFindType(relid) : NULL;

	if (type != NULL && type->relation != relid)
		partition_goes(relid, type);
}

/*
 * DdlRelationGoes
 *		A table or an index is about to be dropped.
 */
void
DdlRelationGoes(Oid objid, bool concurrently)
{
	char		relkind = get_rel_relkind(objid);
	Oid			table;

	if (relkind != RELKIND_INDEX && relkind != RELKIND_PARTITIONED_INDEX)
	{
		table_goes(objid);
		return;
	}
	table = IndexGetRelation(objid, true);
	if (!OidIsValid(table))
		return;
	/* the first thing that goes with a table, if it has long values */
	if (get_rel_relkind(table) == RELKIND_TOASTVALUE)
		table_goes(table_of_toast(table));
	else if (DdlMayBeRegistered(table) && DdlIsRegistered(table))
	{
		/* DROP INDEX CONCURRENTLY commits before it ends */
		if (concurrently)
			ObjectTypeCheckTable(table, objid);
		else
			(void) DdlNote(INDEX_LOST, table);
	}
}

/*
 * DdlTriggerGoes
 *		A trigger is about to be dropped.
 */
void
DdlTriggerGoes(Oid trigger)
{
	Oid			relid = TriggerRelation(trigger, true, NULL);

	DdlEvent   *event;

	if (!OidIsValid(relid))
		return;
	event = DdlNote(TRIGGER_LOST, relid);
	if (trigger == get_trigger_oid(relid, BINDING_TRIGGER_NAME, true))
		event->old_name = DdlNoteText(get_rel_name(relid));
}

/*
 * A DROP has removed a partition of a table that is still there: raise the error that was noted, unless
 * the references are gone, too.
 */
static void
refuse_partition(const DdlEvent *event, const RegisteredType *type)
{
	if (type != NULL && IntegrityIsReferenced(type->label))
		ereport(ERROR,
				(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
				 errmsg_internal("%s", event->refusal),
				 event->detail != NULL ? errdetail_internal("%s", event->detail) : 0));
}

/*
 * Event trigger ON sql_drop.
 */
Datum
actstream_objects_dropped(PG_FUNCTION_ARGS)
{
	List	   *met = DdlNotesTake(true);
	List	   *gone = NIL;
	List	   *swept = NIL;
	ListCell   *lc;

	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function was not called by event trigger manager")));
	foreach(lc, met)
	{
		DdlEvent   *event = lfirst(lc);
		const RegisteredType *type = DdlFindType(event->relid);
		Loss		loss = {.kind = event->kind};
		bool		is_there = get_rel_name(event->relid) != NULL;

		if (type != NULL)
			loss.type = *type;
		if (!is_there)
		{
			if (event->kind != TRIGGER_LOST)
				continue;
			if (type == NULL && event->old_name != NULL)
				DdlWarnOfRegistry(event->old_name);
			else if (type != NULL && !list_member_oid(gone, event->relid))
				forget_or_refuse(&loss);
			gone = lappend_oid(gone, event->relid);
		}
		else if (event->refusal != NULL)
			refuse_partition(event, type == NULL ? NULL : &loss.type);
		else if (type != NULL && event->kind == PARTITION_LOST &&
				 !list_member_oid(swept, event->relid))
		{
			forget_or_refuse(&loss);
			swept = lappend_oid(swept, event->relid);
		}
		else if (type != NULL && event->kind == INDEX_LOST)
			ObjectTypeCheckTable(event->relid, InvalidOid);
	}
	PG_RETURN_NULL();
}
