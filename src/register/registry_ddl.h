/*
 * registry_ddl.h
 *		Changes to the registry because of DDL on registered tables.
 */
#ifndef ACTSTREAM_REGISTRY_DDL_H
#define ACTSTREAM_REGISTRY_DDL_H

#include "object/registry.h"
#include "tables/spi_plan.h"

extern SpiPlan ObjectTypeDelete;	/* the row with a label */

extern void ObjectTypeTableDropped(const RegisteredType *type);
extern void ObjectTypeTableAltered(Oid relid);
extern void ObjectTypeColumnRenamed(Oid relid, const char *old_name, const char *new_name);

#endif							/* ACTSTREAM_REGISTRY_DDL_H */
