/*
 * stream_verbs.h
 *		Conditions that restrict a stream to some verbs.
 */
#ifndef ACTSTREAM_STREAM_VERBS_H
#define ACTSTREAM_STREAM_VERBS_H

#include "reader/source_set.h"

#include "nodes/primnodes.h"

extern Expr *StreamVerbsOfClause(Expr *clause, Index rti, bool *optional);
extern const VerbList *StreamVerbsOfValue(Oid type, NullableDatum value);

#endif							/* ACTSTREAM_STREAM_VERBS_H */
