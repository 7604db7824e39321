/*
 * incarnation.c
 *		Which history of which database transaction ids belong to.
 *
 * A dump that is restored elsewhere gives transaction ids anew.  So whatever is stored with such
 * an id or a snapshot also has this number, and ids with different numbers are not compared.
 * A server that is promoted, or recovered to a point in time, goes on with the ids of what it has;
 * but what was kept elsewhere may have later ones, of what it has not.
 */
#include "postgres.h"

#include "base/compat.h"
#include "change/incarnation.h"
#include "tables/own_tables.h"

#include "access/xlog.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "miscadmin.h"

PG_FUNCTION_INFO_V1(actstream_incarnation);

/* A number for this cluster, this database, and the rest, each of which may be 0. */
static int64
incarnation(TimeLineID timeline, Oid changes)
{
	struct
	{
		uint64		cluster;
		TimeLineID	timeline;
		Oid			database;
		Oid			changes;
	}			key;

	memset(&key, 0, sizeof(key));
	key.cluster = GetSystemIdentifier();
	key.timeline = timeline;
	key.database = MyDatabaseId;
	key.changes = changes;
	return (int64) DatumGetUInt64(hash_any_extended((const unsigned char *) &key, sizeof(key), 0));
}

/*
 * Incarnation
 *		A number for this cluster and this database, for what is stored there.
 */
int64
Incarnation(void)
{
	return incarnation(0, InvalidOid);
}

/*
 * IncarnationElsewhere
 *		A number for this cluster, its time line, this database and its table of changes, for what
 *		is kept elsewhere; not in recovery, where no time line is written to.
 */
int64
IncarnationElsewhere(void)
{
	return incarnation(GetWALInsertionTimeLine(), OwnTableFind(OWN_CHANGES));
}

/*
 * incarnation() RETURNS bigint
 */
Datum
actstream_incarnation(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(Incarnation());
}
