/*
 * action_group.h
 *		Rows of type actstream.action_group.
 */
#ifndef ACTSTREAM_ACTION_GROUP_H
#define ACTSTREAM_ACTION_GROUP_H

#include "ref/ref.h"
#include "tables/action_role.h"

#include "access/htup.h"
#include "access/tupdesc.h"
#include "datatype/timestamp.h"

/* attributes of actstream.action_group, in order */
#define Anum_group_cursor			1
#define Anum_group_newest			2
#define Anum_group_oldest			3
#define Anum_group_verb				4
#define Anum_group_actor			5
#define Anum_group_action_object	6
#define Anum_group_target			7
#define Anum_group_actions			8
#define Anum_group_actors			9
#define Anum_group_actor_sample		10
#define Anum_group_action_sample	11
#define Natts_group					11

/* A group as such a row describes it. */
typedef struct ActionGroup
{
	char	   *cursor;			/* NULL if it has none, as are the others */
	TimestampTz newest;
	TimestampTz oldest;
	char	   *verb;
	const Ref  *objects[NUM_ACTION_ROLES];	/* by ActionIndex */
	int64		actions;
	int64		actors;
	int			nactors;		/* number of those in the sample */
	const Ref **actor_sample;
	int			nids;			/* number of actions in the sample */
	int64	   *action_sample;
} ActionGroup;

extern void ActionGroupCheckType(TupleDesc tupdesc);
extern bool ActionGroupRead(ActionGroup *group, HeapTupleHeader header);

#endif							/* ACTSTREAM_ACTION_GROUP_H */
