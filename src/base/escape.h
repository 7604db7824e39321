/*
 * escape.h
 *		Escaping text for XML and HTML.
 */
#ifndef ACTSTREAM_ESCAPE_H
#define ACTSTREAM_ESCAPE_H

#include "lib/stringinfo.h"

/* Where the text is going to be. */
typedef enum EscapeFor
{
	ESCAPE_FOR_XML,				/* content of an element of XML 1.0 */
	ESCAPE_FOR_ATTRIBUTE,		/* value of an attribute, in quotation marks */
	ESCAPE_FOR_HTML,			/* text content in HTML */
	ESCAPE_FOR_HTML_IN_XML		/* such HTML, as content of an element of XML 1.0 */
} EscapeFor;

extern void EscapeAppend(StringInfo result, const char *text, EscapeFor purpose);

#endif							/* ACTSTREAM_ESCAPE_H */
