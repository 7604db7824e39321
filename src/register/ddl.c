/*
 * ddl.c
 *		What happens to references when registered tables are altered; for DROP, see ddl_drop.c.
 *
 * Rows can disappear without any trigger of their table being fired: when the table or a
 * partition is dropped, or a partition is detached.  Event triggers notice that.  They
 * run in every role's DDL, so they return as soon as it is clear that no registered
 * table is concerned.
 *
 * They act on what the command itself reports, by OID, and look up no names: by then, a
 * name may mean another table, or one that the command did not touch.  An object access hook sees
 * what is about to be altered or dropped.  The first event trigger makes sure that this library, and
 * with it the hook, is loaded by then; it also notes the statement.  It looks up names in one case,
 * DETACH PARTITION ... CONCURRENTLY, which commits before it reports anything.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/run_as.h"
#include "object/binding.h"
#include "object/integrity_remove.h"
#include "object/object_trigger.h"
#include "object/object_type_table.h"
#include "object/registry.h"
#include "register/ddl.h"
#include "register/ddl_drop.h"
#include "register/ddl_notes.h"
#include "register/ddl_table.h"
#include "register/registry_ddl.h"
#include "tables/follow_changes.h"
#include "tables/spi_plan.h"
#include "track/track_ddl.h"
#include "track/track_triggers.h"

#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/objectaccess.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/event_trigger.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "storage/lmgr.h"
#include "tcop/deparse_utility.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(actstream_ddl_begins);
PG_FUNCTION_INFO_V1(actstream_table_altered);

static SpiPlan list_commands = {
	.sql = "SELECT d.command, d.objid"
	" FROM pg_catalog.pg_event_trigger_ddl_commands() d",
	.nargs = 0
};

static object_access_hook_type next_object_access_hook = NULL;

static EventTriggerData *
event_trigger_data(FunctionCallInfo fcinfo)
{
	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function was not called by event trigger manager")));
	return (EventTriggerData *) fcinfo->context;
}

/*
 * A table is being attached to a parent, or detached; the command has not finished with
 * it.
 */
static void
child_changes(Oid relid, Oid parent)
{
	bool		is_bound = DdlMayBeRegistered(relid) && DdlIsRegistered(relid);
	DdlEvent   *event;

	(void) DdlNote(PARENT_CHANGED, relid);
	if (!DdlMayBeRegistered(parent) && !is_bound)
		return;
	if (DdlFindType(parent) == NULL && !is_bound)
	{
		if (get_rel_relispartition(relid) &&
			OidIsValid(get_trigger_oid(parent, BINDING_TRIGGER_NAME, true)))
			DdlWarnOfRegistry(get_rel_name(relid));
		return;
	}
	event = DdlNote(CHILD_CHANGED, relid);
	event->parent = parent;
	event->was_partition = get_rel_relispartition(relid);
}

/*
 * A column is being altered or renamed: a column of the table, or of a parent or row
 * type that the table follows.  The old name is still visible.
 */
static void
column_changes(Oid relid, AttrNumber attnum)
{
	DdlEvent   *event;
	char	   *name;

	if (attnum <= 0 ||
		((!DdlMayBeRegistered(relid) || !DdlIsRegistered(relid)) &&
		 TrackTriggers(relid) == NIL))
		return;
	name = get_attname(relid, attnum, true);
	if (name == NULL)
		return;
	event = DdlNote(COLUMN_ALTERED, relid);
	event->attnum = attnum;
	event->old_name = DdlNoteText(name);
}

/* Hook: an object is accessed. */
static void
object_is_accessed(ObjectAccessType access, Oid classid, Oid objid, int subid, void *arg)
{
	int			dropflags = access == OAT_DROP ? ((ObjectAccessDrop *) arg)->dropflags : 0;
	bool		drop = access == OAT_DROP && (dropflags & PERFORM_DELETION_INTERNAL) == 0;
	bool		goes = drop && classid == RelationRelationId && subid == 0;
	bool		unbinds = drop && classid == TriggerRelationId;
	bool		inherits = access == OAT_POST_ALTER && classid == InheritsRelationId;
	bool		alters = access == OAT_POST_ALTER && classid == RelationRelationId && subid != 0;

	if (next_object_access_hook != NULL)
		next_object_access_hook(access, classid, objid, subid, arg);
	if ((!goes && !unbinds && !inherits && !alters) || !ExtensionExists())
		return;
	if (goes)
		DdlRelationGoes(objid, (dropflags & PERFORM_DELETION_CONCURRENTLY) != 0);
	else if (unbinds)
		DdlTriggerGoes(objid);
	else if (inherits)
		child_changes(objid, ((ObjectAccessPostAlter *) arg)->auxiliary_id);
	else
		column_changes(objid, subid);
}

