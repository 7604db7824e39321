/*
 * feed_xml.c
 *		Elements of XML.
 *
 * They are made by core's xmlelement(), which writes and escapes by libxml, and
 * of a server that was built without libxml says that it cannot: so there is
 * nothing here to link with, and no difference between the two.
 */
#include "postgres.h"

#include "compat.h"
#include "feed_xml.h"

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "nodes/makefuncs.h"
#include "nodes/value.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/memutils.h"

/* In the place of a character that XML cannot hold; UTF-8 has one for that. */
#define REPLACEMENT_CHARACTER	(GetDatabaseEncoding() == PG_UTF8 ? "\xEF\xBF\xBD" : "?")

/*
 * The length of the character that XML 1.0 cannot hold at the start of the text:
 * a control character other than tab, line feed and carriage return, or U+FFFE
 * or U+FFFF.  0 if it can be held.
 */
static int
forbidden_length(const char *text)
{
	unsigned char c = *text;

	if (c < 0x20 && c != '\t' && c != '\n' && c != '\r')
		return 1;
	if (GetDatabaseEncoding() == PG_UTF8 &&
		(strncmp(text, "\xEF\xBF\xBE", 3) == 0 || strncmp(text, "\xEF\xBF\xBF", 3) == 0))
		return 3;
	return 0;
}

/*
 * The text, with what XML cannot hold replaced.
 */
static text *
xml_text(const char *str)
{
	StringInfoData result;

	initStringInfo(&result);
	while (*str != '\0')
	{
		int			forbidden = forbidden_length(str);
		int			len = forbidden > 0 ? forbidden : pg_mblen(str);

		if (forbidden > 0)
			appendStringInfoString(&result, REPLACEMENT_CHARACTER);
		else
			appendBinaryStringInfo(&result, str, len);
		str += len;
	}
	return cstring_to_text_with_len(result.data, result.len);
}

/*
 * An element with attributes and content, each value of which is of the type
 * "content_type": text is escaped, xml is not.
 */
static xmltype *
make_element(const char *name, const char *const *attributes, Oid content_type,
			 List *content)
{
	XmlExpr    *expr = makeNode(XmlExpr);
	Expr	   *attribute_expr = (Expr *) makeNullConst(TEXTOID, -1, InvalidOid);
	Expr	   *content_expr = (Expr *) makeNullConst(content_type, -1, InvalidOid);
	Datum		named_values[8];
	bool		named_nulls[8] = {false};
	int			nvalues = list_length(content);
	Datum	   *values = palloc(sizeof(Datum) * Max(nvalues, 1));
	bool	   *nulls = palloc0(sizeof(bool) * Max(nvalues, 1));
	ListCell   *lc;

	expr->op = IS_XMLELEMENT;
	expr->name = unconstify(char *, name);
	for (int i = 0; attributes != NULL && attributes[i] != NULL; i += 2)
	{
		Assert(i / 2 < (int) lengthof(named_values));
		expr->arg_names = lappend(expr->arg_names,
								  makeString(unconstify(char *, attributes[i])));
		expr->named_args = lappend(expr->named_args, attribute_expr);
		named_values[i / 2] = PointerGetDatum(xml_text(attributes[i + 1]));
	}
	foreach(lc, content)
	{
		expr->args = lappend(expr->args, content_expr);
		values[foreach_current_index(lc)] = PointerGetDatum(lfirst(lc));
	}
	return xmlelement(expr, named_values, named_nulls, values, nulls);
}

/*
 * XmlElement
 *		An element with attributes and child elements.
 *
 * Attributes are in ASCII, as addresses are: in other encodings than UTF-8,
 * core does not write others as it should.
 *
 * ERRCODE_FEATURE_NOT_SUPPORTED if the server was built without libxml.
 */
xmltype *
XmlElement(const char *name, const char *const *attributes, List *children)
{
	return make_element(name, attributes, XMLOID, children);
}

/*
 * XmlTextElement
 *		An element with attributes and text.  Characters that XML cannot hold are
 *		replaced by U+FFFD, or a question mark where the encoding lacks that.
 */
xmltype *
XmlTextElement(const char *name, const char *const *attributes, const char *text)
{
	return make_element(name, attributes, TEXTOID, list_make1(xml_text(text)));
}

/*
 * XmlOfEntries
 *		The elements of all entries of the feed, in a list of children that has
 *		one member, or none.
 */
List *
XmlOfEntries(const Feed *feed, XmlEntryMaker make)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(caller, "actstream feed entry",
												  ALLOCSET_DEFAULT_SIZES);
	List	   *elements = NIL;

	for (int i = 0; i < feed->nactions; i++)
	{
		xmltype    *element;

		MemoryContextSwitchTo(context);
		element = make(FeedEntryGet(feed, i));
		MemoryContextSwitchTo(caller);
		elements = lappend(elements, DatumGetPointer(datumCopy(PointerGetDatum(element), false, -1)));
		MemoryContextReset(context);
	}
	MemoryContextDelete(context);
	return elements == NIL ? NIL : list_make1(xmlconcat(elements));
}

/*
 * HtmlOfText
 *		The text as HTML that shows it, for where a format wants HTML.
 */
char *
HtmlOfText(const char *text)
{
	return escape_xml(text);
}
