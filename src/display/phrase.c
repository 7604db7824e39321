/*
 * phrase.c
 *		Patterns of sentences by language and verb: actstream.phrases.
 *
 * The table is small and read for every sentence, so each backend keeps all of it in a
 * hash table, as it keeps the registry (see registry.c).  Triggers of the table send a
 * relation cache invalidation on every change; the next look-up then reads it again,
 * with what is committed by then.
 */
#include "postgres.h"

#include "base/compat.h"
#include "action/action_send.h"
#include "base/relation_watch.h"
#include "display/language.h"
#include "display/pattern.h"
#include "display/phrase.h"
#include "tables/own_tables.h"
#include "tables/own_trigger.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(actstream_phrase_check);
PG_FUNCTION_INFO_V1(actstream_phrase_changed);

/* "language:verb"; for a built-in pattern, "language/kind" */
#define PHRASE_KEY_SIZE \
	(LANGUAGE_MAX_LENGTH + 1 + VERB_MAX_CHARS * MAX_MULTIBYTE_CHAR_LEN + 1)

/* Each session keeps all patterns. */
#define PATTERN_MAX_BYTES 2048

typedef struct Phrase
{
	char		key[PHRASE_KEY_SIZE];	/* hash key */
	const char *pattern;
	List	   *parsed;			/* NIL until it is used */
	bool		malformed;
} Phrase;

/*
 * The phrases; NULL until they are loaded completely.  Everything lives in
 * phrase_context, which is reset only when a look-up finds the phrases invalid.
 */
static MemoryContext phrase_context = NULL;
static HTAB *phrases = NULL;
static bool phrases_valid = false;
static Oid	phrases_relation = InvalidOid;

/* Watcher */
static void
relation_changed(Oid relid)
{
	if (relid == InvalidOid || relid == phrases_relation)
		phrases_valid = false;
}

/* Enter a pattern, which must live as long as the hash table. */
static Phrase *
enter_pattern(HTAB *table, const char *key, const char *pattern)
{
	Phrase	   *phrase = hash_search(table, key, HASH_ENTER, NULL);

	phrase->pattern = pattern;
	phrase->parsed = NIL;
	phrase->malformed = false;
	return phrase;
}

/* Write the key of a phrase; false if it is too long, and no action can have that verb. */
static bool
make_key(char *key, const char *language, const char *verb)
{
	return snprintf(key, PHRASE_KEY_SIZE, "%s:%s", language, verb) < PHRASE_KEY_SIZE;
}

static void
load_phrases(void)
{
	HASHCTL		ctl = {0};
	HTAB	   *table;
	Relation	rel;
	bool		watched;
	SysScanDesc scan;
	HeapTuple	tuple;
	MemoryContext oldcontext;

	if (phrases_valid && phrases != NULL && phrases_relation == OwnTableId(OWN_PHRASES))
		return;
	RelationWatch(relation_changed);
	rel = OwnTableOpen(OWN_PHRASES, AccessShareLock);
	watched = OwnTableIsWatched(rel, "phrase_changed");
	if (phrase_context == NULL)
		phrase_context = AllocSetContextCreate(CacheMemoryContext,
											   "actstream phrases",
											   ALLOCSET_SMALL_SIZES);
	phrases = NULL;
	MemoryContextReset(phrase_context);
	oldcontext = MemoryContextSwitchTo(phrase_context);

	ctl.keysize = PHRASE_KEY_SIZE;
	ctl.entrysize = sizeof(Phrase);
	ctl.hcxt = phrase_context;
	table = hash_create("actstream phrases", 16, &ctl,
						HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);

	/* before the scan, so that a change during it is not lost */
	phrases_relation = RelationGetRelid(rel);
	phrases_valid = watched;

	/* no snapshot given: uses the newest, even under REPEATABLE READ */
	scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		char		key[PHRASE_KEY_SIZE];
		char	   *language = OwnRowText(tuple, RelationGetDescr(rel), Anum_phrase_language);
		char	   *verb = OwnRowText(tuple, RelationGetDescr(rel), Anum_phrase_verb);
		char	   *pattern = OwnRowText(tuple, RelationGetDescr(rel), Anum_phrase_pattern);

		/* null only if constraints were dropped */
		if (language != NULL && verb != NULL && pattern != NULL &&
			make_key(key, language, verb))
			enter_pattern(table, key, pattern);
	}
	systable_endscan(scan);

	table_close(rel, AccessShareLock);
	MemoryContextSwitchTo(oldcontext);
	phrases = table;
}

