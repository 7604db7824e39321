/*
 * integrity.h
 *		References and the rows that they name: together or not at all.
 */
#ifndef ACTSTREAM_INTEGRITY_H
#define ACTSTREAM_INTEGRITY_H

#include "access/attnum.h"
#include "catalog.h"
#include "run_as.h"

extern HeapTuple IntegrityTriggerRow(TriggerData *trigdata, HeapTuple *old);
extern void IntegrityCheckRow(Relation rel, HeapTuple row, HeapTuple old,
							  const AttrNumber *columns, int ncolumns);
extern const Ref *IntegrityKnownRow(const Ref *ref);
extern bool IntegrityObjectExists(const Ref *ref);
extern void IntegrityRemoveObjects(const RegisteredType *type, const Ref *const *refs, int n,
								   RunAsMode mode);
extern void IntegrityRenameObject(const Ref *old_ref, const Ref *new_ref);
extern void IntegrityForgetRows(const RegisteredType *type, Relation rel);
extern void IntegrityForgetTable(const RegisteredType *type);
extern void IntegrityForgetLabel(const RegisteredType *type);
extern void IntegritySweep(const RegisteredType *type);
extern bool IntegrityIsReferenced(const char *label);
extern void IntegrityRequireObjects(const RegisteredType *type);
extern void IntegrityLockLabel(const RegisteredType *type, LOCKMODE lockmode);

#endif							/* ACTSTREAM_INTEGRITY_H */
