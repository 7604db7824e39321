/*
 * follow_pair.h
 *		Whether a follower follows an object with another flag, too.
 */
#ifndef ACTSTREAM_FOLLOW_PAIR_H
#define ACTSTREAM_FOLLOW_PAIR_H

#include "ref/ref.h"

/*
 * A follow that this transaction has inserted or deleted: that of a pair, follower and
 * followee, with a flag, by the command with that number.
 */
typedef struct FollowChange
{
	const Ref  *follower;
	const Ref  *followee;
	const text *flag;
	CommandId	command;
	int			sign;			/* 1: inserted; -1: deleted; 0: updated, but not its key */
} FollowChange;

typedef enum FollowCompany
{
	FOLLOW_IS_ALONE,			/* the pair had no follow with another flag */
	FOLLOW_HAS_COMPANY,
	FOLLOW_IS_UNDECIDED			/* another transaction is changing the pair */
} FollowCompany;

extern FollowCompany FollowCompanyOf(const FollowChange *change);
extern int	FollowFlagCompare(const text *a, const text *b);
extern int	FollowPairCompare(const FollowChange *a, const FollowChange *b);
extern void FollowPairsDecide(FollowChange *changes, int n, FollowCompany *result);

#endif							/* ACTSTREAM_FOLLOW_PAIR_H */
