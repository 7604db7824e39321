/*
 * feed.h
 *		The content of a feed in any format: actions with their objects, in order.
 */
#ifndef ACTSTREAM_FEED_H
#define ACTSTREAM_FEED_H

#include "ref/ref.h"

#include "datatype/timestamp.h"

/* What an aggregate is told of a feed. */
typedef struct FeedHead
{
	char	   *id;				/* a URI, as is "link" */
	char	   *title;
	char	   *link;
	char	   *language;		/* of titles; NULL for that of the session */
} FeedHead;

/* The objects of an action, in the order in which a sentence names them. */
typedef enum FeedRole
{
	FEED_ACTOR,
	FEED_OBJECT,
	FEED_TARGET
} FeedRole;

#define NUM_FEED_ROLES (FEED_TARGET + 1)

/* An action, as the aggregate keeps it. */
typedef struct FeedAction
{
	int64		id;
	TimestampTz timestamp;
	const Ref  *objects[NUM_FEED_ROLES];	/* NULL where there is none */
	char	   *verb;
	char	   *description;	/* or NULL */
} FeedAction;

typedef struct FeedObject
{
	char	   *id;				/* a tag: URI */
	char	   *name;
	char	   *url;			/* absolute; NULL if there is none */
	char	   *label;
} FeedObject;

typedef struct FeedEntry
{
	char	   *id;				/* a tag: URI */
	char	   *title;			/* the action in words */
	char	   *url;			/* of its object, else target, else actor, else the
								 * feed's link */
	const char *verb;
	const char *description;	/* or NULL */
	TimestampTz published;
	FeedObject *objects[NUM_FEED_ROLES];	/* NULL where there is none */
} FeedEntry;

typedef struct Feed
{
	char	   *id;				/* a URI, as is "link" */
	char	   *title;
	char	   *link;
	char	   *self;			/* address of the feed itself, or NULL */
	const char *language;		/* of titles */
	char	   *authority;		/* of tag: URIs; NULL if there are no entries */
	TimestampTz updated;
	int			nactions;
	FeedAction *actions;
	char	  **names;			/* of the objects of all actions */
	char	  **urls;
} Feed;

extern void FeedDefineSetting(void);
extern void FeedHeadRead(FeedHead *head, FunctionCallInfo fcinfo);
extern char *FeedTagAuthority(const char *feed_id);
extern FeedObject *FeedObjectMake(const char *authority, const char *link, const Ref *ref,
								  char *name, const char *url);
extern Feed *FeedOfAggregate(FunctionCallInfo fcinfo);
extern FeedEntry *FeedEntryGet(const Feed *feed, int i);
extern char *FeedTime(TimestampTz timestamp);
extern char *FeedMailTime(TimestampTz timestamp);

#endif							/* ACTSTREAM_FEED_H */
