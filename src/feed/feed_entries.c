/*
 * feed_entries.c
 *		The entries of a feed, one after the other.
 */
#include "postgres.h"

#include "base/compat.h"
#include "feed/feed_entries.h"

#include "utils/memutils.h"

/*
 * FeedEntriesXml
 *		The elements of all entries of the feed.
 */
void
FeedEntriesXml(XmlWriter *xml, const Feed *feed, XmlEntryWriter write)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "actstream feed entry",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);

	for (int i = 0; i < feed->nactions; i++)
	{
		write(xml, FeedEntryGet(feed, i));
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
}

/*
 * FeedEntriesJson
 *		All entries of the feed, as an array.
 */
void
FeedEntriesJson(JsonWriter *json, const char *key, const Feed *feed, JsonEntryWriter write)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "actstream feed entry",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);

	JsonKey(json, key);
	JsonMark(json, WJB_BEGIN_ARRAY);
	for (int i = 0; i < feed->nactions; i++)
	{
		JsonMark(json, WJB_BEGIN_OBJECT);
		write(json, FeedEntryGet(feed, i));
		JsonMark(json, WJB_END_OBJECT);
		MemoryContextReset(context);
	}
	JsonMark(json, WJB_END_ARRAY);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
}
