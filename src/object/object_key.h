/*
 * object_key.h
 *		The key columns of a registered table, and the keys of its rows.
 */
#ifndef ACTSTREAM_OBJECT_KEY_H
#define ACTSTREAM_OBJECT_KEY_H

#include "object/registry.h"

#include "access/htup.h"
#include "lib/stringinfo.h"

extern List *ObjectKeyPrimary(Relation rel);
extern bool ObjectKeyIsUnique(Relation rel, List *columns, Oid without);
extern void ObjectKeyCheck(Relation rel, List *columns);
extern Ref *ObjectKeyRefIfAny(const RegisteredType *type, Oid relid, HeapTuple row,
							  TupleDesc tupdesc);
extern bool ObjectKeyTypeFits(TupleDesc tupdesc, AttrNumber attnum);
extern void ObjectKeyCheckType(TupleDesc tupdesc, AttrNumber attnum);
extern char *ObjectKeyColumnText(HeapTuple row, TupleDesc tupdesc, AttrNumber attnum);
extern void ObjectKeyAppendPart(StringInfo key, const char *part);
extern Oid	ObjectKeyType(TupleDesc tupdesc, AttrNumber attnum);
extern void ObjectKeyAppendCondition(StringInfo sql, const RegisteredType *type,
									 TupleDesc tupdesc, const char *other);
extern char *ObjectKeyDiffers(Oid relid, List *key_columns);
extern bool ObjectKeyIsReadable(const RegisteredType *type, TupleDesc tupdesc);
extern bool ObjectKeySplit(const RegisteredType *type, const Ref *ref, char **parts);
extern bool ObjectKeyParse(const RegisteredType *type, TupleDesc tupdesc,
						   const Ref *ref, Datum *values);
extern char *ObjectKeyHint(const RegisteredType *type, TupleDesc tupdesc, const Ref *ref);

#endif							/* ACTSTREAM_OBJECT_KEY_H */
