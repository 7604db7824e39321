/*
 * object_name.c
 *		The names and URLs of objects: templates of their types, filled with values of
 *		their rows.
 *
 * A row that is hidden from the current user is treated like a row that does not exist:
 * a template is filled completely or not at all.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/template.h"
#include "base/uri.h"
#include "display/object_name.h"
#include "display/object_read.h"
#include "object/object_key.h"
#include "object/object_type_table.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(actstream_display_name);
PG_FUNCTION_INFO_V1(actstream_url);
PG_FUNCTION_INFO_V1(actstream_display_all);

/*
 * Names and URLs are not longer than this, in bytes: a template can repeat a column, and a
 * page has many of them.
 */
#define MAX_TEXT_SIZE	65536

/*
 * A value that is not a text is left out if it is larger than this, in bytes without compression: its
 * text can be thousands of times as large.
 */
#define MAX_VALUE_SIZE	8192

/* Values that are in memory at a time. */
#define MAX_VALUES		256

/* A template of a type that is being filled. */
typedef struct Filling
{
	bool		wanted;
	bool		is_url;			/* else it is the name template */
	List	   *parts;			/* TemplatePart */
	bool		from_rows;		/* is it filled from the rows of the query? */
	List	   *places;			/* for each of its columns, in order: which it is in the query's
								 * result, from 0 */
	char	  **texts;			/* the results, by position */
} Filling;

/* Both templates; they are filled from the same rows. */
typedef struct Fillings
{
	Filling		name;
	Filling		url;
} Fillings;

/* Is the URL template just one column, whose value is then a complete address? */
static bool
is_address(const Filling *filling)
{
	return filling->is_url && list_length(filling->parts) == 1 &&
		((TemplatePart *) linitial(filling->parts))->is_column;
}

/*
 * Leave of a text that is too long what can be shown: of a name its beginning, of a URL
 * nothing.
 */
static void
shorten(const Filling *filling, StringInfo text)
{
	if (filling->is_url)
		resetStringInfo(text);
	else
	{
		text->len = pg_mbcliplen(text->data, text->len, MAX_TEXT_SIZE);
		text->data[text->len] = '\0';
		appendStringInfoString(text, "...");
	}
}

/*
 * May the URL be a link?  Where the template begins with a column, the scheme is not the
 * choice of the table's owner alone.
 */
static bool
is_link(const Filling *filling, const char *uri)
{
	const TemplatePart *first = filling->parts == NIL ? NULL : linitial(filling->parts);

	return first != NULL && first->is_column ? UriIsHarmless(uri) : !UriIsScript(uri);
}

/*
 * The template with "values", one for each of its columns, in order.
 *
 * In a name, a null counts as empty.  A URL with a null in it would be wrong, and a name
 * of blanks only would be useless: for both the result is NULL.
 */
static char *
fill_template(const Filling *filling, char **values)
{
	StringInfoData text;
	char	   *result = NULL;
	ListCell   *lc;

	if (is_address(filling))
		return values[0] == NULL || values[0][0] == '\0' || strlen(values[0]) > MAX_TEXT_SIZE ? NULL :
			UriOfAddress(values[0]);

	initStringInfo(&text);
	foreach(lc, filling->parts)
	{
		TemplatePart *part = lfirst(lc);
		char	   *value = part->is_column ? *values++ : NULL;

		if (!part->is_column)
			appendStringInfoString(&text, filling->is_url ? UriEncode(part->text) : part->text);
		else if (!filling->is_url)
			appendStringInfoString(&text, value != NULL ? value : "");
		else if (value != NULL)
			UriAppendValue(&text, value);
		else
		{
			resetStringInfo(&text);
			break;
		}
		if (text.len > MAX_TEXT_SIZE)
			break;
	}
	if (text.len > MAX_TEXT_SIZE)
		shorten(filling, &text);
	if (filling->is_url && !is_link(filling, text.data))
		resetStringInfo(&text);
	/* copied without spare room, because a feed has many */
	if (strspn(text.data, " ") < (size_t) text.len)
		result = pstrdup(text.data);
	pfree(text.data);
	return result;
}

