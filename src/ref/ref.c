/*
 * ref.c
 *		Input, output, construction and parts of the reference type.
 *
 * See ref.h for what is stored.
 */
#include "postgres.h"

#include "base/compat.h"
#include "ref/ref.h"

#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "nodes/nodes.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"

/* kinds of keys, as ref.h lists them */
#define KIND_NEGATIVE(nbytes)	(0x09 - (nbytes))
#define KIND_ZERO				0x09
#define KIND_POSITIVE(nbytes)	(KIND_ZERO + (nbytes))
#define KIND_UUID				0x12
#define KIND_TEXT				0x13

/* length of the canonical text of a uuid */
#define UUID_TEXT_LEN			36

/* "-9223372036854775808" */
#define INTEGER_TEXT_LEN		20

PG_FUNCTION_INFO_V1(actstream_ref_in);
PG_FUNCTION_INFO_V1(actstream_ref_out);
PG_FUNCTION_INFO_V1(actstream_ref_recv);
PG_FUNCTION_INFO_V1(actstream_ref_send);
PG_FUNCTION_INFO_V1(actstream_ref_from_bigint);
PG_FUNCTION_INFO_V1(actstream_ref_from_uuid);
PG_FUNCTION_INFO_V1(actstream_ref_from_text);
PG_FUNCTION_INFO_V1(actstream_ref_label);
PG_FUNCTION_INFO_V1(actstream_ref_key);
PG_FUNCTION_INFO_V1(actstream_label_start);
PG_FUNCTION_INFO_V1(actstream_label_stop);

static inline bool
is_label_start(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static inline bool
is_label_char(unsigned char c)
{
	return is_label_start(c) || (c >= '0' && c <= '9') || c == '.' || c == '-';
}

/*
 * RefLabelIsWellFormed
 *		Is it made of what a label is made of, however long it is?
 */
bool
RefLabelIsWellFormed(const char *label, int len)
{
	if (len == 0 || !is_label_start(label[0]))
		return false;
	for (int i = 1; i < len; i++)
	{
		if (!is_label_char(label[i]))
			return false;
	}
	return true;
}

/*
 * Check a label and the length of a key.
 *
 * Returns true if they can form a reference.  Otherwise reports an error to
 * "escontext", or raises it if that is NULL: "malformed" is the errcode for invalid
 * syntax; exceeded limits are ERRCODE_PROGRAM_LIMIT_EXCEEDED.
 */
static bool
check_parts(const char *label, int label_len, int key_len, int malformed,
			Node *escontext)
{
	if (!RefLabelIsWellFormed(label, label_len))
		ereturn(escontext, false,
				(errcode(malformed),
				 errmsg("invalid label of a reference: \"%s\"",
						pnstrdup(label, pg_mbcliplen(label, label_len, REF_MAX_LABEL))),
				 errdetail(REF_LABEL_RULE)));
	if (label_len > REF_MAX_LABEL)
		ereturn(escontext, false,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("label of a reference is too long"),
				 errdetail("The label has %d bytes; the limit is %d.",
						   label_len, REF_MAX_LABEL)));
	if (key_len == 0)
		ereturn(escontext, false,
				(errcode(malformed),
				 errmsg("key of a reference is empty"),
				 errdetail("A reference is a label and a key, as in \"%.*s:42\".",
						   label_len, label)));
	if (key_len > REF_MAX_KEY)
		ereturn(escontext, false,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("key of a reference is too long"),
				 errdetail("The key has %d bytes; the limit is %d.",
						   key_len, REF_MAX_KEY)));
	return true;
}

/*
 * RefCheckLabel
 *		Raise an error unless "label" can be the label of a reference.
 */
void
RefCheckLabel(const char *label, int len)
{
	(void) check_parts(label, len, 1, ERRCODE_INVALID_TEXT_REPRESENTATION, NULL);
}

/*
 * RefIsWellFormed
 *		Would actstream_ref_in() accept the text?  Raises no error.
 */
bool
RefIsWellFormed(const char *str)
{
	const char *colon = strchr(str, ':');
	size_t		key_len = colon == NULL ? 0 : strlen(colon + 1);

	return key_len > 0 && key_len <= REF_MAX_KEY &&
		colon - str <= REF_MAX_LABEL && RefLabelIsWellFormed(str, colon - str);
}

