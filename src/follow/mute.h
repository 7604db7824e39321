/*
 * mute.h
 *		The rules that rows of actstream.mutes must obey.
 */
#ifndef ACTSTREAM_MUTE_H
#define ACTSTREAM_MUTE_H

#include "ref/ref.h"

extern void MuteRefuseFollow(const Ref *follower, const Ref *followee);

#endif							/* ACTSTREAM_MUTE_H */
