/*
 * tracked.c
 *		tracked(): which tables send actions, and when.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/attempt.h"
#include "track/track_condition.h"
#include "track/track_options.h"
#include "track/track_triggers.h"

#include "access/relation.h"
#include "catalog/pg_class.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(actstream_tracked);

/* the columns of the result */
enum TrackedColumn
{
	TRACKED_RELATION, TRACKED_TRIGGER, TRACKED_VERB, TRACKED_ACTOR, TRACKED_ACTION_OBJECT,
	TRACKED_TARGET, TRACKED_EVENTS, TRACKED_COLUMNS, TRACKED_CONDITION, TRACKED_DESCRIPTION,
	TRACKED_PUBLIC, TRACKED_DATA_COLUMNS, TRACKED_TIMESTAMP_COLUMN, TRACKED_PROBLEM,
	NUM_TRACKED_COLUMNS
};

typedef struct TrackedRow
{
	Datum		values[NUM_TRACKED_COLUMNS];
	bool		isnull[NUM_TRACKED_COLUMNS];
} TrackedRow;

static void
set_value(TrackedRow *row, int column, Datum value)
{
	row->values[column] = value;
	row->isnull[column] = false;
}

static void
set_text(TrackedRow *row, int column, const char *value)
{
	if (value != NULL && value[0] != '\0')
		set_value(row, column, CStringGetTextDatum(value));
}

static void
set_names(TrackedRow *row, int column, char *value)
{
	if (value[0] != '\0')
		set_value(row, column, OidInputFunctionCall(F_ARRAY_IN, value, NAMEOID, -1));
}

static Datum
events_of(int16 type)
{
	Datum		events[3];
	int			n = 0;

	if (TRIGGER_FOR_INSERT(type))
		events[n++] = CStringGetTextDatum("insert");
	if (TRIGGER_FOR_UPDATE(type))
		events[n++] = CStringGetTextDatum("update");
	if (TRIGGER_FOR_DELETE(type))
		events[n++] = CStringGetTextDatum("delete");
	return PointerGetDatum(construct_array(events, n, TEXTOID, -1, false, TYPALIGN_INT));
}

/* A result row to fill in from a trigger's arguments. */
typedef struct ArgumentJob
{
	TrackedRow *row;
	char	  **args;
} ArgumentJob;

/* AttemptFunction: arguments that track() did not write may be malformed. */
static void
set_arguments(void *arg)
{
	TrackedRow *row = ((ArgumentJob *) arg)->row;
	char	  **args = ((ArgumentJob *) arg)->args;

	set_text(row, TRACKED_VERB, args[TRACKING_VERB]);
	set_text(row, TRACKED_ACTOR, args[TRACKING_ACTOR]);
	set_text(row, TRACKED_ACTION_OBJECT, args[TRACKING_ACTION_OBJECT]);
	set_text(row, TRACKED_TARGET, args[TRACKING_TARGET]);
	set_text(row, TRACKED_DESCRIPTION, args[TRACKING_DESCRIPTION]);
	set_value(row, TRACKED_PUBLIC, BoolGetDatum(strcmp(args[TRACKING_PUBLIC], "public") == 0));
	set_names(row, TRACKED_COLUMNS, args[TRACKING_COLUMNS]);
	set_names(row, TRACKED_DATA_COLUMNS, args[TRACKING_DATA_COLUMNS]);
	if (args[TRACKING_TIMESTAMP_COLUMN][0] != '\0')
		set_value(row, TRACKED_TIMESTAMP_COLUMN,
				  DirectFunctionCall1(namein, CStringGetDatum(args[TRACKING_TIMESTAMP_COLUMN])));
}

/* Of triggers in the order of their tables, those of the table of the one at that place. */
static List *
of_same_table(List *triggers, int place)
{
	Oid			relid = ((TrackTrigger *) list_nth(triggers, place))->relation;
	List	   *result = NIL;

	for (int i = place; i < list_length(triggers); i++)
	{
		TrackTrigger *trigger = list_nth(triggers, i);

		if (trigger->relation != relid)
			break;
		result = lappend(result, trigger);
	}
	return result;
}

/*
 * tracked(): a row for each tracking trigger, and for each of the other triggers, such
 * as a clone on a partition, that has a problem.
 */
Datum
actstream_tracked(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	List	   *triggers = TrackTriggers(InvalidOid);
	List	   *of_table = NIL;	/* those of the same table */
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	foreach(lc, triggers)
	{
		TrackTrigger *trigger = lfirst(lc);
		Relation	rel = NULL;
		bool		is_tracking = !trigger->is_clone && !trigger->is_move;
		char	   *condition = NULL;
		char	   *problem;
		TrackedRow	row;
		ArgumentJob job;

		if (of_table == NIL || ((TrackTrigger *) linitial(of_table))->relation != trigger->relation)
			of_table = of_same_table(triggers, foreach_current_index(lc));
		/* a locked table must not keep the others from being shown */
		if (!ConditionalLockRelationOid(trigger->relation, AccessShareLock))
			problem = pstrdup(_("its table is locked by another session"));
		else
		{
			rel = try_relation_open(trigger->relation, NoLock);
			if (rel == NULL)
				continue;
			problem = TrackTriggerProblem(rel, trigger, of_table);
			if (problem == NULL && is_tracking && rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE &&
				TrackMoveTrigger(of_table) == NULL)
				problem = pstrdup(_("trigger for rows that move between partitions is missing"));
			if (trigger->condition != NULL && (is_tracking || problem != NULL))
			{
				ErrorData  *error;

				condition = TrackConditionTryText(rel, trigger->condition, &error);
				if (problem == NULL && error != NULL)
					problem = error->message;
			}
			relation_close(rel, AccessShareLock);
		}
		if (!is_tracking && problem == NULL)
			continue;

		memset(row.isnull, true, sizeof(row.isnull));
		set_value(&row, TRACKED_RELATION, ObjectIdGetDatum(trigger->relation));
		set_value(&row, TRACKED_TRIGGER,
				  DirectFunctionCall1(namein, CStringGetDatum(trigger->name)));
		job.row = &row;
		job.args = trigger->args;
		if (trigger->nargs == NUM_TRACKING_ARGS)
			(void) Attempt(set_arguments, &job);
		set_value(&row, TRACKED_EVENTS, events_of(trigger->type));
		set_text(&row, TRACKED_CONDITION, condition);
		set_text(&row, TRACKED_PROBLEM, problem);
		tuplestore_putvalues(result->setResult, result->setDesc, row.values, row.isnull);
	}
	return (Datum) 0;
}
