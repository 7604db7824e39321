/*
 * feed_atom.c
 *		Feeds as Atom 1.0 (RFC 4287) with the Activity Streams extension.
 */
#include "postgres.h"

#include "compat.h"
#include "feed.h"
#include "feed_vocabulary.h"
#include "feed_xml.h"

#define ATOM_NAMESPACE		"http://www.w3.org/2005/Atom"
#define ACTIVITY_NAMESPACE	"http://activitystrea.ms/spec/1.0/"

PG_FUNCTION_INFO_V1(actstream_atom_feed_final);

static xmltype *
simple(const char *name, const char *text)
{
	return XmlTextElement(name, NO_ATTRIBUTES, text);
}

static xmltype *
make_link(const char *rel, const char *href)
{
	if (strcmp(rel, "self") == 0)
		return XmlElement("link", XmlAttributes("rel", rel, "type", "application/atom+xml",
												"href", href), NIL);
	return XmlElement("link", XmlAttributes("rel", rel, "href", href), NIL);
}

/* A name must not be empty, and an id is an address of a kind. */
static xmltype *
make_author(const FeedObject *actor)
{
	return XmlElement("author", NO_ATTRIBUTES,
					  list_make3(simple("name", actor->name),
								 simple("uri", actor->url != NULL ? actor->url : actor->id),
								 simple("activity:object-type", FeedType1(actor->label))));
}

static xmltype *
make_object(const char *name, const FeedObject *object)
{
	List	   *children = list_make3(simple("activity:object-type", FeedType1(object->label)),
									  simple("id", object->id),
									  XmlTextElement("title", XmlAttributes("type", "text"),
													 object->name));

	if (object->url != NULL)
		children = lappend(children, make_link("alternate", object->url));
	return XmlElement(name, NO_ATTRIBUTES, children);
}

/*
 * What is of the entry itself comes last: of elements that are in its objects
 * too, some readers take the last.
 */
static xmltype *
make_entry(const FeedEntry *entry)
{
	List	   *children = list_make1(simple("activity:verb", FeedVerb1(entry->verb)));

	if (entry->objects[FEED_OBJECT] != NULL)
		children = lappend(children, make_object("activity:object",
												 entry->objects[FEED_OBJECT]));
	if (entry->objects[FEED_TARGET] != NULL)
		children = lappend(children, make_object("activity:target",
												 entry->objects[FEED_TARGET]));
	children = lappend(children, make_author(entry->objects[FEED_ACTOR]));
	children = lappend(children, simple("id", entry->id));
	children = lappend(children, XmlTextElement("title", XmlAttributes("type", "text"),
												entry->title));
	children = lappend(children, make_link("alternate", entry->url));
	children = lappend(children, simple("published", FeedTime(entry->published)));
	children = lappend(children, simple("updated", FeedTime(entry->published)));
	if (entry->description != NULL)
		children = lappend(children, XmlTextElement("content", XmlAttributes("type", "text"),
													entry->description));
	return XmlElement("entry", NO_ATTRIBUTES, children);
}

/*
 * atom_feed
 *		Final function.
 */
Datum
actstream_atom_feed_final(PG_FUNCTION_ARGS)
{
	Feed	   *feed = FeedOfAggregate(fcinfo);
	List	   *children;

	if (feed == NULL)
		PG_RETURN_NULL();
	children = list_make4(simple("id", feed->id),
						  XmlTextElement("title", XmlAttributes("type", "text"), feed->title),
						  simple("updated", FeedTime(feed->updated)),
						  make_link("alternate", feed->link));
	if (feed->self != NULL)
		children = lappend(children, make_link("self", feed->self));
	children = list_concat(children, XmlOfEntries(feed, make_entry));
	PG_RETURN_XML_P(XmlElement("feed", XmlAttributes("xmlns", ATOM_NAMESPACE,
													 "xmlns:activity", ACTIVITY_NAMESPACE),
							   children));
}