/*
 * Allocate a reference from checked parts, with room for "nbytes" of packed key, and
 * point *key to that room.
 */
static Ref *
make_ref(const char *label, int label_len, unsigned char kind, int nbytes,
		 char **key)
{
	Size		size = VARHDRSZ + label_len + 1 + nbytes;
	Ref		   *ref = palloc(size);
	char	   *p = VARDATA(ref);

	SET_VARSIZE(ref, size);
	memcpy(p, label, label_len);
	p[label_len] = (char) kind;
	*key = p + label_len + 1;
	return ref;
}

static Ref *
make_integer_ref(const char *label, int label_len, int64 value)
{
	/* the significant bits: those of value, or of its complement */
	uint64		magnitude = value < 0 ? ~((uint64) value) : (uint64) value;
	uint64		bytes = pg_hton64((uint64) value);
	int			nbytes = value < 0 ? 1 : 0;
	char	   *key;
	Ref		   *ref;

	while (nbytes < 8 && (magnitude >> (8 * nbytes)) != 0)
		nbytes++;

	ref = make_ref(label, label_len,
				   value < 0 ? KIND_NEGATIVE(nbytes) : KIND_POSITIVE(nbytes),
				   nbytes, &key);
	memcpy(key, (char *) &bytes + (8 - nbytes), nbytes);
	return ref;
}

static Ref *
make_uuid_ref(const char *label, int label_len, const pg_uuid_t *value)
{
	char	   *key;
	Ref		   *ref = make_ref(label, label_len, KIND_UUID, UUID_LEN, &key);

	memcpy(key, value->data, UUID_LEN);
	return ref;
}

/*
 * RefParseInteger
 *		Is this the text that int8out() gives for some integer?  It has no sign but "-",
 *		no leading zero, is not "-0", and fits into 64 bits.
 */
bool
RefParseInteger(const char *str, int len, int64 *result)
{
	bool		negative = (len > 0 && str[0] == '-');
	int			ndigits = negative ? len - 1 : len;
	const char *digits = str + (len - ndigits);
	uint64		magnitude = 0;

	if (ndigits < 1 || len > INTEGER_TEXT_LEN)
		return false;
	if (digits[0] == '0' && (negative || ndigits > 1))
		return false;

	/* at most 20 digits: stop before the product could wrap */
	for (int i = 0; i < ndigits; i++)
	{
		if (digits[i] < '0' || digits[i] > '9' || magnitude > PG_INT64_MAX / 10)
			return false;
		magnitude = magnitude * 10 + (digits[i] - '0');
	}
	if (magnitude > (uint64) PG_INT64_MAX + (negative ? 1 : 0))
		return false;

	*result = (int64) (negative ? ~magnitude + 1 : magnitude);
	return true;
}

static inline int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/*
 * RefParseUuid
 *		Is this the text that uuid_out() gives for some uuid? uuid_in() accepts much
 *		more, so it cannot be used here.
 */
bool
RefParseUuid(const char *str, int len, pg_uuid_t *result)
{
	int			at = 0;

	if (len != UUID_TEXT_LEN)
		return false;
	for (int i = 0; i < UUID_LEN; i++)
	{
		int			high;
		int			low;

		if (i == 4 || i == 6 || i == 8 || i == 10)
		{
			if (str[at++] != '-')
				return false;
		}
		high = hex_value(str[at++]);
		low = hex_value(str[at++]);
		if (high < 0 || low < 0)
			return false;
		result->data[i] = (unsigned char) (high << 4 | low);
	}
	return true;
}

/* Make a reference from checked parts. */
static Ref *
make_packed_ref(const char *label, int label_len, const char *key, int key_len)
{
	int64		integer;
	pg_uuid_t	uuid;
	char	   *room;
	Ref		   *ref;

	if (RefParseInteger(key, key_len, &integer))
		return make_integer_ref(label, label_len, integer);
	if (RefParseUuid(key, key_len, &uuid))
		return make_uuid_ref(label, label_len, &uuid);

	ref = make_ref(label, label_len, KIND_TEXT, key_len, &room);
	memcpy(room, key, key_len);
	return ref;
}

/*
 * Parse "label:key".
 *
 * If it is malformed, reports that to "escontext" and returns NULL, or raises the error
 * if "escontext" is NULL; see check_parts() for "malformed".
 */