/* Parse the phrase's pattern; false if it is malformed, because a check was bypassed. */
static bool
prepare(Phrase *phrase)
{
	if (phrase->parsed == NIL && !phrase->malformed)
	{
		MemoryContext oldcontext = MemoryContextSwitchTo(phrase_context);

		phrase->parsed = PatternTryParse(phrase->pattern);
		phrase->malformed = phrase->parsed == NIL;
		MemoryContextSwitchTo(oldcontext);
	}
	return !phrase->malformed;
}

static Phrase *
find_phrase(const List *languages, const char *verb)
{
	ListCell   *lc;

	foreach(lc, languages)
	{
		char		key[PHRASE_KEY_SIZE];
		Phrase	   *phrase;

		if (!make_key(key, lfirst(lc), verb))
			return NULL;
		phrase = hash_search(phrases, key, HASH_FIND, NULL);
		if (phrase != NULL && prepare(phrase))
			return phrase;
	}
	return NULL;
}

/* The built-in pattern of that kind; NULL if the language has none. */
static Phrase *
find_built_in(const Language *language, LanguagePatternKind kind)
{
	char		key[PHRASE_KEY_SIZE];
	Phrase	   *phrase;

	snprintf(key, sizeof(key), "%s/%d", language->code, kind);
	phrase = hash_search(phrases, key, HASH_FIND, NULL);
	if (phrase == NULL)
	{
		const char *pattern = LanguagePattern(language, kind);
		MemoryContext oldcontext;

		if (pattern == NULL)
			return NULL;
		oldcontext = MemoryContextSwitchTo(phrase_context);
		phrase = enter_pattern(phrases, key, pstrdup(pattern));
		MemoryContextSwitchTo(oldcontext);
	}
	(void) prepare(phrase);
	return phrase;
}

/*
 * Which kind of pattern is for an action with that verb that follow() or unfollow() may
 * have sent?  "flag" is set to the flag in it, NULL if there is none.
 */
static LanguagePatternKind
kind_of_follow(const char *verb, const char **flag)
{
	static const struct
	{
		const char *verb;
		LanguagePatternKind following;
		LanguagePatternKind flagged;
	}			kinds[] = {
		{"started ", PATTERN_STARTED_FOLLOWING, PATTERN_STARTED_FLAG},
		{"stopped ", PATTERN_STOPPED_FOLLOWING, PATTERN_STOPPED_FLAG}
	};

	*flag = NULL;
	for (int i = 0; i < (int) lengthof(kinds); i++)
	{
		size_t		len = strlen(kinds[i].verb);

		if (strncmp(verb, kinds[i].verb, len) != 0 || verb[len] == '\0')
			continue;
		if (strcmp(verb + len, "following") == 0)
			return kinds[i].following;
		*flag = verb + len;
		return kinds[i].flagged;
	}
	return PATTERN_ANY_VERB;
}

/*
 * PhraseFind
 *		The pattern of sentences with that verb in that language, for PatternFill().
 *
 * Looked up in this order: the verb in the languages of LanguageFallbacks(), then in any
 * language (''); any verb ('') in the same languages; the built-in pattern.  The result
 * is valid until the next look-up, or access to the catalogs.
 *
 * A NULL verb stands for different ones, for which there is only a built-in pattern.
 *
 * "is_follow" says that the action has the objects that actions of follow() have.  There
 * are built-in patterns for these, for which *verb is set to the value of {verb}.
 */
