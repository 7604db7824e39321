/*
 * feed_rss.c
 *		Feeds as RSS 2.0.
 */
#include "postgres.h"

#include "base/compat.h"
#include "feed/feed.h"
#include "feed/feed_entries.h"

#define ATOM_NAMESPACE	"http://www.w3.org/2005/Atom"
#define DC_NAMESPACE	"http://purl.org/dc/elements/1.1/"

PG_FUNCTION_INFO_V1(actstream_rss_feed_final);

/*
 * The actor becomes dc:creator, since an author would have to be an e-mail address.  The
 * description is HTML.
 */
static void
write_item(XmlWriter *xml, const FeedEntry *entry)
{
	XmlBegin(xml, "item", NO_ATTRIBUTES);
	XmlSimpleElement(xml, "title", entry->title);
	XmlSimpleElement(xml, "link", entry->url);
	XmlTextElement(xml, "guid", XmlAttributes("isPermaLink", "false"), entry->id);
	XmlSimpleElement(xml, "pubDate", FeedMailTime(entry->published));
	XmlSimpleElement(xml, "dc:creator", entry->objects[FEED_ACTOR]->name);
	if (entry->description != NULL)
		XmlHtmlElement(xml, "description", entry->description);
	XmlEnd(xml);
}

/*
 * rss_feed
 *		Final function.
 */
Datum
actstream_rss_feed_final(PG_FUNCTION_ARGS)
{
	Feed	   *feed = FeedOfAggregate(fcinfo);
	XmlWriter	xml;

	if (feed == NULL)
		PG_RETURN_NULL();
	XmlInit(&xml);
	XmlBegin(&xml, "rss", XmlAttributes("version", "2.0", "xmlns:atom", ATOM_NAMESPACE,
										"xmlns:dc", DC_NAMESPACE));
	XmlBegin(&xml, "channel", NO_ATTRIBUTES);
	XmlSimpleElement(&xml, "title", feed->title);
	XmlSimpleElement(&xml, "link", feed->link);
	/* the format requires a description, and we have only the title */
	XmlHtmlElement(&xml, "description", feed->title);
	XmlSimpleElement(&xml, "lastBuildDate", FeedMailTime(feed->updated));
	if (feed->self != NULL)
		XmlEmptyElement(&xml, "atom:link", XmlAttributes("rel", "self",
														 "type", "application/rss+xml",
														 "href", feed->self));
	FeedEntriesXml(&xml, feed, write_item);
	XmlEnd(&xml);
	XmlEnd(&xml);
	PG_RETURN_XML_P(XmlFinish(&xml));
}
