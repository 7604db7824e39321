/*
 * object_name.c
 *		What objects are called, and where they are shown: their types' templates
 *		with the values of their rows.
 *
 * A row that is hidden from the current user and a row that does not exist are
 * the same here: a template is filled whole or not at all.
 */
#include "postgres.h"

#include "compat.h"
#include "object_key.h"
#include "object_name.h"
#include "object_read.h"
#include "template.h"

#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(actstream_display_name);
PG_FUNCTION_INFO_V1(actstream_url);

/* The templates of one type, being filled. */
typedef struct Filling
{
	ReadPurpose purpose;		/* name or URL */
	List	   *parts;			/* TemplatePart */
	char	  **texts;			/* the results, by position */
} Filling;

/*
 * Append a value to a URL: all but what RFC 3986 calls unreserved is
 * percent-encoded, in UTF-8, so that it is one segment of a path, or one value
 * in a query, and nothing else, whatever it holds.
 */
static void
append_url_value(StringInfo url, const char *value)
{
	const char *p = value;

	if (GetDatabaseEncoding() != PG_SQL_ASCII)
		p = pg_server_to_any(value, strlen(value), PG_UTF8);
	for (; *p != '\0'; p++)
	{
		unsigned char c = *p;

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			(c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~')
			appendStringInfoChar(url, c);
		else
			appendStringInfo(url, "%%%02X", c);
	}
}

/*
 * The template with "values", one for each of its columns, in order.
 *
 * A null is empty in a name.  A URL with a null in it leads nowhere, and a name
 * of nothing but blanks names nothing: both are NULL.
 */
static char *
fill_template(const Filling *filling, char **values)
{
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	foreach(lc, filling->parts)
	{
		TemplatePart *part = lfirst(lc);
		char	   *value = part->is_column ? *values++ : NULL;

		if (!part->is_column)
			appendStringInfoString(&text, part->text);
		else if (filling->purpose == READ_FOR_NAME)
			appendStringInfoString(&text, value != NULL ? value : "");
		else if (value != NULL)
			append_url_value(&text, value);
		else
			return NULL;
	}
	return strspn(text.data, " ") == (size_t) text.len ? NULL : text.data;
}

/*
 * Fill the template of an external type: it has a label and a key.
 */
static void
fill_external(const Filling *filling, const ObjectBatch *batch)
{
	char	   *label = pnstrdup(batch->label, batch->label_len);
	char	  **values = palloc(sizeof(char *) * Max(list_length(filling->parts), 1));

	for (int i = 0; i < batch->nrefs; i++)
	{
		char	   *key = RefKeyText(batch->refs[i]);
		int			n = 0;
		ListCell   *lc;

		foreach(lc, filling->parts)
		{
			TemplatePart *part = lfirst(lc);

			if (part->is_column)
				values[n++] = strcmp(part->text, "key") == 0 ? key : label;
		}
		filling->texts[batch->positions[i]] = fill_template(filling, values);
	}
}

/*
 * The attribute numbers of the columns in the template, in order; false if one
 * of them is not there any more.
 */
static bool
template_columns(const Filling *filling, Relation rel, List **columns)
{
	ListCell   *lc;

	*columns = NIL;
	foreach(lc, filling->parts)
	{
		TemplatePart *part = lfirst(lc);
		AttrNumber	attnum;

		if (!part->is_column)
			continue;
		attnum = get_attnum(RelationGetRelid(rel), part->text);
		if (attnum <= 0)
			return false;
		*columns = lappend_int(*columns, attnum);
	}
	return true;
}

/* Which column of the key that is, from 0; -1 if it is none. */
static int
key_position(const RegisteredType *type, AttrNumber attnum)
{
	for (int i = 0; i < type->nkeys; i++)
	{
		if (type->keys[i] == attnum)
			return i;
	}
	return -1;
}

static bool
are_key_columns(const RegisteredType *type, List *columns)
{
	ListCell   *lc;

	foreach(lc, columns)
	{
		if (key_position(type, lfirst_int(lc)) < 0)
			return false;
	}
	return true;
}

/*
 * Fill the template with values of keys, which the references hold themselves.
 */
static void
fill_from_keys(const Filling *filling, const ObjectBatch *batch,
			   const ObjectTable *table, List *columns)
{
	TupleDesc	tupdesc = RelationGetDescr(table->rel);
	char	  **values = palloc(sizeof(char *) * Max(list_length(columns), 1));

	for (int i = 0; i < batch->nrefs; i++)
	{
		Datum		keys[INDEX_MAX_KEYS];
		ListCell   *lc;

		/* it cannot be the key of any row */
		if (!ObjectKeyParse(&table->type, tupdesc, batch->refs[i], keys))
			continue;
		foreach(lc, columns)
		{
			Oid			output;
			bool		isvarlena;

			getTypeOutputInfo(ObjectKeyType(tupdesc, lfirst_int(lc)), &output, &isvarlena);
			values[foreach_current_index(lc)] =
				OidOutputFunctionCall(output, keys[key_position(&table->type, lfirst_int(lc))]);
		}
		filling->texts[batch->positions[i]] = fill_template(filling, values);
	}
}

/* ObjectRowTaker: fill the template with the columns of the row. */
static void
fill_from_row(void *arg, int position, HeapTuple row, TupleDesc tupdesc)
{
	Filling    *filling = arg;
	char	  **values = palloc(sizeof(char *) * tupdesc->natts);

	for (int i = 2; i <= tupdesc->natts; i++)
		values[i - 2] = SPI_getvalue(row, tupdesc, i);
	filling->texts[position] = fill_template(filling, values);
}

static void
fill_from_rows(Filling *filling, const ObjectBatch *batch, const ObjectTable *table,
			   List *columns)
{
	StringInfoData sql;
	ListCell   *lc;

	if (!ObjectTableMayRead(table))
		return;
	initStringInfo(&sql);
	foreach(lc, columns)
	{
		if (!ObjectTableMayReadColumn(table, lfirst_int(lc)))
			return;
		appendStringInfo(&sql, ", x.%s",
						 quote_identifier(get_attname(RelationGetRelid(table->rel),
													  lfirst_int(lc), false)));
	}
	ObjectTableRead(table, batch, filling->purpose, sql.data, fill_from_row, filling);
}

static const char *
template_of(const RegisteredType *type, ReadPurpose purpose)
{
	return purpose == READ_FOR_NAME ? type->name_template : type->url_template;
}

/*
 * Fill the template of the type that the references of the batch are of, as far
 * as there is one and the current user sees their rows.
 */
static void
fill_batch(Filling *filling, const ObjectBatch *batch)
{
	const RegisteredType *type;
	ObjectTable table;
	List	   *columns;

	AcceptInvalidationMessages();
	type = RegistryLookupLabel(batch->label, batch->label_len);
	if (type == NULL || template_of(type, filling->purpose) == NULL)
		return;
	if (!OidIsValid(type->relation))
	{
		filling->parts = TemplateParse(template_of(type, filling->purpose));
		fill_external(filling, batch);
		return;
	}

	if (!ObjectTableOpen(&table, batch))
		return;
	/* it may have lost its template while we waited for the table */
	if (template_of(&table.type, filling->purpose) != NULL)
	{
		filling->parts = TemplateParse(template_of(&table.type, filling->purpose));
		if (!template_columns(filling, table.rel, &columns))
			;
		else if (filling->purpose == READ_FOR_URL && are_key_columns(&table.type, columns))
			fill_from_keys(filling, batch, &table, columns);
		else
			fill_from_rows(filling, batch, &table, columns);
	}
	ObjectTableClose(&table);
}

static char **
fill_all(const Ref *const *refs, int nrefs, ReadPurpose purpose)
{
	Filling		filling = {.purpose = purpose};
	ListCell   *lc;

	filling.texts = palloc0(sizeof(char *) * Max(nrefs, 1));
	foreach(lc, ObjectBatches(refs, nrefs))
		fill_batch(&filling, lfirst(lc));
	return filling.texts;
}

/*
 * ObjectNames
 *		What the objects are called, for the current user; in the current memory
 *		context.  At most one query for each label.
 *
 * What he does not see, and what has no name, is called by its reference.  A
 * reference that is NULL has no name.
 */
char **
ObjectNames(const Ref *const *refs, int nrefs)
{
	char	  **names = fill_all(refs, nrefs, READ_FOR_NAME);

	for (int i = 0; i < nrefs; i++)
	{
		if (names[i] == NULL && refs[i] != NULL)
			names[i] = RefToText(refs[i]);
	}
	return names;
}

/*
 * ObjectUrls
 *		Where the objects are shown, for the current user; in the current memory
 *		context.  At most one query for each label.
 *
 * NULL for what has no URL, or one that tells more than the reference does, of
 * an object that he does not see.
 */
char **
ObjectUrls(const Ref *const *refs, int nrefs)
{
	return fill_all(refs, nrefs, READ_FOR_URL);
}

/*
 * display_name
 *		What an object is called.
 */
Datum
actstream_display_name(PG_FUNCTION_ARGS)
{
	const Ref  *ref = PG_GETARG_REF_PP(0);

	PG_RETURN_TEXT_P(cstring_to_text(ObjectNames(&ref, 1)[0]));
}

/*
 * url
 *		Where an object is shown.
 */
Datum
actstream_url(PG_FUNCTION_ARGS)
{
	const Ref  *ref = PG_GETARG_REF_PP(0);
	char	   *text = ObjectUrls(&ref, 1)[0];

	if (text == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(text));
}
