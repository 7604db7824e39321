/*
 * sentence.c
 *		An action as a sentence: "Ann closed It does not fly on acme/rocket 3 hours ago"; and a
 *		group of them: "Ann, Ben and 3 others liked It flies 3 hours ago".
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/uri.h"
#include "display/phrase.h"
#include "display/sentence.h"
#include "display/timesince.h"
#include "tables/action_group.h"
#include "tables/action_row.h"
#include "tables/own_tables.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

/* The columns of the objects. */
static const AttrNumber object_columns[] = {
	[WORD_ACTOR] = Anum_action_actor,
	[WORD_ACTION_OBJECT] = Anum_action_action_object,
	[WORD_TARGET] = Anum_action_target
};

/* Room for so many objects, all NULL. */
static void
make_objects(SpokenAction *action, int nobjects)
{
	action->nobjects = nobjects;
	action->objects = palloc0(sizeof(Ref *) * nobjects);
}

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

	make_objects(action, NUM_OBJECT_WORDS);
	action->actions = action->actors = 1;
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

/*
 * SpokenGroupRead
 *		The same from a group; false, too, if it names no actor.
 */
bool
SpokenGroupRead(SpokenAction *action, HeapTupleHeader header)
{
	ActionGroup group;

	if (!ActionGroupRead(&group, header))
		return false;
	make_objects(action, NUM_OBJECT_WORDS + Max(group.nactors - 1, 0));
	action->objects[WORD_ACTOR] = group.nactors > 0 ? group.actor_sample[0] : group.objects[ACTION_BY_ACTOR];
	action->objects[WORD_ACTION_OBJECT] = group.objects[ACTION_BY_ACTION_OBJECT];
	action->objects[WORD_TARGET] = group.objects[ACTION_BY_TARGET];
	for (int i = 1; i < group.nactors; i++)
		action->objects[NUM_OBJECT_WORDS + i - 1] = group.actor_sample[i];
	action->verb = group.verb;
	action->timestamp = group.newest;
	action->actions = group.actions;
	action->actors = group.actors;
	return action->objects[WORD_ACTOR] != NULL;
}

static List *
append_part(List *parts, int word, int object, const char *text)
{
	PatternPart *part = palloc(sizeof(PatternPart));

	part->word = word;
	part->object = object;
	part->text = text;
	return lappend(parts, part);
}

/* Append the names of the actors: "Ann, Ben and Cleo", "Ann, Ben and 3 others". */
static List *
append_actors(List *parts, const SpokenAction *action, char **names, const Language *language)
{
	int			nnames = 1 + action->nobjects - NUM_OBJECT_WORDS;
	int64		nothers = action->actors - nnames;

	for (int i = 0; i < nnames; i++)
	{
		int			object = i == 0 ? WORD_ACTOR : NUM_OBJECT_WORDS + i - 1;
		bool		is_last = i == nnames - 1 && nothers <= 0;

		CHECK_FOR_INTERRUPTS();
		if (i > 0)
			parts = append_part(parts, NO_WORD, 0, is_last ? LanguageAnd(language, names[object]) : ", ");
		parts = append_part(parts, WORD_ACTOR, object, names[object]);
	}
	if (nothers > 0)
	{
		const char *others = LanguageOthers(language, nothers);

		parts = append_part(parts, NO_WORD, 0, LanguageAnd(language, others));
		parts = append_part(parts, NO_WORD, 0, others);
	}
	return parts;
}

/* The parts with all actors in the place of one. */
static List *
name_actors(const List *parts, const SpokenAction *action, char **names, const Language *language)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, parts)
	{
		PatternPart *part = lfirst(lc);

		if (part->word == WORD_ACTOR)
			result = append_actors(result, action, names, language);
		else
			result = lappend(result, part);
	}
	return result;
}

/* The number as a word of a pattern, which has no value if there is only one. */
static char *
several(int64 number)
{
	return number > 1 ? psprintf(INT64_FORMAT, number) : NULL;
}

/* The parts of a sentence; without the time if that is NULL. */
static List *
make_parts(const SpokenAction *action, char **names, const char *language, const char *time,
		   const char *just_now)
{
	const char *words[NUM_PATTERN_WORDS];
	const char *verb = action->verb;
	const List *pattern;
	List	   *parts;

	pattern = PhraseFind(language, &verb, names[WORD_ACTION_OBJECT] == NULL &&
						 names[WORD_TARGET] != NULL);
	for (int i = 0; i < NUM_OBJECT_WORDS; i++)
		words[i] = names[i];
	words[WORD_VERB] = verb;
	words[WORD_TIMESINCE] = time;
	words[WORD_ACTORS] = several(action->actors);
	words[WORD_ACTIONS] = several(action->actions);
	words[WORD_SEVERAL] = action->actors > 1 ? "" : NULL;
	parts = PatternFill(pattern, words, just_now);
	return action->actors > 1 ? name_actors(parts, action, names, LanguageFind(language)) : parts;
}

/*
 * SentenceMake
 *		An action in the words of a language, by the pattern of its verb: as a rule,
 *		"<actor> <verb> [<action object>] [on <target>] <time> ago", and with a target
 *		alone "<actor> <verb> <target> <time> ago"; "just now" if it is less than a minute
 *		ago, and without the time if it is for ever ago.
 *
 * A group is an action of all its actors, those of the sample by name, at the time of the
 * newest one.
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
	sentence->parts = make_parts(action, names, language,
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
 *		The same without the time.
 */
char *
SentenceTitle(const SpokenAction *action, char **names, const char *language)
{
	return join_parts(make_parts(action, names, language, NULL, NULL));
}

/*
 * SentenceLink
 *		Where a link from an object, a part of the sentence, leads; NULL if there is to be none,
 *		as for an address that would run something.
 */
char *
SentenceLink(const Sentence *sentence, const PatternPart *part)
{
	const char *url = sentence->urls[part->object];

	return url == NULL ? NULL : UriOfAddress(url);
}
