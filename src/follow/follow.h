/*
 * follow.h
 *		Following and unfollowing.
 */
#ifndef ACTSTREAM_FOLLOW_H
#define ACTSTREAM_FOLLOW_H

extern void FollowSendAction(Datum follower, const char *what, Datum followee, Datum flag);

#endif							/* ACTSTREAM_FOLLOW_H */
