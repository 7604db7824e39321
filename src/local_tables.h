/*
 * local_tables.h
 *		Whether this server itself holds the rows of our tables.
 */
#ifndef ACTSTREAM_LOCAL_TABLES_H
#define ACTSTREAM_LOCAL_TABLES_H

extern void LocalTablesRequire(void);
extern void LocalTablesRefuseDistributed(void);

#endif							/* ACTSTREAM_LOCAL_TABLES_H */
