/*
 * object_trigger.c
 *		The triggers of a registered table, which bind it to its object type.
 *
 * A registered table has
 *
 *	actstream_object	AFTER DELETE OR UPDATE OF key, for each row.  Applies
 *						on_delete to references to a deleted row.  Its column list
 *						records the key columns: see binding.c.
 *	actstream_rekey		AFTER UPDATE, for each row WHEN the key has changed, by
 *						whatever means.  References follow the new key.
 *	actstream_truncate	BEFORE TRUNCATE, on the table and on each partition, since a
 *						partition can be truncated by itself.  Removes references
 *						to the rows while these can still be read.
 *	actstream_truncated	AFTER TRUNCATE, on the table itself, when all rows are gone.
 *	zz_actstream_move	BEFORE UPDATE, on a partitioned table, for each row WHEN
 *						the key changes: the row may be about to move.
 *
 * Their functions are in object_changed.c.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/run_as.h"
#include "object/binding.h"
#include "object/object_key.h"
#include "object/object_trigger.h"
#include "tables/own_trigger.h"

#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parser.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(actstream_drop_binding);

/* One of the triggers. */
typedef struct ObjectTrigger
{
	const char *name;
	const char *function;
	int16		timing;			/* TRIGGER_TYPE_… */
	int16		events;
	bool		row;
	bool		only_partitioned;
	bool		when_key_changes;
	bool		for_partitions;	/* to be created on each of them */
} ObjectTrigger;

static const ObjectTrigger object_triggers[] = {
	{.name = BINDING_TRIGGER_NAME, .function = "object_deleted", .timing = TRIGGER_TYPE_AFTER,
	.events = TRIGGER_TYPE_DELETE | TRIGGER_TYPE_UPDATE, .row = true},
	{.name = "actstream_rekey", .function = "object_rekeyed", .timing = TRIGGER_TYPE_AFTER,
	.events = TRIGGER_TYPE_UPDATE, .row = true, .when_key_changes = true},
	{.name = "actstream_truncate", .function = "objects_truncated", .timing = TRIGGER_TYPE_BEFORE,
	.events = TRIGGER_TYPE_TRUNCATE, .for_partitions = true},
	{.name = "actstream_truncated", .function = "objects_truncated", .timing = TRIGGER_TYPE_AFTER,
	.events = TRIGGER_TYPE_TRUNCATE},
	/* BEFORE triggers fire in the order of their names: this one must be last */
	{.name = "zz_actstream_move", .function = "object_moves", .timing = TRIGGER_TYPE_BEFORE,
	.events = TRIGGER_TYPE_UPDATE, .row = true, .only_partitioned = true, .when_key_changes = true}
};

/* The condition that the key changes, as an expression tree. */
static Node *
key_differs(Oid relid, List *key_columns)
{
	char	   *condition = ObjectKeyDiffers(relid, key_columns);

	return linitial_node(ResTarget,
						 castNode(SelectStmt,
								  linitial_node(RawStmt,
												raw_parser(condition,
														   RAW_PARSE_PLPGSQL_EXPR))->stmt)->targetList)->val;
}

/* The one of that name, or NULL. */
static const ObjectTrigger *
trigger_of_name(const char *name)
{
	for (int i = 0; i < (int) lengthof(object_triggers); i++)
	{
		if (strcmp(object_triggers[i].name, name) == 0)
			return &object_triggers[i];
	}
	return NULL;
}

/*
 * ObjectTriggerIsReserved
 *		Has one of the triggers of registered tables this name?
 */
bool
ObjectTriggerIsReserved(const char *name)
{
	return trigger_of_name(name) != NULL;
}

/*
 * ObjectTriggerIsOne
 *		Is a trigger of that name, with that function, one of those of registered tables?
 */
bool
ObjectTriggerIsOne(const char *name, Oid function)
{
	const ObjectTrigger *trigger = trigger_of_name(name);

	return trigger != NULL && OidIsValid(function) && function == OwnTriggerFunction(trigger->function);
}

/* The table's trigger with that name and function, or NULL. */
static const Trigger *
find_trigger(const ObjectTrigger *trigger, Relation rel)
{
	Oid			function = OwnTriggerFunction(trigger->function);
	const TriggerDesc *triggers = rel->trigdesc;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		if (triggers->triggers[i].tgfoid == function &&
			strcmp(triggers->triggers[i].tgname, trigger->name) == 0)
			return &triggers->triggers[i];
	}
	return NULL;
}

/*
 * Create one of the triggers on a table, replacing a trigger of that name.  Raises
 * ERRCODE_DUPLICATE_OBJECT if that has another function, unless "replace" is set.
 *
 * The table is given by OID, so that a rename meanwhile does not lead to another table.
 */
