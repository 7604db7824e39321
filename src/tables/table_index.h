/*
 * table_index.h
 *		The indexes that streams are read from.
 */
#ifndef ACTSTREAM_TABLE_INDEX_H
#define ACTSTREAM_TABLE_INDEX_H

#include "utils/relcache.h"

/* the indexes of actstream.actions that hold entries in the order of time */
typedef enum ActionIndex
{
	ACTION_BY_ACTOR,
	ACTION_BY_TARGET,
	ACTION_BY_ACTION_OBJECT,
	ACTION_BY_TIME
} ActionIndex;

#define NUM_ACTION_ROLES	3	/* the indexes before ACTION_BY_TIME */
#define NUM_ACTION_INDEXES	4

/* a set of roles: bits 1 << ACTION_BY_… */
typedef uint8 RoleSet;

#define ROLE_BIT(role)	((RoleSet) (1 << (role)))
#define ALL_ROLES		((RoleSet) (ROLE_BIT(NUM_ACTION_ROLES) - 1))

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

/* column of an action by the role of what it refers to */
extern const AttrNumber ActionRoleColumns[NUM_ACTION_ROLES];

extern bool TableHasChildren(Relation table);
extern bool IndexHasPredicate(Relation index);
extern Node *IndexPredicate(Relation index);
extern bool ActionIndexesFind(Relation action, Oid *indexes);
extern Oid	RecencyIndexFind(Relation action);
extern Oid	FollowIndexFind(Relation follow);

#endif							/* ACTSTREAM_TABLE_INDEX_H */
