/*
 * key_type.c
 *		Types whose values can be keys of references, and the text of a value.
 *
 * A reference is compared by its bytes, and means the same in every session.  So each
 * value has one text, which depends on no setting, and equal values have the same text:
 * integers and uuids as they are printed; text, varchar and name as they are;
 * character(n) without trailing blanks; citext in lower case; enum values by their
 * labels; dates and timestamps as iso_time.c writes them, those with time zone in UTC.
 *
 * No code that a user could have written is called here: core prints and parses the
 * values, and compares them with the default operator class of their type, which only a
 * superuser can define.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/iso_time.h"
#include "object/key_type.h"
#include "ref/ref.h"

#include "access/htup_details.h"
#include "catalog/dependency.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "utils/builtins.h"
#include "utils/formatting.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

/* The types that KeyType() returns, by how their values are printed and parsed. */
typedef enum KeyKind
{
	KEY_INVALID,
	KEY_INTEGER,
	KEY_UUID,
	KEY_TEXT,
	KEY_NAME,
	KEY_CHARACTER,
	KEY_CITEXT,
	KEY_ENUM,
	KEY_DATE,
	KEY_TIMESTAMP,
	KEY_TIMESTAMPTZ
} KeyKind;

/*
 * Is this the type of extension citext?  Only a superuser can create base types, so
 * another type with its name would be a superuser's own doing; membership in the
 * extension is checked only the first time.
 */
static bool
is_citext(Oid type)
{
	static Oid	known = InvalidOid;
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	bool		has_name = false;

	if (HeapTupleIsValid(tuple))
	{
		Form_pg_type form = (Form_pg_type) GETSTRUCT(tuple);

		has_name = form->typtype == TYPTYPE_BASE && form->typlen == -1 &&
			strcmp(NameStr(form->typname), "citext") == 0;
		ReleaseSysCache(tuple);
	}
	if (!has_name || type == known)
		return has_name;
	if (getExtensionOfObject(TypeRelationId, type) != get_extension_oid("citext", true))
		return false;
	known = type;
	return true;
}

static KeyKind
kind_of(Oid type)
{
	switch (type)
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
			return KEY_INTEGER;
		case UUIDOID:
			return KEY_UUID;
		case TEXTOID:
			return KEY_TEXT;
		case NAMEOID:
			return KEY_NAME;
		case BPCHAROID:
			return KEY_CHARACTER;
		case DATEOID:
			return KEY_DATE;
		case TIMESTAMPOID:
			return KEY_TIMESTAMP;
		case TIMESTAMPTZOID:
			return KEY_TIMESTAMPTZ;
		default:
			if (type_is_enum(type))
				return KEY_ENUM;
			return is_citext(type) ? KEY_CITEXT : KEY_INVALID;
	}
}

/*
 * KeyType
 *		The type in which values of "type" are keys: the base type of a domain, text
 *		for varchar, else "type" itself; InvalidOid if they cannot be keys.
 */
Oid
KeyType(Oid type)
{
	type = getBaseType(type);
	if (type == VARCHAROID)
		return TEXTOID;
	return kind_of(type) != KEY_INVALID ? type : InvalidOid;
}

/*
 * KeyTypeIsInteger
 *		Is that one of the integer types, which references write alike?
 */
bool
KeyTypeIsInteger(Oid type)
{
	return type == INT2OID || type == INT4OID || type == INT8OID;
}

/*
 * KeyTypeEquality
 *		The operator that compares keys of a type that KeyType() returned.
 */
Oid
KeyTypeEquality(Oid type)
{
	Oid			operator = lookup_type_cache(type, TYPECACHE_EQ_OPR)->eq_opr;

	if (!OidIsValid(operator))
		elog(ERROR, "missing equality operator of type %u", type);
	return operator;
}

static char *
operator_schema(Oid operator)
{
	HeapTuple	tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(operator));
	Oid			schema;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for operator %u", operator);
	schema = ((Form_pg_operator) GETSTRUCT(tuple))->oprnamespace;
	ReleaseSysCache(tuple);
	return get_namespace_name(schema);
}

/*
 * The qualified name of a type in SQL.  Not format_type: without a modifier, "character"
 * means character(1).
 */
