/*
 * ddl_drop.h
 *		What happens to references when registered tables and their partitions are dropped.
 */
#ifndef ACTSTREAM_DDL_DROP_H
#define ACTSTREAM_DDL_DROP_H

#include "object/registry.h"
#include "utils/relcache.h"

extern void DdlForgetDetached(const RegisteredType *type, Relation rel);
extern void DdlRelationGoes(Oid objid, bool concurrently);
extern void DdlTriggerGoes(Oid trigger);

#endif							/* ACTSTREAM_DDL_DROP_H */
