/*
 * stream_tables.h
 *		The tables and indexes that a stream is read from.
 */
#ifndef ACTSTREAM_STREAM_TABLES_H
#define ACTSTREAM_STREAM_TABLES_H

#include "stream_index.h"
#include "utils/relcache.h"

/* A table or index that is NULL is not needed. */
typedef struct StreamTables
{
	Relation	action;
	Oid			indexes[NUM_ACTION_INDEXES];
	Relation	index_rels[NUM_ACTION_INDEXES];
	Relation	follow;
	Oid			follow_index;
	Relation	follow_index_rel;
	Oid			recency_index;	/* may be InvalidOid */
} StreamTables;

extern void StreamTablesDefineSetting(void);
extern bool StreamTablesOpen(StreamTables *tables, bool with_follows);
extern void StreamTablesHoldIndexes(StreamTables *tables);
extern void StreamTablesClose(StreamTables *tables);

#endif							/* ACTSTREAM_STREAM_TABLES_H */
