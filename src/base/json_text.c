/*
 * json_text.c
 *		Converting json to jsonb, which cannot hold every value of json.
 *
 * A json value is stored as the text that was entered.  It can contain "\u0000" or half
 * a surrogate pair, which no text value can hold, characters that the database encoding
 * lacks, or numbers beyond the range of numeric.  A query that casts such a value to
 * jsonb fails.  So the text is first searched here for what jsonb_in() would reject.
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

/* most digits of a numeric before and after its decimal point */
#define MAX_INTEGER_DIGITS	131072
#define MAX_SCALE			16383

/*
 * JsonTypeMayOverflow
 *		Can a value of the type, converted to json, be one that jsonb cannot hold?  That
 *		is so for json and for types that contain it.  User-defined types may have any
 *		cast to json, so it is assumed for them.
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

/* Does the database encoding have the character? */
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

/* The value of four hexadecimal digits, or -1. */
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

/*
 * Can text hold the character that the escape at *p stands for?  If so, moves *p past
 * it.
 */
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

/*
 * Can text hold the string that begins at *p, a quotation mark?  If so, moves *p past
 * it.
 */
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

/* Can numeric hold the number that begins at *p, a digit?  Moves *p past it. */
static bool
number_fits(const char **p)
{
	bool		is_zero = true;
	int64		magnitude = 0;	/* digits before the point, without leading zeros */
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

/* Can jsonb hold everything in the text of a json value? */
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
 *		Convert the text of a json value to jsonb.  If jsonb cannot hold it, the result
 *		is a string that contains the text.
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
