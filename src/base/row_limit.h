/*
 * row_limit.h
 *		Arguments that say how many rows there may be at most.
 */
#ifndef ACTSTREAM_ROW_LIMIT_H
#define ACTSTREAM_ROW_LIMIT_H

extern void RowLimitCheck(const char *name, int64 nrows);

#endif							/* ACTSTREAM_ROW_LIMIT_H */