/*
 * DdlInit
 *		Install the hook, and begin to take notes; called once, when the library is loaded.
 */
void
DdlInit(void)
{
	next_object_access_hook = object_access_hook;
	object_access_hook = object_is_accessed;
	DdlNotesInit();
}

/*
 * The part of a statement that detaches a partition and commits before it has done so, or finishes
 * that; or NULL.
 */
static AlterTableCmd *
find_concurrent_detach(Node *statement)
{
	ListCell   *lc;

	if (statement == NULL || !IsA(statement, AlterTableStmt))
		return NULL;
	foreach(lc, ((AlterTableStmt *) statement)->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if (cmd->subtype == AT_DetachPartitionFinalize ||
			(cmd->subtype == AT_DetachPartition && castNode(PartitionCmd, cmd->def)->concurrent))
			return cmd;
	}
	return NULL;
}

/*
 * A partition is to be detached concurrently, unless that is only to be finished: raise
 * ERRCODE_FOREIGN_KEY_VIOLATION now if on_delete = 'restrict' forbids that, because later there is no
 * way back.
 *
 * What the names mean may have changed by the time that PostgreSQL looks them up: then the end of the
 * command warns.
 */
static void
check_detach(const AlterTableStmt *statement, const AlterTableCmd *detach)
{
	Oid			parent = RangeVarGetRelid(statement->relation, NoLock, true);
	Oid			partition = RangeVarGetRelid(castNode(PartitionCmd, detach->def)->name, NoLock, true);
	const RegisteredType *found;
	RegisteredType type;
	ListCell   *lc;

	if (detach->subtype == AT_DetachPartitionFinalize ||
		!OidIsValid(parent) || !OidIsValid(partition) ||
		!object_ownercheck(RelationRelationId, parent, GetUserId()))
		return;
	/* as PostgreSQL is about to do, the parent first */
	LockRelationOid(parent, ShareUpdateExclusiveLock);
	if (!get_rel_relispartition(partition) || get_partition_parent(partition, true) != parent)
		return;
	LockRelationOid(partition, ShareUpdateExclusiveLock);
	found = DdlMayBeRegistered(partition) ? DdlFindType(partition) : NULL;
	if (found == NULL || found->on_delete != ON_DELETE_RESTRICT)
		return;
	type = *found;
	foreach(lc, find_all_inheritors(partition, ShareUpdateExclusiveLock, NULL))
	{
		Relation	rel = table_open(lfirst_oid(lc), NoLock);

		if (rel->rd_rel->relkind == RELKIND_RELATION)
			IntegrityForgetRows(&type, rel, RUN_AS_RESTRICTED);
		table_close(rel, NoLock);
	}
}

/*
 * Raise ERRCODE_FEATURE_NOT_SUPPORTED if the statement renames a schema of the extension.
 */
static void
check_renaming(const RenameStmt *statement)
{
	if (statement->renameType == OBJECT_SCHEMA &&
		(strcmp(statement->subname, "actstream") == 0 ||
		 strcmp(statement->subname, "actstream_internal") == 0))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot rename schema \"%s\" because extension actstream requires it",
						statement->subname),
				 errdetail("The functions of the extension refer to its schemas by name.")));
}

/* If a column of a registered or tracked table has been renamed, use its new name from now on. */
static void
rename_column(const DdlEvent *event)
{
	char	   *name = get_attname(event->relid, event->attnum, true);

	if (name == NULL || strcmp(name, event->old_name) == 0 ||
		get_attnum(event->relid, name) != event->attnum)	/* it was dropped */
		return;
	TrackColumnRenamed(event->relid, event->old_name, name);
	if (DdlIsRegistered(event->relid))
		ObjectTypeColumnRenamed(event->relid, event->old_name, name);
	DdlNoteRenaming(event->relid, event->attnum, name);
}

