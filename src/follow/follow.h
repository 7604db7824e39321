/*
 * follow.h
 *		Following and unfollowing.
 */
#ifndef ACTSTREAM_FOLLOW_H
#define ACTSTREAM_FOLLOW_H

#include "fmgr.h"

extern void FollowRequireFlag(FunctionCallInfo fcinfo, int arg);
extern void FollowSendAction(Datum follower, const char *what, Datum followee, Datum flag);

#endif							/* ACTSTREAM_FOLLOW_H */
