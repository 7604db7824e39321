/*
 * sentence_json.c
 *		A sentence in parts, as JSON, for programs that lay it out themselves.
 *
 * An array of {"text"}, {"object", "role", "name", "url"} and {"time", "text"}: what is
 * neither an object nor the time is joined into as few texts as there can be.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/iso_time.h"
#include "base/json_writer.h"
#include "display/sentence_json.h"

#include "lib/stringinfo.h"

static void
write_text(JsonWriter *json, StringInfo text)
{
	if (text->len == 0)
		return;
	JsonMark(json, WJB_BEGIN_OBJECT);
	JsonMember(json, "text", text->data);
	JsonMark(json, WJB_END_OBJECT);
	resetStringInfo(text);
}

static void
write_object(JsonWriter *json, const Sentence *sentence, const PatternPart *part)
{
	const char *link = SentenceLink(sentence, part);

	JsonMark(json, WJB_BEGIN_OBJECT);
	JsonMember(json, "object", RefToText(sentence->action->objects[part->object]));
	JsonMember(json, "role", PatternWordName(part->word));
	JsonMember(json, "name", part->text);
	if (link != NULL)
		JsonMember(json, "url", link);
	else
		JsonNullMember(json, "url");
	JsonMark(json, WJB_END_OBJECT);
}

static void
write_time(JsonWriter *json, const Sentence *sentence, const PatternPart *part)
{
	JsonMark(json, WJB_BEGIN_OBJECT);
	JsonMember(json, "time", IsoTimestamp(sentence->action->timestamp, true));
	JsonMember(json, "text", part->text);
	JsonMark(json, WJB_END_OBJECT);
}

/*
 * SentenceJson
 *		The parts of the sentence, as jsonb in the current memory context.
 */
Datum
SentenceJson(const Sentence *sentence)
{
	JsonWriter	json;
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	JsonBegin(&json, WJB_BEGIN_ARRAY);
	foreach(lc, sentence->parts)
	{
		const PatternPart *part = lfirst(lc);

		if (part->word != WORD_TIMESINCE && (part->word < 0 || part->word >= NUM_OBJECT_WORDS))
		{
			appendStringInfoString(&text, part->text);
			continue;
		}
		write_text(&json, &text);
		if (part->word == WORD_TIMESINCE)
			write_time(&json, sentence, part);
		else
			write_object(&json, sentence, part);
	}
	write_text(&json, &text);
	return JsonEnd(&json, WJB_END_ARRAY);
}
