/*
 * action_row.c
 *		Reading rows of type actstream.action, passed as arguments.
 */
#include "postgres.h"

#include "base/compat.h"
#include "tables/action_row.h"
#include "tables/own_tables.h"

#include "access/htup_details.h"
#include "utils/typcache.h"

/*
 * ActionRowBegin
 *		Begin to read a row.  The caller has to call ActionRowEnd(), except after an
 *		error.
 *
 * Raises ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE if the type actstream.action does not
 * have the expected columns.
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
 *		A column of the row; "column" is one of Anum_action_….
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
 *		End reading a row.  Values that were read stay valid as long as the row does.
 */
void
ActionRowEnd(ActionRow *row)
{
	ReleaseTupleDesc(row->tupdesc);
}
