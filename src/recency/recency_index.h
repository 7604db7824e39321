/*
 * recency_index.h
 *		The index access method that raises bounds of the recency map.
 */
#ifndef ACTSTREAM_RECENCY_INDEX_H
#define ACTSTREAM_RECENCY_INDEX_H

#include "utils/relcache.h"

extern bool IsRecencyIndex(Relation index);
extern Oid	RecencyIndexOfPartition(Relation partition);
extern Oid	RecencyIndexFind(Relation actions);

#endif							/* ACTSTREAM_RECENCY_INDEX_H */
