/*
 * action_role.h
 *		The roles that objects play in actions, and the indexes by role.
 */
#ifndef ACTSTREAM_ACTION_ROLE_H
#define ACTSTREAM_ACTION_ROLE_H

#include "access/attnum.h"

/* the indexes of actstream.actions from which streams are read, ordered by time */
typedef enum ActionIndex
{
	ACTION_BY_ACTOR,
	ACTION_BY_TARGET,
	ACTION_BY_ACTION_OBJECT,
	ACTION_BY_TIME
} ActionIndex;

#define NUM_ACTION_ROLES	3	/* the indexes before ACTION_BY_TIME */
#define NUM_ACTION_INDEXES	4

/* a set of roles, as bits 1 << ACTION_BY_… */
typedef uint8 RoleSet;

#define ROLE_BIT(role)	((RoleSet) (1 << (role)))
#define ALL_ROLES		((RoleSet) (ROLE_BIT(NUM_ACTION_ROLES) - 1))

/* the column of actstream.actions that has the object in each role */
extern const AttrNumber ActionRoleColumns[NUM_ACTION_ROLES];

#endif							/* ACTSTREAM_ACTION_ROLE_H */
