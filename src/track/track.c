/*
 * track.c
 *		track() and untrack(): triggers that send actions.
 *
 * Only the owner of a table can track it, and must be allowed to insert any action: the
 * trigger sends actions with that right, no matter which role changes the table, see
 * row_changed.c.
 */
#include "postgres.h"

#include "base/compat.h"
#include "object/object_trigger.h"
#include "object/registry.h"
#include "tables/own_tables.h"
#include "tables/own_trigger.h"
#include "track/row_changed.h"
#include "track/track.h"
#include "track/track_check.h"
#include "track/track_condition.h"
#include "track/track_ddl.h"
#include "track/track_triggers.h"

#include "access/relation.h"
#include "access/xact.h"
#include "catalog/catalog.h"
#include "catalog/dependency.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#define DEFAULT_TRIGGER_NAME	"actstream_track"
#define MOVE_TRIGGER_NAME		"actstream_move"

PG_FUNCTION_INFO_V1(actstream_track);
PG_FUNCTION_INFO_V1(actstream_untrack);

static void
check_owner(Oid relid)
{
	if (!object_ownercheck(RelationRelationId, relid, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, get_relkind_objtype(get_rel_relkind(relid)),
					   get_rel_name(relid));
}

/*
 * Open a table that the current user may track, with a lock.
 *
 * Checks ownership first: a role that does not own the table must not wait for a lock on
 * it, nor make others wait.
 */
static Relation
open_trackable(Oid relid, LOCKMODE lockmode)
{
	Relation	rel = NULL;

	if (get_rel_name(relid) != NULL)
	{
		check_owner(relid);
		rel = try_relation_open(relid, lockmode);
	}
	if (rel == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid),
				 errhint("It has been dropped, perhaps just now, to be replaced: call the function again.")));
	if (rel->rd_rel->relkind != RELKIND_RELATION &&
		rel->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("relation \"%s\" cannot be tracked", RelationGetRelationName(rel)),
				 errdetail("It is not a table."),
				 errhint("Track the table that its rows come from.")));
	if (IsSystemRelation(rel) || IsAnyOwnTable(relid))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("relation \"%s\" cannot be tracked", RelationGetRelationName(rel)),
				 errdetail("System catalogs and tables of actstream cannot be tracked.")));
	check_owner(relid);
	return rel;
}

/*
 * Raise ERRCODE_INSUFFICIENT_PRIVILEGE unless the table could send actions.
 */
static void
check_may_send(Relation rel)
{
	const char *why_not;

	OwnTablesRequire();
	why_not = EmitIsForbidden(rel->rd_rel->relowner);
	if (why_not != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to track relation \"%s\": %s",
						RelationGetRelationName(rel), why_not),
				 errhint("What a tracked table sends needs INSERT on the whole table actions, without policies. A trigger of your own can call actstream.act_send() instead.")));
}

static int16
events_from_array(Datum array)
{
	static const struct
	{
		const char *name;
		int16		event;
	}			known[] = {
		{"insert", TRIGGER_TYPE_INSERT},
		{"update", TRIGGER_TYPE_UPDATE},
		{"delete", TRIGGER_TYPE_DELETE}
	};
	int16		result = 0;
	Datum	   *elems;
	bool	   *nulls;
	int			n;

	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT,
					  &elems, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		char	   *name = nulls[i] ? "" : TextDatumGetCString(elems[i]);
		int16		event = 0;

		for (int k = 0; k < (int) lengthof(known); k++)
		{
			if (strcmp(name, known[k].name) == 0)
				event = known[k].event;
		}
		if (event == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("unrecognized event: \"%s\"", name),
					 errhint("Events are \"insert\", \"update\" and \"delete\".")));
		result |= event;
	}
	if (result == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("events must not be empty")));
	return result;
}

/*
 * Is the trigger the one that the statement would create, except for its name, and for when
 * it fires?
 */
