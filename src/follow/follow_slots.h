/*
 * follow_slots.h
 *		The table "follow_counts": changing the counts of followers.
 */
#ifndef ACTSTREAM_FOLLOW_SLOTS_H
#define ACTSTREAM_FOLLOW_SLOTS_H

#include "ref/ref.h"

#include "utils/relcache.h"

/* What is to be added to the counts of an object. */
typedef struct CountChange
{
	const Ref  *object;
	const text *flag;
	int64		followers;		/* with this flag */
	int64		any_flag;		/* with any; 0 unless the flag is empty */
} CountChange;

extern int	CountChangeCompare(const CountChange *a, const CountChange *b);
extern void FollowSlotsAdd(Relation counts, const CountChange *changes, int n);

#endif							/* ACTSTREAM_FOLLOW_SLOTS_H */
