/*
 * pair_scan.h
 *		Rows about a pair of objects, also those of transactions that have not ended.
 */
#ifndef ACTSTREAM_PAIR_SCAN_H
#define ACTSTREAM_PAIR_SCAN_H

#include "ref/ref.h"
#include "tables/own_tables.h"

#include "access/genam.h"
#include "executor/tuptable.h"
#include "nodes/pg_list.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"

/* One of the two columns of a pair, and what it must be. */
typedef struct PairColumn
{
	const char *name;
	const Ref  *object;
} PairColumn;

typedef struct PairScan
{
	PairColumn	columns[2];
	bool		all_versions;
	Relation	root;
	List	   *tables;			/* the table, or those below it */
	int			next;			/* place in that list of the table to be read next */
	Relation	table;			/* that of the latest row */
	Relation	index;
	IndexScanDesc scan;			/* NULL: no table is being read */
	TupleTableSlot *row;
	SnapshotData snapshot;		/* "xmin" and "xmax" tell which transactions that have not
								 * ended have inserted, or deleted, the latest row; not set
								 * with all versions */
} PairScan;

extern void PairScanBegin(PairScan *pair, OwnTable table, const PairColumn columns[2],
						  bool all_versions);
extern TupleTableSlot *PairScanNext(PairScan *pair);
extern void PairScanEnd(PairScan *pair);

#endif							/* ACTSTREAM_PAIR_SCAN_H */
