/*
 * json_text.c
 *		Values of json as jsonb, which cannot hold all of them.
 *
 * A json is the text that somebody has written: with "\u0000" in it or half a
 * surrogate pair, which no text has, with characters that the encoding of the database
 * lacks, or with numbers beyond those of numeric.  A query that turns such a value into
 * jsonb fails.  So it is looked at before, here, by what jsonb_in() would object to.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/json_text.h"

#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"

/* what a numeric can have before and behind its point */
#define MAX_INTEGER_DIGITS	131072
#define MAX_SCALE			16383

/*
 * JsonTypeMayOverflow
 *		Can a value of the type come to hold json that jsonb cannot, when it is turned
 *		into json?  So can json itself, and what it is in; and who knows what a cast of
 *		a user's type makes.
 */
bool
JsonTypeMayOverflow(Oid type)
{
	Oid			element;

	type = getBaseType(type);
	element = get_element_type(type);
	if (OidIsValid(element))
		return JsonTypeMayOverflow(element);
	return type == JSONOID || type >= FirstNormalObjectId || type_is_rowtype(type);
}

/* Has the encoding of the database the character? */
static bool
has_character(pg_wchar codepoint)
{
	unsigned char utf8[8] = {0};
	unsigned char converted[8 * MAX_CONVERSION_GROWTH];
	int			len;
	Oid			conversion;

	if (codepoint < 0x80 || GetDatabaseEncoding() == PG_UTF8)
		return true;
	conversion = FindDefaultConversionProc(PG_UTF8, GetDatabaseEncoding());
	if (!OidIsValid(conversion))
		return false;
	unicode_to_utf8(codepoint, utf8);
	len = pg_utf_mblen(utf8);
	return pg_do_encoding_conversion_buf(conversion, PG_UTF8, GetDatabaseEncoding(), utf8, len,
										 converted, sizeof(converted), true) == len;
}

/* The number that four hexadecimal digits are, or -1. */
static int
parse_unit(const char *digits)
{
	int			unit = 0;

	for (int i = 0; i < 4; i++)
	{
		unsigned char c = pg_ascii_tolower((unsigned char) digits[i]);

		if (!isxdigit(c))
			return -1;
		unit = unit * 16 + (c <= '9' ? c - '0' : c - 'a' + 10);
	}
	return unit;
}

/* Has text the character that the escape is for?  *p goes behind it. */
static bool
escape_fits(const char **p)
{
	int			unit = parse_unit(*p + 2);

	if (unit <= 0 || is_utf16_surrogate_second(unit))
		return false;
	*p += 6;
	if (is_utf16_surrogate_first(unit))
	{
		int			second = (*p)[0] == '\\' && (*p)[1] == 'u' ? parse_unit(*p + 2) : -1;

		if (second < 0 || !is_utf16_surrogate_second(second))
			return false;
		*p += 6;
		return has_character(surrogate_pair_to_codepoint(unit, second));
	}
	return has_character(unit);
}

/* *p stands at a quotation mark and goes behind the one that ends the string. */
static bool
string_fits(const char **p)
{
	(*p)++;
	while (**p != '"' && **p != '\0')
	{
		CHECK_FOR_INTERRUPTS();
		if (**p != '\\')
			(*p)++;
		else if ((*p)[1] != 'u')
			*p += (*p)[1] == '\0' ? 1 : 2;
		else if (!escape_fits(p))
			return false;
	}
	if (**p == '"')
		(*p)++;
	return true;
}

/* Can numeric hold it?  *p stands at a digit and goes behind the number. */
static bool
number_fits(const char **p)
{
	bool		is_zero = true;
	int64		magnitude = 0;	/* digits before the point, but for leading zeros */
	int64		scale = 0;
	int64		exponent = 0;

	for (; **p >= '0' && **p <= '9'; (*p)++)
	{
		CHECK_FOR_INTERRUPTS();
		is_zero = is_zero && **p == '0';
		magnitude += is_zero ? 0 : 1;
	}
	if (**p == '.')
	{
		for ((*p)++; **p >= '0' && **p <= '9'; (*p)++)
		{
			CHECK_FOR_INTERRUPTS();
			is_zero = is_zero && **p == '0';
			magnitude -= is_zero ? 1 : 0;
			scale++;
		}
	}
	if (**p == 'e' || **p == 'E')
	{
		bool		is_negative = (*p)[1] == '-';

		*p += is_negative || (*p)[1] == '+' ? 2 : 1;
		for (; **p >= '0' && **p <= '9'; (*p)++)
			exponent = Min(exponent * 10 + (**p - '0'), PG_INT32_MAX);
		exponent = is_negative ? -exponent : exponent;
	}
	return (is_zero || magnitude + exponent <= MAX_INTEGER_DIGITS) &&
		scale - exponent <= MAX_SCALE && exponent < PG_INT32_MAX / 2;
}

/* Can jsonb hold all that is in the text, which is that of a json? */
static bool
fits(const char *json)
{
	const char *p = json;

	while (*p != '\0')
	{
		bool		part_fits = true;

		CHECK_FOR_INTERRUPTS();
		if (*p == '"')
			part_fits = string_fits(&p);
		else if (*p >= '0' && *p <= '9')
			part_fits = number_fits(&p);
		else
			p++;
		if (!part_fits)
			return false;
	}
	return true;
}

/*
 * JsonTextToJsonb
 *		The jsonb of the text of a json; of one that jsonb cannot hold, a string that is
 *		the text.
 */
Jsonb *
JsonTextToJsonb(const char *json)
{
	JsonbValue	string = {.type = jbvString};

	if (fits(json))
		return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(json)));
	string.val.string.val = unconstify(char *, json);
	string.val.string.len = strlen(json);
	return JsonbValueToJsonb(&string);
}
