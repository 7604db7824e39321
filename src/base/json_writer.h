/*
 * json_writer.h
 *		Writing JSON.
 */
#ifndef ACTSTREAM_JSON_WRITER_H
#define ACTSTREAM_JSON_WRITER_H

#include "utils/jsonb.h"

/* A value that is being written, in the memory context of JsonBegin(). */
typedef struct JsonWriter
{
	JsonbInState state;
	MemoryContext context;
} JsonWriter;

extern void JsonBegin(JsonWriter *json, JsonbIteratorToken token);
extern void JsonMark(JsonWriter *json, JsonbIteratorToken token);
extern void JsonKey(JsonWriter *json, const char *key);
extern void JsonText(JsonWriter *json, const char *text);
extern void JsonMember(JsonWriter *json, const char *key, const char *text);
extern void JsonNullMember(JsonWriter *json, const char *key);
extern void JsonNumberMember(JsonWriter *json, const char *key, int64 number);
extern void JsonLongMember(JsonWriter *json, const char *key, const char *text);
extern void JsonHtmlMember(JsonWriter *json, const char *key, const char *text);
extern Datum JsonEnd(JsonWriter *json, JsonbIteratorToken token);

#endif							/* ACTSTREAM_JSON_WRITER_H */
