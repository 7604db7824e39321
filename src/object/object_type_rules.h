/*
 * object_type_rules.h
 *		The rules that rows of actstream.object_types must obey.
 */
#ifndef ACTSTREAM_OBJECT_TYPE_RULES_H
#define ACTSTREAM_OBJECT_TYPE_RULES_H

#include "object/registry.h"

/* A row of actstream.object_types; the attribute number is the index + 1. */
typedef struct ObjectTypeRow
{
	Datum		values[Natts_object_type];
	bool		isnull[Natts_object_type];
} ObjectTypeRow;

#define ROW_VALUE(row, name)	((row)->values[Anum_object_type_##name - 1])
#define ROW_ISNULL(row, name)	((row)->isnull[Anum_object_type_##name - 1])

/* Which checks the rules skip, because register.c has made them. */
typedef enum RegistryChange
{
	REGISTRY_CHANGE_CHECKED,	/* skips none */
	REGISTRY_CHANGE_REBIND,		/* a label is given to another table */
	REGISTRY_CHANGE_INTERNAL	/* DDL on a table changes its type */
} RegistryChange;

extern RegistryChange ObjectTypeBeginChange(RegistryChange change);
extern bool ObjectTypeIsBoundBy(const RegisteredType *type, Datum key_columns);
extern void ObjectTypeLockToChange(const RegisteredType *type);

#endif							/* ACTSTREAM_OBJECT_TYPE_RULES_H */
