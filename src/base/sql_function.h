/*
 * sql_function.h
 *		Functions in SQL that the planner puts in place of their calls.
 */
#ifndef ACTSTREAM_SQL_FUNCTION_H
#define ACTSTREAM_SQL_FUNCTION_H

#include "access/htup.h"

extern bool SqlFunctionIsInlinable(HeapTuple proc);

#endif							/* ACTSTREAM_SQL_FUNCTION_H */
