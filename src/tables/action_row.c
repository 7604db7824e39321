/*
 * action_row.c
 *		Rows of type actstream.action that functions are given.
 */
#include "postgres.h"

#include "base/compat.h"
#include "tables/action_row.h"
#include "tables/own_tables.h"

#include "access/htup_details.h"
#include "utils/typcache.h"

/*
 * ActionRowBegin
 *		Begin to read a row; to be ended by ActionRowEnd(), unless by an error.
 *
 * Raises ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE if the type actstream.action has lost
 * columns.
 */
void
ActionRowBegin(ActionRow *row, HeapTupleHeader header)
{
	row->tupdesc = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(header),
										  HeapTupleHeaderGetTypMod(header));
	OwnRowCheck(row->tupdesc, OWN_ACTIONS);
	row->tuple.t_len = HeapTupleHeaderGetDatumLength(header);
	ItemPointerSetInvalid(&row->tuple.t_self);
	row->tuple.t_tableOid = InvalidOid;
	row->tuple.t_data = header;
}

/*
 * ActionRowGet
 *		A column, one of Anum_action_…, of the row.
 */
Datum
ActionRowGet(ActionRow *row, AttrNumber column, bool *isnull)
{
	return heap_getattr(&row->tuple, column, row->tupdesc, isnull);
}

/*
 * ActionRowText
 *		A text column of the row, in the current memory context, or NULL if it is null.
 */
char *
ActionRowText(ActionRow *row, AttrNumber column)
{
	return OwnRowText(&row->tuple, row->tupdesc, column);
}

/*
 * ActionRowEnd
 *		End it; what was read is good as long as the row is.
 */
void
ActionRowEnd(ActionRow *row)
{
	ReleaseTupleDesc(row->tupdesc);
}
