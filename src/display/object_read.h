/*
 * object_read.h
 *		Reading the rows that references name, as the current user sees them.
 */
#ifndef ACTSTREAM_OBJECT_READ_H
#define ACTSTREAM_OBJECT_READ_H

#include "object/registry.h"

#include "access/htup.h"
#include "nodes/pg_list.h"
#include "utils/array.h"

/* What the rows of a table are read for; each purpose has a query of its own. */
typedef enum ReadPurpose
{
	READ_FOR_NAME,
	READ_FOR_URL,
	READ_FOR_NAME_AND_URL,
	READ_FOR_VALUE
} ReadPurpose;

/* References with the same label: a subset of the caller's array. */
typedef struct ObjectBatch
{
	const char *label;
	int			label_len;
	int			nrefs;
	const Ref **refs;
	int		   *positions;		/* index of each in the caller's array */
} ObjectBatch;

/* The type of a batch, and its table, which is open. */
typedef struct ObjectTable
{
	RegisteredType type;
	Relation	rel;
	bool		has_policies;	/* do policies apply to the current user? */
	Oid			reader;			/* the role that reads the rows */
} ObjectTable;

/*
 * Receives the row of the object whose reference is at that position.  The columns that
 * were asked for start at the second column of "row".
 */
typedef void (*ObjectRowTaker) (void *arg, int position, HeapTuple row, TupleDesc tupdesc);

extern List *ObjectBatches(const Ref *const *refs, int nrefs);
extern const Ref **ObjectRefsOfArray(ArrayType *array, int *nrefs);
extern bool ObjectTableOpen(ObjectTable *table, const ObjectBatch *batch);
extern void ObjectTableClose(ObjectTable *table);
extern bool ObjectTableMayRead(const ObjectTable *table);
extern bool ObjectTableMayReadColumn(const ObjectTable *table, AttrNumber attnum);
extern void ObjectTableRead(const ObjectTable *table, const ObjectBatch *batch,
							ReadPurpose purpose, const char *columns,
							ObjectRowTaker take, void *arg);

#endif							/* ACTSTREAM_OBJECT_READ_H */
