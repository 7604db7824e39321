/*
 * feed_json.c
 *		Writing objects of JSON.
 */
#include "postgres.h"

#include "compat.h"
#include "feed_json.h"

#include "utils/memutils.h"

/*
 * Push it, in the memory that the writer was begun in, and the text too.
 */
static void
push(JsonWriter *json, JsonbIteratorToken token, const char *text)
{
	MemoryContext caller = MemoryContextSwitchTo(json->context);
	JsonbValue	value = {.type = jbvString};

	if (text != NULL)
	{
		value.val.string.len = strlen(text);
		value.val.string.val = pnstrdup(text, value.val.string.len);
	}
	pushJsonbValue(&json->state, token, text != NULL ? &value : NULL);
	MemoryContextSwitchTo(caller);
}

/*
 * JsonBegin
 *		Begin to write an object, in the current memory context.
 */
void
JsonBegin(JsonWriter *json)
{
	memset(json, 0, sizeof(JsonWriter));
	json->context = CurrentMemoryContext;
	JsonMark(json, WJB_BEGIN_OBJECT);
}

/*
 * JsonMark
 *		The beginning or the end of an object or an array.
 */
void
JsonMark(JsonWriter *json, JsonbIteratorToken token)
{
	push(json, token, NULL);
}

/*
 * JsonKey
 *		The key of the next value.
 */
void
JsonKey(JsonWriter *json, const char *key)
{
	push(json, WJB_KEY, key);
}

/*
 * JsonText
 *		A text, as an element of an array.
 */
void
JsonText(JsonWriter *json, const char *text)
{
	push(json, WJB_ELEM, text);
}

/*
 * JsonMember
 *		A member of an object; none if its text is NULL.
 */
void
JsonMember(JsonWriter *json, const char *key, const char *text)
{
	if (text == NULL)
		return;
	push(json, WJB_KEY, key);
	push(json, WJB_VALUE, text);
}

/*
 * JsonEntries
 *		All entries of the feed, as an array.
 */
void
JsonEntries(JsonWriter *json, const char *key, const Feed *feed, JsonEntryWriter write)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "actstream feed entry",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);

	JsonKey(json, key);
	JsonMark(json, WJB_BEGIN_ARRAY);
	for (int i = 0; i < feed->nactions; i++)
	{
		JsonMark(json, WJB_BEGIN_OBJECT);
		write(json, FeedEntryGet(feed, i));
		JsonMark(json, WJB_END_OBJECT);
		MemoryContextReset(context);
	}
	JsonMark(json, WJB_END_ARRAY);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
}

/*
 * JsonEnd
 *		End the object; returns it, as jsonb.
 */
Datum
JsonEnd(JsonWriter *json)
{
	JsonMark(json, WJB_END_OBJECT);
	return JsonbPGetDatum(JsonbValueToJsonb(json->state.result));
}
