/*
 * local_tables.h
 *		Whether this server itself holds the rows of our tables.
 */
#ifndef ACTSTREAM_LOCAL_TABLES_H
#define ACTSTREAM_LOCAL_TABLES_H

#include "tables/own_tables.h"

extern void LocalTableRequire(OwnTable table);
extern void LocalTablesRefuseDistributed(void);

#endif							/* ACTSTREAM_LOCAL_TABLES_H */
