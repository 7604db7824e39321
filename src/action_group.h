/*
 * action_group.h
 *		The rows of the actions of one time.
 */
#ifndef ACTSTREAM_ACTION_GROUP_H
#define ACTSTREAM_ACTION_GROUP_H

#include "datatype/timestamp.h"
#include "executor/tuptable.h"
#include "read_counters.h"
#include "storage/itemptr.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"

typedef struct ActionGroup ActionGroup;

extern ActionGroup *ActionGroupCreate(Relation action, Snapshot snapshot, ReadCounters *counters);
extern void ActionGroupReset(ActionGroup *group);
extern void ActionGroupBegin(ActionGroup *group, TimestampTz time);
extern void ActionGroupAdd(ActionGroup *group, ItemPointer tid);
extern void ActionGroupDropDuplicates(ActionGroup *group);
extern TimestampTz ActionGroupTime(const ActionGroup *group);
extern TupleTableSlot *ActionGroupLook(ActionGroup *group, ItemPointer tid);
extern TupleTableSlot *ActionGroupNextRow(ActionGroup *group);
extern void ActionGroupEnd(ActionGroup *group);

#endif							/* ACTSTREAM_ACTION_GROUP_H */
