/*
 * object_row.h
 *		Looking up the row that a reference names.
 */
#ifndef ACTSTREAM_OBJECT_ROW_H
#define ACTSTREAM_OBJECT_ROW_H

#include "object/object_probe.h"
#include "object/registry.h"

/* how to look for a row */
typedef enum RowQuery
{
	ROW_QUERY_LOCK,				/* as the table's owner, FOR KEY SHARE */
	ROW_QUERY_EXISTS,			/* as the table's owner, newest state */
	ROW_QUERY_VISIBLE			/* as the current user */
} RowQuery;

#define NUM_ROW_QUERIES (ROW_QUERY_VISIBLE + 1)

extern bool ObjectRowFind(Relation rel, const RegisteredType *type, const Ref *ref,
						  RowQuery query);
extern ProbeResult ObjectRowProbe(Relation rel, const RegisteredType *type, const Ref *ref,
								  RowQuery query);
extern bool ObjectRowWasThere(Relation rel, const RegisteredType *type, const Ref *ref,
							  RowQuery query, Snapshot snapshot);

#endif							/* ACTSTREAM_OBJECT_ROW_H */
