/*
 * register.h
 *		Changes to the registry because of DDL on registered tables.
 */
#ifndef ACTSTREAM_REGISTER_H
#define ACTSTREAM_REGISTER_H

#include "object/registry.h"

extern void ObjectTypeTableDropped(const RegisteredType *type);
extern void ObjectTypeColumnRenamed(Oid relid, const char *old_name, const char *new_name);

#endif							/* ACTSTREAM_REGISTER_H */
