/*
 * stream_sources.h
 *		What a stream is about.
 */
#ifndef ACTSTREAM_STREAM_SOURCES_H
#define ACTSTREAM_STREAM_SOURCES_H

#include "reader/follow_list.h"
#include "reader/stream_call.h"

/*
 * Both are NULL if the stream is about all actions, as a PUBLIC_STREAM is, or about none,
 * as a stream of another kind may be.
 */
typedef struct StreamSubject
{
	SourceSet  *sources;
	const char *label;
} StreamSubject;

extern StreamSubject StreamSubjectOf(StreamKind kind, const NullableDatum *args,
									 bool kept_follows, Snapshot snapshot);
extern bool StreamSubjectShows(const StreamSubject *subject, const ActionRefs *action);

#endif							/* ACTSTREAM_STREAM_SOURCES_H */