static ConditionMatch
compare(const TrackTrigger *trigger, const CreateTrigStmt *stmt, char *const *args,
		Relation rel)
{
	if (trigger->is_move || trigger->is_clone || trigger->nargs != NUM_TRACKING_ARGS ||
		trigger->type != (TRIGGER_TYPE_ROW | stmt->timing | stmt->events))
		return CONDITION_DIFFERS;
	for (int i = 0; i < NUM_TRACKING_ARGS; i++)
	{
		if (strcmp(trigger->args[i], args[i]) != 0)
			return CONDITION_DIFFERS;
	}
	if (trigger->condition == NULL || stmt->whenClause == NULL)
		return trigger->condition == NULL && stmt->whenClause == NULL ? CONDITION_SAME :
			CONDITION_DIFFERS;
	return TrackConditionCompare(rel, trigger->condition, stmt->whenClause);
}

/*
 * Does a trigger of the table fire for all that it is made for, in the partitions, too?
 *
 * Not if it has been disabled or left to replicas, or has been created anew for some columns only.
 * Keeps no lock on partitions.
 */
static bool
fires(Relation rel, const TrackTrigger *trigger)
{
	ListCell   *lc;

	foreach(lc, find_all_inheritors(RelationGetRelid(rel), NoLock, NULL))
	{
		bool		is_child = lfirst_oid(lc) != RelationGetRelid(rel);
		ListCell   *cell;

		foreach(cell, TrackTriggers(lfirst_oid(lc)))
		{
			TrackTrigger *other = lfirst(cell);

			/* clones have the name of their original */
			if (other->is_clone == is_child && strcmp(other->name, trigger->name) == 0 &&
				(!TrackTriggerIsEnabled(other) || other->ncolumns > 0))
				return false;
		}
	}
	return true;
}

/*
 * A trigger of the table that does what the statement asks for, and has the name in the
 * statement if there is one; else NULL.
 *
 * Sets *is_intact if it need not be created anew.  One for which that holds comes first.
 */
static const TrackTrigger *
find_equal(const CreateTrigStmt *stmt, char *const *args, Relation rel, bool *is_intact)
{
	const TrackTrigger *result = NULL;
	ListCell   *lc;

	*is_intact = false;
	foreach(lc, TrackTriggers(RelationGetRelid(rel)))
	{
		TrackTrigger *trigger = lfirst(lc);
		ConditionMatch match;

		if (stmt->trigname != NULL && strcmp(trigger->name, stmt->trigname) != 0)
			continue;
		match = compare(trigger, stmt, args, rel);
		*is_intact = match == CONDITION_SAME && fires(rel, trigger);
		if (*is_intact)
			return trigger;
		if (match != CONDITION_DIFFERS && result == NULL)
			result = trigger;
	}
	return result;
}

/*
 * Say so if the table has a tracking trigger that sends the same, but otherwise: a call of track() that
 * has been changed does not replace what it made before.
 */
static void
notice_similar(const CreateTrigStmt *stmt, char *const *args, Relation rel)
{
	ListCell   *lc;

	foreach(lc, TrackTriggers(RelationGetRelid(rel)))
	{
		TrackTrigger *trigger = lfirst(lc);

		if (trigger->is_move || trigger->nargs != NUM_TRACKING_ARGS ||
			trigger->type != (TRIGGER_TYPE_ROW | stmt->timing | stmt->events) ||
			strcmp(trigger->args[TRACKING_VERB], args[TRACKING_VERB]) != 0)
			continue;
		ereport(NOTICE,
				(errmsg("relation \"%s\" is already tracked with verb \"%s\", by trigger \"%s\"",
						RelationGetRelationName(rel), args[TRACKING_VERB], trigger->name),
				 errdetail("Both triggers send actions."),
				 trigger->is_clone ?
				 errhint("If one of them is to go, call actstream.untrack() for the table that it was made on.") :
				 errhint("If it is to be replaced, call actstream.untrack() for it.")));
		return;
	}
}

/* The table and all its partitions, which will get the trigger as well, locked. */
static List *
with_partitions(Relation rel)
{
	return find_all_inheritors(RelationGetRelid(rel), ShareRowExclusiveLock, NULL);
}

