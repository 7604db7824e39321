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

/* columns of the index of actstream.follows, in order */
#define Anum_follow_index_follower		1
#define Anum_follow_index_followee		2
#define Anum_follow_index_flag			3
#define Anum_follow_index_actor_only	4
#define Anum_follow_index_started		5
#define Natts_follow_index				5

extern bool TableHasChildren(Relation table);
extern bool IndexHasPredicate(Relation index);
extern Node *IndexPredicate(Relation index);
extern bool ActionIndexesFind(Relation action, Oid *indexes);
extern Oid	FollowIndexFind(Relation follow);

#endif							/* ACTSTREAM_TABLE_INDEX_H */
