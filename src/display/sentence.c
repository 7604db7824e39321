/*
 * sentence.c
 *		An action as a sentence: "Ann closed It does not fly on acme/rocket 3 hours ago".
 */
#include "postgres.h"

#include "base/compat.h"
#include "display/object_name.h"
#include "display/pattern.h"
#include "display/phrase.h"
#include "display/sentence.h"
#include "display/timesince.h"
#include "tables/action_row.h"
#include "tables/own_tables.h"

#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(actstream_sentence);

/* The objects of an action, and their words in a pattern. */
static const struct
{
	AttrNumber	column;
	PatternWord word;
}			roles[] = {
	{Anum_action_actor, WORD_ACTOR},
	{Anum_action_action_object, WORD_ACTION_OBJECT},
	{Anum_action_target, WORD_TARGET}
};

typedef struct SpokenAction
{
	const Ref  *objects[lengthof(roles)];	/* NULL where there is none */
	char	   *verb;
	TimestampTz timestamp;
} SpokenAction;

/*
 * Read what a sentence needs from a row of actstream.actions; false if a column is null
 * that is not null in any stored action.
 */
static bool
read_action(SpokenAction *action, HeapTupleHeader header)
{
	ActionRow	row;
	Datum		value;
	bool		isnull;
	bool		complete;

	ActionRowBegin(&row, header);
	for (int i = 0; i < (int) lengthof(roles); i++)
	{
		value = ActionRowGet(&row, roles[i].column, &isnull);
		action->objects[i] = isnull ? NULL : DatumGetRefPP(value);
	}
	complete = action->objects[0] != NULL;

	action->verb = ActionRowText(&row, Anum_action_verb);
	complete = complete && action->verb != NULL;

	value = ActionRowGet(&row, Anum_action_timestamp, &isnull);
	action->timestamp = isnull ? 0 : DatumGetTimestampTz(value);
	complete = complete && !isnull;

	ActionRowEnd(&row);
	return complete;
}

static char *
sentence_in(const char *language, char **names, const char *verb, const char *time)
{
	const char *words[NUM_PATTERN_WORDS];
	StringInfoData text;

	for (int i = 0; i < (int) lengthof(roles); i++)
		words[roles[i].word] = names[i];
	words[WORD_VERB] = verb;
	words[WORD_TIMESINCE] = time;

	initStringInfo(&text);
	PatternFill(&text, PhraseFind(language, verb), words);
	return text.data;
}

/*
 * SentenceText
 *		An action as a sentence in the session's language.  "names" are those of its
 *		actor, action object and target, NULL where there is none; "time" is NULL for a
 *		sentence without the time.
 */
char *
SentenceText(char **names, const char *verb, const char *time)
{
	return sentence_in(LanguageSetting(), names, verb, time);
}

/*
 * sentence
 *		An action as a sentence, by the pattern for its verb and language: by default,
 *		"<actor> <verb> [<action object>] [on <target>] <time> ago", or with a target
 *		only, "<actor> <verb> <target> <time> ago".
 *
 * Without the time if the timestamp is infinite.
 */
Datum
actstream_sentence(PG_FUNCTION_ARGS)
{
	SpokenAction action;
	const char *language;
	char	  **names;
	char	   *time;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) ||
		!read_action(&action, PG_GETARG_HEAPTUPLEHEADER(0)))
		PG_RETURN_NULL();
	language = LanguageArg(fcinfo, 2);
	names = ObjectNames(action.objects, lengthof(roles));
	time = TimeSince(action.timestamp, PG_GETARG_TIMESTAMPTZ(1),
					 LanguageFind(language), CASE_AGO);
	PG_RETURN_TEXT_P(cstring_to_text(sentence_in(language, names, action.verb, time)));
}
