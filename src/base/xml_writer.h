/*
 * xml_writer.h
 *		Writing elements of XML.
 */
#ifndef ACTSTREAM_XML_WRITER_H
#define ACTSTREAM_XML_WRITER_H

#include "base/escape.h"

#include "utils/xml.h"

/* how deep elements can be nested */
#define XML_MAX_DEPTH 8

/* The attributes of an element: names and values in turn. */
#define XmlAttributes(...) ((const char *const []) {__VA_ARGS__, NULL})
#define NO_ATTRIBUTES ((const char *const *) NULL)

/* An element that is being written. */
typedef struct XmlWriter
{
	StringInfoData value;		/* starts with room for a varlena header */
	int			depth;
	const char *open[XML_MAX_DEPTH];	/* names of the open elements */
	bool		in_tag;			/* is the start tag of the last one not closed yet? */
} XmlWriter;

extern void XmlInit(XmlWriter *xml);
extern void XmlBegin(XmlWriter *xml, const char *name, const char *const *attributes);
extern void XmlEnd(XmlWriter *xml);
extern void XmlEmptyElement(XmlWriter *xml, const char *name, const char *const *attributes);
extern void XmlText(XmlWriter *xml, const char *text);
extern void XmlTextElement(XmlWriter *xml, const char *name, const char *const *attributes,
						   const char *text);
extern void XmlSimpleElement(XmlWriter *xml, const char *name, const char *text);
extern void XmlHtmlElement(XmlWriter *xml, const char *name, const char *text);
extern xmltype *XmlFinish(XmlWriter *xml);

#endif							/* ACTSTREAM_XML_WRITER_H */
