/*
 * ddl.c
 *		What becomes of references when registered tables are altered or dropped.
 *
 * Rows can go without any trigger of their table: with the table, with a
 * partition, with a partition that is detached.  Event triggers see it, in everybody's
 * DDL, so they leave as soon as it is not about a registered table.
 *
 * They act on what the command itself reports to have done, by number, and look no
 * name up: a name may mean another table by then, or have been no table of the
 * command's at all.  What was in a partition cannot be known when it is gone; so an
 * object access hook reads it at the moment when PostgreSQL is about to drop it.  The
 * first of the event triggers, which does nothing else, sees to it that this
 * library is loaded by then.
 *
 * No DROP is refused, but that of a partition whose rows are referred to under
 * on_delete = 'restrict', and that of an index or a property that the key of a
 * registered table needs.
 */
#include "postgres.h"

#include "compat.h"
#include "binding.h"
#include "catalog.h"
#include "ddl.h"
#include "follow_list.h"
#include "integrity.h"
#include "object_trigger.h"
#include "object_type.h"
#include "spi_plan.h"
#include "track.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/objectaccess.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/event_trigger.h"
#include "nodes/parsenodes.h"
#include "tcop/deparse_utility.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(actstream_ddl_begins);
PG_FUNCTION_INFO_V1(actstream_objects_dropped);
PG_FUNCTION_INFO_V1(actstream_table_altered);

static SpiPlan list_dropped_tables = {
	.sql = "SELECT d.objid FROM pg_catalog.pg_event_trigger_dropped_objects() d"
	" WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass"
	" AND d.objsubid OPERATOR(pg_catalog.=) 0",
	.nargs = 0
};

static SpiPlan list_commands = {
	.sql = "SELECT d.command, d.classid, d.objid, d.objsubid"
	" FROM pg_catalog.pg_event_trigger_ddl_commands() d",
	.nargs = 0
};

static object_access_hook_type next_object_access_hook = NULL;

/* A table that has come to a parent, or left it. */
typedef struct Child
{
	Oid			relid;
	Oid			parent;
	bool		was_partition;	/* at that moment */
} Child;

/*
 * What the hook has met since the command began, in the transaction's memory: children
 * that came or left; tables that have lost an index; and tables that have lost a
 * partition which could not be read, or need not be if the whole table is to go.
 */
static List *children = NIL;
static List *without_index = NIL;
static List *to_sweep = NIL;

/* The DROP that is being run, also in the transaction's memory: a hint only. */
static DropStmt *current_statement = NULL;

static EventTriggerData *
event_trigger_data(FunctionCallInfo fcinfo)
{
	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function was not called by event trigger manager")));
	return (EventTriggerData *) fcinfo->context;
}

static void
forget_command(void)
{
	children = without_index = to_sweep = NIL;
	current_statement = NULL;
}

/* Callbacks: what a transaction or a part of it has met ends with it. */
static void
transaction_ends(XactEvent event, void *arg)
{
	forget_command();
}

static void
subtransaction_ends(SubXactEvent event, SubTransactionId mySubid,
					SubTransactionId parentSubid, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		forget_command();
}

static List *
remember(List *list, Oid relid)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(TopTransactionContext);

	list = list_append_unique_oid(list, relid);
	MemoryContextSwitchTo(oldcontext);
	return list;
}

/*
 * Does the statement look as if it dropped the table?
 *
 * Names are compared, not looked up: where that misleads, references are swept up
 * when the command has ended.
 */
static bool
seems_to_drop(Oid relid)
{
	DropStmt   *stmt = current_statement;
	ListCell   *lc;

	if (stmt == NULL)
		return false;
	foreach(lc, stmt->objects)
	{
		if (stmt->removeType == OBJECT_SCHEMA)
		{
			if (strcmp(strVal(lfirst(lc)), get_namespace_name(get_rel_namespace(relid))) == 0)
				return true;
		}
		else if (stmt->removeType == OBJECT_TABLE)
		{
			if (strcmp(strVal(llast(lfirst_node(List, lc))), get_rel_name(relid)) == 0)
				return true;
		}
	}
	return false;
}

/*
 * A partition of a registered table is about to be dropped, by its own or with whatever
 * it depends on.
 */
