/*
 * escape.c
 *		Escaping text for XML and HTML.
 *
 * A text can be as long as any value.  It is escaped in runs, with a check for
 * interrupts between them.  The result can be ten times as long; a result above 1 GB
 * raises our own error.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/escape.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/memutils.h"

/* bytes of text in a run, and the most that each can become */
#define RUN_SIZE		8192
#define MAX_GROWTH		10		/* "&amp;#x0d;" */

/* Replaces a character that XML cannot hold; only UTF-8 has one for that. */
#define REPLACEMENT_CHARACTER	(GetDatabaseEncoding() == PG_UTF8 ? "\xEF\xBF\xBD" : "?")

/* Make room for a run of that length; an error if a value cannot be that long. */
static void
reserve(StringInfo result, int run_len)
{
	int			len = run_len * MAX_GROWTH;

	if (result->len >= (int) MaxAllocSize - len)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("text is too long"),
				 errdetail("With its markup, it exceeds the limit of %d bytes.",
						   (int) MaxAllocSize)));
	enlargeStringInfo(result, len);
}

static char *
put(char *to, const char *text)
{
	size_t		len = strlen(text);

	memcpy(to, text, len);
	return to + len;
}

/*
 * The length of the character at the start of the text if XML 1.0 cannot hold it, else
 * 0.  Such are control characters other than tab, line feed and carriage return, U+FFFE
 * and U+FFFF.
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

/* The entity for a byte, without its leading ampersand; NULL if none is needed. */
static const char *
entity(char c, EscapeFor purpose)
{
	switch (c)
	{
		case '&':
			return "amp;";
		case '<':
			return "lt;";
		case '>':
			return "gt;";
		case '\r':
			return "#x0d;";
		case '"':
			return purpose == ESCAPE_FOR_ATTRIBUTE ? "quot;" : NULL;
		case '\t':
			return purpose == ESCAPE_FOR_ATTRIBUTE ? "#9;" : NULL;
		case '\n':
			return purpose == ESCAPE_FOR_ATTRIBUTE ? "#10;" : NULL;
		default:
			return NULL;
	}
}

/* Is the byte never escaped or replaced?  If this is false, it may or may not be. */
static inline bool
is_plain(unsigned char c)
{
	return c >= 0x20 && c != '&' && c != '<' && c != '>' && c != '"' && c != 0xEF;
}

/*
 * Write the start of the text at *to, where there is room for it: either a whole
 * character, replaced, or one byte, escaped if needed.  Returns how many bytes of text
 * that were.
 */
static int
put_escaped(char **to, const char *text, EscapeFor purpose)
{
	int			forbidden = purpose == ESCAPE_FOR_HTML ? 0 : forbidden_length(text);
	const char *escaped = entity(*text, purpose);

	if (forbidden > 0)
		*to = put(*to, REPLACEMENT_CHARACTER);
	else if (escaped == NULL)
		*(*to)++ = *text;
	else
	{
		*to = put(*to, purpose == ESCAPE_FOR_HTML_IN_XML ? "&amp;" : "&");
		*to = put(*to, escaped);
	}
	return Max(forbidden, 1);
}

/*
 * EscapeAppend
 *		Append the text, escaped.  Characters that XML cannot hold are replaced by
 *		U+FFFD, or by a question mark if the encoding lacks that.
 *
 * Raises ERRCODE_PROGRAM_LIMIT_EXCEEDED if the result is too long.
 */
void
EscapeAppend(StringInfo result, const char *text, EscapeFor purpose)
{
	while (*text != '\0')
	{
		const char *end = text + strnlen(text, RUN_SIZE);
		char	   *to;

		CHECK_FOR_INTERRUPTS();
		reserve(result, end - text);
		to = result->data + result->len;
		while (text < end)
		{
			if (is_plain(*text))
				*to++ = *text++;
			else
				text += put_escaped(&to, text, purpose);
		}
		*to = '\0';
		result->len = to - result->data;
	}
}
