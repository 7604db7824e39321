/*
 * local_tables.h
 *		Checking that our tables are stored in this server.
 */
#ifndef ACTSTREAM_LOCAL_TABLES_H
#define ACTSTREAM_LOCAL_TABLES_H

#include "tables/own_tables.h"

extern void LocalTableRequire(OwnTable table);
extern void LocalTablesRefuseDistributed(void);

#endif							/* ACTSTREAM_LOCAL_TABLES_H */
