/*
 * escape.h
 *		Text as XML and HTML hold it.
 */
#ifndef ACTSTREAM_ESCAPE_H
#define ACTSTREAM_ESCAPE_H

#include "lib/stringinfo.h"

/* What the text gets into. */
typedef enum EscapeFor
{
	ESCAPE_FOR_XML,				/* content of an element of XML 1.0 */
	ESCAPE_FOR_ATTRIBUTE,		/* value of an attribute, in quotation marks */
	ESCAPE_FOR_HTML,			/* HTML that shows the text */
	ESCAPE_FOR_HTML_IN_XML		/* that, as content of an element of XML 1.0 */
} EscapeFor;

extern void EscapeAppend(StringInfo result, const char *text, EscapeFor purpose);

#endif							/* ACTSTREAM_ESCAPE_H */
