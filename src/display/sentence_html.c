/*
 * sentence_html.c
 *		A sentence as HTML: its objects with links, its time for machines, too.
 *
 * It is well-formed XML as well, so it can stand in XHTML and in a value of type xml.
 * Whatever a name or a verb holds is text, and with <bdi> around it cannot turn the
 * direction of what follows, as a right-to-left override would.  Browsers take <bdi> for
 * an isolate of Unicode's, which a text can end from within: so texts are seen to.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/iso_time.h"
#include "base/xml_writer.h"
#include "display/sentence_html.h"

#include "common/string.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

/*
 * The text without what would end an isolate around it: U+2069 that ends none in the text,
 * and the ends of paragraphs, U+0085 and U+2029, in the place of which there are blanks.
 */
static const char *
isolated(const char *text)
{
	StringInfoData result;
	int			depth = 0;
	int			len;

	if (GetDatabaseEncoding() != PG_UTF8 || pg_is_ascii(text))
		return text;
	initStringInfo(&result);
	for (const char *p = text; *p != '\0'; p += len)
	{
		pg_wchar	c = utf8_to_unicode((const unsigned char *) p);

		CHECK_FOR_INTERRUPTS();
		len = pg_utf_mblen((const unsigned char *) p);
		if (c >= 0x2066 && c <= 0x2068)
			depth++;
		if (c == 0x85 || c == 0x2029)
			appendStringInfoChar(&result, ' ');
		else if (c != 0x2069 || depth-- > 0)
			appendBinaryStringInfo(&result, p, len);
		depth = Max(depth, 0);
	}
	return result.data;
}

static void
write_object(XmlWriter *xml, const char *role, const char *name, const char *link)
{
	XmlBegin(xml, "bdi", XmlAttributes("class", role));
	if (link != NULL)
		XmlTextElement(xml, "a", XmlAttributes("href", link), name);
	else
		XmlText(xml, name);
	XmlEnd(xml);
}

/*
 * The time, which in HTML is in the year 1 or later, and has three digits behind the
 * point at most.
 */
static void
write_time(XmlWriter *xml, TimestampTz timestamp, const char *text)
{
	const int64 first = (int64) (date2j(1, 1, 1) - POSTGRES_EPOCH_JDATE) * USECS_PER_DAY;
	int64		microseconds = ((timestamp % 1000) + 1000) % 1000;

	if (TIMESTAMP_NOT_FINITE(timestamp) || timestamp < first)
		XmlText(xml, text);
	else
		XmlTextElement(xml, "time",
					   XmlAttributes("datetime", IsoTimestamp(timestamp - microseconds, true)),
					   text);
}

/*
 * SentenceHtml
 *		The sentence as HTML, in the current memory context.
 */
text *
SentenceHtml(const Sentence *sentence)
{
	XmlWriter	xml;
	ListCell   *lc;

	XmlInit(&xml);
	foreach(lc, sentence->parts)
	{
		const PatternPart *part = lfirst(lc);

		switch (part->word)
		{
			case WORD_ACTOR:
			case WORD_ACTION_OBJECT:
			case WORD_TARGET:
				write_object(&xml, PatternWordName(part->word), isolated(part->text),
							 SentenceLink(sentence, part));
				break;
			case WORD_VERB:
				if (pg_is_ascii(part->text))
					XmlText(&xml, part->text);
				else
					XmlSimpleElement(&xml, "bdi", isolated(part->text));
				break;
			case WORD_TIMESINCE:
				write_time(&xml, sentence->action->timestamp, part->text);
				break;
			default:
				XmlText(&xml, part->text);
		}
	}
	return (text *) XmlFinish(&xml);
}
