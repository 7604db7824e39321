/*
 * action_role.h
 *		The roles that an object plays in an action, and the indexes by them.
 */
#ifndef ACTSTREAM_ACTION_ROLE_H
#define ACTSTREAM_ACTION_ROLE_H

#include "access/attnum.h"

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

/* column of an action by the role of what it refers to */
extern const AttrNumber ActionRoleColumns[NUM_ACTION_ROLES];

#endif							/* ACTSTREAM_ACTION_ROLE_H */