/* Fill the template of an external type from labels and keys. */
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

		CHECK_FOR_INTERRUPTS();
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
 * The attribute numbers of the columns in the template, in order.  Returns the name of a
 * column that does not exist (any more), else NULL.
 */
static const char *
template_columns(const List *parts, Oid relid, List **columns)
{
	ListCell   *lc;

	*columns = NIL;
	foreach(lc, parts)
	{
		TemplatePart *part = lfirst(lc);
		AttrNumber	attnum;

		if (!part->is_column)
			continue;
		attnum = get_attnum(relid, part->text);
		if (attnum <= 0)
			return part->text;
		*columns = lappend_int(*columns, attnum);
	}
	return NULL;
}

/* The position of a column in the key, from 0; -1 if it is not part of it. */
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

/* Fill the template from the keys in the references. */
static void
fill_from_keys(const Filling *filling, const ObjectBatch *batch,
			   const ObjectTable *table, List *columns)
{
	TupleDesc	tupdesc = RelationGetDescr(table->rel);
	char	  **values = palloc(sizeof(char *) * Max(list_length(columns), 1));

	for (int i = 0; i < batch->nrefs; i++)
	{
		Datum		keys[INDEX_MAX_KEYS];
		char	   *parts[INDEX_MAX_KEYS];
		ListCell   *lc;

		CHECK_FOR_INTERRUPTS();
		/* no row can have such a key */
		if (!ObjectKeyParse(&table->type, tupdesc, batch->refs[i], keys) ||
			!ObjectKeySplit(&table->type, batch->refs[i], parts))
			continue;
		foreach(lc, columns)
			values[foreach_current_index(lc)] = parts[key_position(&table->type, lfirst_int(lc))];
		filling->texts[batch->positions[i]] = fill_template(filling, values);
	}
}

/* Fill the template from the columns in a row of the query's result. */
static void
fill_from_row(const Filling *filling, int position, char **row)
{
	char	  **values = palloc(sizeof(char *) * Max(list_length(filling->places), 1));
	ListCell   *lc;

	foreach(lc, filling->places)
		values[foreach_current_index(lc)] = row[lfirst_int(lc)];
	filling->texts[position] = fill_template(filling, values);
	pfree(values);
}

/* ObjectRowTaker: fill those templates that need columns of the row. */
static void
take_row(void *arg, int position, HeapTuple row, TupleDesc tupdesc)
{
	const Fillings *fillings = arg;
	char	  **values = palloc(sizeof(char *) * tupdesc->natts);

	for (int i = 1; i < tupdesc->natts; i++)
		values[i - 1] = SPI_getvalue(row, tupdesc, i + 1);
	if (fillings->name.from_rows)
		fill_from_row(&fillings->name, position, values);
	if (fillings->url.from_rows)
		fill_from_row(&fillings->url, position, values);

	/* the values may be long, and the rows many */
	for (int i = 1; i < tupdesc->natts; i++)
	{
		if (values[i - 1] != NULL)
			pfree(values[i - 1]);
	}
	pfree(values);
}

/*
 * Add the columns of the template to those of the query, unless the current user may not read them.
 */
static void
add_columns(Filling *filling, List **read, const ObjectTable *table, List *columns)
{
	ListCell   *lc;

	if (!ObjectTableMayRead(table))
		return;
	foreach(lc, columns)
	{
		if (!ObjectTableMayReadColumn(table, lfirst_int(lc)))
			return;
	}
	*read = list_concat_unique_int(*read, columns);
	foreach(lc, columns)
	{
		int			place = 0;

		while (list_nth_int(*read, place) != lfirst_int(lc))
			place++;
		filling->places = lappend_int(filling->places, place);
	}
	filling->from_rows = true;
}

