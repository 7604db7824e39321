/*
 * stream_inline.h
 *		Inlining stream functions.
 */
#ifndef ACTSTREAM_STREAM_INLINE_H
#define ACTSTREAM_STREAM_INLINE_H

#include "nodes/pathnodes.h"

extern void StreamInline(PlannerInfo *root, Oid support);
extern bool StreamCallIsInlined(const FuncExpr *call);
extern List *StreamInlineIndexes(const RangeTblEntry *rte);

#endif							/* ACTSTREAM_STREAM_INLINE_H */
