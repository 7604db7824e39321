/*
 * stream_plan.h
 *		Planning a scan of a stream.
 */
#ifndef ACTSTREAM_STREAM_PLAN_H
#define ACTSTREAM_STREAM_PLAN_H

#include "fmgr.h"

extern PGDLLEXPORT Datum actstream_stream_support(PG_FUNCTION_ARGS);
extern void StreamPlanInit(void);

#endif							/* ACTSTREAM_STREAM_PLAN_H */