/*
 * The columns as text, for the query: no more of each than can be shown.
 */
static char *
select_columns(const ObjectTable *table, List *read)
{
	StringInfoData sql;
	ListCell   *lc;

	initStringInfo(&sql);
	foreach(lc, read)
	{
		Form_pg_attribute att = TupleDescAttr(RelationGetDescr(table->rel), lfirst_int(lc) - 1);
		const char *column = quote_identifier(NameStr(att->attname));
		Oid			type = getBaseType(att->atttypid);

		/* of a text, the rest is not even read */
		if (IsBinaryCoercible(type, TEXTOID))
			appendStringInfo(&sql, ", pg_catalog.left(x.%s::pg_catalog.text, %d)",
							 column, MAX_TEXT_SIZE + 1);
		else
			/* converts with the output function of its type, which a cast might not use */
			appendStringInfo(&sql, ", CASE WHEN actstream_internal.value_size(x.%s)"
							 " OPERATOR(pg_catalog.<=) %d"
							 " THEN pg_catalog.left(pg_catalog.format('%%s', x.%s), %d) END",
							 column, MAX_VALUE_SIZE, column, MAX_TEXT_SIZE + 1);
	}
	return sql.data;
}

static const char *
template_of(const RegisteredType *type, const Filling *filling)
{
	if (!filling->wanted)
		return NULL;
	return filling->is_url ? type->url_template : type->name_template;
}

/*
 * Fill a template of a type with a table at once, if the references suffice; otherwise,
 * add the columns that it needs to the query.
 */
static void
prepare_filling(Filling *filling, List **read, const ObjectBatch *batch, const ObjectTable *table)
{
	const char *template = template_of(&table->type, filling);
	List	   *columns;

	filling->from_rows = false;
	filling->places = NIL;
	if (template == NULL || !TemplateTryParse(template, &filling->parts) ||
		template_columns(filling->parts, RelationGetRelid(table->rel), &columns) != NULL)
		return;
	if (filling->is_url && are_key_columns(&table->type, columns))
		fill_from_keys(filling, batch, table, columns);
	else
		add_columns(filling, read, table, columns);
}

/* Fill the templates for objects of a table, with one query for both. */
static void
fill_from_table(Fillings *fillings, const ObjectBatch *batch, ObjectTable *table)
{
	List	   *read = NIL;
	ReadPurpose purpose;
	char	   *columns;
	int			nrefs;

	prepare_filling(&fillings->name, &read, batch, table);
	prepare_filling(&fillings->url, &read, batch, table);
	if (fillings->name.from_rows && fillings->url.from_rows)
		purpose = READ_FOR_NAME_AND_URL;
	else if (fillings->name.from_rows)
		purpose = READ_FOR_NAME;
	else if (fillings->url.from_rows)
		purpose = READ_FOR_URL;
	else
		return;
	columns = select_columns(table, read);
	nrefs = Max(1, MAX_VALUES / Max(1, list_length(read)));
	for (int i = 0; i < batch->nrefs; i += nrefs)
	{
		ObjectBatch part = *batch;

		part.nrefs = Min(nrefs, batch->nrefs - i);
		part.refs += i;
		part.positions += i;
		ObjectTableRead(table, &part, purpose, columns, take_row, fillings);
	}
}

static void
fill_external_template(Filling *filling, const ObjectBatch *batch, const RegisteredType *type)
{
	const char *template = template_of(type, filling);

	if (template != NULL && ObjectTypeTemplateFault(template, InvalidOid) == NULL &&
		TemplateTryParse(template, &filling->parts))
		fill_external(filling, batch);
}

/*
 * Fill the templates for the references of a batch, as far as their type has templates
 * and the current user may see the rows.
 */
