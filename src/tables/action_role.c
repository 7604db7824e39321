/*
 * action_role.c
 *		The roles that objects play in actions.
 */
#include "postgres.h"

#include "base/compat.h"
#include "tables/action_role.h"
#include "tables/own_tables.h"

const AttrNumber ActionRoleColumns[NUM_ACTION_ROLES] = {
	[ACTION_BY_ACTOR] = Anum_action_actor,
	[ACTION_BY_TARGET] = Anum_action_target,
	[ACTION_BY_ACTION_OBJECT] = Anum_action_action_object
};
