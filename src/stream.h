/*
 * stream.h
 *		The functions that return streams.
 */
#ifndef ACTSTREAM_STREAM_H
#define ACTSTREAM_STREAM_H

#include "reader.h"

extern bool StreamFunctionKind(Oid function, StreamKind *kind);
extern const char *StreamKindName(StreamKind kind);

#endif							/* ACTSTREAM_STREAM_H */
