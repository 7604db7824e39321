/*
 * object_trigger.h
 *		The triggers that bind a registered table to its object type.
 */
#ifndef ACTSTREAM_OBJECT_TRIGGER_H
#define ACTSTREAM_OBJECT_TRIGGER_H

#include "nodes/pg_list.h"
#include "utils/relcache.h"

extern void ObjectTriggersCreate(Relation rel, List *key_columns, Oid owner);
extern void ObjectTriggersGrant(Oid relid, Oid owner);
extern void ObjectTriggersDrop(Relation rel, Oid owner);
extern void ObjectTriggersAttached(Oid partition, Oid owner);
extern void ObjectTriggersDetached(Oid partition, Oid owner);

#endif							/* ACTSTREAM_OBJECT_TRIGGER_H */
