/*
 * stream_queries.h
 *		The queries for follows and mutes in the body of user_stream().
 */
#ifndef ACTSTREAM_STREAM_QUERIES_H
#define ACTSTREAM_STREAM_QUERIES_H

#include "nodes/parsenodes.h"
#include "nodes/primnodes.h"

extern bool StreamQueriesFind(const Query *body, SubLink **follows, SubLink **mutes);

#endif							/* ACTSTREAM_STREAM_QUERIES_H */
