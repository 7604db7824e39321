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

#include "access/xlog.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "miscadmin.h"

PG_FUNCTION_INFO_V1(actstream_incarnation);

/* A number for all that. */
static int64
incarnation(TimeLineID timeline)
{
	struct
	{
		uint64		cluster;
		TimeLineID	timeline;
		Oid			database;
	}			key;

	memset(&key, 0, sizeof(key));
	key.cluster = GetSystemIdentifier();
	key.timeline = timeline;
	key.database = MyDatabaseId;
	return (int64) DatumGetUInt64(hash_any_extended((const unsigned char *) &key, sizeof(key), 0));
}

/*
 * Incarnation
 *		A number for this cluster and this database, for what is stored there.
 */
int64
Incarnation(void)
{
	return incarnation(0);
}

/*
 * IncarnationElsewhere
 *		A number for this cluster, its time line, and this database, for what is kept elsewhere;
 *		not in recovery, where no time line is written to.
 */
int64
IncarnationElsewhere(void)
{
	return incarnation(GetWALInsertionTimeLine());
}

/*
 * incarnation() RETURNS bigint
 */
Datum
actstream_incarnation(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(Incarnation());
}
