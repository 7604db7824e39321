/*
 * feed_atom.c
 *		Feeds as Atom 1.0 (RFC 4287) with the Activity Streams extension.
 */
#include "postgres.h"

#include "base/compat.h"
#include "feed/feed.h"
#include "feed/feed_entries.h"
#include "feed/feed_vocabulary.h"

#define ATOM_NAMESPACE		"http://www.w3.org/2005/Atom"
#define ACTIVITY_NAMESPACE	"http://activitystrea.ms/spec/1.0/"

PG_FUNCTION_INFO_V1(actstream_atom_feed_final);

static void
write_title(XmlWriter *xml, const char *title)
{
	XmlTextElement(xml, "title", XmlAttributes("type", "text"), title);
}

static void
write_link(XmlWriter *xml, const char *rel, const char *href)
{
	if (strcmp(rel, "self") == 0)
		XmlEmptyElement(xml, "link", XmlAttributes("rel", rel, "type", "application/atom+xml",
												   "href", href));
	else
		XmlEmptyElement(xml, "link", XmlAttributes("rel", rel, "href", href));
}

/*
 * The format requires a name that is not empty, which every object has; an id is a URI,
 * too.
 */
static void
write_author(XmlWriter *xml, const FeedObject *actor)
{
	XmlBegin(xml, "author", NO_ATTRIBUTES);
	XmlSimpleElement(xml, "name", actor->name);
	XmlSimpleElement(xml, "uri", actor->url != NULL ? actor->url : actor->id);
	XmlSimpleElement(xml, "activity:object-type", FeedType1(actor->label));
	XmlEnd(xml);
}

static void
write_object(XmlWriter *xml, const char *name, const FeedObject *object)
{
	if (object == NULL)
		return;
	XmlBegin(xml, name, NO_ATTRIBUTES);
	XmlSimpleElement(xml, "activity:object-type", FeedType1(object->label));
	XmlSimpleElement(xml, "id", object->id);
	write_title(xml, object->name);
	if (object->url != NULL)
		write_link(xml, "alternate", object->url);
	XmlEnd(xml);
}

/*
 * The entry's own elements come last: if an element also occurs in the entry's objects,
 * some readers take the last one.
 */
static void
write_entry(XmlWriter *xml, const FeedEntry *entry)
{
	XmlBegin(xml, "entry", NO_ATTRIBUTES);
	XmlSimpleElement(xml, "activity:verb", FeedVerb1(entry->verb));
	write_object(xml, "activity:object", entry->objects[FEED_OBJECT]);
	write_object(xml, "activity:target", entry->objects[FEED_TARGET]);
	write_author(xml, entry->objects[FEED_ACTOR]);
	XmlSimpleElement(xml, "id", entry->id);
	write_title(xml, entry->title);
	write_link(xml, "alternate", entry->url);
	XmlSimpleElement(xml, "published", FeedTime(entry->published));
	XmlSimpleElement(xml, "updated", FeedTime(entry->published));
	if (entry->description != NULL)
		XmlTextElement(xml, "content", XmlAttributes("type", "text"), entry->description);
	XmlEnd(xml);
}

/*
 * atom_feed
 *		Final function.
 */
Datum
actstream_atom_feed_final(PG_FUNCTION_ARGS)
{
	Feed	   *feed = FeedOfAggregate(fcinfo);
	XmlWriter	xml;

	if (feed == NULL)
		PG_RETURN_NULL();
	XmlInit(&xml);
	XmlBegin(&xml, "feed", XmlAttributes("xmlns", ATOM_NAMESPACE,
										 "xmlns:activity", ACTIVITY_NAMESPACE));
	XmlSimpleElement(&xml, "id", feed->id);
	write_title(&xml, feed->title);
	XmlSimpleElement(&xml, "updated", FeedTime(feed->updated));
	write_link(&xml, "alternate", feed->link);
	if (feed->self != NULL)
		write_link(&xml, "self", feed->self);
	FeedEntriesXml(&xml, feed, write_entry);
	XmlEnd(&xml);
	PG_RETURN_XML_P(XmlFinish(&xml));
}
