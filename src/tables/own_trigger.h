/*
 * own_trigger.h
 *		Triggers that call functions of the extension.
 */
#ifndef ACTSTREAM_OWN_TRIGGER_H
#define ACTSTREAM_OWN_TRIGGER_H

#include "tables/own_tables.h"

#include "commands/trigger.h"

extern Oid	OwnTriggerFunction(const char *name);
extern TriggerData *OwnTriggerData(FunctionCallInfo fcinfo, OwnTable table, TupleDesc *tupdesc);
extern Datum OwnTriggerSetTime(FunctionCallInfo fcinfo, OwnTable table, const char *column);
extern bool HasOwnTrigger(Relation rel, const char *function, int16 timing, int16 events,
						  char enabled);
extern bool OwnTableIsWatched(Relation rel, const char *function);

#endif							/* ACTSTREAM_OWN_TRIGGER_H */