static char *
type_name(Oid type)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	Form_pg_type form;
	char	   *name;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for type %u", type);
	form = (Form_pg_type) GETSTRUCT(tuple);
	name = quote_qualified_identifier(get_namespace_name(form->typnamespace),
									  NameStr(form->typname));
	ReleaseSysCache(tuple);
	return name;
}

/*
 * Append an operand.  A domain is cast to its base type, because the operator of enums
 * does not accept a domain; the cast converts nothing, so an index can still be used.
 */
static void
append_operand(StringInfo sql, Oid type, const char *operand)
{
	Oid			base = getBaseType(type);

	appendStringInfoString(sql, operand);
	if (base != type)
		appendStringInfo(sql, "::%s", type_name(base));
}

/*
 * KeyTypeAppendEquality
 *		Append to a query the condition that two operands are equal, whose types have
 *		the same KeyType().
 */
void
KeyTypeAppendEquality(StringInfo sql, Oid left_type, const char *left, Oid right_type,
					  const char *right)
{
	Oid			operator = KeyTypeEquality(KeyType(left_type));

	append_operand(sql, left_type, left);
	appendStringInfo(sql, " OPERATOR(%s.%s) ", quote_identifier(operator_schema(operator)),
					 get_opname(operator));
	append_operand(sql, right_type, right);
}

static char *
lower_case(const char *text, size_t len)
{
	/* citext compares in this collation, whatever the column's is */
	return str_tolower(text, len, DEFAULT_COLLATION_OID);
}

static char *
without_trailing_blanks(const char *text)
{
	return pnstrdup(text, bpchartruelen(unconstify(char *, text), strlen(text)));
}

/*
 * KeyTypeText
 *		The text of a value of a type that KeyType() returned.
 */
char *
KeyTypeText(Oid type, Datum value)
{
	Oid			output;
	bool		isvarlena;
	text	   *string;

	switch (kind_of(type))
	{
		case KEY_CHARACTER:
			return without_trailing_blanks(TextDatumGetCString(value));
		case KEY_CITEXT:
			string = DatumGetTextPP(value);
			return lower_case(VARDATA_ANY(string), VARSIZE_ANY_EXHDR(string));
		case KEY_DATE:
			return IsoDate(DatumGetDateADT(value));
		case KEY_TIMESTAMP:
			return IsoTimestamp(DatumGetTimestamp(value), false);
		case KEY_TIMESTAMPTZ:
			return IsoTimestamp(DatumGetTimestampTz(value), true);
		default:
			getTypeOutputInfo(type, &output, &isvarlena);
			return OidOutputFunctionCall(output, value);
	}
}

static bool
parse_integer(Oid type, const char *text, Datum *value)
{
	int64		integer;

	if (!RefParseInteger(text, strlen(text), &integer))
		return false;
	switch (type)
	{
		case INT2OID:
			*value = Int16GetDatum((int16) integer);
			return integer >= PG_INT16_MIN && integer <= PG_INT16_MAX;
		case INT4OID:
			*value = Int32GetDatum((int32) integer);
			return integer >= PG_INT32_MIN && integer <= PG_INT32_MAX;
		default:
			*value = Int64GetDatum(integer);
			return true;
	}
}

static bool
parse_uuid(const char *text, Datum *value)
{
	pg_uuid_t  *uuid = palloc(sizeof(pg_uuid_t));

	*value = UUIDPGetDatum(uuid);
	return RefParseUuid(text, strlen(text), uuid);
}

/*
 * The value of an enum with this label.  Does not use the type's input function, which
 * raises an error for a label that this transaction has added.
 */
static bool
parse_enum(Oid type, const char *text, Datum *value)
{
	HeapTuple	tuple;

	if (strlen(text) >= NAMEDATALEN)
		return false;
	tuple = SearchSysCache2(ENUMTYPOIDNAME, ObjectIdGetDatum(type), CStringGetDatum(text));
	if (!HeapTupleIsValid(tuple))
		return false;
	*value = ObjectIdGetDatum(((Form_pg_enum) GETSTRUCT(tuple))->oid);
	ReleaseSysCache(tuple);
	return true;
}

/*
 * KeyTypeParse
 *		The value with exactly this text, of a type that KeyType() returned; false if
 *		there is none.  Raises no error for any text.
 */
