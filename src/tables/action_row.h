/*
 * action_row.h
 *		Reading rows of type actstream.action, passed as arguments.
 */
#ifndef ACTSTREAM_ACTION_ROW_H
#define ACTSTREAM_ACTION_ROW_H

#include "access/attnum.h"
#include "access/htup.h"
#include "access/tupdesc.h"

/* A row that is being read. */
typedef struct ActionRow
{
	HeapTupleData tuple;
	TupleDesc	tupdesc;
} ActionRow;

extern void ActionRowBegin(ActionRow *row, HeapTupleHeader header);
extern Datum ActionRowGet(ActionRow *row, AttrNumber column, bool *isnull);
extern char *ActionRowText(ActionRow *row, AttrNumber column);
extern void ActionRowEnd(ActionRow *row);

#endif							/* ACTSTREAM_ACTION_ROW_H */
