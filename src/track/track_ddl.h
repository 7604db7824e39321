/*
 * track_ddl.h
 *		What happens to tracking triggers when their tables are altered.
 */
#ifndef ACTSTREAM_TRACK_DDL_H
#define ACTSTREAM_TRACK_DDL_H

#include "postgres_ext.h"

extern void TrackColumnRenamed(Oid relid, const char *old_name, const char *new_name);
extern void TrackTableAltered(Oid relid);
extern void TrackTriggerCreated(Oid trigger);

#endif							/* ACTSTREAM_TRACK_DDL_H */
