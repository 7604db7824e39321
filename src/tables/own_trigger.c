/*
 * own_trigger.c
 *		Triggers that call functions of the extension.
 *
 * Any role can create a trigger with such a function on its own tables, so each of
 * these functions checks how it was called.
 */
#include "postgres.h"

#include "base/compat.h"
#include "tables/own_trigger.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/tupconvert.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "nodes/makefuncs.h"
#include "parser/parse_clause.h"
#include "parser/parse_collate.h"
#include "parser/parse_relation.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

/*
 * OwnTriggerFunction
 *		The OID of the extension's trigger function with this name, or InvalidOid.
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
 * The trigger of that name of a table, and its clones, as far as they are enabled ALWAYS; if the
 * table's own is, all of them.
 */
static List *
always_enabled(Oid relid, const char *name)
{
	Relation	rel = table_open(TriggerRelationId, AccessShareLock);
	List	   *result = NIL;
	bool		all = false;
	ListCell   *lc;

	foreach(lc, find_all_inheritors(relid, NoLock, NULL))
	{
		bool		is_own = lfirst_oid(lc) == relid;
		ScanKeyData key[2];
		SysScanDesc scan;
		HeapTuple	tuple;

		ScanKeyInit(&key[0], Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ,
					ObjectIdGetDatum(lfirst_oid(lc)));
		ScanKeyInit(&key[1], Anum_pg_trigger_tgname, BTEqualStrategyNumber, F_NAMEEQ,
					CStringGetDatum(name));
		scan = systable_beginscan(rel, TriggerRelidNameIndexId, true, NULL, 2, key);
		tuple = systable_getnext(scan);
		if (HeapTupleIsValid(tuple))
		{
			Form_pg_trigger trigger = (Form_pg_trigger) GETSTRUCT(tuple);
			bool		always = trigger->tgenabled == TRIGGER_FIRES_ALWAYS;

			/* the table itself comes first */
			all = all || (is_own && always);
			if ((is_own || OidIsValid(trigger->tgparentid)) && (all || always))
				result = lappend_oid(result, trigger->oid);
		}
		systable_endscan(scan);
	}
	table_close(rel, AccessShareLock);
	return result;
}

/* Enable triggers ALWAYS. */
static void
enable_always(List *triggers)
{
	Relation	rel = table_open(TriggerRelationId, RowExclusiveLock);
	ListCell   *lc;

	foreach(lc, triggers)
	{
		ScanKeyData key;
		SysScanDesc scan;
		HeapTuple	tuple;

		ScanKeyInit(&key, Anum_pg_trigger_oid, BTEqualStrategyNumber, F_OIDEQ,
					ObjectIdGetDatum(lfirst_oid(lc)));
		scan = systable_beginscan(rel, TriggerOidIndexId, true, NULL, 1, &key);
		tuple = systable_getnext(scan);
		if (HeapTupleIsValid(tuple))
		{
			tuple = heap_copytuple(tuple);
			((Form_pg_trigger) GETSTRUCT(tuple))->tgenabled = TRIGGER_FIRES_ALWAYS;
			CatalogTupleUpdate(rel, &tuple->t_self, tuple);
			CacheInvalidateRelcacheByRelid(((Form_pg_trigger) GETSTRUCT(tuple))->tgrelid);
		}
		systable_endscan(scan);
	}
	table_close(rel, RowExclusiveLock);
}

/*
 * OwnTriggerCreate
 *		Create a trigger that calls the extension's function of that name, or replace one if the
 *		statement says so; ENABLE ALWAYS stays, on partitions, too.
 *
 * As the current user, because analysing the condition runs code of its types and domains.  The caller
 * holds ShareRowExclusiveLock on the table.  Makes the trigger visible to what comes next.
 */
void
OwnTriggerCreate(CreateTrigStmt *stmt, Oid relid, const char *function)
{
	List	   *always = stmt->replace ? always_enabled(relid, stmt->trigname) : NIL;

	stmt->funcname = list_make2(makeString("actstream_internal"), makeString(pstrdup(function)));
	(void) CreateTrigger(stmt, NULL, relid, InvalidOid, InvalidOid, InvalidOid,
						 OwnTriggerFunction(function), InvalidOid, NULL, false, false);
	CommandCounterIncrement();
	if (always != NIL)
	{
		enable_always(always);
		CommandCounterIncrement();
	}
}

/*
 * OwnTriggerCondition
 *		The condition of a trigger in the form that the catalog stores, without the checks of
 *		CREATE TRIGGER.
 */
