/*
 * uri.c
 *		URIs (RFC 3986) and tag URIs (RFC 4151).
 *
 * All output is ASCII, whatever the database encoding: other characters are
 * percent-encoded in UTF-8.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/uri.h"

#include "catalog/namespace.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#define DIGITS			"0123456789"
#define LETTERS			"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define HEX_DIGITS		DIGITS "ABCDEFabcdef"
#define RESERVED		":/?#[]@!$&'()*+,;="
#define SCHEME_CHARS	LETTERS DIGITS "+-."

/*
 * The text in UTF-8, or unchanged if its encoding is not known.
 *
 * A byte that stands for no character, such as some of WIN1252, becomes U+FFFD: one value
 * must not make a whole page fail.
 */
static const char *
to_utf8(const char *text)
{
	int			encoding = GetDatabaseEncoding();
	Oid			conversion;
	StringInfoData utf8;
	Size		left = strlen(text);
	Size		room = left * MAX_CONVERSION_GROWTH + 1;
	char	   *piece;

	if (encoding == PG_SQL_ASCII || encoding == PG_UTF8)
		return text;
	conversion = FindDefaultConversionProc(encoding, PG_UTF8);
	if (!OidIsValid(conversion) || room > MaxAllocSize)
		return pg_server_to_any(text, left, PG_UTF8);
	initStringInfo(&utf8);
	piece = palloc(room);
	while (left > 0)
	{
		int			done = pg_do_encoding_conversion_buf(conversion, encoding, PG_UTF8,
														 unconstify(unsigned char *, (const unsigned char *) text), left,
														 (unsigned char *) piece, room, true);

		appendStringInfoString(&utf8, piece);
		text += done;
		left -= done;
		if (left > 0)
		{
			int			skipped = Min((Size) pg_mblen(text), left);

			appendStringInfoString(&utf8, "\xEF\xBF\xBD");
			text += skipped;
			left -= skipped;
		}
	}
	pfree(piece);
	return utf8.data;
}

static bool
is_one_of(char c, const char *chars)
{
	return c != '\0' && strchr(chars, c) != NULL;
}

static bool
is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		c == '-' || c == '.' || c == '_' || c == '~';
}

static void
append_encoded(StringInfo uri, unsigned char c)
{
	static const char digits[] = "0123456789ABCDEF";

	appendStringInfoChar(uri, '%');
	appendStringInfoChar(uri, digits[c >> 4]);
	appendStringInfoChar(uri, digits[c & 15]);
}

/*
 * UriAppendValue
 *		Append a value: everything but the characters that RFC 3986 calls unreserved is
 *		percent-encoded.  So any value becomes exactly one segment of a path, or one
 *		value in a query.
 */
void
UriAppendValue(StringInfo uri, const char *value)
{
	for (const char *p = to_utf8(value); *p != '\0'; p++)
	{
		CHECK_FOR_INTERRUPTS();
		if (is_unreserved(*p))
			appendStringInfoChar(uri, *p);
		else
			append_encoded(uri, *p);
	}
}

/*
 * UriEncode
 *		Convert an IRI, or text meant to be one, to a URI: characters that a URI cannot
 *		contain are percent-encoded, and so are percent signs that do not encode
 *		anything.
 */
char *
UriEncode(const char *iri)
{
	StringInfoData uri;

	initStringInfo(&uri);
	for (const char *p = to_utf8(iri); *p != '\0'; p++)
	{
		CHECK_FOR_INTERRUPTS();
		if (is_unreserved(*p) || is_one_of(*p, RESERVED) ||
			(*p == '%' && is_one_of(p[1], HEX_DIGITS) && is_one_of(p[2], HEX_DIGITS)))
			appendStringInfoChar(&uri, *p);
		else
			append_encoded(&uri, *p);
	}
	return uri.data;
}

/*
 * UriSchemeLength
 *		The length of the scheme at the start of the URI, without its colon; 0 if there
 *		is none.
 */
int
UriSchemeLength(const char *uri)
{
	int			len = strspn(uri, SCHEME_CHARS);

	return is_one_of(uri[0], LETTERS) && uri[len] == ':' ? len : 0;
}

