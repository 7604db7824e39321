/*
 * follow.h
 *		Following and unfollowing.
 */
#ifndef ACTSTREAM_FOLLOW_H
#define ACTSTREAM_FOLLOW_H

#include "fmgr.h"

/* of statements whose arguments are the columns of follows: the rest of the follow f is as wanted */
#define HAS_TERMS \
	"f.actor_only OPERATOR(pg_catalog.=) $4 AND " IS_SAME("f.verbs", "$6")

extern void FollowRequireFlag(FunctionCallInfo fcinfo, int arg);
extern void FollowSendAction(Datum follower, const char *what, Datum followee, Datum flag);

#endif							/* ACTSTREAM_FOLLOW_H */
