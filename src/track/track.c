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

/* What track() asks for, and what there is of it. */
typedef struct Request
{
	Relation	rel;
	char	   *args[NUM_TRACKING_ARGS];
	char	   *condition;		/* its text, or NULL */
	CreateTrigStmt *stmt;		/* has a name only if one was given */
	List	   *triggers;		/* of the table: TrackTrigger * */
	TrackTrigger *existing;		/* one that does the same, or NULL */
	bool		is_intact;		/* need that not be created anew? */
	bool		is_dumped;		/* has a dump changed its condition? */
} Request;

/* Is it a tracking trigger for the same events? */
static bool
has_same_type(const Request *request, const TrackTrigger *trigger)
{
	return !trigger->is_move && trigger->nargs == NUM_TRACKING_ARGS &&
		trigger->type == (TRIGGER_TYPE_ROW | request->stmt->timing | request->stmt->events);
}

/*
 * Is the trigger the one that is asked for, except for its name, and for when it fires?
 */
static ConditionMatch
compare(const Request *request, const TrackTrigger *trigger)
{
	if (trigger->is_clone || !has_same_type(request, trigger))
		return CONDITION_DIFFERS;
	for (int i = 0; i < NUM_TRACKING_ARGS; i++)
	{
		if (strcmp(trigger->args[i], request->args[i]) != 0)
			return CONDITION_DIFFERS;
	}
	if (trigger->condition == NULL || request->condition == NULL)
		return trigger->condition == NULL && request->condition == NULL ? CONDITION_SAME :
			CONDITION_DIFFERS;
	return TrackConditionCompare(request->rel, trigger->condition, request->stmt->whenClause,
								 request->condition);
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

	if (!TrackTriggerFires(trigger))
		return false;
	if (rel->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		return true;
	foreach(lc, find_all_inheritors(RelationGetRelid(rel), NoLock, NULL))
	{
		ListCell   *cell;

		foreach(cell, TrackTriggers(lfirst_oid(lc)))
		{
			TrackTrigger *clone = lfirst(cell);

			/* clones have the name of their original */
			if (clone->is_clone && strcmp(clone->name, trigger->name) == 0 && !TrackTriggerFires(clone))
				return false;
		}
	}
	return true;
}

/*
 * Find a trigger of the table that does what is asked for, and has the name that was given if
 * there is one.  One that need not be created anew comes first, one that cannot be last.
 */
static void
find_existing(Request *request)
{
	ListCell   *lc;

	foreach(lc, request->triggers)
	{
		TrackTrigger *trigger = lfirst(lc);
		ConditionMatch match;

		if (request->stmt->trigname != NULL && strcmp(trigger->name, request->stmt->trigname) != 0)
			continue;
		match = compare(request, trigger);
		/* a constraint trigger cannot be replaced by another one */
		request->is_intact = (match == CONDITION_SAME ||
							  (match == CONDITION_DUMPED && trigger->is_constraint)) &&
			fires(request->rel, trigger);
		if (request->is_intact ||
			(match != CONDITION_DIFFERS &&
			 (request->existing == NULL || (request->existing->is_constraint && !trigger->is_constraint))))
		{
			request->existing = trigger;
			request->is_dumped = match == CONDITION_DUMPED;
		}
		if (request->is_intact)
			return;
	}
}

/*
 * Say so if the table has another tracking trigger that sends the same verb on the same events: a call
 * of track() that has been changed does not replace what it made before.
 */
static void
notice_similar(const Request *request)
{
	ListCell   *lc;

	foreach(lc, request->triggers)
	{
		TrackTrigger *trigger = lfirst(lc);

		if (!has_same_type(request, trigger) || !TrackTriggerFires(trigger) ||
			strcmp(trigger->args[TRACKING_VERB], request->args[TRACKING_VERB]) != 0)
			continue;
		ereport(NOTICE,
				(errmsg("relation \"%s\" is also tracked with verb \"%s\" by trigger \"%s\"",
						RelationGetRelationName(request->rel), request->args[TRACKING_VERB], trigger->name),
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

/* Raise an error if the trigger cannot be created: its name is taken, or it cannot be replaced. */
static void
check_creation(const Request *request)
{
	const char *name = request->stmt->trigname;

	if (request->existing != NULL && request->existing->is_constraint)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("tracking trigger \"%s\" of relation \"%s\" does not fire",
						request->existing->name, RelationGetRelationName(request->rel)),
				 errdetail("It is a constraint trigger, so it cannot be created anew."),
				 errhint("Enable it with ALTER TABLE, or call actstream.untrack() for it.")));
	if (request->existing == NULL && name != NULL &&
		OidIsValid(get_trigger_oid(RelationGetRelid(request->rel), name, true)))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("trigger \"%s\" for relation \"%s\" already exists",
						name, RelationGetRelationName(request->rel)),
				 errdetail("It is not the one that is asked for."),
				 errhint("To change a tracking trigger, call actstream.untrack() for it first, in the same transaction.")));
}

/* Create the trigger, or create it anew.  Returns its name. */
static char *
create_trigger(Request *request)
{
	CreateTrigStmt *stmt = request->stmt;
	TrackTrigger *existing = request->existing;
	ErrorData  *error;
	char	   *text;

	check_creation(request);
	stmt->replace = existing != NULL;
	if (existing != NULL)
		stmt->trigname = existing->name;
	else if (stmt->trigname == NULL)
		stmt->trigname = free_name(request->rel, DEFAULT_TRIGGER_NAME);
	text = request->is_dumped ? TrackConditionTryText(request->rel, existing->condition, &error) : NULL;
	OwnTriggerCreate(stmt, RelationGetRelid(request->rel), TRACKING_FUNCTION);
	if (existing == NULL)
		notice_similar(request);
	else
		ereport(NOTICE,
				(errmsg("trigger \"%s\" of relation \"%s\" was created anew",
						stmt->trigname, RelationGetRelationName(request->rel)),
				 text == NULL ? errdetail("It did not fire for all that it was made for.") :
				 errdetail("Its condition was what a dump makes of the one that is asked for: %s", text)));
	return stmt->trigname;
}

/* Has a partitioned table the trigger that notices moved rows, and does it fire? */
static bool
notices_moves(const Request *request)
{
	TrackTrigger *trigger;

	if (request->rel->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		return true;
	trigger = TrackMoveTrigger(request->triggers);
	return trigger != NULL && fires(request->rel, trigger);
}

/* Have a partitioned table notice moved rows. */
static void
create_move_trigger(const Request *request)
{
	CreateTrigStmt *stmt = makeNode(CreateTrigStmt);
	TrackTrigger *existing = TrackMoveTrigger(request->triggers);

	stmt->replace = existing != NULL;
	stmt->trigname = existing != NULL ? existing->name : free_name(request->rel, MOVE_TRIGGER_NAME);
	stmt->row = true;
	stmt->timing = TRIGGER_TYPE_AFTER;
	stmt->events = TRIGGER_TYPE_INSERT | TRIGGER_TYPE_DELETE;
	OwnTriggerCreate(stmt, RelationGetRelid(request->rel), MOVE_FUNCTION);
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
	Request		request = {0};
	Relation	rel;
	Tracking	tracking;
	char	   *name;

	request.rel = rel = open_trackable(PG_GETARG_OID(ARG_RELATION), lockmode);
	check_may_send(rel);

	trigger_arguments(fcinfo, request.args);
	TrackingParse(&tracking, request.args, NUM_TRACKING_ARGS, rel, true);
	request.stmt = make_statement(fcinfo, request.args);
	if (tracking.has_columns && (request.stmt->events & TRIGGER_TYPE_UPDATE) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("columns can be given only with event \"update\""),
				 errhint("Use events => '{update}' to send an action when one of the columns changes.")));
	if (request.stmt->whenClause != NULL)
	{
		request.condition = text_argument(fcinfo, ARG_CONDITION);
		TrackConditionCheck(rel, request.stmt->whenClause, request.condition);
	}
	request.triggers = TrackTriggers(RelationGetRelid(rel));
	find_existing(&request);
	if (lockmode < ShareRowExclusiveLock)
	{
		bool		is_fine = request.is_intact && notices_moves(&request) &&
			TrackTriggerProblem(rel, request.existing, request.triggers) == NULL;

		relation_close(rel, lockmode);
		return is_fine ? request.existing->name : NULL;
	}
	TrackCheckTemplates(&tracking, rel);
	name = request.is_intact ? request.existing->name : create_trigger(&request);
	if (!notices_moves(&request))
		create_move_trigger(&request);
	if (request.is_intact || rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
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