static bool
has_scheme(const char *uri, const char *scheme)
{
	int			len = UriSchemeLength(uri);

	return len == (int) strlen(scheme) && pg_strncasecmp(uri, scheme, len) == 0;
}

/*
 * UriIsWebAddress
 *		Is the URI an http or https address with a host?
 */
bool
UriIsWebAddress(const char *uri)
{
	if (!has_scheme(uri, "http") && !has_scheme(uri, "https"))
		return false;
	uri += UriSchemeLength(uri) + 1;
	return strncmp(uri, "//", 2) == 0 && uri[2] != '\0' && !is_one_of(uri[2], "/?#");
}

/*
 * Is it safe to follow the URI, which has a scheme?  Unlike javascript, it runs
 * nothing.
 */
static bool
is_harmless(const char *uri)
{
	static const char *const schemes[] = {
		"acct", "ftp", "ftps", "geo", "mailto", "matrix", "news", "sip", "sips", "sms",
		"tel", "urn", "xmpp"
	};

	for (int i = 0; i < (int) lengthof(schemes); i++)
	{
		if (has_scheme(uri, schemes[i]))
			return true;
	}
	return UriIsWebAddress(uri);
}

/*
 * UriIsScript
 *		Does a browser that follows the URI run, or show as a page of its own, what is in it?
 */
bool
UriIsScript(const char *uri)
{
	static const char *const schemes[] = {"javascript", "vbscript", "data", "blob", "filesystem"};

	for (int i = 0; i < (int) lengthof(schemes); i++)
	{
		if (has_scheme(uri, schemes[i]))
			return true;
	}
	return false;
}

/*
 * UriIsHarmless
 *		Is the URI relative, or has a scheme that may get into links whoever has written it?
 */
bool
UriIsHarmless(const char *uri)
{
	return UriSchemeLength(uri) == 0 || is_harmless(uri);
}

/*
 * UriOfAddress
 *		The URI of a value that is itself an address, encoded by UriEncode(); NULL if
 *		its scheme must not get into links, such as javascript.
 *
 * A value without a scheme is relative to the page that contains it.  A colon in the
 * first segment of its path, which would turn that into a scheme, is percent-encoded.
 */
char *
UriOfAddress(const char *value)
{
	char	   *uri = UriEncode(value);
	int			segment_len = strcspn(uri, "/?#");
	StringInfoData relative;

	if (UriSchemeLength(uri) > 0)
		return is_harmless(uri) ? uri : NULL;
	if (memchr(uri, ':', segment_len) == NULL)
		return uri;
	initStringInfo(&relative);
	for (int i = 0; i < segment_len; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (uri[i] == ':')
			append_encoded(&relative, uri[i]);
		else
			appendStringInfoChar(&relative, uri[i]);
	}
	appendStringInfoString(&relative, uri + segment_len);
	return relative.data;
}

/* Append a path, removing the segments "." and "..": RFC 3986, 5.2.4. */
static void
append_path(StringInfo uri, const char *path)
{
	int			start = uri->len;

	while (*path != '\0')
	{
		int			slash = *path == '/' ? 1 : 0;
		int			len = slash + strcspn(path + slash, "/");
		const char *segment = path + slash;
		int			segment_len = len - slash;
		bool		is_last = path[len] == '\0';

		CHECK_FOR_INTERRUPTS();
		if (segment_len == 1 && segment[0] == '.')
		{
			if (is_last)
				appendStringInfoChar(uri, '/');
		}
		else if (segment_len == 2 && segment[0] == '.' && segment[1] == '.')
		{
			while (uri->len > start && uri->data[uri->len - 1] != '/')
				uri->len--;
			if (uri->len > start)
				uri->len--;
			uri->data[uri->len] = '\0';
			if (is_last)
				appendStringInfoChar(uri, '/');
		}
		else
			appendBinaryStringInfo(uri, path, len);
		path += len;
	}
}

/*
 * UriResolve
 *		Resolve a reference relative to "base", which has a scheme and an authority: RFC
 *		3986, 5.2.
 */
