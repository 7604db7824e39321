/*
 * index_cursor.h
 *		An ordered index scan that can be repositioned.
 */
#ifndef ACTSTREAM_INDEX_CURSOR_H
#define ACTSTREAM_INDEX_CURSOR_H

#include "tables/action_place.h"

#include "access/itup.h"
#include "access/sdir.h"
#include "access/skey.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"

typedef struct IndexCursor IndexCursor;

extern void IndexKeyInit(ScanKey key, Relation index, AttrNumber attnum, StrategyNumber strategy,
						 Datum value);
extern IndexCursor *IndexCursorOpen(Relation heap, Oid index, int nkeys, Snapshot snapshot);
extern AttrNumber IndexCursorFindColumn(const IndexCursor *cursor, AttrNumber attnum);
extern Relation IndexCursorIndex(const IndexCursor *cursor);
extern void IndexCursorInitKey(IndexCursor *cursor, int key, AttrNumber attnum,
							   StrategyNumber strategy);
extern void IndexCursorSetKey(IndexCursor *cursor, int key, Datum value);
extern void IndexCursorInitPlace(IndexCursor *cursor, int key, AttrNumber timestamp);
extern void IndexCursorSetPlace(IndexCursor *cursor, int key, const ActionPlace *newest);
extern void IndexCursorSeek(IndexCursor *cursor);
extern bool IndexCursorNext(IndexCursor *cursor, ScanDirection direction);
extern int	IndexCursorPrevEntries(IndexCursor *cursor, AttrNumber timestamp,
								   ActionEntry *entries, int n, bool *ends_page);
extern bool IndexCursorPrevEntry(IndexCursor *cursor, AttrNumber timestamp, ActionEntry *entry);
extern bool IndexCursorMarkDead(IndexCursor *cursor);
extern bool IndexCursorIsOnLastPage(IndexCursor *cursor);
extern bool IndexCursorIsVisible(IndexCursor *cursor);
extern bool IndexCursorNextVisible(IndexCursor *cursor, ScanDirection direction);
extern ItemPointer IndexCursorTid(IndexCursor *cursor);
extern Datum IndexCursorColumn(IndexCursor *cursor, AttrNumber attnum, bool *isnull);
extern void IndexCursorColumns(IndexCursor *cursor, Datum *values, bool *isnull);
extern void IndexCursorUnpin(IndexCursor *cursor);
extern void IndexCursorRest(IndexCursor *cursor);
extern void IndexCursorClose(IndexCursor *cursor);

#endif							/* ACTSTREAM_INDEX_CURSOR_H */
