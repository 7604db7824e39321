/*
 * track_ddl.c
 *		What happens to tracking triggers when their tables are altered.
 *
 * Event triggers call these functions, as the role that runs the command, to act on what
 * the command has done.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/attempt.h"
#include "base/template.h"
#include "object/binding.h"
#include "object/registry.h"
#include "track/track_ddl.h"
#include "track/track_options.h"
#include "track/track_triggers.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/* The names in an argument that is a name[], or empty. */
static List *
columns_of(char *array)
{
	return array[0] == '\0' ? NIL :
		NameArrayToList(OidInputFunctionCall(F_ARRAY_IN, array, NAMEOID, -1));
}

/* Such an argument with a name replaced. */
static char *
rename_in_array(char *array, const char *old_name, const char *new_name)
{
	List	   *names = columns_of(array);
	ListCell   *lc;

	if (array[0] == '\0')
		return array;
	foreach(lc, names)
	{
		if (strcmp(lfirst(lc), old_name) == 0)
			lfirst(lc) = unconstify(char *, new_name);
	}
	return TrackingColumnsText(names);
}

/* Does an argument of a trigger name the column? */
static bool
names_column(int arg, char *value, const char *name)
{
	ListCell   *lc;

	switch (arg)
	{
		case TRACKING_ACTOR:
		case TRACKING_ACTION_OBJECT:
		case TRACKING_TARGET:
			return strcmp(value, SELF_TEMPLATE) != 0 && TemplateNames(value, name);
		case TRACKING_DESCRIPTION:
			return TemplateNames(value, name);
		case TRACKING_COLUMNS:
		case TRACKING_DATA_COLUMNS:
			foreach(lc, columns_of(value))
			{
				if (strcmp(lfirst(lc), name) == 0)
					return true;
			}
			return false;
		case TRACKING_TIMESTAMP_COLUMN:
			return strcmp(value, name) == 0;
		default:
			return false;
	}
}

static char *
rename_in_argument(int arg, char *value, const char *old_name, const char *new_name)
{
	switch (arg)
	{
		case TRACKING_ACTOR:
		case TRACKING_ACTION_OBJECT:
		case TRACKING_TARGET:
			return strcmp(value, SELF_TEMPLATE) == 0 ? value :
				TemplateRename(value, old_name, new_name);
		case TRACKING_DESCRIPTION:
			return TemplateRename(value, old_name, new_name);
		case TRACKING_COLUMNS:
		case TRACKING_DATA_COLUMNS:
			return rename_in_array(value, old_name, new_name);
		case TRACKING_TIMESTAMP_COLUMN:
			return strcmp(value, old_name) == 0 ? pstrdup(new_name) : value;
		default:
			return value;
	}
}

/* Store new arguments of a trigger. */
static void
store_arguments(const TrackTrigger *trigger, char *const *args)
{
	Relation	rel = table_open(TriggerRelationId, RowExclusiveLock);
	Datum		values[Natts_pg_trigger] = {0};
	bool		nulls[Natts_pg_trigger] = {0};
	bool		replaces[Natts_pg_trigger] = {0};
	StringInfoData encoded;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	initStringInfo(&encoded);
	for (int i = 0; i < trigger->nargs; i++)
		appendBinaryStringInfo(&encoded, args[i], strlen(args[i]) + 1);
	values[Anum_pg_trigger_tgargs - 1] =
		PointerGetDatum(cstring_to_text_with_len(encoded.data, encoded.len));
	replaces[Anum_pg_trigger_tgargs - 1] = true;

	ScanKeyInit(&key, Anum_pg_trigger_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(trigger->oid));
	scan = systable_beginscan(rel, TriggerOidIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "could not find tuple for trigger %u", trigger->oid);
	tuple = heap_modify_tuple(tuple, RelationGetDescr(rel), values, nulls, replaces);
	CatalogTupleUpdate(rel, &tuple->t_self, tuple);
	systable_endscan(scan);
	table_close(rel, RowExclusiveLock);
	CacheInvalidateRelcacheByRelid(trigger->relation);
}

/* A column to rename in the arguments of a trigger, and the result. */
typedef struct RenameJob
{
	const TrackTrigger *trigger;
	const char *old_name;
	const char *new_name;
	char	   *args[NUM_TRACKING_ARGS];
	bool		changed;
	bool		had_new_name;	/* do they name a column that did not exist? */
} RenameJob;