static Ref *
parse_ref(const char *str, int len, int malformed, Node *escontext)
{
	const char *colon = memchr(str, ':', len);
	int			label_len;
	int			key_len;

	if (colon == NULL)
		ereturn(escontext, NULL,
				(errcode(malformed),
				 errmsg("invalid input syntax for type %s: \"%s\"",
						"actstream.ref",
						pnstrdup(str, pg_mbcliplen(str, len, REF_MAX_LABEL))),
				 errdetail("A reference consists of a label, a colon and a key, as in \"user:42\".")));

	label_len = colon - str;
	key_len = len - label_len - 1;
	if (!check_parts(str, label_len, key_len, malformed, escontext))
		return NULL;
	return make_packed_ref(str, label_len, colon + 1, key_len);
}

/*
 * RefFromInteger, RefFromText
 *		Make a reference, in the current memory context.
 *
 * Raise ERRCODE_INVALID_TEXT_REPRESENTATION for a malformed label or an empty key,
 * ERRCODE_PROGRAM_LIMIT_EXCEEDED if either is too long.
 */
Ref *
RefFromInteger(const char *label, int label_len, int64 key)
{
	RefCheckLabel(label, label_len);
	return make_integer_ref(label, label_len, key);
}

Ref *
RefFromText(const char *label, int label_len, const char *key, int key_len)
{
	(void) check_parts(label, label_len, key_len,
					   ERRCODE_INVALID_TEXT_REPRESENTATION, NULL);
	return make_packed_ref(label, label_len, key, key_len);
}

/*
 * RefLabelLength
 *		Number of bytes of the label, which begins at VARDATA_ANY(ref).
 */
int
RefLabelLength(const Ref *ref)
{
	const char *data = VARDATA_ANY(ref);
	int			len = 0;

	while ((unsigned char) data[len] >= LABEL_MIN_CHAR)
		len++;
	return len;
}

/*
 * Append the text form of the key.
 */
static void
append_key(StringInfo buf, const Ref *ref)
{
	int			label_len = RefLabelLength(ref);
	const unsigned char *key = (const unsigned char *) VARDATA_ANY(ref) + label_len + 1;
	int			key_len = VARSIZE_ANY_EXHDR(ref) - label_len - 1;
	unsigned char kind = key[-1];

	if (kind == KIND_TEXT)
		appendBinaryStringInfo(buf, (const char *) key, key_len);
	else if (kind == KIND_UUID)
	{
		pg_uuid_t	uuid;

		memcpy(uuid.data, key, UUID_LEN);
		appendStringInfoString(buf, DatumGetCString(DirectFunctionCall1(uuid_out,
																		UUIDPGetDatum(&uuid))));
	}
	else
	{
		/* the bytes that are not stored are copies of the sign */
		uint64		value = kind < KIND_ZERO ? PG_UINT64_MAX : 0;

		for (int i = 0; i < key_len; i++)
			value = value << 8 | key[i];
		appendStringInfo(buf, INT64_FORMAT, (int64) value);
	}
}

/*
 * Append "label:key".
 */
static void
append_ref(StringInfo buf, const Ref *ref)
{
	appendBinaryStringInfo(buf, VARDATA_ANY(ref), RefLabelLength(ref));
	appendStringInfoChar(buf, ':');
	append_key(buf, ref);
}

/*
 * RefToText, RefKeyText
 *		"label:key", and the key alone, in the current memory context.
 */
char *
RefToText(const Ref *ref)
{
	StringInfoData buf;

	initStringInfo(&buf);
	append_ref(&buf, ref);
	return buf.data;
}

char *
RefKeyText(const Ref *ref)
{
	StringInfoData buf;

	initStringInfo(&buf);
	append_key(&buf, ref);
	return buf.data;
}

Datum
actstream_ref_in(PG_FUNCTION_ARGS)
{
	char	   *str = PG_GETARG_CSTRING(0);
	size_t		len = strlen(str);

	PG_RETURN_POINTER(parse_ref(str, (int) len,
								ERRCODE_INVALID_TEXT_REPRESENTATION,
								fcinfo->context));
}

Datum
actstream_ref_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(RefToText(PG_GETARG_REF_PP(0)));
}

