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

/* "language:verb"; for a built-in pattern, only the language */
#define PHRASE_KEY_SIZE \
	(LANGUAGE_MAX_LENGTH + 1 + VERB_MAX_CHARS * MAX_MULTIBYTE_CHAR_LEN + 1)

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

/*
 * Enter a pattern, which must live as long as the hash table.  "verb" is NULL for a
 * built-in one.
 */
static Phrase *
enter_phrase(HTAB *table, const char *language, const char *verb, const char *pattern)
{
	char		key[PHRASE_KEY_SIZE];
	Phrase	   *phrase;
	int			len;

	len = snprintf(key, sizeof(key), "%s%s%s", language,
				   verb != NULL ? ":" : "", verb != NULL ? verb : "");
	if (len >= (int) sizeof(key))
		return NULL;			/* no action can have that verb */
	phrase = hash_search(table, key, HASH_ENTER, NULL);
	phrase->pattern = pattern;
	phrase->parsed = NIL;
	phrase->malformed = false;
	return phrase;
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
		char	   *language = OwnRowText(tuple, RelationGetDescr(rel), Anum_phrase_language);
		char	   *verb = OwnRowText(tuple, RelationGetDescr(rel), Anum_phrase_verb);
		char	   *pattern = OwnRowText(tuple, RelationGetDescr(rel), Anum_phrase_pattern);

		/* null only if constraints were dropped */
		if (language != NULL && verb != NULL && pattern != NULL)
			enter_phrase(table, language, verb, pattern);
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

		if (snprintf(key, sizeof(key), "%s:%s", (char *) lfirst(lc), verb) >= (int) sizeof(key))
			return NULL;
		phrase = hash_search(phrases, key, HASH_FIND, NULL);
		if (phrase != NULL && prepare(phrase))
			return phrase;
	}
	return NULL;
}

/* The built-in pattern of the language. */
static Phrase *
find_built_in(const char *language)
{
	const Language *built_in = LanguageFind(language);
	Phrase	   *phrase = hash_search(phrases, built_in->code, HASH_FIND, NULL);

	if (phrase == NULL)
	{
		const char *pattern = LanguagePattern(built_in);
		MemoryContext oldcontext = MemoryContextSwitchTo(phrase_context);

		phrase = enter_phrase(phrases, built_in->code, NULL, pstrdup(pattern));
		MemoryContextSwitchTo(oldcontext);
	}
	(void) prepare(phrase);
	return phrase;
}

/*
 * PhraseFind
 *		The pattern of sentences with that verb in that language, for PatternFill().
 *
 * Looked up in this order: the verb in the languages of LanguageFallbacks(), then in any
 * language (''); any verb ('') in the same languages; the built-in pattern.  The result
 * is valid until the next look-up, or access to the catalogs.
 */
const List *
PhraseFind(const char *language, const char *verb)
{
	/* the last one stands for any language */
	List	   *languages = lappend(LanguageFallbacks(language), "");
	Phrase	   *phrase;

	AcceptInvalidationMessages();
	load_phrases();
	phrase = find_phrase(languages, verb);
	if (phrase == NULL)
		phrase = find_phrase(languages, "");
	if (phrase == NULL)
		phrase = find_built_in(language);
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
	if (pg_mbstrlen(verb) > VERB_MAX_CHARS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("verb is too long"),
				 errdetail("The limit is %d characters.", VERB_MAX_CHARS)));
	if (pattern[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("pattern must not be empty")));
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
