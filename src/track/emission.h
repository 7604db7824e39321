/*
 * emission.h
 *		An action that is being made from the change of a row.
 */
#ifndef ACTSTREAM_EMISSION_H
#define ACTSTREAM_EMISSION_H

#include "action/action_send.h"
#include "object/registry.h"
#include "track/track_options.h"

#include "commands/trigger.h"

/* The change of a row of a tracked table. */
typedef struct RowChange
{
	Relation	rel;
	const Trigger *trigger;
	HeapTuple	row;			/* the new row, or the deleted one */
	HeapTuple	old;			/* the old row of an UPDATE, else NULL */
	TupleTableSlot *slot;		/* of the new row; NULL if the row was deleted */
} RowChange;

/* What is known about an object of an action. */
typedef enum RoleState
{
	ROLE_EMPTY,					/* no template, or a null column */
	ROLE_GONE,					/* the row, deleted by now, or a dropped column */
	ROLE_MISSING,				/* no such object, or not visible */
	ROLE_GIVEN
} RoleState;

/* An object of the action. */
typedef struct Role
{
	AttrNumber	column;			/* of actstream.actions */
	const TrackingTemplate *template;
	RoleState	state;
	Ref		   *ref;			/* if state is ROLE_GIVEN */
} Role;

#define NUM_ROLES 3

/* An action that is being made. */
typedef struct Emission
{
	const RowChange *change;
	const Tracking *tracking;
	TupleDesc	tupdesc;
	Oid			source;			/* the tracked table */
	Oid			owner;			/* its owner */
	bool		registered;		/* is the tracked table registered? */
	RegisteredType type;		/* its type, if registered */
	RoleState	self_state;		/* of the reference to the row; ROLE_EMPTY until that is
								 * made */
	Ref		   *self;
	Role		roles[NUM_ROLES];
	NewAction	action;
	struct Emission *outer;		/* the one whose action has led to this change */
} Emission;

#endif							/* ACTSTREAM_EMISSION_H */
