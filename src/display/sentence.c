/*
 * sentence.c
 *		An action as a sentence: "Ann closed It does not fly on acme/rocket 3 hours ago".
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/uri.h"
#include "display/phrase.h"
#include "display/sentence.h"
#include "display/timesince.h"
#include "tables/action_row.h"
#include "tables/own_tables.h"

#include "lib/stringinfo.h"
#include "utils/timestamp.h"

/* The columns of the objects. */
static const AttrNumber object_columns[] = {
	[WORD_ACTOR] = Anum_action_actor,
	[WORD_ACTION_OBJECT] = Anum_action_action_object,
	[WORD_TARGET] = Anum_action_target
};

/*
 * SpokenActionRead
 *		Read what a sentence needs from a row of actstream.actions; false if a column is
 *		null that is not null in any stored action.
 */
bool
SpokenActionRead(SpokenAction *action, HeapTupleHeader header)
{
	ActionRow	row;
	Datum		value;
	bool		isnull;
	bool		complete;

	ActionRowBegin(&row, header);
	for (int i = 0; i < NUM_OBJECT_WORDS; i++)
	{
		value = ActionRowGet(&row, object_columns[i], &isnull);
		action->objects[i] = isnull ? NULL : DatumGetRefPP(value);
	}
	complete = action->objects[WORD_ACTOR] != NULL;

	action->verb = ActionRowText(&row, Anum_action_verb);
	complete = complete && action->verb != NULL;

	value = ActionRowGet(&row, Anum_action_timestamp, &isnull);
	action->timestamp = isnull ? 0 : DatumGetTimestampTz(value);
	complete = complete && !isnull;

	ActionRowEnd(&row);
	return complete;
}

/* The parts of a sentence; without the time if that is NULL. */
static List *
make_parts(const char *language, char **names, const char *verb, const char *time,
		   const char *just_now)
{
	const char *words[NUM_PATTERN_WORDS];
	const List *pattern;

	pattern = PhraseFind(language, &verb, names[WORD_ACTION_OBJECT] == NULL &&
						 names[WORD_TARGET] != NULL);
	for (int i = 0; i < NUM_OBJECT_WORDS; i++)
		words[i] = names[i];
	words[WORD_VERB] = verb;
	words[WORD_TIMESINCE] = time;
	return PatternFill(pattern, words, just_now);
}

/*
 * SentenceMake
 *		An action in the words of a language, by the pattern of its verb: as a rule,
 *		"<actor> <verb> [<action object>] [on <target>] <time> ago", and with a target
 *		alone "<actor> <verb> <target> <time> ago"; "just now" if it is less than a minute
 *		ago, and without the time if it is for ever ago.
 *
 * "names" and "urls" are those of its objects, NULL where there is none.  To be used
 * before the next sentence is made, for parts of it belong to the pattern.
 */
void
SentenceMake(Sentence *sentence, const SpokenAction *action, char **names, char **urls,
			 TimestampTz now, const char *language)
{
	const Language *built_in = LanguageFind(language);

	sentence->action = action;
	sentence->urls = urls;
	sentence->parts = make_parts(language, names, action->verb,
								 TimeSince(action->timestamp, now, built_in, CASE_AGO),
								 TimeIsJustNow(action->timestamp, now) ?
								 LanguageJustNow(built_in) : NULL);
}

static char *
join_parts(const List *parts)
{
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	foreach(lc, parts)
		appendStringInfoString(&text, ((PatternPart *) lfirst(lc))->text);
	return text.data;
}

/*
 * SentenceText
 *		The sentence as text.
 */
char *
SentenceText(const Sentence *sentence)
{
	return join_parts(sentence->parts);
}

/*
 * SentenceTitle
 *		The same of an action whose objects have these names, without its time.
 */
char *
SentenceTitle(char **names, const char *verb, const char *language)
{
	return join_parts(make_parts(language, names, verb, NULL, NULL));
}

/*
 * SentenceLink
 *		Where a link from an object in the sentence leads; NULL if there is to be none,
 *		as for an address that would run something.
 */
char *
SentenceLink(const Sentence *sentence, PatternWord object)
{
	const char *url = sentence->urls[object];

	return url == NULL ? NULL : UriOfAddress(url);
}
