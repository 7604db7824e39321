/*
 * pair_scan.h
 *		Rows about a pair of objects, also those of transactions that have not ended.
 */
#ifndef ACTSTREAM_PAIR_SCAN_H
#define ACTSTREAM_PAIR_SCAN_H

#include "ref/ref.h"

#include "access/genam.h"
#include "access/skey.h"
#include "executor/tuptable.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"

typedef struct PairScan
{
	Relation	index;
	IndexScanDesc scan;
	TupleTableSlot *row;
	SnapshotData snapshot;		/* "xmin" and "xmax" tell which transactions that have not
								 * ended have inserted, or deleted, the latest row */
} PairScan;

extern void PairScanBegin(PairScan *pair, Relation table, Oid index, const Ref *first,
						  const Ref *second);
extern TupleTableSlot *PairScanNext(PairScan *pair);
extern void PairScanEnd(PairScan *pair);

#endif							/* ACTSTREAM_PAIR_SCAN_H */