/* A trigger name that is free on the table and its partitions. */
static char *
free_name(Relation rel, const char *prefix)
{
	List	   *relids = rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE ?
		with_partitions(rel) : list_make1_oid(RelationGetRelid(rel));
	char	   *name = pstrdup(prefix);

	for (int i = 2;; i++)
	{
		bool		is_free = true;
		ListCell   *lc;

		foreach(lc, relids)
			is_free = is_free && !OidIsValid(get_trigger_oid(lfirst_oid(lc), name, true));
		if (is_free)
			return name;
		name = psprintf("%s_%d", prefix, i);
	}
}

/* The trigger name in an argument, or NULL if that is null. */
static char *
name_argument(FunctionCallInfo fcinfo, int arg)
{
	char	   *name;

	if (PG_ARGISNULL(arg))
		return NULL;
	name = pstrdup(NameStr(*PG_GETARG_NAME(arg)));
	if (name[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("trigger name must not be empty")));
	return name;
}

/* A text argument of track() as an argument of the trigger: "" for null. */
static char *
text_argument(FunctionCallInfo fcinfo, int arg)
{
	return PG_ARGISNULL(arg) ? "" : text_to_cstring(PG_GETARG_TEXT_PP(arg));
}

/* A name[] argument of track() likewise. */
static char *
name_array_argument(FunctionCallInfo fcinfo, int arg)
{
	return PG_ARGISNULL(arg) ? "" :
		TrackingColumnsText(NameArrayToList(PG_GETARG_DATUM(arg)));
}

/* arguments of track() */
enum TrackArg
{
	ARG_RELATION, ARG_VERB, ARG_ACTOR, ARG_ACTION_OBJECT, ARG_TARGET, ARG_EVENTS,
	ARG_COLUMNS, ARG_CONDITION, ARG_DESCRIPTION, ARG_PUBLIC, ARG_DATA_COLUMNS,
	ARG_TRIGGER_NAME, ARG_TIMESTAMP_COLUMN
};

static void
check_not_null(FunctionCallInfo fcinfo, int arg, const char *name)
{
	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be null", name)));
}

static void
trigger_arguments(FunctionCallInfo fcinfo, char **args)
{
	args[TRACKING_VERB] = text_argument(fcinfo, ARG_VERB);
	args[TRACKING_ACTOR] = text_argument(fcinfo, ARG_ACTOR);
	args[TRACKING_ACTION_OBJECT] = text_argument(fcinfo, ARG_ACTION_OBJECT);
	args[TRACKING_TARGET] = text_argument(fcinfo, ARG_TARGET);
	args[TRACKING_DESCRIPTION] = text_argument(fcinfo, ARG_DESCRIPTION);
	args[TRACKING_PUBLIC] = PG_GETARG_BOOL(ARG_PUBLIC) ? "public" : "private";
	args[TRACKING_COLUMNS] = name_array_argument(fcinfo, ARG_COLUMNS);
	args[TRACKING_DATA_COLUMNS] = name_array_argument(fcinfo, ARG_DATA_COLUMNS);
	args[TRACKING_TIMESTAMP_COLUMN] = PG_ARGISNULL(ARG_TIMESTAMP_COLUMN) ? "" :
		pstrdup(NameStr(*PG_GETARG_NAME(ARG_TIMESTAMP_COLUMN)));
}

/* The statement that creates the trigger; without a name if no name was given. */
static CreateTrigStmt *
make_statement(FunctionCallInfo fcinfo, char *const *args)
{
	CreateTrigStmt *stmt = makeNode(CreateTrigStmt);

	stmt->trigname = name_argument(fcinfo, ARG_TRIGGER_NAME);
	if (stmt->trigname != NULL && ObjectTriggerIsReserved(stmt->trigname))
		ereport(ERROR,
				(errcode(ERRCODE_RESERVED_NAME),
				 errmsg("trigger name \"%s\" is reserved", stmt->trigname),
				 errdetail("Tables of object types have a trigger of that name.")));
	for (int i = 0; i < NUM_TRACKING_ARGS; i++)
		stmt->args = lappend(stmt->args, makeString(args[i]));
	stmt->row = true;
	stmt->timing = TRIGGER_TYPE_AFTER;
	stmt->events = events_from_array(PG_GETARG_DATUM(ARG_EVENTS));
	if (!PG_ARGISNULL(ARG_CONDITION))
		stmt->whenClause = TrackConditionParse(text_argument(fcinfo, ARG_CONDITION));
	return stmt;
}