static void
create_trigger(const ObjectTrigger *trigger, Oid relid, List *key_columns, bool replace)
{
	CreateTrigStmt *stmt = makeNode(CreateTrigStmt);
	Relation	rel;
	RunAs		before;
	ListCell   *lc;

	stmt->replace = OidIsValid(get_trigger_oid(relid, trigger->name, true));
	stmt->trigname = pstrdup(trigger->name);
	stmt->row = trigger->row;
	stmt->timing = trigger->timing;
	stmt->events = trigger->events;
	if (strcmp(trigger->name, BINDING_TRIGGER_NAME) == 0)
	{
		foreach(lc, key_columns)
			stmt->columns = lappend(stmt->columns, makeString(pstrdup(lfirst(lc))));
	}
	if (trigger->when_key_changes)
		stmt->whenClause = key_differs(relid, key_columns);
	/* a partition that is being attached may have another owner */
	rel = table_open(relid, ShareRowExclusiveLock);
	if (stmt->replace && !replace && find_trigger(trigger, rel) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("trigger \"%s\" for relation \"%s\" already exists",
						trigger->name, RelationGetRelationName(rel)),
				 errdetail("Tables of object types have a trigger of that name, with another function."),
				 errhint("Rename it with ALTER TRIGGER.")));
	RunAsBegin(&before,
			   pg_class_aclcheck(relid, GetUserId(), ACL_TRIGGER) == ACLCHECK_OK ?
			   GetUserId() : rel->rd_rel->relowner,
			   RUN_AS_RESTRICTED);
	OwnTriggerCreate(stmt, relid, trigger->function);
	RunAsEnd(&before);
	table_close(rel, NoLock);
}

/* Drop one of the triggers, if it exists. */
static void
drop_trigger(const ObjectTrigger *trigger, Oid relid)
{
	Relation	rel = table_open(relid, AccessExclusiveLock);
	const Trigger *found = find_trigger(trigger, rel);
	ObjectAddress address = {.classId = TriggerRelationId, .objectId = found == NULL ? InvalidOid : found->tgoid};

	table_close(rel, NoLock);
	if (!OidIsValid(address.objectId))
		return;
	performDeletion(&address, DROP_RESTRICT, 0);
	CommandCounterIncrement();
}

/*
 * The partitions below a table that store rows in this database, locked; for a table
 * that is not partitioned, the table itself.
 */
static List *
leaves(Oid relid)
{
	List	   *result = NIL;
	ListCell   *lc;

	if (get_rel_relkind(relid) == RELKIND_RELATION)
		return list_make1_oid(relid);
	if (get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE)
		return NIL;
	foreach(lc, find_all_inheritors(relid, ShareRowExclusiveLock, NULL))
	{
		if (get_rel_relkind(lfirst_oid(lc)) == RELKIND_RELATION)
			result = lappend_oid(result, lfirst_oid(lc));
	}
	return result;
}

/* Create those triggers on a table and its partitions that each of these has. */
static void
create_for_partitions(Oid relid, bool replace)
{
	ListCell   *lc;

	foreach(lc, leaves(relid))
	{
		for (int i = 0; i < (int) lengthof(object_triggers); i++)
		{
			if (object_triggers[i].for_partitions)
				create_trigger(&object_triggers[i], lfirst_oid(lc), NIL, replace);
		}
	}
}

/*
 * ObjectTriggersAttached, ObjectTriggersDetached
 *		Create, on a new partition of a registered table and on its own partitions, the
 *		triggers that PostgreSQL does not clone; drop them from a former partition.
 *
 * They are needed because a statement trigger of a partitioned table does not fire when
 * a partition is truncated by itself.  ObjectTriggersDetached() returns the tables that
 * store rows, the partition itself or those below it, locked.
 */
void
ObjectTriggersAttached(Oid partition)
{
	create_for_partitions(partition, false);
}

List *
ObjectTriggersDetached(Oid partition)
{
	List	   *tables = leaves(partition);
	ListCell   *lc;

	foreach(lc, tables)
	{
		for (int i = 0; i < (int) lengthof(object_triggers); i++)
		{
			if (object_triggers[i].for_partitions)
				drop_trigger(&object_triggers[i], lfirst_oid(lc));
		}
	}
	return tables;
}

/*
 * ObjectTriggersCreate
 *		Create or replace the triggers of a table with these key columns (char *).
 *
 * Raises ERRCODE_DUPLICATE_OBJECT for another trigger of such a name, unless "replace" is set.  The caller holds ShareRowExclusiveLock on it.
 */
