/*
 * object_type.h
 *		Registered object types.
 */
#ifndef ACTSTREAM_OBJECT_TYPE_H
#define ACTSTREAM_OBJECT_TYPE_H

#include "catalog.h"

/* A row of actstream.object_type; the attribute number is the index + 1. */
typedef struct ObjectTypeRow
{
	Datum		values[Natts_object_type];
	bool		isnull[Natts_object_type];
} ObjectTypeRow;

#define ROW_VALUE(row, name)	((row)->values[Anum_object_type_##name - 1])
#define ROW_ISNULL(row, name)	((row)->isnull[Anum_object_type_##name - 1])

extern Relation ObjectTypeOpenTable(Oid relid);
extern bool ObjectTypeIsReferenced(const char *label);
extern bool ObjectTypeIsBoundBy(const RegisteredType *type, Datum key_columns);
extern void ObjectTypeLockToChange(const RegisteredType *type);
extern void ObjectTypeTableDropped(const char *label);

#endif							/* ACTSTREAM_OBJECT_TYPE_H */
