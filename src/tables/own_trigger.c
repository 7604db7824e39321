/*
 * own_trigger.c
 *		Triggers whose functions are the extension's.
 *
 * Anybody can make a trigger with such a function, on any table of their own: so each
 * function checks what it was called for.
 */
#include "postgres.h"

#include "base/compat.h"
#include "tables/own_trigger.h"

#include "access/relation.h"
#include "access/tupconvert.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/*
 * OwnTriggerFunction
 *		The trigger function of the extension that has this name, or InvalidOid.
 */
Oid
OwnTriggerFunction(const char *name)
{
	return GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid,
						   CStringGetDatum(name),
						   PointerGetDatum(buildoidvector(NULL, 0)),
						   ObjectIdGetDatum(OwnInternalSchema()));
}

/*
 * The call of a trigger on a partition, with its rows as rows of the table; these columns
 * may be in other places.
 */
static TriggerData *
convert_rows(TriggerData *trigdata, OwnTable table, TupleDesc *tupdesc)
{
	Relation	rel = OwnTableOpen(table, AccessShareLock);
	TupleConversionMap *map = convert_tuples_by_name(RelationGetDescr(trigdata->tg_relation),
													 RelationGetDescr(rel));
	TriggerData *result = trigdata;

	if (map != NULL)
	{
		result = palloc(sizeof(TriggerData));
		*result = *trigdata;
		result->tg_trigtuple = execute_attr_map_tuple(trigdata->tg_trigtuple, map);
		if (trigdata->tg_newtuple != NULL)
			result->tg_newtuple = execute_attr_map_tuple(trigdata->tg_newtuple, map);
		*tupdesc = CreateTupleDescCopy(RelationGetDescr(rel));
	}
	relation_close(rel, AccessShareLock);
	return result;
}

/*
 * OwnTriggerData
 *		How a trigger function of ours was called, for rows of that description.
 *
 * Raises an error unless the trigger manager called it for the table it was
 * made for: what it does must not be had by creating a trigger elsewhere.
 */
TriggerData *
OwnTriggerData(FunctionCallInfo fcinfo, OwnTable table, TupleDesc *tupdesc)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	Relation	rel;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function was not called by trigger manager")));
	rel = trigdata->tg_relation;
	if (!IsOwnTable(RelationGetRelid(rel), table))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("trigger \"%s\" cannot be used on relation \"%s\"",
						trigdata->tg_trigger->tgname, RelationGetRelationName(rel)),
				 errdetail("Its function works only on table actstream.%s.", OwnTableName(table))));
	*tupdesc = RelationGetDescr(rel);
	if (RelationGetRelid(rel) == OwnTableId(table) || trigdata->tg_trigtuple == NULL)
		return trigdata;
	return convert_rows(trigdata, table, tupdesc);
}

/*
 * HasOwnTrigger
 *		Has the table a trigger that calls this function of ours before or after these
 *		events, for each row, whenever "enabled" says?
 */
bool
HasOwnTrigger(Relation rel, const char *function, int16 timing, int16 events, char enabled)
{
	Oid			funcid = OwnTriggerFunction(function);
	const TriggerDesc *triggers = rel->trigdesc;	/* until a catalog is read */

	if (!OidIsValid(funcid) || triggers == NULL)
		return false;
	for (int i = 0; i < triggers->numtriggers; i++)
	{
		const Trigger *trigger = &triggers->triggers[i];

		if (trigger->tgfoid == funcid && trigger->tgenabled == enabled &&
			trigger->tgtype == (TRIGGER_TYPE_ROW | timing | events) &&
			trigger->tgnattr == 0 && trigger->tgqual == NULL && !trigger->tgdeferrable)
			return true;
	}
	return false;
}

/*
 * OwnTableIsWatched
 *		Does this function of ours hear of each change of a row before and after it, in
 *		whatever session role?
 *
 * What is kept of the table is good until it does.
 */
bool
OwnTableIsWatched(Relation rel, const char *function)
{
	const int16 events = TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE | TRIGGER_TYPE_DELETE;

	return HasOwnTrigger(rel, function, TRIGGER_TYPE_BEFORE, events, TRIGGER_FIRES_ALWAYS) &&
		HasOwnTrigger(rel, function, TRIGGER_TYPE_AFTER, events, TRIGGER_FIRES_ALWAYS);
}
