/*
 * object_type_table.h
 *		What a table has to be to be registered, and to stay so.
 */
#ifndef ACTSTREAM_OBJECT_TYPE_TABLE_H
#define ACTSTREAM_OBJECT_TYPE_TABLE_H

#include "object/registry.h"

extern void ObjectTypeCheckOwner(Oid relid);
extern Relation ObjectTypeOpenTable(Oid relid);
extern void ObjectTypeCheckTable(Oid relid, Oid without);
extern void ObjectTypeCheckPartition(Oid relid);
extern bool ObjectTypeIsIntact(Relation rel, const RegisteredType *type);
extern char *ObjectTypeTemplateFault(const char *template, Oid relid);
extern const char *ObjectTypeFault(const char *label);

#endif							/* ACTSTREAM_OBJECT_TYPE_TABLE_H */
