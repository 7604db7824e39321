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

/*
 * What can be unread although it is not above a mark: exceptions, what was recorded since,
 * and what came from transactions that were in progress.  Their ids are listed in the
 * snapshot, or are above it, but had been given.  $4 and $5 are the place of the mark, $6
 * the time when it was set, $7 its snapshot, $8 the next transaction id, read after that
 * time.  Some of these have been read, or belong to nobody's stream.
 *
 * What was recorded since the mark was set, with a timestamp that is not above it, has a
 * delay that contains the time between these two; if the mark is in the future, one that
 * overlaps it.
 */
#define MARK_RANGE	"pg_catalog.tstzrange(LEAST($4, $6), GREATEST($4, $6), '[]')"
#define RECORDED_BELOW \
	" UNION SELECT c.action_id, c.\"timestamp\" FROM actstream.changes c WHERE c.arrived" \
	" AND (c.\"timestamp\", c.action_id) OPERATOR(pg_catalog.<=) ($4, $5)"
#define BELOW_MARK \
	"(SELECT x.action_id AS id, x.\"timestamp\" FROM actstream.mark_exceptions x" \
	" WHERE " OF_READER("x") " AND " SAYS_READ("x") \
	" AND (x.\"timestamp\", x.action_id) OPERATOR(pg_catalog.<=) ($4, $5)" \
	RECORDED_BELOW " AND $4 OPERATOR(pg_catalog.<=) $6" \
	" AND c.delay OPERATOR(pg_catalog.@>) " MARK_RANGE \
	RECORDED_BELOW " AND $4 OPERATOR(pg_catalog.>) $6" \
	" AND c.delay OPERATOR(pg_catalog.&&) " MARK_RANGE \
	RECORDED_BELOW \
	" AND c.transaction OPERATOR(pg_catalog.=) ANY (ARRAY(SELECT pg_catalog.pg_snapshot_xip($7)))" \
	RECORDED_BELOW \
	" AND c.transaction OPERATOR(pg_catalog.>=) pg_catalog.pg_snapshot_xmax($7)" \
	" AND c.transaction OPERATOR(pg_catalog.<) $8)"

extern bool MarkPlace(Datum cursor, char isnull, ActionPlace *place);
extern void MarkCheckFeed(Datum feed);
extern Datum MarkFeedArg(FunctionCallInfo fcinfo, int arg);

#endif							/* ACTSTREAM_MARK_ROW_H */
