/*
 * incarnation.c
 *		Which history of which database transaction ids belong to.
 *
 * A dump that is restored elsewhere, and a server that was promoted or recovered to a point in
 * time, give transaction ids anew.  So whatever is stored with such an id or a
 * snapshot also has this number, and ids with different numbers are not compared.
 */
#include "postgres.h"

#include "base/compat.h"
#include "change/incarnation.h"

#include "access/xlog.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "miscadmin.h"

PG_FUNCTION_INFO_V1(actstream_incarnation);

/*
 * Incarnation
 *		A number for this cluster, its time line, and this database.
 *
 * Only where something can be written: in recovery there is no time line to write to.
 */
int64
Incarnation(void)
{
	struct
	{
		uint64		cluster;
		TimeLineID	timeline;
		Oid			database;
	}			key;

	memset(&key, 0, sizeof(key));
	key.cluster = GetSystemIdentifier();
	key.timeline = RecoveryInProgress() ? 0 : GetWALInsertionTimeLine();
	key.database = MyDatabaseId;
	return (int64) DatumGetUInt64(hash_any_extended((const unsigned char *) &key, sizeof(key), 0));
}

/*
 * incarnation() RETURNS bigint
 */
Datum
actstream_incarnation(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(Incarnation());
}
