/*
 * row_value.h
 *		The value of a column, as text and as jsonb, even if its type raises errors.
 */
#ifndef ACTSTREAM_ROW_VALUE_H
#define ACTSTREAM_ROW_VALUE_H

#include "access/htup.h"
#include "access/tupdesc.h"
#include "utils/jsonb.h"

/* A column of a row, and the role that runs code of its type. */
typedef struct RowValue
{
	HeapTuple	row;
	TupleDesc	tupdesc;
	AttrNumber	attnum;
	Oid			owner;
} RowValue;

extern char *RowValueText(const RowValue *value, ErrorData **error);
extern Jsonb *RowValueJsonb(const RowValue *value, ErrorData **error);

#endif							/* ACTSTREAM_ROW_VALUE_H */
