/*
 * feed_json.h
 *		Writing JSON objects.
 */
#ifndef ACTSTREAM_FEED_JSON_H
#define ACTSTREAM_FEED_JSON_H

#include "feed/feed.h"

#include "utils/jsonb.h"

/* A value that is being written, in the memory context of JsonBegin(). */
typedef struct JsonWriter
{
	JsonbInState state;
	MemoryContext context;
} JsonWriter;

/* Writes an entry. */
typedef void (*JsonEntryWriter) (JsonWriter *json, const FeedEntry *entry);

extern void JsonBegin(JsonWriter *json);
extern void JsonMark(JsonWriter *json, JsonbIteratorToken token);
extern void JsonKey(JsonWriter *json, const char *key);
extern void JsonText(JsonWriter *json, const char *text);
extern void JsonMember(JsonWriter *json, const char *key, const char *text);
extern void JsonLongMember(JsonWriter *json, const char *key, const char *text);
extern void JsonHtmlMember(JsonWriter *json, const char *key, const char *text);
extern void JsonEntries(JsonWriter *json, const char *key, const Feed *feed,
						JsonEntryWriter write);
extern Datum JsonEnd(JsonWriter *json);

#endif							/* ACTSTREAM_FEED_JSON_H */
