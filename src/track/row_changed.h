/*
 * row_changed.h
 *		Sending an action when a row changes.
 */
#ifndef ACTSTREAM_ROW_CHANGED_H
#define ACTSTREAM_ROW_CHANGED_H

#include "track/emission.h"

extern void EmitRowChange(const RowChange *change);
extern const char *EmitIsForbidden(Oid owner);

#endif							/* ACTSTREAM_ROW_CHANGED_H */
