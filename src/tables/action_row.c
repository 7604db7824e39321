/*
 * action_row.c
 *		Rows of type actstream.action: reading those that are passed as arguments, and making
 *		them of others.
 */
#include "postgres.h"

#include "base/compat.h"
#include "tables/action_row.h"
#include "tables/own_tables.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/typcache.h"

PG_FUNCTION_INFO_V1(actstream_action_of);

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

/*
 * action_of(record) RETURNS action
 *		The action whose attributes are the columns of these names; others are null.
 *
 * In statements that may be run by any role it takes the place of a cast from the row type of
 * actstream.actions: whoever owns that table can create a cast, which would be run by the reader.
 */
Datum
actstream_action_of(PG_FUNCTION_ARGS)
{
	HeapTupleHeader header = PG_GETARG_HEAPTUPLEHEADER(0);
	TupleDesc	from = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(header),
											  HeapTupleHeaderGetTypMod(header));
	HeapTupleData tuple = {.t_len = HeapTupleHeaderGetDatumLength(header), .t_data = header};
	TupleDesc	to;
	Datum	   *values;
	bool	   *nulls;

	if (get_call_result_type(fcinfo, NULL, &to) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values = palloc0(to->natts * sizeof(Datum));
	nulls = palloc(to->natts * sizeof(bool));
	for (int i = 0; i < to->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(to, i);

		nulls[i] = true;
		for (int j = 0; !attribute->attisdropped && j < from->natts; j++)
		{
			Form_pg_attribute column = TupleDescAttr(from, j);

			if (!column->attisdropped && column->atttypid == attribute->atttypid &&
				strcmp(NameStr(column->attname), NameStr(attribute->attname)) == 0)
				values[i] = heap_getattr(&tuple, j + 1, from, &nulls[i]);
		}
	}
	ReleaseTupleDesc(from);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(to, values, nulls)));
}
