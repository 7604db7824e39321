/*
 * object_probe.h
 *		Looking up, in the index of the primary key, the row that a reference names.
 */
#ifndef ACTSTREAM_OBJECT_PROBE_H
#define ACTSTREAM_OBJECT_PROBE_H

#include "object/registry.h"

#include "utils/snapshot.h"

/* the result of a look-up through the index */
typedef enum ProbeResult
{
	PROBE_IMPOSSIBLE,			/* unknown: only a query can tell */
	PROBE_ABSENT,
	PROBE_PRESENT
} ProbeResult;

extern bool ObjectProbeIsAllowed(Relation rel, bool lock);
extern ProbeResult ObjectProbe(Relation rel, const RegisteredType *type, const Datum *values,
							   bool lock, Snapshot snapshot);

#endif							/* ACTSTREAM_OBJECT_PROBE_H */