static void
partition_goes(Oid relid, const RegisteredType *type)
{
	Relation	rel;

	if (get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE)
		return;					/* its own partitions go first */
	if (get_rel_relkind(relid) != RELKIND_RELATION || seems_to_drop(type->relation))
	{
		to_sweep = remember(to_sweep, type->relation);
		return;
	}
	rel = table_open(relid, NoLock);
	IntegrityForgetRows(type, rel);
	table_close(rel, NoLock);
}

/* A table is about to be dropped, or an index. */
static void
relation_goes(Oid objid)
{
	const RegisteredType *type;

	if (get_rel_relkind(objid) == RELKIND_INDEX || get_rel_relkind(objid) == RELKIND_PARTITIONED_INDEX)
	{
		Oid			table = IndexGetRelation(objid, true);

		if (OidIsValid(table) && RegistryLookupRelation(table) != NULL)
			without_index = remember(without_index, table);
	}
	else if (get_rel_relispartition(objid))
	{
		type = RegistryLookupTable(objid);
		if (type != NULL && type->relation != objid)
			partition_goes(objid, type);
	}
}

/* A table comes to a parent, or leaves it; the command is still at work on it. */
static void
child_changes(Oid relid, Oid parent)
{
	MemoryContext oldcontext;
	Child	   *child;

	if (RegistryLookupTable(parent) == NULL)
		return;
	oldcontext = MemoryContextSwitchTo(TopTransactionContext);
	child = palloc(sizeof(Child));
	child->relid = relid;
	child->parent = parent;
	child->was_partition = get_rel_relispartition(relid);
	children = lappend(children, child);
	MemoryContextSwitchTo(oldcontext);
}

/*
 * Hook: an object is accessed.
 */
static void
object_is_accessed(ObjectAccessType access, Oid classid, Oid objid, int subid, void *arg)
{
	bool		goes = access == OAT_DROP && classid == RelationRelationId && subid == 0 &&
		(((ObjectAccessDrop *) arg)->dropflags & PERFORM_DELETION_INTERNAL) == 0;
	bool		inherits = access == OAT_POST_ALTER && classid == InheritsRelationId;

	if (next_object_access_hook != NULL)
		next_object_access_hook(access, classid, objid, subid, arg);
	if ((!goes && !inherits) || !ExtensionIsComplete() || !RegistryHasTables())
		return;
	if (goes)
		relation_goes(objid);
	else
		child_changes(objid, ((ObjectAccessPostAlter *) arg)->auxiliary_id);
}

/*
 * DdlInit
 *		Watch what is dropped; called once, when the library is loaded.
 */
void
DdlInit(void)
{
	next_object_access_hook = object_access_hook;
	object_access_hook = object_is_accessed;
	RegisterXactCallback(transaction_ends, NULL);
	RegisterSubXactCallback(subtransaction_ends, NULL);
}

/*
 * Event trigger ON ddl_command_start: the library is loaded, and knows the statement.
 */
Datum
actstream_ddl_begins(PG_FUNCTION_ARGS)
{
	EventTriggerData *data = event_trigger_data(fcinfo);
	MemoryContext oldcontext = MemoryContextSwitchTo(TopTransactionContext);

	current_statement = IsA(data->parsetree, DropStmt) ? copyObject((DropStmt *) data->parsetree) : NULL;
	MemoryContextSwitchTo(oldcontext);
	PG_RETURN_NULL();
}

/* Run a statement that returns what a command has done; SPI stays connected. */
static uint64
ask_about_command(SpiPlan *plan)
{
	SPI_connect();
	return SpiPlanExecute(plan, NULL, NULL);
}

/*
 * Event trigger ON sql_drop.
 */
