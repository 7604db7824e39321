/*
 * feed_activity_streams_2.h
 *		What pages of Activity Streams 2.0 consist of.
 */
#ifndef ACTSTREAM_FEED_ACTIVITY_STREAMS_2_H
#define ACTSTREAM_FEED_ACTIVITY_STREAMS_2_H

#include "base/json_writer.h"
#include "feed/feed.h"

extern void FeedContext2(JsonWriter *json, const char *authority);
extern void FeedObject2(JsonWriter *json, const FeedObject *object, const char *type);

#endif							/* ACTSTREAM_FEED_ACTIVITY_STREAMS_2_H */
