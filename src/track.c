/*
 * track.c
 *		track() and untrack(): triggers that send actions.
 *
 * The trigger function is for nobody to attach: with arguments of one's own
 * choosing it would say anything in anybody's name.  track() attaches it for
 * the owner of a table, if he may insert into actstream.action, which is asked
 * once, as REFERENCES is for a foreign key.
 */
#include "postgres.h"

#include "compat.h"
#include "action.h"
#include "catalog.h"
#include "tracking.h"

#include "access/relation.h"
#include "access/xact.h"
#include "catalog/catalog.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parse_func.h"
#include "parser/parser.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"

#define DEFAULT_TRIGGER_NAME "actstream_track"

PG_FUNCTION_INFO_V1(actstream_track);
PG_FUNCTION_INFO_V1(actstream_untrack);

static Oid
trigger_function(void)
{
	return LookupFuncName(list_make2(makeString("actstream"), makeString("row_changed")),
						  0, NULL, false);
}

/*
 * Open a table that the current user may track, and keep it from changing.
 */
static Relation
open_trackable(Oid relid)
{
	Relation	rel = try_relation_open(relid, ShareRowExclusiveLock);

	if (rel == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	if ((rel->rd_rel->relkind != RELKIND_RELATION &&
		 rel->rd_rel->relkind != RELKIND_PARTITIONED_TABLE) ||
		IsSystemRelation(rel) || relid == ObjectTypeRelationId() ||
		relid == ActionRelationId() || relid == FollowRelationId())
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("relation \"%s\" cannot be tracked", RelationGetRelationName(rel)),
				 errdetail("Only tables can be tracked that are no system catalogs and do not belong to extension actstream.")));
	if (!object_ownercheck(RelationRelationId, relid, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, RelationGetRelationName(rel));
	return rel;
}

/*
 * Raise ERRCODE_INSUFFICIENT_PRIVILEGE unless the current user may insert any
 * action: the trigger will do so for whoever changes the table.
 */
static void
check_may_send(void)
{
	Oid			relid = ActionRelationId();

	if (pg_class_aclcheck(relid, GetUserId(), ACL_INSERT) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, "action");
	if (check_enable_rls(relid, InvalidOid, true) == RLS_ENABLED)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to track a table"),
				 errdetail("Row-level security restricts which actions you may insert.")));
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
 * The raw parse tree of a condition, which must be one expression.
 *
 * It goes into the trigger as a tree: there is no way out of it into the
 * statement around, and nothing of it is evaluated here.
 */
static Node *
parse_condition(const char *condition)
{
	List	   *parsed = raw_parser(condition, RAW_PARSE_PLPGSQL_EXPR);
	SelectStmt *stmt = castNode(SelectStmt, linitial_node(RawStmt, parsed)->stmt);

	if (list_length(stmt->targetList) != 1 || stmt->distinctClause != NIL ||
		stmt->fromClause != NIL || stmt->whereClause != NULL ||
		stmt->groupClause != NIL || stmt->havingClause != NULL ||
		stmt->windowClause != NIL || stmt->sortClause != NIL ||
		stmt->limitCount != NULL || stmt->limitOffset != NULL ||
		stmt->lockingClause != NIL || stmt->op != SETOP_NONE)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("condition is not an expression: \"%s\"", condition)));
	return linitial_node(ResTarget, stmt->targetList)->val;
}

/*
 * The name of the trigger: the given one, or a default that is free.
 */
static char *
trigger_name(FunctionCallInfo fcinfo, int arg, Relation rel)
{
	char	   *name;

	if (!PG_ARGISNULL(arg))
	{
		name = pstrdup(NameStr(*PG_GETARG_NAME(arg)));
		if (name[0] == '\0')
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_NAME),
					 errmsg("name of a trigger must not be empty")));
		return name;
	}
	name = DEFAULT_TRIGGER_NAME;
	for (int i = 2; OidIsValid(get_trigger_oid(RelationGetRelid(rel), name, true)); i++)
		name = psprintf(DEFAULT_TRIGGER_NAME "_%d", i);
	return name;
}

/*
 * An argument of track() as one of the trigger: text, "" for null.
 */
static char *
text_argument(FunctionCallInfo fcinfo, int arg)
{
	return PG_ARGISNULL(arg) ? "" : text_to_cstring(PG_GETARG_TEXT_PP(arg));
}

static char *
name_array_argument(FunctionCallInfo fcinfo, int arg)
{
	return PG_ARGISNULL(arg) ? "" :
		OidOutputFunctionCall(F_ARRAY_OUT, PG_GETARG_DATUM(arg));
}

/* what track() takes */
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

/*
 * Run a command about the right of a role to the trigger function, as the owner
 * of that.
 */
static void
change_right(const char *format, Oid role)
{
	char	   *command = psprintf(format, quote_identifier(GetUserNameFromId(role, false)));
	Oid			save_userid;
	int			save_sec_context;

	GetUserIdAndSecContext(&save_userid, &save_sec_context);
	SetUserIdAndSecContext(OwnTablesOwner(), save_sec_context | SECURITY_LOCAL_USERID_CHANGE);
	SPI_connect();
	if (SPI_execute(command, false, 0) != SPI_OK_UTILITY)
		elog(ERROR, "could not execute: %s", command);
	SPI_finish();
	SetUserIdAndSecContext(save_userid, save_sec_context);
}

