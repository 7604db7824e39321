/*
 * feed_activity_streams_2.c
 *		Feeds as pages of a collection of Activity Streams 2.0.
 *
 * A verb or label that is not in the vocabulary gets the general type.  Our own words
 * are in extension properties, "verb" and "label", which the context of the page
 * defines.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/uri.h"
#include "feed/feed.h"
#include "feed/feed_activity_streams_2.h"
#include "feed/feed_entries.h"
#include "feed/feed_vocabulary.h"
#include "tables/action_place.h"

#define STREAMS_CONTEXT "https://www.w3.org/ns/activitystreams"

PG_FUNCTION_INFO_V1(actstream_activity_streams_2_final);

/*
 * FeedContext2
 *		Write the context of a page, which has entries if an authority is given.
 */
void
FeedContext2(JsonWriter *json, const char *authority)
{
	JsonKey(json, "@context");
	JsonMark(json, WJB_BEGIN_ARRAY);
	JsonText(json, STREAMS_CONTEXT);
	if (authority != NULL)
	{
		JsonMark(json, WJB_BEGIN_OBJECT);
		JsonMember(json, "verb", psprintf("tag:%s:term/verb", authority));
		JsonMember(json, "label", psprintf("tag:%s:term/label", authority));
		JsonMark(json, WJB_END_OBJECT);
	}
	JsonMark(json, WJB_END_ARRAY);
}

/*
 * FeedObject2
 *		Write an object of that type, NULL for the general one.
 */
void
FeedObject2(JsonWriter *json, const FeedObject *object, const char *type)
{
	JsonMark(json, WJB_BEGIN_OBJECT);
	JsonMember(json, "id", object->url != NULL ? object->url : object->id);
	JsonMember(json, "type", type != NULL ? type : "Object");
	JsonMember(json, "label", object->label);
	JsonMember(json, "name", object->name);
	JsonMember(json, "url", object->url);
	JsonMark(json, WJB_END_OBJECT);
}

static void
write_object(JsonWriter *json, const char *key, const FeedObject *object, const char *type)
{
	JsonKey(json, key);
	FeedObject2(json, object, type);
}

/* In this format, the summary is HTML, and names are plain text. */
static void
write_activity(JsonWriter *json, const FeedEntry *entry)
{
	const FeedObject *actor = entry->objects[FEED_ACTOR];
	const FeedObject *object = entry->objects[FEED_OBJECT];
	const FeedObject *target = entry->objects[FEED_TARGET];
	const char *type = FeedVerb2(entry->verb);

	JsonMember(json, "id", entry->id);
	JsonMember(json, "type", type != NULL ? type : "Activity");
	JsonMember(json, "verb", entry->verb);
	JsonHtmlMember(json, "summary", entry->title);
	if (entry->description != NULL)
	{
		JsonLongMember(json, "content", entry->description);
		JsonMember(json, "mediaType", "text/plain");
	}
	JsonMember(json, "published", FeedTime(entry->published));
	JsonMember(json, "url", entry->url);
	write_object(json, "actor", actor, FeedActorType2(actor->label));
	if (object != NULL)
		write_object(json, "object", object, FeedType2(object->label));
	if (target != NULL)
		write_object(json, "target", target, FeedType2(target->label));
}

/* The cursor of an action, as stream_cursor() makes it. */
static char *
make_cursor(const FeedAction *action)
{
	return ActionPlaceToText((ActionPlace) {action->timestamp, action->id});
}

/* Links to the next and the previous page; every page that is not empty has both. */
static void
write_neighbours(JsonWriter *json, const Feed *feed)
{
	if (feed->nactions == 0)
		return;
	JsonMember(json, "next", UriWithParameter(feed->link, "before",
											  make_cursor(&feed->actions[feed->nactions - 1])));
	JsonMember(json, "prev", UriWithParameter(feed->link, "after",
											  make_cursor(&feed->actions[0])));
}

/*
 * activity_streams_2
 *		Final function.
 */
Datum
actstream_activity_streams_2_final(PG_FUNCTION_ARGS)
{
	Feed	   *feed = FeedOfAggregate(fcinfo);
	JsonWriter	json;

	if (feed == NULL)
		PG_RETURN_NULL();
	JsonBegin(&json, WJB_BEGIN_OBJECT);
	FeedContext2(&json, feed->authority);
	JsonMember(&json, "id", feed->link);
	JsonMember(&json, "type", "OrderedCollectionPage");
	JsonMember(&json, "name", feed->title);
	JsonMember(&json, "partOf", feed->id);
	JsonMember(&json, "updated", FeedTime(feed->updated));
	write_neighbours(&json, feed);
	FeedEntriesJson(&json, "orderedItems", feed, write_activity);
	PG_RETURN_DATUM(JsonEnd(&json, WJB_END_OBJECT));
}
