/*
 * kept_query.h
 *		Prepared queries on registered tables, which the session keeps.
 */
#ifndef ACTSTREAM_KEPT_QUERY_H
#define ACTSTREAM_KEPT_QUERY_H

#include "utils/snapshot.h"

/* What to ask of a table, with what. */
typedef struct TableQuestion
{
	Oid			relation;
	int			purpose;		/* each has a query of its own */
	const char *sql;
	int			nargs;
	Oid		   *argtypes;
	Datum	   *args;
	Snapshot	snapshot;		/* InvalidSnapshot: that of a new statement */
	bool		read_only;		/* see SPI_execute() */
	long		max_rows;		/* 0: all */
} TableQuestion;

extern uint64 KeptQueryExecute(const TableQuestion *question);

#endif							/* ACTSTREAM_KEPT_QUERY_H */
