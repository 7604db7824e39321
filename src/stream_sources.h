/*
 * stream_sources.h
 *		The objects that a call of a stream is about.
 */
#ifndef ACTSTREAM_STREAM_SOURCES_H
#define ACTSTREAM_STREAM_SOURCES_H

#include "reader.h"
#include "stream_tables.h"

extern SourceSet *StreamSourcesCollect(const StreamCall *call, const StreamTables *tables,
									   Snapshot snapshot);

#endif							/* ACTSTREAM_STREAM_SOURCES_H */
