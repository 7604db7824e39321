/*
 * feed_activity_streams_1.c
 *		Feeds as collections of JSON Activity Streams 1.0.
 */
#include "postgres.h"

#include "base/compat.h"
#include "feed/feed.h"
#include "feed/feed_entries.h"
#include "feed/feed_vocabulary.h"

PG_FUNCTION_INFO_V1(actstream_activity_streams_1_final);

static void
write_object(JsonWriter *json, const char *key, const FeedObject *object)
{
	if (object == NULL)
		return;
	JsonKey(json, key);
	JsonMark(json, WJB_BEGIN_OBJECT);
	JsonMember(json, "id", object->id);
	JsonMember(json, "objectType", FeedType1(object->label));
	JsonMember(json, "displayName", object->name);
	JsonMember(json, "url", object->url);
	JsonMark(json, WJB_END_OBJECT);
}

/* In this format, title and content are HTML, and names are plain text. */
static void
write_activity(JsonWriter *json, const FeedEntry *entry)
{
	JsonMember(json, "id", entry->id);
	JsonHtmlMember(json, "title", entry->title);
	JsonHtmlMember(json, "content", entry->description);
	JsonMember(json, "published", FeedTime(entry->published));
	JsonMember(json, "updated", FeedTime(entry->published));
	JsonMember(json, "url", entry->url);
	JsonMember(json, "verb", FeedVerb1(entry->verb));
	write_object(json, "actor", entry->objects[FEED_ACTOR]);
	write_object(json, "object", entry->objects[FEED_OBJECT]);
	write_object(json, "target", entry->objects[FEED_TARGET]);
}

/*
 * activity_streams_1
 *		Final function.
 */
Datum
actstream_activity_streams_1_final(PG_FUNCTION_ARGS)
{
	Feed	   *feed = FeedOfAggregate(fcinfo);
	JsonWriter	json;

	if (feed == NULL)
		PG_RETURN_NULL();
	JsonBegin(&json, WJB_BEGIN_OBJECT);
	JsonMember(&json, "id", feed->id);
	JsonMember(&json, "objectType", "collection");
	JsonMember(&json, "displayName", feed->title);
	JsonMember(&json, "url", feed->link);
	JsonMember(&json, "updated", FeedTime(feed->updated));
	FeedEntriesJson(&json, "items", feed, write_activity);
	PG_RETURN_DATUM(JsonEnd(&json, WJB_END_OBJECT));
}