/* The binary form is the text, which means the same on every server. */
Datum
actstream_ref_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	int			len;
	char	   *str = pq_getmsgtext(buf, buf->len - buf->cursor, &len);

	PG_RETURN_POINTER(parse_ref(str, len,
								ERRCODE_INVALID_BINARY_REPRESENTATION, NULL));
}

Datum
actstream_ref_send(PG_FUNCTION_ARGS)
{
	char	   *text = RefToText(PG_GETARG_REF_PP(0));
	StringInfoData buf;

	pq_begintypsend(&buf);
	pq_sendtext(&buf, text, strlen(text));
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

Datum
actstream_ref_from_bigint(PG_FUNCTION_ARGS)
{
	text	   *label = PG_GETARG_TEXT_PP(0);

	PG_RETURN_REF_P(RefFromInteger(VARDATA_ANY(label), VARSIZE_ANY_EXHDR(label),
								   PG_GETARG_INT64(1)));
}

Datum
actstream_ref_from_uuid(PG_FUNCTION_ARGS)
{
	text	   *label = PG_GETARG_TEXT_PP(0);

	RefCheckLabel(VARDATA_ANY(label), VARSIZE_ANY_EXHDR(label));
	PG_RETURN_REF_P(make_uuid_ref(VARDATA_ANY(label), VARSIZE_ANY_EXHDR(label),
								  PG_GETARG_UUID_P(1)));
}

Datum
actstream_ref_from_text(PG_FUNCTION_ARGS)
{
	text	   *label = PG_GETARG_TEXT_PP(0);
	text	   *key = PG_GETARG_TEXT_PP(1);

	PG_RETURN_REF_P(RefFromText(VARDATA_ANY(label), VARSIZE_ANY_EXHDR(label),
								VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key)));
}

Datum
actstream_ref_label(PG_FUNCTION_ARGS)
{
	Ref		   *ref = PG_GETARG_REF_PP(0);

	PG_RETURN_TEXT_P(cstring_to_text_with_len(VARDATA_ANY(ref),
											  RefLabelLength(ref)));
}

Datum
actstream_ref_key(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(RefKeyText(PG_GETARG_REF_PP(0))));
}

/*
 * actstream_label_start
 *		The smallest reference with the label.
 */
Datum
actstream_label_start(PG_FUNCTION_ARGS)
{
	text	   *label = PG_GETARG_TEXT_PP(0);

	PG_RETURN_REF_P(RefFromInteger(VARDATA_ANY(label), VARSIZE_ANY_EXHDR(label),
								   PG_INT64_MIN));
}

/*
 * The next greater character that a label can contain, in byte order; 0 after the last.
 */
static char
next_label_char(char c)
{
	for (int next = (unsigned char) c + 1; next <= 'z'; next++)
	{
		if (is_label_char((unsigned char) next))
			return (char) next;
	}
	return 0;
}

/*
 * RefAfterLabel
 *		The smallest reference greater than all with the label, or NULL if there is
 *		none: no label is greater than 63 times "z".
 *
 * The next label is the same one with the smallest character appended.  If that would
 * be too long, its last character that can be is incremented, and what follows is
 * dropped.
 */
Ref *
RefAfterLabel(const char *label, int label_len)
{
	char		next[REF_MAX_LABEL];
	int			len = label_len;

	RefCheckLabel(label, label_len);
	memcpy(next, label, len);

	if (len < REF_MAX_LABEL)
		next[len++] = LABEL_MIN_CHAR;
	else
	{
		while (len > 0 && next_label_char(next[len - 1]) == 0)
			len--;
		if (len == 0)
			return NULL;
		next[len - 1] = next_label_char(next[len - 1]);
	}
	return make_integer_ref(next, len, PG_INT64_MIN);
}

/*
 * actstream_label_stop
 *		Like RefAfterLabel(), but raises an error if there is none.
 */
Datum
actstream_label_stop(PG_FUNCTION_ARGS)
{
	text	   *label = PG_GETARG_TEXT_PP(0);
	Ref		   *stop = RefAfterLabel(VARDATA_ANY(label), VARSIZE_ANY_EXHDR(label));

	if (stop == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("no label is greater than \"%s\"",
						text_to_cstring(label))));
	PG_RETURN_REF_P(stop);
}