Datum
actstream_objects_dropped(PG_FUNCTION_ARGS)
{
	SPITupleTable *dropped;
	uint64		ndropped;
	List	   *swept = to_sweep;
	List	   *checked = without_index;
	ListCell   *lc;

	(void) event_trigger_data(fcinfo);
	forget_command();
	if (!ExtensionIsComplete() || !RegistryHasTables())
		PG_RETURN_NULL();

	ndropped = ask_about_command(&list_dropped_tables);
	dropped = SPI_tuptable;
	for (uint64 i = 0; i < ndropped; i++)
	{
		bool		isnull;
		Oid			relid = DatumGetObjectId(SPI_getbinval(dropped->vals[i], dropped->tupdesc,
														   1, &isnull));
		const RegisteredType *type = RegistryLookupRelation(relid);

		if (type != NULL)
			ObjectTypeTableDropped(type);
	}
	SPI_finish();

	foreach(lc, swept)
	{
		const RegisteredType *type = RegistryLookupRelation(lfirst_oid(lc));

		if (type != NULL && get_rel_name(type->relation) != NULL)
			IntegritySweep(type);
	}
	foreach(lc, checked)
		ObjectTypeCheckTable(lfirst_oid(lc));
	PG_RETURN_NULL();
}

/*
 * A table has come to a registered table, or to one of its partitions, or has left it.
 */
static void
child_changed(const Child *child)
{
	const RegisteredType *found = RegistryLookupTable(child->parent);
	RegisteredType type;
	ListCell   *lc;

	if (found == NULL)
		return;
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

			IntegrityForgetRows(&type, rel);
			table_close(rel, NoLock);
		}
	}
}

/*
 * What ALTER TABLE has done to the table "relid".
 */
static void
table_altered(Oid relid, List *subcommands)
{
	bool		check = false;
	bool		track = false;
	ListCell   *lc;

	if (relid == FollowRelationId())
		FollowListsForget();	/* their trigger may have been disabled */
	foreach(lc, subcommands)
	{
		AlterTableCmd *cmd = (AlterTableCmd *) ((CollectedATSubcmd *) lfirst(lc))->parsetree;

		check = check || (IsA(cmd, AlterTableCmd) &&
						  (cmd->subtype == AT_SetUnLogged || cmd->subtype == AT_DropNotNull ||
						   cmd->subtype == AT_DropConstraint));
		track = track || (IsA(cmd, AlterTableCmd) &&
						  (is_drop_column(cmd) || cmd->subtype == AT_AlterColumnType ||
						   cmd->subtype == AT_ChangeOwner));
	}
	if (check)
		ObjectTypeCheckTable(relid);
	if (track)
		TrackTableAltered(relid);
}

/*
 * What a command reports to have done that is not ALTER TABLE of some other kind.
 */
static void
object_made(Node *parsetree, Oid classid, Oid objid)
{
	if (IsA(parsetree, RenameStmt) && ((RenameStmt *) parsetree)->renameType == OBJECT_COLUMN &&
		classid == RelationRelationId)
	{
		RenameStmt *stmt = (RenameStmt *) parsetree;

		ObjectTypeColumnRenamed(objid, stmt->subname, stmt->newname);
		TrackColumnRenamed(objid, stmt->subname, stmt->newname);
	}
	else if (IsA(parsetree, CreateTrigStmt) && classid == TriggerRelationId)
	{
		TrackTriggerCreated(objid);
		if (TriggerRelation(objid) == FollowRelationId())
			FollowListsForget();
	}
}

/*
 * Event trigger ON ddl_command_end for commands that make or alter tables, their
 * columns and triggers.
 */
Datum
actstream_table_altered(PG_FUNCTION_ARGS)
{
	SPITupleTable *commands;
	uint64		ncommands;
	List	   *changed = children;
	ListCell   *lc;

	(void) event_trigger_data(fcinfo);
	children = NIL;
	if (!ExtensionIsComplete())
		PG_RETURN_NULL();
	foreach(lc, changed)
		child_changed(lfirst(lc));

	ncommands = ask_about_command(&list_commands);
	commands = SPI_tuptable;
	for (uint64 i = 0; i < ncommands; i++)
	{
		Datum		values[4];
		bool		isnull[4];
		CollectedCommand *command;

		heap_deform_tuple(commands->vals[i], commands->tupdesc, values, isnull);
		command = (CollectedCommand *) DatumGetPointer(values[0]);
		if (command->type == SCT_AlterTable)
		{
			if (command->d.alterTable.classId == RelationRelationId)
				table_altered(command->d.alterTable.objectId, command->d.alterTable.subcmds);
		}
		else if (command->type == SCT_Simple && !isnull[1] && !isnull[2])
			object_made(command->parsetree, DatumGetObjectId(values[1]), DatumGetObjectId(values[2]));
	}
	SPI_finish();
	PG_RETURN_NULL();
}