Node *
OwnTriggerCondition(Relation rel, Node *condition)
{
	ParseState *pstate = make_parsestate(NULL);
	static const char *const names[] = {"old", "new"};

	for (int i = 0; i < (int) lengthof(names); i++)
		addNSItemToQuery(pstate,
						 addRangeTableEntryForRelation(pstate, rel, AccessShareLock,
													   makeAlias(names[i], NIL), false, false),
						 false, true, true);
	condition = transformWhereClause(pstate, copyObject(condition), EXPR_KIND_TRIGGER_WHEN,
									 "WHEN");
	assign_expr_collations(pstate, condition);
	free_parsestate(pstate);
	return condition;
}

/*
 * The trigger data of a partition, with its rows converted to rows of the table, whose
 * columns may be in another order.
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

/* The trigger data of a call of a function that works on that table. */
static TriggerData *
trigger_data(FunctionCallInfo fcinfo, OwnTable table)
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
	return trigdata;
}

/*
 * OwnTriggerData
 *		The trigger data of a call of one of our trigger functions; "tupdesc" describes
 *		its rows.
 *
 * Raises an error unless the trigger manager called the function for the table it was
 * made for: creating a trigger elsewhere must not give access to what it does.
 */
TriggerData *
OwnTriggerData(FunctionCallInfo fcinfo, OwnTable table, TupleDesc *tupdesc)
{
	TriggerData *trigdata = trigger_data(fcinfo, table);
	Relation	rel = trigdata->tg_relation;

	*tupdesc = RelationGetDescr(rel);
	if (RelationGetRelid(rel) == OwnTableId(table) || trigdata->tg_trigtuple == NULL)
		return trigdata;
	return convert_rows(trigdata, table, tupdesc);
}

/*
 * OwnTriggerSetTime
 *		The result of a trigger BEFORE INSERT, for each row: the row, with the current time in
 *		that column if it is null.
 *
 * A default would not be enough: many frameworks send null for what the program has not
 * set.
 *
 * Raises an error if the trigger was fired in another way, or for another table.
 */
Datum
OwnTriggerSetTime(FunctionCallInfo fcinfo, OwnTable table, const char *column)
{
	TriggerData *trigdata = trigger_data(fcinfo, table);
	TupleDesc	tupdesc = RelationGetDescr(trigdata->tg_relation);
	HeapTuple	row = trigdata->tg_trigtuple;
	int			attnum;

	if (!TRIGGER_FIRED_BEFORE(trigdata->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigdata->tg_event) ||
		!TRIGGER_FIRED_BY_INSERT(trigdata->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("trigger must be fired before INSERT, for each row")));
	/* in a partition, the column can have another number */
	attnum = SPI_fnumber(tupdesc, column);
	if (attnum > 0 && heap_attisnull(row, attnum, tupdesc) &&
		TupleDescAttr(tupdesc, attnum - 1)->atttypid == TIMESTAMPTZOID)
	{
		Datum		now = TimestampTzGetDatum(GetCurrentTimestamp());
		bool		isnull = false;

		row = heap_modify_tuple_by_cols(row, tupdesc, 1, &attnum, &now, &isnull);
	}
	return PointerGetDatum(row);
}

/*
 * HasOwnTrigger
 *		Does the table have a trigger of this type that calls this function of ours, and that
 *		is enabled as "enabled" says?
 */
bool
HasOwnTrigger(Relation rel, const char *function, int16 type, char enabled)
{
	Oid			funcid = OwnTriggerFunction(function);
	const TriggerDesc *triggers = rel->trigdesc;	/* valid until a catalog is read */

	if (!OidIsValid(funcid) || triggers == NULL)
		return false;
	for (int i = 0; i < triggers->numtriggers; i++)
	{
		const Trigger *trigger = &triggers->triggers[i];

		if (trigger->tgfoid == funcid && trigger->tgenabled == enabled &&
			trigger->tgtype == type &&
			trigger->tgnattr == 0 && trigger->tgqual == NULL && !trigger->tgdeferrable)
			return true;
	}
	return false;
}

/*
 * OwnTableIsWatched
 *		Is this function of ours called before and after each change of a row, in any
 *		session replication role?
 *
 * If so, what is kept of the table stays valid until the function is called.
 */
bool
OwnTableIsWatched(Relation rel, const char *function)
{
	return HasOwnTrigger(rel, function, TRIGGER_TYPE_BEFORE | EACH_ROW_CHANGE,
						 TRIGGER_FIRES_ALWAYS) &&
		HasOwnTrigger(rel, function, TRIGGER_TYPE_AFTER | EACH_ROW_CHANGE, TRIGGER_FIRES_ALWAYS);
}
