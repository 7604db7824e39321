/*
 * mark_below.h
 *		What can be unread although it is not above a mark.
 */
#ifndef ACTSTREAM_MARK_BELOW_H
#define ACTSTREAM_MARK_BELOW_H

#include "mark/mark_row.h"

/*
 * A mark: its place, the time when it was set, its snapshot, and the next transaction id,
 * read after that time.
 */
typedef struct MarkSet
{
	ActionPlace place;
	Datum		time;
	Datum		snapshot;
	Datum		next;
	char		time_isnull;	/* as in SpiPlan: 'n' or ' ' */
	char		snapshot_isnull;
	char		next_isnull;
} MarkSet;

/*
 * What can be unread below the mark at ($4, $5): exceptions, and what MarkFindRecorded() has found,
 * in $6 and $7.  Some of these have been read, or belong to nobody's stream.
 */
#define BELOW_MARK \
	"(SELECT x.action_id AS id, x.\"timestamp\" FROM actstream.mark_exceptions x" \
	" WHERE " OF_READER("x") " AND " SAYS_READ("x") \
	" AND (x.\"timestamp\", x.action_id) OPERATOR(pg_catalog.<=) ($4, $5)" \
	" UNION SELECT u.id, u.\"timestamp\" FROM ROWS FROM (pg_catalog.unnest($6), pg_catalog.unnest($7))" \
	" AS u (id, \"timestamp\"))"

extern void MarkFindRecorded(const MarkSet *mark, bool read_only, Datum *arrays, char *nulls);

#endif							/* ACTSTREAM_MARK_BELOW_H */
