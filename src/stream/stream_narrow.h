/*
 * stream_narrow.h
 *		Reading a shorter stream in place of a filtered one.
 */
#ifndef ACTSTREAM_STREAM_NARROW_H
#define ACTSTREAM_STREAM_NARROW_H

#include "nodes/pathnodes.h"

extern FuncExpr *StreamNarrow(PlannerInfo *root, const FuncExpr *condition, Expr *clause);

#endif							/* ACTSTREAM_STREAM_NARROW_H */
