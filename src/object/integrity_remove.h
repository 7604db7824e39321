/*
 * integrity_remove.h
 *		What happens to references when the rows that they name are deleted.
 */
#ifndef ACTSTREAM_INTEGRITY_REMOVE_H
#define ACTSTREAM_INTEGRITY_REMOVE_H

#include "base/run_as.h"
#include "object/registry.h"

extern void IntegrityRemoveObjects(const RegisteredType *type, const Ref *const *refs, int n,
								   RunAsMode mode);
extern void IntegrityRenameObject(const Ref *old_ref, const Ref *new_ref);
extern void IntegrityForgetRows(const RegisteredType *type, Relation rel, RunAsMode mode);
extern void IntegrityForgetTable(const RegisteredType *type);
extern bool IntegrityForgetLabel(const RegisteredType *type, RunAsMode mode);
extern void IntegritySweep(const RegisteredType *type, RunAsMode mode);
extern bool IntegrityIsReferenced(const char *label);
extern void IntegrityRequireObjects(const RegisteredType *type);

#endif							/* ACTSTREAM_INTEGRITY_REMOVE_H */
