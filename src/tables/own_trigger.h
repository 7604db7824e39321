/*
 * own_trigger.h
 *		Triggers that call functions of the extension.
 */
#ifndef ACTSTREAM_OWN_TRIGGER_H
#define ACTSTREAM_OWN_TRIGGER_H

#include "tables/own_tables.h"

#include "catalog/pg_trigger.h"
#include "commands/trigger.h"

/* type of a trigger: for each row that is inserted, updated or deleted */
#define EACH_ROW_CHANGE \
	(TRIGGER_TYPE_ROW | TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE | TRIGGER_TYPE_DELETE)

extern Oid	OwnTriggerFunction(const char *name);
extern void OwnTriggerCreate(CreateTrigStmt *stmt, Oid relid, const char *function);
extern Node *OwnTriggerCondition(Relation rel, Node *condition);
extern TriggerData *OwnTriggerData(FunctionCallInfo fcinfo, OwnTable table, TupleDesc *tupdesc);
extern Datum OwnTriggerSetTime(FunctionCallInfo fcinfo, OwnTable table, const char *column);
extern bool HasOwnTrigger(Relation rel, const char *function, int16 type, char enabled);
extern bool OwnTableIsWatched(Relation rel, const char *function);

#endif							/* ACTSTREAM_OWN_TRIGGER_H */
