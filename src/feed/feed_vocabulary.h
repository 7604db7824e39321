/*
 * feed_vocabulary.h
 *		The words of feed formats for our verbs and labels.
 */
#ifndef ACTSTREAM_FEED_VOCABULARY_H
#define ACTSTREAM_FEED_VOCABULARY_H

extern char *FeedVerb1(const char *verb);
extern const char *FeedVerb2(const char *verb);
extern const char *FeedType1(const char *label);
extern const char *FeedType2(const char *label);
extern const char *FeedActorType2(const char *label);

#endif							/* ACTSTREAM_FEED_VOCABULARY_H */
