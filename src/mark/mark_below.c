/*
 * mark_below.c
 *		What can be unread although it is not above a mark.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/run_as.h"
#include "mark/mark_below.h"
#include "tables/spi_plan.h"

#include "catalog/pg_type.h"
#include "utils/timestamp.h"

/*
 * The actions that were recorded since the mark at ($1, $2), and those that came from transactions
 * that were in progress.  Their ids are listed in the mark's snapshot, $4, or are above it, but had been
 * given, before $5.
 *
 * What was recorded since the mark was set, at the time $3, with a timestamp that is not above it, has
 * a delay that contains the time between these two; if the mark is in the future, one that overlaps it.
 */
#define MARK_RANGE	"pg_catalog.tstzrange(LEAST($1, $3), GREATEST($1, $3), '[]')"
#define RECORDED \
	"SELECT c.action_id, c.\"timestamp\" FROM actstream.changes c WHERE c.arrived" \
	" AND (c.\"timestamp\", c.action_id) OPERATOR(pg_catalog.<=) ($1, $2)"

static SpiPlan find_recorded = {
	.sql = "SELECT pg_catalog.array_agg(r.action_id), pg_catalog.array_agg(r.\"timestamp\") FROM ("
	RECORDED " AND $1 OPERATOR(pg_catalog.<=) $3 AND c.delay OPERATOR(pg_catalog.@>) " MARK_RANGE
	" UNION " RECORDED " AND $1 OPERATOR(pg_catalog.>) $3"
	" AND c.delay OPERATOR(pg_catalog.&&) " MARK_RANGE
	" UNION " RECORDED
	" AND c.transaction OPERATOR(pg_catalog.=) ANY (ARRAY(SELECT pg_catalog.pg_snapshot_xip($4)))"
	" UNION " RECORDED " AND c.transaction OPERATOR(pg_catalog.>=) pg_catalog.pg_snapshot_xmax($4)"
	" AND c.transaction OPERATOR(pg_catalog.<) $5) AS r",
	.nargs = 5,
	.argtypes = {TIMESTAMPTZOID, INT8OID, TIMESTAMPTZOID, PG_SNAPSHOTOID, XID8OID},
	.by_index = true
};

/*
 * MarkFindRecorded
 *		Find, in the record, what can be unread below the mark: an array of ids, and one of timestamps,
 *		in the memory of SPI, which is connected.
 *
 * As the owner of the record: behind a policy, the index on delays could not be used.  So the caller
 * looks at each of these actions with the current user's rights.  With "read_only", in the state that
 * the active snapshot sees.
 */
void
MarkFindRecorded(const MarkSet *mark, bool read_only, Datum *arrays, char *nulls)
{
	Datum		values[] = {
		TimestampTzGetDatum(mark->place.timestamp), Int64GetDatum(mark->place.id), mark->time,
		mark->snapshot, mark->next
	};
	char		values_nulls[] = {
		' ', ' ', mark->time_isnull, mark->snapshot_isnull, mark->next_isnull
	};
	RunAs		before;

	RunAsBegin(&before, OwnTableOwner(OWN_CHANGES), RUN_AS_RESTRICTED);
	if (read_only)
		SpiPlanRead(&find_recorded, values, values_nulls);
	else
		SpiPlanExecute(&find_recorded, values, values_nulls);
	RunAsEnd(&before);
	arrays[0] = SpiPlanColumn(1, &nulls[0]);
	arrays[1] = SpiPlanColumn(2, &nulls[1]);
}
