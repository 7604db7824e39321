/*
 * object_value.c
 *		The rows of objects, as jsonb.
 *
 * Core's to_jsonb() converts them, which calls casts to json of users' types;
 * object_read.c says with which rights these run.  A column whose json may not fit into
 * jsonb is read as text, and converted here.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/json_text.h"
#include "display/object_read.h"

#include "executor/spi.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(actstream_expand);
PG_FUNCTION_INFO_V1(actstream_expand_all);

/*
 * All columns of the table that the current user may read: as one jsonb object, followed
 * by those that jsonb might not hold, each as json.
 */
static char *
value_columns(const ObjectTable *table)
{
	TupleDesc	tupdesc = RelationGetDescr(table->rel);
	const char *separator = "";
	StringInfoData sql;
	StringInfoData json;

	initStringInfo(&sql);
	initStringInfo(&json);
	appendStringInfoString(&sql, ", (SELECT pg_catalog.to_jsonb(r.*) FROM (SELECT ");
	for (int i = 0; i < tupdesc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(tupdesc, i);
		const char *column = quote_identifier(NameStr(att->attname));

		if (att->attisdropped || !ObjectTableMayReadColumn(table, att->attnum))
			continue;
		if (JsonTypeMayOverflow(att->atttypid))
			appendStringInfo(&json, ", pg_catalog.to_json(x.%s) AS %s", column, column);
		else
		{
			appendStringInfo(&sql, "%sx.%s", separator, column);
			separator = ", ";
		}
	}
	appendStringInfo(&sql, ") AS r)%s", json.data);
	return sql.data;
}

/* Push a member with that value, or null. */
static void
push_member(JsonbInState *state, const char *key, const char *json)
{
	JsonbValue	value = {.type = jbvString};

	value.val.string.val = unconstify(char *, key);
	value.val.string.len = strlen(key);
	pushJsonbValue(state, WJB_KEY, &value);
	if (json == NULL)
		value.type = jbvNull;
	else
	{
		Jsonb	   *jsonb = JsonTextToJsonb(json);

		if (!JB_ROOT_IS_SCALAR(jsonb) || !JsonbExtractScalar(&jsonb->root, &value))
			JsonbToJsonbValue(jsonb, &value);
	}
	pushJsonbValue(state, WJB_VALUE, &value);
}

/* ObjectRowTaker: store the value, if all of it can be converted. */
static void
take_value(void *arg, int position, HeapTuple row, TupleDesc tupdesc)
{
	NullableDatum *result = &((NullableDatum *) arg)[position];
	NullableDatum value;

	value.value = SPI_getbinval(row, tupdesc, 2, &value.isnull);
	value.value = PointerGetDatum(PG_DETOAST_DATUM_COPY(value.value));
	if (tupdesc->natts > 2)
	{
		JsonbInState state = {0};

		pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
		for (int i = 3; i <= tupdesc->natts; i++)
			push_member(&state, SPI_fname(tupdesc, i), SPI_getvalue(row, tupdesc, i));
		pushJsonbValue(&state, WJB_END_OBJECT, NULL);
		value.value = DirectFunctionCall2(jsonb_concat, value.value,
										  JsonbPGetDatum(JsonbValueToJsonb(state.result)));
	}
	*result = value;
}

/*
 * The rows that the references name, as far as the current user may see them; null for
 * others.  One query for each label.
 */
static NullableDatum *
read_values(const Ref *const *refs, int nrefs)
{
	NullableDatum *values = palloc0(sizeof(NullableDatum) * Max(nrefs, 1));
	ListCell   *lc;

	for (int i = 0; i < nrefs; i++)
		values[i].isnull = true;
	foreach(lc, ObjectBatches(refs, nrefs))
	{
		const ObjectBatch *batch = lfirst(lc);
		ObjectTable table;

		if (!ObjectTableOpen(&table, batch))
			continue;
		if (ObjectTableMayRead(&table))
			ObjectTableRead(&table, batch, READ_FOR_VALUE, value_columns(&table),
							take_value, values);
		ObjectTableClose(&table);
	}
	return values;
}

/*
 * expand
 *		The row of an object, as jsonb.
 */
Datum
actstream_expand(PG_FUNCTION_ARGS)
{
	const Ref  *ref = PG_GETARG_REF_PP(0);
	NullableDatum *value = read_values(&ref, 1);

	if (value->isnull)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(value->value);
}

/*
 * expand_all
 *		The rows of many objects: each object once, in the order of the array.
 */
Datum
actstream_expand_all(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	int			nrefs;
	const Ref **refs;
	NullableDatum *values;

	InitMaterializedSRF(fcinfo, 0);
	refs = ObjectRefsOfArray(PG_GETARG_ARRAYTYPE_P(0), &nrefs);
	values = read_values(refs, nrefs);

	for (int i = 0; i < nrefs; i++)
	{
		Datum		row[2] = {PointerGetDatum(refs[i]), values[i].value};
		bool		isnull[2] = {false, values[i].isnull};

		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, row, isnull);
	}
	return (Datum) 0;
}
