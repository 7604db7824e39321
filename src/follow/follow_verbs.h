/*
 * follow_verbs.h
 *		The verbs to which a follow or a mute is restricted.
 */
#ifndef ACTSTREAM_FOLLOW_VERBS_H
#define ACTSTREAM_FOLLOW_VERBS_H

extern void FollowCheckVerbs(Datum verbs);

#endif							/* ACTSTREAM_FOLLOW_VERBS_H */
