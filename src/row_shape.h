/*
 * row_shape.h
 *		The columns of the extension's tables, as they are.
 */
#ifndef ACTSTREAM_ROW_SHAPE_H
#define ACTSTREAM_ROW_SHAPE_H

#include "access/attnum.h"
#include "access/tupdesc.h"
#include "utils/relcache.h"

extern AttrNumber RowColumn(TupleDesc tupdesc, const char *table, const char *column,
							AttrNumber expected, Oid type);
extern void CheckOwnTable(Relation rel);

#endif							/* ACTSTREAM_ROW_SHAPE_H */
