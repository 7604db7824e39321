/*
 * ddl.c
 *		What becomes of references when registered tables are altered or dropped.
 *
 * Rows can go without any trigger of their table: with the table, with a
 * partition, with a partition that is detached.  These event triggers see it.
 * They run in everybody's DDL, so they leave as soon as it is not about a
 * registered table.  No DROP is refused, but that of a partition whose rows are
 * referred to under on_delete = 'restrict'.
 */
#include "postgres.h"

#include "compat.h"
#include "catalog.h"
#include "follow_list.h"
#include "integrity.h"
#include "object_trigger.h"
#include "object_type.h"
#include "spi_plan.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/event_trigger.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(actstream_objects_dropped);
PG_FUNCTION_INFO_V1(actstream_table_altered);

/* Has any of the dropped partitions been one of a registered table? */
static SpiPlan find_dropped_partition = {
	.sql = "SELECT 1 FROM pg_catalog.pg_event_trigger_dropped_objects() d"
	" WHERE d.object_type OPERATOR(pg_catalog.=) 'trigger'"
	" AND d.address_names[3] OPERATOR(pg_catalog.=) '" BINDING_TRIGGER_NAME "' LIMIT 1",
	.nargs = 0
};

static SpiPlan list_created_partitions = {
	.sql = "SELECT c.oid FROM pg_catalog.pg_event_trigger_ddl_commands() d"
	" JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) d.objid"
	" WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass"
	" AND d.objsubid OPERATOR(pg_catalog.=) 0 AND c.relispartition",
	.nargs = 0
};

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
 * Sweep up after a partition of some registered table is gone.  If the type
 * restricts, that may raise ERRCODE_FOREIGN_KEY_VIOLATION: the owner of the
 * table has wanted it so.
 */
static void
partition_dropped(const char *label)
{
	const RegisteredType *type = RegistryLookupLabel(label, strlen(label));

	if (type != NULL && get_rel_relkind(type->relation) == RELKIND_PARTITIONED_TABLE)
		IntegritySweep(type);
}

/*
 * Event trigger ON sql_drop.
 */
Datum
actstream_objects_dropped(PG_FUNCTION_ARGS)
{
	List	   *labels;
	ListCell   *lc;
	bool		partition;

	(void) event_trigger_data(fcinfo);
	if (!ExtensionIsComplete())
		PG_RETURN_NULL();
	labels = RegistryLabels();
	if (labels == NIL)
		PG_RETURN_NULL();

	SPI_connect();
	partition = SpiPlanExecute(&find_dropped_partition, NULL, NULL) > 0;
	SPI_finish();

	foreach(lc, labels)
	{
		char	   *label = lfirst(lc);
		const RegisteredType *type = RegistryLookupLabel(label, strlen(label));

		if (type != NULL && get_rel_name(type->relation) == NULL)
			ObjectTypeTableDropped(label);
		else if (partition)
			partition_dropped(label);
	}
	PG_RETURN_NULL();
}

/*
 * A partition was attached to, or detached from, the table "relid", or that has
 * a new owner.
 */
static void
table_changed(AlterTableCmd *cmd, Oid relid)
{
	const RegisteredType *type = RegistryLookupTable(relid);
	PartitionCmd *partition = (PartitionCmd *) cmd->def;
	Oid			partid;

	if (type == NULL)
		return;
	if (cmd->subtype == AT_ChangeOwner)
	{
		ObjectTriggersGrant(relid, OwnTablesOwner());
		return;
	}
	partid = RangeVarGetRelid(partition->name, NoLock, true);
	if (cmd->subtype == AT_AttachPartition)
	{
		if (OidIsValid(partid))
			ObjectTriggersAttached(partid, OwnTablesOwner());
		return;
	}
	if (OidIsValid(partid))
		ObjectTriggersDetached(partid, OwnTablesOwner());
	IntegritySweep(RegistryLookupTable(relid));
}

/*
 * Whether what is done to a table by the command may keep the trigger that notes
 * changes to follows from doing so.
 */
static bool
may_silence_follows(Node *command)
{
	RangeVar   *relation = NULL;

	if (IsA(command, AlterTableStmt))
		relation = ((AlterTableStmt *) command)->relation;
	else if (IsA(command, CreateTrigStmt))
		relation = ((CreateTrigStmt *) command)->relation;
	return relation != NULL &&
		RangeVarGetRelid(relation, NoLock, true) == FollowRelationId();
}

static void
table_altered(AlterTableStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if (cmd->subtype == AT_AttachPartition ||
			cmd->subtype == AT_DetachPartition ||
			cmd->subtype == AT_DetachPartitionFinalize ||
			cmd->subtype == AT_ChangeOwner)
			table_changed(cmd, RangeVarGetRelid(stmt->relation, NoLock, true));
	}
}

/*
 * Partitions were created, by CREATE TABLE or within CREATE SCHEMA.
 */
static void
partitions_created(void)
{
	SPITupleTable *created;
	uint64		ncreated;

	SPI_connect();
	ncreated = SpiPlanExecute(&list_created_partitions, NULL, NULL);
	created = SPI_tuptable;
	for (uint64 i = 0; i < ncreated; i++)
	{
		bool		isnull;
		Oid			relid = DatumGetObjectId(SPI_getbinval(created->vals[i], created->tupdesc,
														   1, &isnull));

		if (RegistryLookupTable(relid) != NULL)
			ObjectTriggersAttached(relid, OwnTablesOwner());
	}
	SPI_finish();
}

/*
 * Event trigger ON ddl_command_end for CREATE TABLE, CREATE SCHEMA, CREATE TRIGGER
 * and ALTER TABLE.
 */
Datum
actstream_table_altered(PG_FUNCTION_ARGS)
{
	EventTriggerData *data = event_trigger_data(fcinfo);

	if (!ExtensionIsComplete())
		PG_RETURN_NULL();
	if (may_silence_follows(data->parsetree))
		FollowListsForget();
	if (RegistryLabels() == NIL || IsA(data->parsetree, CreateTrigStmt))
		PG_RETURN_NULL();

	if (IsA(data->parsetree, AlterTableStmt))
		table_altered((AlterTableStmt *) data->parsetree);
	else
		partitions_created();
	PG_RETURN_NULL();
}
