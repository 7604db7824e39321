/*
 * stream_functions.h
 *		The conditions that identify streams.
 */
#ifndef ACTSTREAM_STREAM_FUNCTIONS_H
#define ACTSTREAM_STREAM_FUNCTIONS_H

#include "reader/stream_call.h"

#include "catalog/pg_type.h"

/*
 * Arguments of the functions in_…: first columns of the row, namely the references, in
 * the order of ActionIndex, the timestamp and the verb; then the arguments that say which
 * stream.
 */
#define STREAM_TIMESTAMP_ARG	NUM_ACTION_ROLES
#define STREAM_VERB_ARG			(NUM_ACTION_ROLES + 1)
#define STREAM_ROW_ARGS			(NUM_ACTION_ROLES + 2)
#define STREAM_MAX_ARGS			(STREAM_ROW_ARGS + 6)

/* the last arguments of in_user_stream() */
#define STREAM_FOLLOWS_ARG		(STREAM_MAX_ARGS - 2)
#define STREAM_MUTES_ARG		(STREAM_MAX_ARGS - 1)

/*
 * If the planner has left out the queries for follows and mutes, these arguments are nulls of
 * this type, and the follows come from FollowListGet().  No expression that a user wrote
 * has this type there.
 */
#define STREAM_KEPT_FOLLOWS		INTERNALOID

extern bool StreamConditionKind(Oid function, StreamKind *kind);
extern const char *StreamKindName(StreamKind kind);

#endif							/* ACTSTREAM_STREAM_FUNCTIONS_H */
