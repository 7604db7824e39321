/*
 * feed_entries.h
 *		The entries of a feed, one after the other.
 */
#ifndef ACTSTREAM_FEED_ENTRIES_H
#define ACTSTREAM_FEED_ENTRIES_H

#include "base/json_writer.h"
#include "base/xml_writer.h"
#include "feed/feed.h"

/* Each writes an entry. */
typedef void (*XmlEntryWriter) (XmlWriter *xml, const FeedEntry *entry);
typedef void (*JsonEntryWriter) (JsonWriter *json, const FeedEntry *entry);

extern void FeedEntriesXml(XmlWriter *xml, const Feed *feed, XmlEntryWriter write);
extern void FeedEntriesJson(JsonWriter *json, const char *key, const Feed *feed,
							JsonEntryWriter write);

#endif							/* ACTSTREAM_FEED_ENTRIES_H */