void
ObjectTriggersCreate(Relation rel, List *key_columns, bool replace)
{
	bool		partitioned = rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE;

	for (int i = 0; i < (int) lengthof(object_triggers); i++)
	{
		if (partitioned || !object_triggers[i].only_partitioned)
			create_trigger(&object_triggers[i], RelationGetRelid(rel), key_columns, replace);
	}
	if (partitioned)
		create_for_partitions(RelationGetRelid(rel), replace);
}

/*
 * Is the trigger of the table as create_trigger() makes it, but for the columns of the one that binds
 * it, and enabled?
 *
 * "found" may be gone as soon as anything is looked up in a catalog.
 */
static bool
is_as_created(const ObjectTrigger *trigger, const Trigger *found, Relation rel, List *key_columns)
{
	char	   *condition;

	if ((found->tgenabled != TRIGGER_FIRES_ON_ORIGIN && found->tgenabled != TRIGGER_FIRES_ALWAYS) ||
		found->tgtype != ((trigger->row ? TRIGGER_TYPE_ROW : TRIGGER_TYPE_STATEMENT) |
						  trigger->timing | trigger->events) ||
		found->tgdeferrable || found->tgnargs > 0 ||
		(found->tgnattr > 0 && strcmp(trigger->name, BINDING_TRIGGER_NAME) != 0))
		return false;
	if (!trigger->when_key_changes || found->tgqual == NULL)
		return !trigger->when_key_changes && found->tgqual == NULL;
	condition = pstrdup(found->tgqual);
	return equal(stringToNode(condition),
				 OwnTriggerCondition(rel, key_differs(RelationGetRelid(rel), key_columns)));
}

/* Does a table, or a partition of one, have all of the triggers? */
static bool
has_triggers(Relation rel, List *key_columns, bool is_partition)
{
	char		relkind = rel->rd_rel->relkind;

	if (is_partition && relkind == RELKIND_FOREIGN_TABLE)
		return true;
	for (int i = 0; i < (int) lengthof(object_triggers); i++)
	{
		const ObjectTrigger *trigger = &object_triggers[i];
		const Trigger *found;

		/* a partition has clones of those for rows */
		if (is_partition ? !trigger->row && (!trigger->for_partitions || relkind != RELKIND_RELATION) :
			trigger->only_partitioned && relkind != RELKIND_PARTITIONED_TABLE)
			continue;
		found = find_trigger(trigger, rel);
		if (found == NULL || !is_as_created(trigger, found, rel, key_columns))
			return false;
	}
	return true;
}

/*
 * ObjectTriggersExist
 *		Do a table that is bound by these key columns (char *), and its partitions, have all of the
 *		triggers, as they were created?
 *
 * Keeps no lock on partitions.
 */
bool
ObjectTriggersExist(Relation rel, List *key_columns)
{
	bool		result = has_triggers(rel, key_columns, false);
	ListCell   *lc;

	if (rel->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		return result;
	foreach(lc, find_all_inheritors(RelationGetRelid(rel), NoLock, NULL))
	{
		Relation	partition = lfirst_oid(lc) == RelationGetRelid(rel) ? NULL :
			try_relation_open(lfirst_oid(lc), AccessShareLock);

		if (partition == NULL)
			continue;
		result = result && has_triggers(partition, key_columns, true);
		relation_close(partition, AccessShareLock);
	}
	return result;
}

/*
 * ObjectTriggersDrop
 *		Drop the triggers of a table and of its partitions.
 *
 * The caller holds AccessExclusiveLock on it.
 */
void
ObjectTriggersDrop(Relation rel)
{
	for (int i = 0; i < (int) lengthof(object_triggers); i++)
		drop_trigger(&object_triggers[i], RelationGetRelid(rel));
	if (rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
		(void) ObjectTriggersDetached(RelationGetRelid(rel));
}

/*
 * drop_binding(relation regclass)
 *
 * Drop the triggers of a table.  The caller must own the registry, whose triggers they
 * are, not the table.
 */
Datum
actstream_drop_binding(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	Relation	rel;
	bool		is_bound = false;

	PreventCommandIfReadOnly("actstream.drop_tables()");
	OwnTableRequireOwner(OWN_OBJECT_TYPES);
	/* the caller may not lock a table that has none of our triggers */
	rel = try_relation_open(relid, AccessShareLock);
	if (rel == NULL)
		PG_RETURN_VOID();
	for (int i = 0; i < (int) lengthof(object_triggers); i++)
		is_bound |= find_trigger(&object_triggers[i], rel) != NULL;
	relation_close(rel, AccessShareLock);
	rel = is_bound ? try_relation_open(relid, AccessExclusiveLock) : NULL;
	if (rel != NULL)
	{
		ObjectTriggersDrop(rel);
		relation_close(rel, NoLock);
	}
	PG_RETURN_VOID();
}
