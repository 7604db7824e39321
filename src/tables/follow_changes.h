/*
 * follow_changes.h
 *		Counting changes to follows in shared memory.
 */
#ifndef ACTSTREAM_FOLLOW_CHANGES_H
#define ACTSTREAM_FOLLOW_CHANGES_H

#include "base/shared_memory.h"
#include "ref/ref.h"

#include "utils/relcache.h"

extern FollowCounter *FollowChangesCounter(SharedMemory *shared, const Ref *follower);
extern void FollowChangesNoteAll(void);
extern bool FollowChangesAreWatched(Relation follows);
extern bool FollowChangesOfMutesAreWatched(Relation mutes);
extern bool FollowChangesAreCounted(void);

#endif							/* ACTSTREAM_FOLLOW_CHANGES_H */