/* AttemptFunction: arguments that track() did not write may be malformed. */
static void
rename_in_arguments(void *arg)
{
	RenameJob  *job = arg;

	job->changed = job->had_new_name = false;
	for (int i = 0; i < NUM_TRACKING_ARGS; i++)
	{
		job->had_new_name = job->had_new_name ||
			names_column(i, job->trigger->args[i], job->new_name);
		job->args[i] = rename_in_argument(i, job->trigger->args[i], job->old_name, job->new_name);
		job->changed = job->changed || strcmp(job->args[i], job->trigger->args[i]) != 0;
	}
}

/*
 * Warn about tracking triggers of a table that do not do what they were made for, but for those that
 * are disabled.
 *
 * A table that others have locked, and so not the command, is passed over.
 */
static void
warn_of_triggers(Oid relid)
{
	List	   *triggers = TrackTriggers(relid);
	Relation	rel = NULL;
	ListCell   *lc;

	if (triggers != NIL && ConditionalLockRelationOid(relid, AccessShareLock))
		rel = try_relation_open(relid, NoLock);
	if (rel == NULL)
		return;
	foreach(lc, triggers)
	{
		TrackTrigger *trigger = lfirst(lc);
		char	   *problem = TrackTriggerProblem(rel, trigger, triggers);

		if (problem != NULL && TrackTriggerIsEnabled(trigger))
			ereport(WARNING,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("tracking trigger \"%s\" of relation \"%s\" is broken: %s",
							trigger->name, RelationGetRelationName(rel), problem),
					 errhint("Correct this, or call actstream.untrack(), and then actstream.track() again.")));
	}
	relation_close(rel, AccessShareLock);
}

/*
 * TrackTableAltered
 *		Warn about tracking triggers of "relid", and of tables that inherit from it,
 *		that do not do what they were made for any more.
 *
 * The columns, the owner or the triggers of the table have changed.
 */
void
TrackTableAltered(Oid relid)
{
	ListCell   *lc;

	foreach(lc, find_all_inheritors(relid, NoLock, NULL))
		warn_of_triggers(lfirst_oid(lc));
}

/*
 * TrackColumnRenamed
 *		Rename a column in the arguments of the tracking triggers of "relid".
 *
 * Warns if that leaves them broken, because no template can contain the new name; says so if it
 * mends them.
 */
void
TrackColumnRenamed(Oid relid, const char *old_name, const char *new_name)
{
	RenameJob	job = {.old_name = old_name,.new_name = new_name};
	ListCell   *lc;

	foreach(lc, TrackTriggers(relid))
	{
		job.trigger = lfirst(lc);
		if (job.trigger->nargs != NUM_TRACKING_ARGS || Attempt(rename_in_arguments, &job) != NULL)
			continue;
		if (job.changed)
			store_arguments(job.trigger, job.args);
		if (job.had_new_name && !job.trigger->is_clone)
			ereport(NOTICE,
					(errmsg("tracking trigger \"%s\" of relation \"%s\" uses column \"%s\" now",
							job.trigger->name, get_rel_name(relid), new_name),
					 errdetail("It named a column that did not exist any more.")));
	}
	CommandCounterIncrement();
	if (!TemplateCanName(new_name))
		warn_of_triggers(relid);
}

/*
 * TrackTriggerCreated
 *		Refuse a new tracking trigger on a table that the current user does not own.
 *
 * It sends actions with the rights of the table's owner, so TRIGGER on the table does
 * not suffice.
 */
void
TrackTriggerCreated(Oid trigger_oid)
{
	Oid			relid = TriggerRelation(trigger_oid, false, NULL);
	ListCell   *lc;

	if (!OidIsValid(relid))
		return;
	foreach(lc, TrackTriggers(relid))
	{
		TrackTrigger *trigger = lfirst(lc);

		if (trigger->oid == trigger_oid &&
			!object_ownercheck(RelationRelationId, relid, GetUserId()))
			aclcheck_error(ACLCHECK_NOT_OWNER, get_relkind_objtype(get_rel_relkind(relid)),
						   get_rel_name(relid));
	}
}
