/*
 * follow_list.h
 *		What a follower follows, kept between statements.
 */
#ifndef ACTSTREAM_FOLLOW_LIST_H
#define ACTSTREAM_FOLLOW_LIST_H

#include "reader/source_set.h"

/* Which follows of a follower, and how they are shown. */
typedef struct FollowListKey
{
	Ref		   *follower;
	const text *flag;			/* NULL: any */
	bool		with_own;		/* and what the follower does */
	bool		since_follow;	/* only what happened since */
} FollowListKey;

extern void FollowListDefineSetting(void);
extern bool FollowListIsKnown(Oid role);
extern SourceSet *FollowListGet(const FollowListKey *key, Snapshot snapshot);

#endif							/* ACTSTREAM_FOLLOW_LIST_H */
