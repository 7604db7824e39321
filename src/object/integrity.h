/*
 * integrity.h
 *		References and the rows that they name: both exist, or neither.
 */
#ifndef ACTSTREAM_INTEGRITY_H
#define ACTSTREAM_INTEGRITY_H

#include "base/run_as.h"
#include "object/registry.h"

#include "access/attnum.h"
#include "commands/trigger.h"

/* the most references that a row of our tables has */
#define MAX_REFERENCES 3

/* Objects that are assumed to exist: see IntegrityAssumeExists(). */
typedef struct AssumedObjects
{
	int			n;
	const Ref  *refs[MAX_REFERENCES];
} AssumedObjects;

extern HeapTuple IntegrityTriggerRow(TriggerData *trigdata, HeapTuple *old);
extern void IntegrityCheckRow(const TriggerData *trigdata, OwnTable table, TupleDesc tupdesc,
							  HeapTuple row, HeapTuple old, const AttrNumber *columns,
							  int ncolumns);
extern const AssumedObjects *IntegrityAssumeExists(const AssumedObjects *objects);
extern bool IntegrityObjectExists(const Ref *ref);
extern bool IntegrityWasReplaced(const Ref *ref, CommandId command);
extern bool IntegrityTryExists(const Ref *ref, bool *exists);
extern void IntegrityLockLabel(const RegisteredType *type, LOCKMODE lockmode);
extern bool IntegrityLockTypeOf(const Ref *ref, LOCKMODE lockmode, RegisteredType *type);

#endif							/* ACTSTREAM_INTEGRITY_H */
