/*
 * follow_list.h
 *		What a follower follows and does not mute, kept between statements.
 */
#ifndef ACTSTREAM_FOLLOW_LIST_H
#define ACTSTREAM_FOLLOW_LIST_H

#include "reader/source_set.h"

/* Which follows of a follower, and which actions of these, a stream shows. */
typedef struct FollowListKey
{
	Ref		   *follower;
	const text *flag;			/* NULL: any */
	bool		with_own;		/* also the follower's own actions? */
	bool		since_follow;	/* only actions since the follow began? */
} FollowListKey;

extern void FollowListDefineSetting(void);
extern bool FollowListIsKnown(Oid role);
extern SourceSet *FollowListGet(const FollowListKey *key, Snapshot snapshot);

#endif							/* ACTSTREAM_FOLLOW_LIST_H */