char *
UriResolve(const char *base, const char *reference)
{
	int			scheme_len = UriSchemeLength(base);
	const char *path = base + scheme_len + 3;
	int			path_len;
	int			reference_len = strcspn(reference, "?#");
	StringInfoData uri;
	StringInfoData merged;

	if (UriSchemeLength(reference) > 0)
		return pstrdup(reference);

	initStringInfo(&uri);
	appendBinaryStringInfo(&uri, base, scheme_len + 1);
	if (strncmp(reference, "//", 2) == 0)
	{
		appendStringInfoString(&uri, reference);
		return uri.data;
	}

	path += strcspn(path, "/?#");
	path_len = strcspn(path, "?#");
	appendBinaryStringInfo(&uri, base + scheme_len + 1, path - base - scheme_len - 1);

	initStringInfo(&merged);
	if (reference[0] == '/')
		appendBinaryStringInfo(&merged, reference, reference_len);
	else if (reference_len > 0)
	{
		/* replaces what follows the last slash of the base */
		while (path_len > 0 && path[path_len - 1] != '/')
			path_len--;
		appendBinaryStringInfo(&merged, path, path_len);
		if (path_len == 0)
			appendStringInfoChar(&merged, '/');
		appendBinaryStringInfo(&merged, reference, reference_len);
	}
	else
	{
		/* the same path; and the same query, if the reference has none */
		if (reference[0] != '?')
			path_len = strcspn(path, "#");
		appendBinaryStringInfo(&uri, path, path_len);
		appendStringInfoString(&uri, reference);
		return uri.data;
	}
	append_path(&uri, merged.data);
	appendStringInfoString(&uri, reference + reference_len);
	return uri.data;
}

/*
 * UriWithParameter
 *		The address of another page: the URI without its fragment, with the parameter
 *		added to its query, and without the parameters "before" and "after", which say
 *		where a page begins.
 *
 * The value must not need encoding.
 */
char *
UriWithParameter(const char *uri, const char *name, const char *value)
{
	int			end = strcspn(uri, "#");
	int			pos = strcspn(uri, "?#");
	char		separator = '?';
	StringInfoData result;

	initStringInfo(&result);
	appendBinaryStringInfo(&result, uri, pos);
	while (pos < end)
	{
		const char *parameter = uri + pos + 1;
		int			len = Min((int) strcspn(parameter, "&#"), end - pos - 1);

		CHECK_FOR_INTERRUPTS();
		if (len > 0 && strncmp(parameter, "before=", 7) != 0 &&
			strncmp(parameter, "after=", 6) != 0)
		{
			appendStringInfoChar(&result, separator);
			appendBinaryStringInfo(&result, parameter, len);
			separator = '&';
		}
		pos += 1 + len;
	}
	appendStringInfo(&result, "%c%s=%s", separator, name, value);
	return result.data;
}

/* The length of the domain name at the start of the text; 0 if there is none. */
static int
domain_length(const char *text)
{
	int			len = 0;

	for (;;)
	{
		int			label_len = strspn(text + len, LETTERS DIGITS "-");

		if (label_len == 0 || text[len] == '-' || text[len + label_len - 1] == '-')
			return 0;
		len += label_len;
		if (text[len] != '.')
			return len;
		len++;
	}
}

/* The length of the date at its start, like 2026, 2026-03 or 2026-03-01; 0 if none. */
static int
date_length(const char *text)
{
	int			len = 4;

	if (strspn(text, DIGITS) != 4)
		return 0;
	for (int max = 12; max <= 31 && text[len] == '-'; max += 19)
	{
		int			number;

		if (strspn(text + len + 1, DIGITS) != 2)
			return 0;
		number = (text[len + 1] - '0') * 10 + text[len + 2] - '0';
		if (number < 1 || number > max)
			return 0;
		len += 3;
	}
	return len;
}

/*
 * TagAuthorityLength
 *		The length of the tagging entity (RFC 4151) at the start of the text: a domain
 *		name or an e-mail address, a comma, and a date; 0 if there is none.
 */
int
TagAuthorityLength(const char *text)
{
	int			len = strspn(text, LETTERS DIGITS "-._");
	int			domain_len;
	int			date_len;

	len = len > 0 && text[len] == '@' ? len + 1 : 0;
	domain_len = domain_length(text + len);
	len += domain_len;
	if (domain_len == 0 || text[len] != ',')
		return 0;
	date_len = date_length(text + len + 1);
	return date_len == 0 ? 0 : len + 1 + date_len;
}
