/*
 * key_type.h
 *		Types whose values can be keys of references, and the text of a value.
 */
#ifndef ACTSTREAM_KEY_TYPE_H
#define ACTSTREAM_KEY_TYPE_H

#include "lib/stringinfo.h"

extern Oid	KeyType(Oid type);
extern bool KeyTypeIsInteger(Oid type);
extern Oid	KeyTypeEquality(Oid type);
extern void KeyTypeAppendEquality(StringInfo sql, Oid left_type, const char *left,
								  Oid right_type, const char *right);
extern char *KeyTypeText(Oid type, Datum value);
extern bool KeyTypeParse(Oid type, const char *text, Datum *value);
extern char *KeyTypeCanonicalText(Oid type, const char *text);
extern const char *KeyTypeExample(Oid type);

#endif							/* ACTSTREAM_KEY_TYPE_H */