/*
 * Create the trigger, as the current user.
 *
 * To analyse the condition is to run code that its types and domains bring
 * along, so it must be he; but he has no right on the trigger function.  He is
 * given it for the moment, which others never see.  The owner of a partitioned
 * table gets it for good, because he needs it for each new partition.  One at a
 * time, for all change the same row of the catalog.
 */
static void
create_trigger(CreateTrigStmt *stmt, Relation rel)
{
	Oid			function = trigger_function();
	bool		partitioned = rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE;
	Oid			role = partitioned ? rel->rd_rel->relowner : GetUserId();
	bool		grant = object_aclcheck(ProcedureRelationId, function, role,
										ACL_EXECUTE) != ACLCHECK_OK;

	if (grant)
	{
		LockRelationOid(ObjectTypeRelationId(), ShareRowExclusiveLock);
		change_right("GRANT EXECUTE ON FUNCTION actstream.row_changed() TO %s", role);
		CommandCounterIncrement();
	}
	(void) CreateTrigger(stmt, NULL, RelationGetRelid(rel), InvalidOid, InvalidOid,
						 InvalidOid, function, InvalidOid, NULL, false, false);
	if (grant && !partitioned)
		change_right("REVOKE EXECUTE ON FUNCTION actstream.row_changed() FROM %s", role);
}

/*
 * track(relation, verb, actor, action_object, target, events, columns,
 *		 condition, description, public, data_columns, trigger_name,
 *		 timestamp_column)
 *
 * The arguments are understood once now, for their errors.
 */
Datum
actstream_track(PG_FUNCTION_ARGS)
{
	char	   *args[NUM_TRACKING_ARGS];
	Tracking	tracking;
	CreateTrigStmt *stmt;
	Relation	rel;

	check_not_null(fcinfo, ARG_RELATION, "relation to track");
	check_not_null(fcinfo, ARG_VERB, "verb");
	check_not_null(fcinfo, ARG_EVENTS, "events");
	check_not_null(fcinfo, ARG_PUBLIC, "public");
	PreventCommandIfReadOnly("actstream.track()");
	check_may_send();
	rel = open_trackable(PG_GETARG_OID(ARG_RELATION));

	trigger_arguments(fcinfo, args);
	ActionCheckVerb(PG_GETARG_DATUM(ARG_VERB));
	TrackingParse(&tracking, args, rel);

	stmt = makeNode(CreateTrigStmt);
	stmt->trigname = trigger_name(fcinfo, ARG_TRIGGER_NAME, rel);
	stmt->relation = makeRangeVar(get_namespace_name(RelationGetNamespace(rel)),
								  pstrdup(RelationGetRelationName(rel)), -1);
	stmt->funcname = list_make2(makeString("actstream"), makeString("row_changed"));
	for (int i = 0; i < NUM_TRACKING_ARGS; i++)
		stmt->args = lappend(stmt->args, makeString(args[i]));
	stmt->row = true;
	stmt->timing = TRIGGER_TYPE_AFTER;
	stmt->events = events_from_array(PG_GETARG_DATUM(ARG_EVENTS));
	if (!PG_ARGISNULL(ARG_CONDITION))
		stmt->whenClause = parse_condition(text_argument(fcinfo, ARG_CONDITION));
	if (tracking.columns != NIL && (stmt->events & TRIGGER_TYPE_UPDATE) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("columns are given, but not the event \"update\"")));

	create_trigger(stmt, rel);
	relation_close(rel, NoLock);
	PG_RETURN_NAME(DatumGetName(DirectFunctionCall1(namein, CStringGetDatum(stmt->trigname))));
}

/*
 * Is there such a trigger, made by track()?
 */
static bool
is_tracked_by(Relation rel, const char *name)
{
	TriggerDesc *triggers = rel->trigdesc;
	Oid			function = trigger_function();

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		if (strcmp(triggers->triggers[i].tgname, name) == 0)
			return triggers->triggers[i].tgfoid == function;
	}
	return false;
}

/*
 * untrack(relation, trigger_name)
 */
Datum
actstream_untrack(PG_FUNCTION_ARGS)
{
	Relation	rel;
	char	   *name;
	char	   *command;

	check_not_null(fcinfo, 0, "relation to untrack");
	check_not_null(fcinfo, 1, "trigger name");
	PreventCommandIfReadOnly("actstream.untrack()");
	rel = open_trackable(PG_GETARG_OID(0));
	name = NameStr(*PG_GETARG_NAME(1));
	if (!is_tracked_by(rel, name))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("relation \"%s\" is not tracked by a trigger \"%s\"",
						RelationGetRelationName(rel), name)));

	command = psprintf("DROP TRIGGER %s ON %s", quote_identifier(name),
					   quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)),
												  RelationGetRelationName(rel)));
	relation_close(rel, NoLock);

	SPI_connect();
	if (SPI_execute(command, false, 0) != SPI_OK_UTILITY)
		elog(ERROR, "could not execute: %s", command);
	SPI_finish();
	PG_RETURN_VOID();
}
