/*
 * binding.h
 *		What binds a registered table to its object type.
 */
#ifndef ACTSTREAM_BINDING_H
#define ACTSTREAM_BINDING_H

#include "access/attnum.h"
#include "nodes/pg_list.h"
#include "utils/relcache.h"

#define BINDING_TRIGGER_NAME	"actstream_object"

extern int	BindingFind(Oid relation, List *key_columns, AttrNumber *keys);
extern bool IsOwnTriggerName(const char *name);
extern bool HasOwnTriggerName(Oid relid);
extern Oid	TriggerRelation(Oid trigger, bool own, Oid *function);

#endif							/* ACTSTREAM_BINDING_H */