/*
 * A command begins within another one, which may have renamed columns: note that now, for the inner
 * one could give the old name of one to another.
 */
static void
catch_up(void)
{
	ListCell   *lc;

	foreach(lc, DdlNotesColumns())
		rename_column(lfirst(lc));
}

/*
 * Event trigger ON ddl_command_start: load the library, note the statement if it is a DROP, and
 * refuse what could not be undone later.
 */
Datum
actstream_ddl_begins(PG_FUNCTION_ARGS)
{
	EventTriggerData *data = event_trigger_data(fcinfo);
	AlterTableCmd *detach = find_concurrent_detach(data->parsetree);
	bool		is_drop = data->parsetree != NULL &&
		(IsA(data->parsetree, DropStmt) || IsA(data->parsetree, DropOwnedStmt));

	if (ExtensionExists())
		catch_up();
	DdlNotesBegin(is_drop ? data->parsetree : NULL);
	if (!ExtensionExists())
		PG_RETURN_NULL();
	if (detach != NULL)
		check_detach(castNode(AlterTableStmt, data->parsetree), detach);
	if (data->parsetree != NULL && IsA(data->parsetree, RenameStmt))
		check_renaming((RenameStmt *) data->parsetree);
	PG_RETURN_NULL();
}

/* Warn if a table to which a type is bound is now a partition: rows can leave it. */
static void
warn_of_parent(Oid relid)
{
	const RegisteredType *type = DdlFindType(relid);
	List	   *ancestors = get_rel_relispartition(relid) ? get_partition_ancestors(relid) : NIL;

	if (type != NULL && type->relation == relid && ancestors != NIL)
		ereport(WARNING,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" of object type \"%s\" is now a partition of another table",
						get_rel_name(relid), type->label),
				 errdetail("A row that moves to another partition counts as deleted."),
				 errhint("Bind the object type to table \"%s\" with actstream.rebind().",
						 get_rel_name(llast_oid(ancestors)))));
}

/*
 * A table was attached to a registered table, or to one of its partitions, or detached
 * from it; or a registered table was attached to another one.
 *
 * If "is_final", the detaching cannot be undone any more, so nothing may refuse it.
 */
static void
child_changed(const DdlEvent *child, bool is_final)
{
	const RegisteredType *found = DdlFindType(child->parent);
	RegisteredType type;
	ListCell   *lc;

	if (found == NULL)
	{
		warn_of_parent(child->relid);
		return;
	}
	type = *found;
	if (get_rel_relispartition(child->relid))
	{
		ObjectTypeCheckPartition(child->relid);
		ObjectTriggersAttached(child->relid);
	}
	else if (child->was_partition)
	{
		foreach(lc, ObjectTriggersDetached(child->relid))
		{
			Relation	rel = table_open(lfirst_oid(lc), NoLock);

			if (is_final)
				DdlForgetDetached(&type, rel);
			else
				IntegrityForgetRows(&type, rel, RUN_AS_RESTRICTED);
			table_close(rel, NoLock);
		}
	}
}

/* Act on what ALTER TABLE has done to the table "relid". */
static void
table_altered(Oid relid, List *subcommands)
{
	bool		check = false;
	bool		columns = false;
	ListCell   *lc;

	if (IsOwnTable(relid, OWN_FOLLOWS) || IsOwnTable(relid, OWN_MUTES))
		FollowChangesNoteAll();	/* their trigger may have been disabled */
	foreach(lc, subcommands)
	{
		AlterTableCmd *cmd = (AlterTableCmd *) ((CollectedATSubcmd *) lfirst(lc))->parsetree;

		check = check || (IsA(cmd, AlterTableCmd) &&
						  (cmd->subtype == AT_SetUnLogged || cmd->subtype == AT_DropNotNull ||
						   cmd->subtype == AT_DropConstraint));
		columns = columns || (IsA(cmd, AlterTableCmd) &&
							  (is_drop_column(cmd) || cmd->subtype == AT_AlterColumnType ||
							   cmd->subtype == AT_ChangeOwner));
	}
	if (check)
	{
		/* the children may have lost what their parent has lost */
		foreach(lc, find_all_inheritors(relid, NoLock, NULL))
		{
			if (DdlMayBeRegistered(lfirst_oid(lc)) && DdlFindType(lfirst_oid(lc)) != NULL)
				ObjectTypeCheckTable(lfirst_oid(lc), InvalidOid);
		}
	}
	if (columns)
	{
		TrackTableAltered(relid);
		ObjectTypeTableAltered(relid);
	}
}

