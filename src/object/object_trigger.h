/*
 * object_trigger.h
 *		The triggers of a registered table, which bind it to its object type.
 */
#ifndef ACTSTREAM_OBJECT_TRIGGER_H
#define ACTSTREAM_OBJECT_TRIGGER_H

#include "nodes/pg_list.h"
#include "utils/relcache.h"

extern bool ObjectTriggerIsReserved(const char *name);
extern bool ObjectTriggerIsOne(const char *name, Oid function);
extern void ObjectTriggersCreate(Relation rel, List *key_columns, bool replace);
extern bool ObjectTriggersExist(Relation rel, List *key_columns);
extern void ObjectTriggersDrop(Relation rel);
extern void ObjectTriggersAttached(Oid partition);
extern List *ObjectTriggersDetached(Oid partition);

#endif							/* ACTSTREAM_OBJECT_TRIGGER_H */
