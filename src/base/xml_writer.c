/*
 * xml_writer.c
 *		Writing elements of XML.
 *
 * Core's xmlelement() would copy content once per nesting level, without checking for
 * interrupts.  Here a feed is written once, from start to end, into the value that is
 * returned; this does not need libxml.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/xml_writer.h"

/*
 * XmlInit
 *		Begin to write, in the current memory context.
 */
void
XmlInit(XmlWriter *xml)
{
	memset(xml, 0, sizeof(XmlWriter));
	initStringInfo(&xml->value);
	appendStringInfoSpaces(&xml->value, VARHDRSZ);
}

/* Close the start tag of the current element, if that is still open. */
static void
end_tag(XmlWriter *xml)
{
	if (xml->in_tag)
		appendStringInfoChar(&xml->value, '>');
	xml->in_tag = false;
}

/*
 * XmlBegin
 *		Write the start of an element.
 */
void
XmlBegin(XmlWriter *xml, const char *name, const char *const *attributes)
{
	Assert(xml->depth < XML_MAX_DEPTH);
	end_tag(xml);
	appendStringInfo(&xml->value, "<%s", name);
	for (int i = 0; attributes != NULL && attributes[i] != NULL; i += 2)
	{
		appendStringInfo(&xml->value, " %s=\"", attributes[i]);
		EscapeAppend(&xml->value, attributes[i + 1], ESCAPE_FOR_ATTRIBUTE);
		appendStringInfoChar(&xml->value, '"');
	}
	xml->open[xml->depth++] = name;
	xml->in_tag = true;
}

/*
 * XmlEnd
 *		Write the end of the current element.
 */
void
XmlEnd(XmlWriter *xml)
{
	const char *name = xml->open[--xml->depth];

	if (xml->in_tag)
		appendStringInfoString(&xml->value, "/>");
	else
		appendStringInfo(&xml->value, "</%s>", name);
	xml->in_tag = false;
}

/*
 * XmlEmptyElement
 *		Write an element without content.
 */
void
XmlEmptyElement(XmlWriter *xml, const char *name, const char *const *attributes)
{
	XmlBegin(xml, name, attributes);
	XmlEnd(xml);
}

/*
 * XmlText
 *		Text between elements, or in one.
 */
void
XmlText(XmlWriter *xml, const char *text)
{
	end_tag(xml);
	EscapeAppend(&xml->value, text, ESCAPE_FOR_XML);
}

static void
write_element(XmlWriter *xml, const char *name, const char *const *attributes,
			  const char *text, EscapeFor purpose)
{
	XmlBegin(xml, name, attributes);
	end_tag(xml);
	EscapeAppend(&xml->value, text, purpose);
	XmlEnd(xml);
}

/*
 * XmlTextElement
 *		Write an element with a text.
 */
void
XmlTextElement(XmlWriter *xml, const char *name, const char *const *attributes,
			   const char *text)
{
	write_element(xml, name, attributes, text, ESCAPE_FOR_XML);
}

/*
 * XmlSimpleElement
 *		The same, without attributes.
 */
void
XmlSimpleElement(XmlWriter *xml, const char *name, const char *text)
{
	XmlTextElement(xml, name, NO_ATTRIBUTES, text);
}

/*
 * XmlHtmlElement
 *		Write an element whose text is shown as HTML.
 */
void
XmlHtmlElement(XmlWriter *xml, const char *name, const char *text)
{
	write_element(xml, name, NO_ATTRIBUTES, text, ESCAPE_FOR_HTML_IN_XML);
}

/*
 * XmlFinish
 *		The XML that was written; the writer cannot be used any more.
 */
xmltype *
XmlFinish(XmlWriter *xml)
{
	Assert(xml->depth == 0);
	SET_VARSIZE(xml->value.data, xml->value.len);
	return (xmltype *) xml->value.data;
}