const List *
PhraseFind(const char *language, const char **verb, bool is_follow)
{
	/* the last one stands for any language */
	List	   *languages = lappend(LanguageFallbacks(language), "");
	const char *flag = NULL;
	Phrase	   *phrase;

	AcceptInvalidationMessages();
	load_phrases();
	if (*verb == NULL)
		return find_built_in(LanguageFind(language), PATTERN_SEVERAL_VERBS)->parsed;
	phrase = find_phrase(languages, *verb);
	if (phrase == NULL)
		phrase = find_phrase(languages, "");
	if (phrase == NULL && is_follow)
	{
		phrase = find_built_in(LanguageFind(language), kind_of_follow(*verb, &flag));
		if (phrase != NULL && flag != NULL)
			*verb = flag;
	}
	if (phrase == NULL)
		phrase = find_built_in(LanguageFind(language), PATTERN_ANY_VERB);
	return phrase->parsed;
}

static char *
required_text(HeapTuple row, TupleDesc tupdesc, AttrNumber attnum)
{
	char	   *value = OwnRowText(row, tupdesc, attnum);

	if (value == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NOT_NULL_VIOLATION),
				 errmsg("%s of a phrase must not be null",
						NameStr(TupleDescAttr(tupdesc, attnum - 1)->attname))));
	return value;
}

static HeapTuple
new_row(const TriggerData *trigdata)
{
	return TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event) ?
		trigdata->tg_newtuple : trigdata->tg_trigtuple;
}

/*
 * phrase_check
 *		Trigger BEFORE INSERT OR UPDATE ON actstream.phrases, for each row: the row
 *		must be valid.
 */
Datum
actstream_phrase_check(PG_FUNCTION_ARGS)
{
	TupleDesc	tupdesc;
	TriggerData *trigdata = OwnTriggerData(fcinfo, OWN_PHRASES, &tupdesc);
	HeapTuple	row = new_row(trigdata);
	char	   *language;
	char	   *verb;
	char	   *pattern;

	if (!TRIGGER_FIRED_BEFORE(trigdata->tg_event) || !TRIGGER_FIRED_FOR_ROW(trigdata->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("trigger must be fired before a change, for each row")));
	language = required_text(row, tupdesc, Anum_phrase_language);
	verb = required_text(row, tupdesc, Anum_phrase_verb);
	pattern = required_text(row, tupdesc, Anum_phrase_pattern);
	if (language[0] != '\0' && !LanguageIsNormal(language))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid language: \"%s\"", language),
				 errhint("Write it in lower case, as in \"de\" or \"de-at\", or leave it empty for any language.")));
	LanguageNotice(language);
	if (pg_mbstrlen(verb) > VERB_MAX_CHARS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("verb is too long"),
				 errdetail("The verb has %d characters; the limit is %d.",
						   pg_mbstrlen(verb), VERB_MAX_CHARS)));
	if (pattern[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("pattern must not be empty")));
	if (strlen(pattern) > PATTERN_MAX_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("pattern is too long"),
				 errdetail("It has %zu bytes; the limit is %d.", strlen(pattern), PATTERN_MAX_BYTES)));
	(void) PatternParse(pattern);
	return PointerGetDatum(row);
}

/*
 * phrase_changed
 *		Trigger BEFORE and AFTER each change of a row of actstream.phrases: make all
 *		sessions reload the phrases once the change commits; see object_type_changed.
 */
Datum
actstream_phrase_changed(PG_FUNCTION_ARGS)
{
	TupleDesc	tupdesc;
	TriggerData *trigdata = OwnTriggerData(fcinfo, OWN_PHRASES, &tupdesc);

	CacheInvalidateRelcache(trigdata->tg_relation);
	return PointerGetDatum(new_row(trigdata));
}
