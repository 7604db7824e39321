/*
 * row_changed.h
 *		Sending an action when a row changes.
 */
#ifndef ACTSTREAM_ROW_CHANGED_H
#define ACTSTREAM_ROW_CHANGED_H

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

#endif							/* ACTSTREAM_ROW_CHANGED_H */
