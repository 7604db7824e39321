/*
 * feed_rss.c
 *		Feeds as RSS 2.0.
 */
#include "postgres.h"

#include "compat.h"
#include "feed.h"
#include "feed_xml.h"

#define ATOM_NAMESPACE	"http://www.w3.org/2005/Atom"
#define DC_NAMESPACE	"http://purl.org/dc/elements/1.1/"

PG_FUNCTION_INFO_V1(actstream_rss_feed_final);

static xmltype *
simple(const char *name, const char *text)
{
	return XmlTextElement(name, NO_ATTRIBUTES, text);
}

/*
 * The actor is a creator: an author would be an e-mail address.  A description
 * is HTML.
 */
static xmltype *
make_item(const FeedEntry *entry)
{
	List	   *children = list_make5(simple("title", entry->title),
									  simple("link", entry->url),
									  XmlTextElement("guid", XmlAttributes("isPermaLink", "false"),
													 entry->id),
									  simple("pubDate", FeedMailTime(entry->published)),
									  simple("dc:creator", entry->objects[FEED_ACTOR]->name));

	if (entry->description != NULL)
		children = lappend(children, simple("description", HtmlOfText(entry->description)));
	return XmlElement("item", NO_ATTRIBUTES, children);
}

/*
 * rss_feed
 *		Final function.
 */
Datum
actstream_rss_feed_final(PG_FUNCTION_ARGS)
{
	Feed	   *feed = FeedOfAggregate(fcinfo);
	List	   *children;

	if (feed == NULL)
		PG_RETURN_NULL();
	/* the format wants a description, and the title is all that we have */
	children = list_make4(simple("title", feed->title),
						  simple("link", feed->link),
						  simple("description", HtmlOfText(feed->title)),
						  simple("lastBuildDate", FeedMailTime(feed->updated)));
	if (feed->self != NULL)
		children = lappend(children, XmlElement("atom:link",
												XmlAttributes("rel", "self",
															  "type", "application/rss+xml",
															  "href", feed->self), NIL));
	children = list_concat(children, XmlOfEntries(feed, make_item));
	PG_RETURN_XML_P(XmlElement("rss", XmlAttributes("version", "2.0",
													"xmlns:atom", ATOM_NAMESPACE,
													"xmlns:dc", DC_NAMESPACE),
							   list_make1(XmlElement("channel", NO_ATTRIBUTES, children))));
}
