/*
 * integrity.h
 *		References and the rows that they name: together or not at all.
 */
#ifndef ACTSTREAM_INTEGRITY_H
#define ACTSTREAM_INTEGRITY_H

#include "access/attnum.h"
#include "catalog.h"

extern HeapTuple IntegrityTriggerRow(TriggerData *trigdata, HeapTuple *old);
extern void IntegrityCheckRow(Relation rel, HeapTuple row, HeapTuple old,
							  const AttrNumber *columns, int ncolumns);
extern const Ref *IntegrityKnownRow(const Ref *ref);
extern bool IntegrityObjectExists(const Ref *ref);
extern void IntegrityRemoveObject(const RegisteredType *type, const Ref *ref);
extern void IntegrityRenameObject(const Ref *old_ref, const Ref *new_ref);
extern void IntegritySweep(const RegisteredType *type);

#endif							/* ACTSTREAM_INTEGRITY_H */
