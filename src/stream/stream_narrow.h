/*
 * stream_narrow.h
 *		Other conditions that a stream can be read by.
 */
#ifndef ACTSTREAM_STREAM_NARROW_H
#define ACTSTREAM_STREAM_NARROW_H

#include "nodes/pathnodes.h"

extern FuncExpr *StreamNarrow(PlannerInfo *root, const FuncExpr *condition, Expr *clause);

#endif							/* ACTSTREAM_STREAM_NARROW_H */