static void
fill_batch(Fillings *fillings, const ObjectBatch *batch)
{
	const RegisteredType *type;
	RegisteredType copy;
	ObjectTable table;

	AcceptInvalidationMessages();
	type = RegistryLookupLabel(batch->label, batch->label_len);
	if (type == NULL || (template_of(type, &fillings->name) == NULL &&
						 template_of(type, &fillings->url) == NULL))
		return;
	if (!OidIsValid(type->relation))
	{
		copy = *type;
		fill_external_template(&fillings->name, batch, &copy);
		fill_external_template(&fillings->url, batch, &copy);
		return;
	}

	if (!ObjectTableOpen(&table, batch))
		return;
	fill_from_table(fillings, batch, &table);
	ObjectTableClose(&table);
}

/*
 * Fill names, URLs or both; "names" and "urls" say which, and receive the results.  Runs
 * at most one query for each label.
 */
static void
fill_all(const Ref *const *refs, int nrefs, char ***names, char ***urls)
{
	Fillings	fillings = {.name.wanted = names != NULL, .url.wanted = urls != NULL,
	.url.is_url = true};
	ListCell   *lc;

	fillings.name.texts = palloc0(sizeof(char *) * Max(nrefs, 1));
	fillings.url.texts = palloc0(sizeof(char *) * Max(nrefs, 1));
	foreach(lc, ObjectBatches(refs, nrefs))
		fill_batch(&fillings, lfirst(lc));

	if (urls != NULL)
		*urls = fillings.url.texts;
	if (names == NULL)
		return;
	*names = fillings.name.texts;
	for (int i = 0; i < nrefs; i++)
	{
		if ((*names)[i] == NULL && refs[i] != NULL)
			(*names)[i] = RefToText(refs[i]);
	}
}

/*
 * ObjectNames
 *		The names of the objects, as the current user may see them; in the current
 *		memory context.  Runs at most one query for each label.
 *
 * An object that the user may not see, or that has no name, is named by its reference.
 * For a reference that is NULL, the name is NULL.
 */
char **
ObjectNames(const Ref *const *refs, int nrefs)
{
	char	  **names;

	fill_all(refs, nrefs, &names, NULL);
	return names;
}

/*
 * ObjectNamesAndUrls
 *		The names of the objects, as ObjectNames() returns them, and their URLs.
 *
 * The URL is NULL for an object that has none, or that the user may not see, unless it
 * contains nothing that is not in the reference.
 */
void
ObjectNamesAndUrls(const Ref *const *refs, int nrefs, char ***names, char ***urls)
{
	fill_all(refs, nrefs, names, urls);
}

/*
 * display_name
 *		The name of an object.
 */
Datum
actstream_display_name(PG_FUNCTION_ARGS)
{
	const Ref  *ref = PG_GETARG_REF_PP(0);

	PG_RETURN_TEXT_P(cstring_to_text(ObjectNames(&ref, 1)[0]));
}

/*
 * url
 *		The URL of an object.
 */
Datum
actstream_url(PG_FUNCTION_ARGS)
{
	const Ref  *ref = PG_GETARG_REF_PP(0);
	char	  **urls;

	fill_all(&ref, 1, NULL, &urls);
	if (urls[0] == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(urls[0]));
}

/*
 * display_all
 *		What many objects are called and where they are shown: each object once, in
 *		the order of the array.
 */
Datum
actstream_display_all(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	int			nrefs;
	const Ref **refs;
	char	  **names;
	char	  **urls;

	InitMaterializedSRF(fcinfo, 0);
	refs = ObjectRefsOfArray(PG_GETARG_ARRAYTYPE_P(0), &nrefs);
	ObjectNamesAndUrls(refs, nrefs, &names, &urls);

	for (int i = 0; i < nrefs; i++)
	{
		Datum		row[3] = {PointerGetDatum(refs[i]), CStringGetTextDatum(names[i])};
		bool		isnull[3] = {false, false, urls[i] == NULL};

		CHECK_FOR_INTERRUPTS();
		if (urls[i] != NULL)
			row[2] = CStringGetTextDatum(urls[i]);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, row, isnull);
	}
	return (Datum) 0;
}
