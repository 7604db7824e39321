/*
 * table_index.h
 *		The indexes that streams are read from.
 */
#ifndef ACTSTREAM_TABLE_INDEX_H
#define ACTSTREAM_TABLE_INDEX_H

#include "tables/action_role.h"

#include "utils/relcache.h"

/* columns of an index by a role, in order */
#define Anum_role_index_object		1
#define Anum_role_index_public		2
#define Anum_role_index_timestamp	3
#define Anum_role_index_id			4
#define Natts_role_index			4

/* columns of the index by time, in order */
#define Anum_time_index_timestamp	1
#define Anum_time_index_id			2
#define Natts_time_index			2

/* first columns of an index by verb, in order */
#define Anum_verb_index_verb		1
#define Anum_verb_index_timestamp	2

/* columns of the index of actstream.follows, in order */
#define Anum_follow_index_follower		1
#define Anum_follow_index_followee		2
#define Anum_follow_index_flag			3
#define Anum_follow_index_actor_only	4
#define Anum_follow_index_started		5
#define Anum_follow_index_verbs			6
#define Natts_follow_index				6

/* the indexes of actstream.mutes */
typedef enum MuteIndex
{
	MUTE_BY_MUTER,
	MUTE_BY_MUTED
} MuteIndex;

#define NUM_MUTE_INDEXES				(MUTE_BY_MUTED + 1)

/* columns of both, in order; after the two references, those by muter have the verbs, and
 * those by muted whether it is a block */
#define Anum_mute_index_other			2
#define Anum_mute_index_verbs			3
#define Anum_mute_index_block			3
#define Anum_mute_index_until			4
#define Natts_mute_index				4

extern bool IsColumnOf(const Node *expr, Index rti, AttrNumber column);
extern bool TableHasChildren(Relation table);
extern bool IndexHasPredicate(Relation index);
extern Node *IndexPredicate(Relation index);
extern bool ActionIndexesFind(Relation action, Oid *indexes);
extern bool VerbIndexIsOrdered(Relation index);
extern Oid	VerbIndexFind(Relation action);
extern Oid	FollowIndexFind(Relation follow);
extern bool MuteIndexesFind(Relation mutes, Oid indexes[NUM_MUTE_INDEXES]);

#endif							/* ACTSTREAM_TABLE_INDEX_H */
