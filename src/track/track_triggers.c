/*
 * track_triggers.c
 *		The triggers that track() has made, read from the catalog.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/attempt.h"
#include "object/registry.h"
#include "tables/own_trigger.h"
#include "track/row_changed.h"
#include "track/track_check.h"
#include "track/track_condition.h"
#include "track/track_options.h"
#include "track/track_triggers.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_trigger.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

/* The arguments of a trigger: strings, each ended by a zero byte. */
static char **
arguments_of(HeapTuple tuple, TupleDesc tupdesc, int nargs)
{
	char	  **args = palloc(sizeof(char *) * Max(nargs, 1));
	bool		isnull;
	bytea	   *value = DatumGetByteaPP(heap_getattr(tuple, Anum_pg_trigger_tgargs, tupdesc,
													 &isnull));
	const char *next = VARDATA_ANY(value);

	for (int i = 0; i < nargs; i++)
	{
		args[i] = pstrdup(next);
		next += strlen(next) + 1;
	}
	return args;
}

static TrackTrigger *
make_trigger(HeapTuple tuple, TupleDesc tupdesc, bool is_move)
{
	Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);
	TrackTrigger *trigger = palloc0(sizeof(TrackTrigger));
	bool		isnull;
	Datum		condition = heap_getattr(tuple, Anum_pg_trigger_tgqual, tupdesc, &isnull);

	trigger->oid = form->oid;
	trigger->relation = form->tgrelid;
	trigger->name = pstrdup(NameStr(form->tgname));
	trigger->is_clone = OidIsValid(form->tgparentid);
	trigger->is_move = is_move;
	trigger->type = form->tgtype;
	trigger->enabled = form->tgenabled;
	trigger->ncolumns = form->tgattr.dim1;
	trigger->is_constraint = OidIsValid(form->tgconstraint);
	trigger->condition = isnull ? NULL : TextDatumGetCString(condition);
	trigger->nargs = form->tgnargs;
	trigger->args = arguments_of(tuple, tupdesc, form->tgnargs);
	return trigger;
}

/*
 * TrackTriggers
 *		The triggers (TrackTrigger *) of a table, or with InvalidOid of all tables,
 *		that call our functions for tracking, in the order of tables and names.
 */
