/*
 * emission.h
 *		An action that is being made of a change of a row.
 */
#ifndef ACTSTREAM_EMISSION_H
#define ACTSTREAM_EMISSION_H

#include "action/action_send.h"
#include "object/registry.h"
#include "track/track_options.h"

#include "commands/trigger.h"

/* What has happened to a row of a tracked table. */
typedef struct RowChange
{
	Relation	rel;
	const Trigger *trigger;
	HeapTuple	row;			/* the new one, or the one that was deleted */
	HeapTuple	old;			/* of an UPDATE the old one, else NULL */
	TupleTableSlot *slot;		/* of the new row; NULL if it was deleted */
} RowChange;

/* What is known of an object of an action. */
typedef enum RoleState
{
	ROLE_EMPTY,					/* nothing is said */
	ROLE_GONE,					/* the row itself, or a column, which is not there any more */
	ROLE_MISSING,				/* no object, or none to be seen */
	ROLE_GIVEN
} RoleState;

/* An object of the action. */
typedef struct Role
{
	AttrNumber	column;			/* of actstream.actions */
	const TrackingTemplate *template;
	RoleState	state;
	Ref		   *ref;			/* if it is given */
} Role;

#define NUM_ROLES 3

/* An action that is being made. */
typedef struct Emission
{
	const RowChange *change;
	const Tracking *tracking;
	TupleDesc	tupdesc;
	Oid			source;			/* the tracked table */
	Oid			owner;			/* of that */
	bool		registered;		/* is the table? */
	RegisteredType type;		/* if so, its type */
	RoleState	self_state;		/* of the reference to the row, once made */
	Ref		   *self;
	Role		roles[NUM_ROLES];
	NewAction	action;
	struct Emission *outer;		/* that has led to this one */
} Emission;

#endif							/* ACTSTREAM_EMISSION_H */
