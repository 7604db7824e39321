/*
 * stream_plan.h
 *		Planning a scan of a stream.
 */
#ifndef ACTSTREAM_STREAM_PLAN_H
#define ACTSTREAM_STREAM_PLAN_H

extern void StreamPlanInit(void);

#endif							/* ACTSTREAM_STREAM_PLAN_H */
