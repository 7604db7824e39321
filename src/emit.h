/*
 * emit.h
 *		Sending an action when a row changes.
 */
#ifndef ACTSTREAM_EMIT_H
#define ACTSTREAM_EMIT_H

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

extern void EmitRowChange(const RowChange *change);
extern const char *EmitIsForbidden(Oid owner);

#endif							/* ACTSTREAM_EMIT_H */