bool
KeyTypeParse(Oid type, const char *text, Datum *value)
{
	DateADT		date;
	Timestamp	timestamp;

	switch (kind_of(type))
	{
		case KEY_INTEGER:
			return parse_integer(type, text, value);
		case KEY_UUID:
			return parse_uuid(text, value);
		case KEY_NAME:
			if (strlen(text) >= NAMEDATALEN)
				return false;
			*value = DirectFunctionCall1(namein, CStringGetDatum(text));
			return true;
		case KEY_CHARACTER:
			*value = CStringGetTextDatum(text);
			return strcmp(text, without_trailing_blanks(text)) == 0;
		case KEY_CITEXT:
			*value = CStringGetTextDatum(text);
			return strcmp(text, lower_case(text, strlen(text))) == 0;
		case KEY_TEXT:
			*value = CStringGetTextDatum(text);
			return true;
		case KEY_ENUM:
			return parse_enum(type, text, value);
		case KEY_DATE:
			if (!IsoParseDate(text, &date))
				return false;
			*value = DateADTGetDatum(date);
			return true;
		case KEY_TIMESTAMP:
		case KEY_TIMESTAMPTZ:
			if (!IsoParseTimestamp(text, type == TIMESTAMPTZOID, &timestamp))
				return false;
			*value = TimestampGetDatum(timestamp);
			return true;
		case KEY_INVALID:
			break;
	}
	return false;
}

/* "007" and "+7" become "7". */
static char *
canonical_integer(const char *text)
{
	const char *sign;
	size_t		ndigits;

	text += strspn(text, " ");
	sign = *text == '-' ? "-" : "";
	if (*text == '-' || *text == '+')
		text++;
	ndigits = strspn(text, "0123456789");
	if (ndigits == 0 || text[ndigits + strspn(text + ndigits, " ")] != '\0')
		return NULL;
	for (; ndigits > 1 && *text == '0'; ndigits--)
		text++;
	return psprintf("%s%s", *text == '0' ? "" : sign, pnstrdup(text, ndigits));
}

/* 32 hexadecimal digits, with hyphens, braces or blanks anywhere, become a uuid. */
static char *
canonical_uuid(const char *text)
{
	char		digits[2 * UUID_LEN + 1];
	int			n = 0;

	for (const char *p = text; *p != '\0'; p++)
	{
		if (strchr("{}- ", *p) != NULL)
			continue;
		if (n == 2 * UUID_LEN)
			return NULL;
		digits[n++] = pg_ascii_tolower((unsigned char) *p);
	}
	digits[n] = '\0';
	return psprintf("%.8s-%.4s-%.4s-%.4s-%s", digits, digits + Min(n, 8),
					digits + Min(n, 12), digits + Min(n, 16), digits + Min(n, 20));
}

/*
 * KeyTypeCanonicalText
 *		What was probably meant by this text, as KeyTypeParse() accepts it; NULL if
 *		that cannot be guessed.
 */
char *
KeyTypeCanonicalText(Oid type, const char *text)
{
	char	   *canonical = NULL;
	Datum		value;

	switch (kind_of(type))
	{
		case KEY_INTEGER:
			canonical = canonical_integer(text);
			break;
		case KEY_UUID:
			canonical = canonical_uuid(text);
			break;
		case KEY_CHARACTER:
			canonical = without_trailing_blanks(text);
			break;
		case KEY_CITEXT:
			canonical = lower_case(text, strlen(text));
			break;
		default:
			canonical = pstrdup(text);
			break;
	}
	return canonical != NULL && KeyTypeParse(type, canonical, &value) ? canonical : NULL;
}

/*
 * KeyTypeExample
 *		An example of a key of a type that KeyType() returned, for hints; NULL where no
 *		example helps.
 */
const char *
KeyTypeExample(Oid type)
{
	switch (kind_of(type))
	{
		case KEY_INTEGER:
			return "42";
		case KEY_UUID:
			return "6f1c3a52-0c39-4f9e-8d6c-2b1f0a7c9e11";
		case KEY_DATE:
			return "2026-03-01";
		case KEY_TIMESTAMP:
			return "2026-03-01T09:00:00.5";
		case KEY_TIMESTAMPTZ:
			return "2026-03-01T09:00:00.5Z";
		default:
			return NULL;
	}
}
