/*
 * stream_call.h
 *		Which stream to read, and which part of it.
 */
#ifndef ACTSTREAM_STREAM_CALL_H
#define ACTSTREAM_STREAM_CALL_H

#include "reader/source_set.h"
#include "tables/action_place.h"

/* the streams, in the order of their conditions in the SQL script */
typedef enum StreamKind
{
	PUBLIC_STREAM,
	MODEL_STREAM,
	STREAM_OF,
	USER_STREAM
} StreamKind;

#define NUM_STREAM_KINDS	4

/*
 * What to read: a stream, and the part from one place to another.  What this points to
 * has to stay until the reader is reset or ended.
 */
typedef struct StreamCall
{
	SourceSet  *sources;		/* NULL if the stream is not about objects */
	const char *label;			/* of MODEL_STREAM, where NULL means that the stream is
								 * empty; NULL for other kinds */
	const VerbList *verbs;		/* only actions with these are wanted; NULL: with any.  The
								 * reader may return others, too. */
	ActionPlace newest;			/* both included */
	ActionPlace oldest;
	bool		continued;		/* does it go on with the stream of the call before? */
	double		page;			/* estimate of how many rows will be wanted */
} StreamCall;

/* what reads it: see stream_reader.c */
typedef struct StreamReader StreamReader;

#endif							/* ACTSTREAM_STREAM_CALL_H */
