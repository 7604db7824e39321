/*
 * column_names.h
 *		The columns of a table, for hints.
 */
#ifndef ACTSTREAM_COLUMN_NAMES_H
#define ACTSTREAM_COLUMN_NAMES_H

#include "access/tupdesc.h"

extern char *ColumnNames(TupleDesc tupdesc);

#endif							/* ACTSTREAM_COLUMN_NAMES_H */
