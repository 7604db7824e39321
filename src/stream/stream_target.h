/*
 * stream_target.h
 *		Streams in the select list.
 */
#ifndef ACTSTREAM_STREAM_TARGET_H
#define ACTSTREAM_STREAM_TARGET_H

#include "nodes/parsenodes.h"

extern void StreamTargetsMove(Query *query);

#endif							/* ACTSTREAM_STREAM_TARGET_H */
