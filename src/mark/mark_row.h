/*
 * mark_row.h
 *		Marks: what their columns mean, and what the statements on them have in common.
 */
#ifndef ACTSTREAM_MARK_ROW_H
#define ACTSTREAM_MARK_ROW_H

#include "tables/action_place.h"

#include "executor/spi.h"
#include "fmgr.h"

/* the two marks of a reader */
typedef enum MarkKind
{
	MARK_SEEN, MARK_READ
} MarkKind;

/* the rows of a reader and feed, which are $1 and $2 */
#define OF_READER(x) \
	x ".reader OPERATOR(pg_catalog.=) $1 AND " x ".feed OPERATOR(pg_catalog.=) $2"

/* exceptions that say what has been read; this is the predicate of their index */
#define SAYS_READ(x) "(" x ".read IS NOT NULL OR " x ".until IS NOT NULL)"

extern bool MarkPlace(Datum cursor, char isnull, ActionPlace *place);
extern void MarkCheckFeed(Datum feed);
extern Datum MarkFeedArg(FunctionCallInfo fcinfo, int arg);

#endif							/* ACTSTREAM_MARK_ROW_H */
