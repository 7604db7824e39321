/*
 * json_writer.c
 *		Writing JSON.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/escape.h"
#include "base/json_writer.h"

#include "utils/memutils.h"
#include "utils/numeric.h"

/*
 * Push a text, which must live as long as the writer; allocates in the writer's memory
 * context.
 */
static void
push_text(JsonWriter *json, JsonbIteratorToken token, char *text)
{
	MemoryContext caller = MemoryContextSwitchTo(json->context);
	size_t		len = strlen(text);
	JsonbValue	value = {.type = jbvString};

	if (len > JENTRY_OFFLENMASK)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("text is too long for jsonb"),
				 errdetail("It has %zu bytes; the limit is %d.", len, JENTRY_OFFLENMASK)));
	value.val.string.len = len;
	value.val.string.val = text;
	pushJsonbValue(&json->state, token, &value);
	MemoryContextSwitchTo(caller);
}

/* Push a copy of a text. */
static void
push_copy(JsonWriter *json, JsonbIteratorToken token, const char *text)
{
	push_text(json, token, MemoryContextStrdup(json->context, text));
}

/*
 * JsonBegin
 *		Begin to write an object or an array, in the current memory context.
 */
void
JsonBegin(JsonWriter *json, JsonbIteratorToken token)
{
	memset(json, 0, sizeof(JsonWriter));
	json->context = CurrentMemoryContext;
	JsonMark(json, token);
}

/*
 * JsonMark
 *		Begin or end an object or an array.
 */
void
JsonMark(JsonWriter *json, JsonbIteratorToken token)
{
	MemoryContext caller = MemoryContextSwitchTo(json->context);

	pushJsonbValue(&json->state, token, NULL);
	MemoryContextSwitchTo(caller);
}

/*
 * JsonKey
 *		Write the key of the next value.
 */
void
JsonKey(JsonWriter *json, const char *key)
{
	push_copy(json, WJB_KEY, key);
}

/*
 * JsonText
 *		Write a text as an element of an array.
 */
void
JsonText(JsonWriter *json, const char *text)
{
	push_copy(json, WJB_ELEM, text);
}

/*
 * JsonMember
 *		Write a member of an object; nothing if its text is NULL.
 */
void
JsonMember(JsonWriter *json, const char *key, const char *text)
{
	if (text == NULL)
		return;
	JsonKey(json, key);
	push_copy(json, WJB_VALUE, text);
}

/* Push a key and its value, which is no text. */
static void
push_member(JsonWriter *json, const char *key, JsonbValue *value)
{
	MemoryContext caller;

	JsonKey(json, key);
	caller = MemoryContextSwitchTo(json->context);
	pushJsonbValue(&json->state, WJB_VALUE, value);
	MemoryContextSwitchTo(caller);
}

/*
 * JsonNullMember
 *		A member that is null.
 */
void
JsonNullMember(JsonWriter *json, const char *key)
{
	JsonbValue	value = {.type = jbvNull};

	push_member(json, key, &value);
}

/*
 * JsonNumberMember
 *		A member that is a number.
 */
void
JsonNumberMember(JsonWriter *json, const char *key, int64 number)
{
	JsonbValue	value = {.type = jbvNumeric};
	MemoryContext caller = MemoryContextSwitchTo(json->context);

	value.val.numeric = int64_to_numeric(number);
	MemoryContextSwitchTo(caller);
	push_member(json, key, &value);
}

/*
 * JsonLongMember
 *		The same as JsonMember() for a text that lives as long as the writer, which is not copied.
 */
void
JsonLongMember(JsonWriter *json, const char *key, const char *text)
{
	if (text == NULL)
		return;
	JsonKey(json, key);
	push_text(json, WJB_VALUE, unconstify(char *, text));
}

/*
 * JsonHtmlMember
 *		Write a member whose text is shown as HTML; nothing if that is NULL.
 */
void
JsonHtmlMember(JsonWriter *json, const char *key, const char *text)
{
	StringInfoData html;

	if (text == NULL)
		return;
	initStringInfo(&html);
	EscapeAppend(&html, text, ESCAPE_FOR_HTML);
	JsonMember(json, key, html.data);
	pfree(html.data);
}

/*
 * JsonEnd
 *		End the object or the array; returns it, as jsonb.
 */
Datum
JsonEnd(JsonWriter *json, JsonbIteratorToken token)
{
	JsonMark(json, token);
	return JsonbPGetDatum(JsonbValueToJsonb(json->state.result));
}