/* A column of a registered or tracked table was altered. */
static void
column_altered(const DdlEvent *event)
{
	rename_column(event);
	if (DdlIsRegistered(event->relid))
		ObjectTypeCheckTable(event->relid, InvalidOid);
}

/* A trigger has been created, or replaced. */
static void
trigger_created(Oid trigger, const char *name)
{
	Oid			relid = TriggerRelation(trigger, false, NULL);

	TrackTriggerCreated(trigger);
	if (IsOwnTable(relid, OWN_FOLLOWS) || IsOwnTable(relid, OWN_MUTES))
		FollowChangesNoteAll();
	/* who may create triggers on a table may not take those of its type away */
	if (ObjectTriggerIsReserved(name) && DdlFindType(relid) != NULL)
		ObjectTypeCheckOwner(relid);
}

/* A trigger has been renamed. */
static void
trigger_renamed(Oid trigger, const char *old_name)
{
	Oid			function;
	Oid			relid = TriggerRelation(trigger, false, &function);
	const RegisteredType *type = OidIsValid(relid) && ObjectTriggerIsOne(old_name, function) ?
		DdlFindType(relid) : NULL;

	if (type != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("cannot rename trigger \"%s\" because object type \"%s\" requires it",
						old_name, type->label),
				 errhint("Use actstream.unregister() first.")));
}

/* Act on what a command reports to have done. */
static void
look_at_commands(void)
{
	uint64		ncommands;
	SPITupleTable *commands;

	SPI_connect();
	ncommands = SpiPlanExecute(&list_commands, NULL, NULL);
	commands = SPI_tuptable;
	for (uint64 i = 0; i < ncommands; i++)
	{
		bool		isnull;
		CollectedCommand *command = (CollectedCommand *)
			DatumGetPointer(SPI_getbinval(commands->vals[i], commands->tupdesc, 1, &isnull));
		Oid			objid = DatumGetObjectId(SPI_getbinval(commands->vals[i], commands->tupdesc,
														   2, &isnull));

		if (command->type == SCT_AlterTable &&
			command->d.alterTable.classId == RelationRelationId)
			table_altered(command->d.alterTable.objectId, command->d.alterTable.subcmds);
		else if (command->type == SCT_Simple && IsA(command->parsetree, CreateTrigStmt))
			trigger_created(objid, ((CreateTrigStmt *) command->parsetree)->trigname);
		else if (command->type == SCT_Simple && IsA(command->parsetree, RenameStmt) &&
				 ((RenameStmt *) command->parsetree)->renameType == OBJECT_TRIGGER)
			trigger_renamed(objid, ((RenameStmt *) command->parsetree)->subname);
	}
	SPI_finish();
}

/*
 * Event trigger ON ddl_command_end.
 */
Datum
actstream_table_altered(PG_FUNCTION_ARGS)
{
	EventTriggerData *data = event_trigger_data(fcinfo);
	bool		is_final = find_concurrent_detach(data->parsetree) != NULL;
	List	   *met = DdlNotesTake(false);
	ListCell   *lc;

	if (!ExtensionExists())
		met = NIL;
	foreach(lc, met)
	{
		const DdlEvent *event = lfirst(lc);

		if (event->kind == CHILD_CHANGED)
			child_changed(event, is_final);
		else if (event->kind == PARENT_CHANGED && get_rel_relispartition(event->relid))
			TrackTableAltered(event->relid);
		else if (event->kind == COLUMN_ALTERED)
			column_altered(event);
	}
	if (ExtensionExists() &&
		(data->tag == CMDTAG_ALTER_TABLE || data->tag == CMDTAG_CREATE_TRIGGER ||
		 data->tag == CMDTAG_ALTER_TRIGGER ||
		 data->tag == CMDTAG_CREATE_SCHEMA))
		look_at_commands();
	DdlNotesEnd();
	PG_RETURN_NULL();
}
