/*
 * stream_inline.h
 *		Putting streams in place of the calls of their functions.
 */
#ifndef ACTSTREAM_STREAM_INLINE_H
#define ACTSTREAM_STREAM_INLINE_H

#include "nodes/pathnodes.h"

extern void StreamInline(PlannerInfo *root, Oid support);

#endif							/* ACTSTREAM_STREAM_INLINE_H */
