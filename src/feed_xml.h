/*
 * feed_xml.h
 *		Elements of XML.
 */
#ifndef ACTSTREAM_FEED_XML_H
#define ACTSTREAM_FEED_XML_H

#include "feed.h"
#include "nodes/pg_list.h"
#include "utils/xml.h"

/* The attributes of an element: a name and a value in turns. */
#define XmlAttributes(...) ((const char *const []) {__VA_ARGS__, NULL})
#define NO_ATTRIBUTES ((const char *const *) NULL)

/* Makes the element of an entry. */
typedef xmltype *(*XmlEntryMaker) (const FeedEntry *entry);

extern xmltype *XmlElement(const char *name, const char *const *attributes, List *children);
extern xmltype *XmlTextElement(const char *name, const char *const *attributes,
							   const char *text);
extern List *XmlOfEntries(const Feed *feed, XmlEntryMaker make);
extern char *HtmlOfText(const char *text);

#endif							/* ACTSTREAM_FEED_XML_H */
