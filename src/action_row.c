/*
 * action_row.c
 *		Rows of actstream.action that functions are given.
 */
#include "postgres.h"

#include "compat.h"
#include "action_row.h"
#include "catalog.h"
#include "row_shape.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "utils/typcache.h"

/* of references; the type has another number in each database */
#define REF_COLUMN	InvalidOid

static const struct
{
	const char *name;
	Oid			type;
}			columns[] = {
	[Anum_action_id] = {"id", INT8OID},
	[Anum_action_timestamp] = {"timestamp", TIMESTAMPTZOID},
	[Anum_action_public] = {"public", BOOLOID},
	[Anum_action_actor] = {"actor", REF_COLUMN},
	[Anum_action_verb] = {"verb", TEXTOID},
	[Anum_action_action_object] = {"action_object", REF_COLUMN},
	[Anum_action_target] = {"target", REF_COLUMN},
	[Anum_action_description] = {"description", TEXTOID},
	[Anum_action_data] = {"data", JSONBOID},
	[Anum_action_external_id] = {"external_id", TEXTOID}
};

/*
 * ActionRowBegin
 *		Begin to read a row; to be ended by ActionRowEnd(), unless by an error.
 */
void
ActionRowBegin(ActionRow *row, HeapTupleHeader header)
{
	row->tupdesc = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(header),
										  HeapTupleHeaderGetTypMod(header));
	row->tuple.t_len = HeapTupleHeaderGetDatumLength(header);
	ItemPointerSetInvalid(&row->tuple.t_self);
	row->tuple.t_tableOid = InvalidOid;
	row->tuple.t_data = header;
}

/*
 * ActionRowGet
 *		A column, one of Anum_action_…, of the row.
 *
 * Raises ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE if the table has none of that name and
 * type any more.
 */
Datum
ActionRowGet(ActionRow *row, AttrNumber column, bool *isnull)
{
	Oid			type = columns[column].type;
	AttrNumber	attnum = RowColumn(row->tupdesc, "action", columns[column].name, column,
								   type == REF_COLUMN ? RefTypeId() : type);

	return heap_getattr(&row->tuple, attnum, row->tupdesc, isnull);
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
