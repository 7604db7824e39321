/*
 * emission_content.c
 *		The description and the data of an action that is made from the change of a row.
 */
#include "postgres.h"

#include "base/compat.h"
#include "object/table_warning.h"
#include "track/emission_content.h"
#include "track/row_value.h"

#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/rel.h"

/*
 * Keep a row of actions within the size limit of a tuple, and data within that of jsonb.
 */
#define MAX_DESCRIPTION_SIZE	(128 * 1024 * 1024)
#define MAX_DATA_SIZE			(128 * 1024 * 1024)

/* A column of the changed row. */
static RowValue
value_of(const Emission *emission, HeapTuple row, AttrNumber attnum)
{
	RowValue	value = {
		.row = row,
		.tupdesc = emission->tupdesc,
		.attnum = attnum,
		.owner = emission->owner
	};

	return value;
}

static void
warn_of_value(const Emission *emission, AttrNumber attnum, const ErrorData *error)
{
	if (error != NULL && TableWarnsFirst(emission->source, WARN_VALUE))
		ereport(WARNING,
				(errcode(error->sqlerrcode),
				 errmsg("could not convert column \"%s\" of relation \"%s\" for an action: %s",
						NameStr(TupleDescAttr(emission->tupdesc, attnum - 1)->attname),
						RelationGetRelationName(emission->change->rel), error->message)));
}

/*
 * EmissionDescription
 *		The text that the description's template gives for the row; a column that is
 *		null, or cannot be converted, counts as empty.
 */
Datum
EmissionDescription(const Emission *emission)
{
	const TrackingTemplate *template = &emission->tracking->description;
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < template->nparts; i++)
	{
		const TrackingPart *part = &template->parts[i];
		const char *piece = part->text;

		if (part->is_column)
		{
			RowValue	value = value_of(emission, emission->change->row, part->attnum);
			ErrorData  *error = NULL;

			piece = part->attnum == InvalidAttrNumber ? NULL : RowValueText(&value, &error);
			warn_of_value(emission, part->attnum, error);
		}
		if (piece != NULL && text.len + strlen(piece) <= MAX_DESCRIPTION_SIZE)
			appendStringInfoString(&text, piece);
	}
	return PointerGetDatum(cstring_to_text_with_len(text.data, text.len));
}

/* Push a column of a row; null if it does not fit into *room. */
static void
push_column(const Emission *emission, JsonbInState *state, JsonbIteratorToken token,
			HeapTuple row, AttrNumber attnum, Size *room)
{
	RowValue	value = value_of(emission, row, attnum);
	ErrorData  *error;
	Jsonb	   *json = RowValueJsonb(&value, &error);
	JsonbValue	pushed;

	warn_of_value(emission, attnum, error);
	if (json == NULL || VARSIZE(json) > *room)
		pushed.type = jbvNull;
	else
	{
		*room -= VARSIZE(json);
		if (!JB_ROOT_IS_SCALAR(json) || !JsonbExtractScalar(&json->root, &pushed))
			JsonbToJsonbValue(json, &pushed);
	}
	pushJsonbValue(state, token, &pushed);
}

/*
 * EmissionData
 *		The data of the action: {"column": value}, and for an UPDATE {"column": [old, new]}.
 */
Datum
EmissionData(const Emission *emission)
{
	const RowChange *change = emission->change;
	JsonbInState state = {0};
	Size		room = MAX_DATA_SIZE;
	ListCell   *lc;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	foreach(lc, emission->tracking->data_columns)
	{
		AttrNumber	attnum = lfirst_int(lc);
		JsonbValue	key;

		key.type = jbvString;
		key.val.string.val = NameStr(TupleDescAttr(emission->tupdesc, attnum - 1)->attname);
		key.val.string.len = strlen(key.val.string.val);
		pushJsonbValue(&state, WJB_KEY, &key);
		if (change->old != NULL)
		{
			pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
			push_column(emission, &state, WJB_ELEM, change->old, attnum, &room);
			push_column(emission, &state, WJB_ELEM, change->row, attnum, &room);
			pushJsonbValue(&state, WJB_END_ARRAY, NULL);
		}
		else
			push_column(emission, &state, WJB_VALUE, change->row, attnum, &room);
	}
	pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	return JsonbPGetDatum(JsonbValueToJsonb(state.result));
}