List *
TrackTriggers(Oid relid)
{
	Oid			tracking = OwnTriggerFunction(TRACKING_FUNCTION);
	Oid			move = OwnTriggerFunction(MOVE_FUNCTION);
	Relation	rel = table_open(TriggerRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	List	   *result = NIL;

	ScanKeyInit(&key, Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(rel, TriggerRelidNameIndexId, true, NULL,
							  OidIsValid(relid) ? 1 : 0, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Oid			function = ((Form_pg_trigger) GETSTRUCT(tuple))->tgfoid;

		if (OidIsValid(function) && (function == tracking || function == move))
			result = lappend(result, make_trigger(tuple, RelationGetDescr(rel),
												  function == move));
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return result;
}

/*
 * TrackTriggerIsEnabled
 *		Does the trigger fire in ordinary sessions?
 */
bool
TrackTriggerIsEnabled(const TrackTrigger *trigger)
{
	return trigger->enabled == TRIGGER_FIRES_ON_ORIGIN || trigger->enabled == TRIGGER_FIRES_ALWAYS;
}

/*
 * TrackTriggerFires
 *		Does the trigger fire for all that its type says, in ordinary sessions?
 */
bool
TrackTriggerFires(const TrackTrigger *trigger)
{
	return TrackTriggerIsEnabled(trigger) && trigger->ncolumns == 0;
}

/*
 * TrackMoveTrigger
 *		Of the triggers of a table, its own that notices moved rows, or NULL.
 */
TrackTrigger *
TrackMoveTrigger(List *triggers)
{
	ListCell   *lc;

	foreach(lc, triggers)
	{
		TrackTrigger *trigger = lfirst(lc);

		if (trigger->is_move && !trigger->is_clone && trigger->condition == NULL &&
			trigger->type == (TRIGGER_TYPE_ROW | TRIGGER_TYPE_AFTER |
							  TRIGGER_TYPE_INSERT | TRIGGER_TYPE_DELETE))
			return trigger;
	}
	return NULL;
}

/* Arguments to parse, and the table. */
typedef struct ParseJob
{
	Tracking	tracking;
	const TrackTrigger *trigger;
	Relation	rel;
} ParseJob;

/* AttemptFunction */
static void
parse(void *arg)
{
	ParseJob   *job = arg;

	TrackingParse(&job->tracking, job->trigger->args, job->trigger->nargs, job->rel, false);
}

/* The text of a trigger's condition; NULL if it cannot be printed.  It is kept with the trigger. */
static char *
text_of(Relation rel, TrackTrigger *trigger)
{
	ErrorData  *error;

	if (!trigger->was_printed)
		trigger->text = TrackConditionTryText(rel, trigger->condition, &error);
	trigger->was_printed = true;
	return trigger->text;
}

/* Have two triggers of a table the same condition? */
static bool
same_condition(Relation rel, TrackTrigger *a, TrackTrigger *b)
{
	if (a->condition == NULL || b->condition == NULL)
		return a->condition == NULL && b->condition == NULL;
	return text_of(rel, a) != NULL && text_of(rel, b) != NULL &&
		strcmp(text_of(rel, a), text_of(rel, b)) == 0;
}

/*
 * Is there, among the triggers of a partition, a clone of one of its partitioned table that sends the
 * same as this one?
 */
static bool
has_twin(Relation rel, TrackTrigger *trigger, List *triggers)
{
	ListCell   *lc;

	if (!rel->rd_rel->relispartition)
		return false;
	foreach(lc, triggers)
	{
		TrackTrigger *clone = lfirst(lc);
		bool		is_twin = clone->is_clone && !clone->is_move && TrackTriggerFires(clone) &&
			clone->nargs == trigger->nargs && clone->type == trigger->type;

		for (int i = 0; is_twin && i < clone->nargs; i++)
			is_twin = strcmp(clone->args[i], trigger->args[i]) == 0;
		if (is_twin && same_condition(rel, clone, trigger))
			return true;
	}
	return false;
}

/*
 * TrackTriggerProblem
 *		Why a tracking trigger of "rel", which has these triggers, does not do all that it was
 *		made for, as part of a message; NULL if it does.
 */
char *
TrackTriggerProblem(Relation rel, TrackTrigger *trigger, List *triggers)
{
	ParseJob	job = {.trigger = trigger, .rel = rel};
	ErrorData  *error;
	char	   *problem;
	const char *forbidden;

	if (trigger->enabled == TRIGGER_DISABLED)
		return pstrdup(_("trigger is disabled"));
	if (!TrackTriggerIsEnabled(trigger))
		return pstrdup(_("trigger fires for replicated rows only"));
	if (!TRIGGER_FOR_ROW(trigger->type) || !TRIGGER_FOR_AFTER(trigger->type))
		return pstrdup(_("trigger is not fired after a change, for each row"));
	if (trigger->ncolumns > 0)
		return pstrdup(_("trigger fires for updates of some columns only"));
	if (trigger->is_clone || trigger->is_move)
		return NULL;
	if (has_twin(rel, trigger, triggers))
		return pstrdup(_("a trigger of its partitioned table sends the same"));
	error = Attempt(parse, &job);
	if (error != NULL)
		return error->message;
	if (job.tracking.problem != NULL)
		return job.tracking.problem;
	if ((job.tracking.actor.is_self || job.tracking.action_object.is_self ||
		 job.tracking.target.is_self) && OwnTableExists(OWN_OBJECT_TYPES) &&
		RegistryLookupTable(RelationGetRelid(rel)) == NULL)
		return pstrdup(_("table is not registered"));
	problem = OwnTableExists(OWN_OBJECT_TYPES) ? TrackTemplatesProblem(&job.tracking, rel) : NULL;
	if (problem != NULL)
		return problem;
	forbidden = EmitIsForbidden(rel->rd_rel->relowner);
	return forbidden == NULL ? NULL : pstrdup(forbidden);
}
