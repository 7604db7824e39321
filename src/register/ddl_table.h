/*
 * ddl_table.h
 *		Whether DDL on a table concerns the registry.
 */
#ifndef ACTSTREAM_DDL_TABLE_H
#define ACTSTREAM_DDL_TABLE_H

#include "object/registry.h"

extern bool DdlMayBeRegistered(Oid relid);
extern const RegisteredType *DdlFindType(Oid relid);
extern bool DdlIsRegistered(Oid relid);
extern void DdlWarnOfRegistry(const char *relname);

#endif							/* ACTSTREAM_DDL_TABLE_H */