/*
 * Create the trigger, as the current user, because analysing the condition runs code of
 * its types and domains.  Makes it visible to the next call in the same query.
 */
static void
create_trigger(CreateTrigStmt *stmt, Relation rel, bool is_move)
{
	char	   *function = is_move ? MOVE_FUNCTION : TRACKING_FUNCTION;

	stmt->funcname = list_make2(makeString("actstream_internal"), makeString(function));
	(void) CreateTrigger(stmt, NULL, RelationGetRelid(rel), InvalidOid, InvalidOid,
						 InvalidOid, OwnTriggerFunction(function),
						 InvalidOid, NULL, false, false);
	CommandCounterIncrement();
}

/*
 * Create a trigger of the table, in place of "existing" if that is not NULL.  Returns its name.
 */
static char *
create_or_replace(CreateTrigStmt *stmt, const char *default_name, Relation rel, const TrackTrigger *existing, bool is_move)
{
	stmt->replace = existing != NULL;
	if (existing != NULL)
		stmt->trigname = existing->name;
	else if (stmt->trigname == NULL)
		stmt->trigname = free_name(rel, default_name);
	else if (OidIsValid(get_trigger_oid(RelationGetRelid(rel), stmt->trigname, true)))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("trigger \"%s\" for relation \"%s\" already exists",
						stmt->trigname, RelationGetRelationName(rel)),
				 errdetail("It is not the one that is asked for."),
				 errhint("To change a tracking trigger, call actstream.untrack() for it first, in the same transaction.")));
	create_trigger(stmt, rel, is_move);
	return stmt->trigname;
}

/* Does a table have the trigger that notices moved rows, if it needs one? */
static bool
notices_moves(Relation rel)
{
	const TrackTrigger *trigger;

	if (rel->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		return true;
	trigger = TrackMoveTrigger(rel);
	return trigger != NULL && fires(rel, trigger);
}

/* Have a partitioned table notice moved rows. */
static void
create_move_trigger(Relation rel)
{
	CreateTrigStmt *stmt = makeNode(CreateTrigStmt);

	stmt->row = true;
	stmt->timing = TRIGGER_TYPE_AFTER;
	stmt->events = TRIGGER_TYPE_INSERT | TRIGGER_TYPE_DELETE;
	(void) create_or_replace(stmt, MOVE_TRIGGER_NAME, rel, TrackMoveTrigger(rel), true);
}

/*
 * Have a table tracked, as the arguments of track() say; returns the name of the trigger.
 *
 * If "lockmode" is too weak to create a trigger, returns NULL unless there is one that does the same,
 * without a problem, and keeps no lock.
 */
static char *
track(FunctionCallInfo fcinfo, LOCKMODE lockmode)
{
	char	   *args[NUM_TRACKING_ARGS];
	Tracking	tracking;
	CreateTrigStmt *stmt;
	Relation	rel;
	const TrackTrigger *equal;
	bool		is_intact;
	char	   *name;

	rel = open_trackable(PG_GETARG_OID(ARG_RELATION), lockmode);
	check_may_send(rel);

	trigger_arguments(fcinfo, args);
	TrackingParse(&tracking, args, NUM_TRACKING_ARGS, rel, true);
	stmt = make_statement(fcinfo, args);
	if (tracking.has_columns && (stmt->events & TRIGGER_TYPE_UPDATE) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("columns can be given only with event \"update\""),
				 errhint("Use events => '{update}' to send an action when one of the columns changes.")));
	if (stmt->whenClause != NULL)
		TrackConditionCheck(rel, stmt->whenClause, text_argument(fcinfo, ARG_CONDITION));
	equal = find_equal(stmt, args, rel, &is_intact);
	if (lockmode < ShareRowExclusiveLock)
	{
		bool		is_fine = is_intact && TrackTriggerProblem(rel, equal) == NULL &&
			notices_moves(rel);

		relation_close(rel, lockmode);
		return is_fine ? equal->name : NULL;
	}
	TrackCheckTemplates(&tracking, rel);
	if (equal == NULL)
		notice_similar(stmt, args, rel);
	name = is_intact ? equal->name :
		create_or_replace(stmt, DEFAULT_TRIGGER_NAME, rel, equal, false);
	if (!notices_moves(rel))
		create_move_trigger(rel);
	if (rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE && !is_intact)
		TrackTableAltered(RelationGetRelid(rel));
	relation_close(rel, NoLock);
	return name;
}

