/*
 * stream_body.h
 *		The bodies of stream functions.
 */
#ifndef ACTSTREAM_STREAM_BODY_H
#define ACTSTREAM_STREAM_BODY_H

#include "access/htup.h"
#include "nodes/parsenodes.h"

typedef struct StreamBody StreamBody;

extern Query *StreamBodyTake(HeapTuple proc, StreamBody **body);
extern void StreamBodyRelease(StreamBody *body);

#endif							/* ACTSTREAM_STREAM_BODY_H */
