/*
 * integrity.h
 *		What references are checked for when they are stored.
 */
#ifndef ACTSTREAM_INTEGRITY_H
#define ACTSTREAM_INTEGRITY_H

#include "access/attnum.h"
#include "commands/trigger.h"

extern void IntegrityCheckRow(TriggerData *trigdata, const AttrNumber *columns,
							  int ncolumns);

#endif							/* ACTSTREAM_INTEGRITY_H */