/*
 * track(relation, verb, actor, action_object, target, events, columns,
 *	  condition, description, public, data_columns, trigger_name,
 *	  timestamp_column)
 *
 * Looks up what the arguments name now, to report errors.  If the table is tracked so already, nobody
 * waits: programs call this at each start.
 */
Datum
actstream_track(PG_FUNCTION_ARGS)
{
	char	   *name;

	check_not_null(fcinfo, ARG_RELATION, "relation to track");
	check_not_null(fcinfo, ARG_VERB, "verb");
	check_not_null(fcinfo, ARG_EVENTS, "events");
	check_not_null(fcinfo, ARG_PUBLIC, "public");
	PreventCommandIfReadOnly("actstream.track()");
	name = track(fcinfo, AccessShareLock);
	if (name == NULL)
		name = track(fcinfo, ShareRowExclusiveLock);
	PG_RETURN_NAME(DatumGetName(DirectFunctionCall1(namein, CStringGetDatum(name))));
}

/*
 * Drop the tracking trigger of a table with this name, or all of them if it is NULL;
 * returns how many were dropped.  With the last one, also drops the trigger that notices
 * moved rows.
 */
static int64
drop_triggers(Oid relid, const char *name)
{
	ObjectAddresses *dropped = new_object_addresses();
	List	   *triggers = TrackTriggers(relid);
	ListCell   *lc;
	int64		ndropped = 0;
	int			nleft = 0;

	foreach(lc, triggers)
	{
		TrackTrigger *trigger = lfirst(lc);
		ObjectAddress address;

		if (trigger->is_clone || trigger->is_move)
			continue;
		if (name != NULL && strcmp(trigger->name, name) != 0)
		{
			nleft++;
			continue;
		}
		ObjectAddressSet(address, TriggerRelationId, trigger->oid);
		add_exact_object_address(&address, dropped);
		ndropped++;
	}
	foreach(lc, triggers)
	{
		TrackTrigger *trigger = lfirst(lc);
		ObjectAddress address;

		if (trigger->is_clone || !trigger->is_move || nleft > 0)
			continue;
		ObjectAddressSet(address, TriggerRelationId, trigger->oid);
		add_exact_object_address(&address, dropped);
	}
	performMultipleDeletions(dropped, DROP_RESTRICT, 0);
	free_object_addresses(dropped);
	CommandCounterIncrement();
	return ndropped;
}

/*
 * TrackDropTriggers
 *		Drop all tracking triggers of a table, which the current user owns.
 */
void
TrackDropTriggers(Oid relid)
{
	(void) drop_triggers(relid, NULL);
}

/* untrack(relation, trigger_name): null means all. */
Datum
actstream_untrack(PG_FUNCTION_ARGS)
{
	Relation	rel;
	Oid			relid;
	char	   *name;
	char	   *relname;
	int64		ndropped;

	check_not_null(fcinfo, 0, "relation to untrack");
	PreventCommandIfReadOnly("actstream.untrack()");
	relid = PG_GETARG_OID(0);
	name = PG_ARGISNULL(1) ? NULL : NameStr(*PG_GETARG_NAME(1));
	rel = open_trackable(relid, AccessExclusiveLock);
	relname = pstrdup(RelationGetRelationName(rel));
	relation_close(rel, NoLock);	/* DROP TRIGGER refuses a relation that is open */

	ndropped = drop_triggers(relid, name);
	if (name != NULL && ndropped == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("relation \"%s\" has no tracking trigger \"%s\"", relname, name),
				 errhint("See actstream.tracked() for the tracking triggers.")));
	PG_RETURN_INT64(ndropped);
}
