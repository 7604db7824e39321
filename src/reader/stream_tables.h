/*
 * stream_tables.h
 *		The table and indexes that a stream is read from.
 */
#ifndef ACTSTREAM_STREAM_TABLES_H
#define ACTSTREAM_STREAM_TABLES_H

#include "tables/table_index.h"

#include "nodes/pg_list.h"
#include "utils/relcache.h"

typedef struct StreamTables
{
	Relation	action;
	Oid			indexes[NUM_ACTION_INDEXES];
	Oid			recency_index;	/* may be InvalidOid */
	Oid			verb_index;		/* likewise */
	Relation	index_rels[NUM_ACTION_INDEXES];
	Relation	verb_index_rel; /* NULL if there is none */
} StreamTables;

extern bool StreamTablesFind(Relation action, List **indexes);
extern void StreamTablesOpen(StreamTables *tables, Relation action, const List *indexes);
extern void StreamTablesClose(StreamTables *tables);

#endif							/* ACTSTREAM_STREAM_TABLES_H */
