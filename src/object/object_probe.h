/*
 * object_probe.h
 *		The row that a reference names, by the index of its primary key.
 */
#ifndef ACTSTREAM_OBJECT_PROBE_H
#define ACTSTREAM_OBJECT_PROBE_H

#include "object/registry.h"

#include "utils/snapshot.h"

/* what a look through the index has shown */
typedef enum ProbeResult
{
	PROBE_IMPOSSIBLE,			/* nothing: a query has to say */
	PROBE_ABSENT,
	PROBE_PRESENT
} ProbeResult;

extern ProbeResult ObjectProbe(Relation rel, const RegisteredType *type, const Datum *values,
							   bool lock, Snapshot snapshot);

#endif							/* ACTSTREAM_OBJECT_PROBE_H */
