/*
 * stream_body.h
 *		The bodies of stream functions.
 */
#ifndef ACTSTREAM_STREAM_BODY_H
#define ACTSTREAM_STREAM_BODY_H

#include "access/htup.h"
#include "nodes/parsenodes.h"

extern Query *StreamBodyOf(HeapTuple proc);

#endif							/* ACTSTREAM_STREAM_BODY_H */
