/*
 * integrity_hold.h
 *		Whether the object of a reference exists, answered without an error.
 */
#ifndef ACTSTREAM_INTEGRITY_HOLD_H
#define ACTSTREAM_INTEGRITY_HOLD_H

#include "ref/ref.h"

#include "utils/snapshot.h"

extern bool IntegrityReferenceHolds(const Ref *ref, Oid owner, Snapshot before);

#endif							/* ACTSTREAM_INTEGRITY_HOLD_H */
