/*
 * language.c
 *		The languages of sentences, and the forms of their words for durations.
 *
 * A language is named as in HTML and HTTP, "de-AT", or as in a locale, "de_AT.UTF-8".
 * What "de-at" does not have is looked up in "de", and then in English, so no name of a
 * language is an error.  This file is in UTF-8.
 */
#include "postgres.h"

#include "base/compat.h"
#include "display/language.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/guc.h"

/* actstream.language: the language of sentences, unless a function is given another */
static char *language_setting = NULL;

/* Singular for 1, plural for all other counts. */
static int
one_or_other(int64 count)
{
	return count == 1 ? 0 : 1;
}

/* Singular for 0 and 1. */
static int
up_to_one_or_other(int64 count)
{
	return count <= 1 ? 0 : 1;
}

/*
 * Form 0: 1, 21, 31, 101.  Form 1: 2 to 4, 22, 102.  Form 2: all others, with 0 and 11
 * to 14.
 */
static int
east_slavic(int64 count)
{
	if (count % 10 == 1 && count % 100 != 11)
		return 0;
	if (count % 10 >= 2 && count % 10 <= 4 &&
		(count % 100 < 12 || count % 100 > 14))
		return 1;
	return 2;
}

/* the words of Brazil and of Portugal; they differ only in the form for 0 */
#define PORTUGUESE \
	.units = { \
		[UNIT_YEAR] = {"ano", "anos"}, \
		[UNIT_MONTH] = {"mês", "meses"}, \
		[UNIT_WEEK] = {"semana", "semanas"}, \
		[UNIT_DAY] = {"dia", "dias"}, \
		[UNIT_HOUR] = {"hora", "horas"}, \
		[UNIT_MINUTE] = {"minuto", "minutos"} \
	}, \
	.just_now = "agora mesmo", \
	.and = " e ", \
	.others = {"# outra pessoa", "# outras pessoas"}, \
	.millions_of_others = "# de outras pessoas", \
	.patterns = { \
		[PATTERN_ANY_VERB] = "{actor} {verb}[ {action_object} em {target}| {action_object}| {target}| ({actions})]" \
		"[ há {timesince}]", \
		[PATTERN_STARTED_FOLLOWING] = "{actor} [{several}começaram|começou] a seguir {target}[ há {timesince}]", \
		[PATTERN_STOPPED_FOLLOWING] = "{actor} [{several}deixaram|deixou] de seguir {target}[ há {timesince}]", \
		[PATTERN_STARTED_FLAG] = "{actor} [{several}começaram|começou] \"{verb}\" em {target}[ há {timesince}]", \
		[PATTERN_STOPPED_FLAG] = "{actor} [{several}encerraram|encerrou] \"{verb}\" em {target}[ há {timesince}]", \
		[PATTERN_SEVERAL_VERBS] = "{actor}[: {action_object} em {target}|: {action_object}|: {target}], " \
		"{actions} ações[, há {timesince}]" \
	}

/*
 * English comes first.  From a million on, some of these languages have other forms; no
 * count is that large.
 */
static const Language languages[] = {
	{
		.code = "en",
		.plural_form = one_or_other,
		.units = {
			[UNIT_YEAR] = {"year", "years"},
			[UNIT_MONTH] = {"month", "months"},
			[UNIT_WEEK] = {"week", "weeks"},
			[UNIT_DAY] = {"day", "days"},
			[UNIT_HOUR] = {"hour", "hours"},
			[UNIT_MINUTE] = {"minute", "minutes"}
		},
		.just_now = "just now",
		.and = " and ",
		.others = {"# other", "# others"},
		.patterns = {
			[PATTERN_ANY_VERB] = "{actor} {verb}[ {action_object} on {target}| {action_object}| {target}| ({actions})]"
			"[ {timesince} ago]",
			[PATTERN_SEVERAL_VERBS] = "{actor}[: {action_object} on {target}|: {action_object}|: {target}], "
			"{actions} actions[, {timesince} ago]"
		}
	},
	{
		.code = "de",
		.plural_form = one_or_other,
		.units = {
			[UNIT_YEAR] = {"Jahr", "Jahre"},
			[UNIT_MONTH] = {"Monat", "Monate"},
			[UNIT_WEEK] = {"Woche", "Wochen"},
			[UNIT_DAY] = {"Tag", "Tage"},
			[UNIT_HOUR] = {"Stunde", "Stunden"},
			[UNIT_MINUTE] = {"Minute", "Minuten"}
		},
		/* dative */
		.units_ago = {
			[UNIT_YEAR] = {NULL, "Jahren"},
			[UNIT_MONTH] = {NULL, "Monaten"},
			[UNIT_DAY] = {NULL, "Tagen"}
		},
		.just_now = "gerade eben",
		.and = " und ",
		.others = {"# weitere Person", "# weitere Personen"},
		.patterns = {
			[PATTERN_ANY_VERB] = "{actor} {verb}[ {action_object} in {target}| {action_object}| {target}| ({actions})]"
			"[ vor {timesince}]",
			[PATTERN_STARTED_FOLLOWING] = "{actor} [{several}haben|hat][ vor {timesince}] begonnen, {target} zu folgen",
			[PATTERN_STOPPED_FOLLOWING] = "{actor} [{several}haben|hat][ vor {timesince}] aufgehört, {target} zu folgen",
			[PATTERN_STARTED_FLAG] = "{actor} [{several}haben|hat][ vor {timesince}] \"{verb}\" für {target} begonnen",
			[PATTERN_STOPPED_FLAG] = "{actor} [{several}haben|hat][ vor {timesince}] \"{verb}\" für {target} beendet",
			[PATTERN_SEVERAL_VERBS] = "{actor}[: {action_object} in {target}|: {action_object}|: {target}], "
			"{actions} Aktionen[, vor {timesince}]"
		}
	},
	{
		.code = "fr",
		.plural_form = up_to_one_or_other,
		.units = {
			[UNIT_YEAR] = {"an", "ans"},
			[UNIT_MONTH] = {"mois", "mois"},
			[UNIT_WEEK] = {"semaine", "semaines"},
			[UNIT_DAY] = {"jour", "jours"},
			[UNIT_HOUR] = {"heure", "heures"},
			[UNIT_MINUTE] = {"minute", "minutes"}
		},
		.just_now = "à l'instant",
		.and = " et ",
		.others = {"# autre personne", "# autres personnes"},
		.millions_of_others = "# d'autres personnes",
		.patterns = {
			[PATTERN_ANY_VERB] = "{actor} {verb}[ {action_object} sur {target}| {action_object}| {target}| ({actions})]"
			"[ il y a {timesince}]",
			[PATTERN_STARTED_FOLLOWING] = "{actor} [{several}ont|a] commencé à suivre {target}[ il y a {timesince}]",
			[PATTERN_STOPPED_FOLLOWING] = "{actor} [{several}ont|a] cessé de suivre {target}[ il y a {timesince}]",
			[PATTERN_STARTED_FLAG] = "{actor} [{several}ont|a] commencé \"{verb}\" pour {target}[ il y a {timesince}]",
			[PATTERN_STOPPED_FLAG] = "{actor} [{several}ont|a] arrêté \"{verb}\" pour {target}[ il y a {timesince}]",
			[PATTERN_SEVERAL_VERBS] = "{actor}[ : {action_object} sur {target}| : {action_object}| : {target}], "
			"{actions} actions[, il y a {timesince}]"
		}
	},
	{
		.code = "es",
		.plural_form = one_or_other,
		.units = {
			[UNIT_YEAR] = {"año", "años"},
			[UNIT_MONTH] = {"mes", "meses"},
			[UNIT_WEEK] = {"semana", "semanas"},
			[UNIT_DAY] = {"día", "días"},
			[UNIT_HOUR] = {"hora", "horas"},
			[UNIT_MINUTE] = {"minuto", "minutos"}
		},
		.just_now = "hace un momento",
		.and = " y ",
		.others = {"# persona más", "# personas más"},
		.millions_of_others = "# de personas más",
		.patterns = {
			[PATTERN_ANY_VERB] = "{actor} {verb}[ {action_object} en {target}| {action_object}| {target}| ({actions})]"
			"[ hace {timesince}]",
			[PATTERN_STARTED_FOLLOWING] = "{actor} [{several}empezaron|empezó] a seguir a {target}[ hace {timesince}]",
			[PATTERN_STOPPED_FOLLOWING] = "{actor} [{several}dejaron|dejó] de seguir a {target}[ hace {timesince}]",
			[PATTERN_STARTED_FLAG] = "{actor} [{several}empezaron|empezó] \"{verb}\" con {target}[ hace {timesince}]",
			[PATTERN_STOPPED_FLAG] = "{actor} [{several}terminaron|terminó] \"{verb}\" con {target}[ hace {timesince}]",
			[PATTERN_SEVERAL_VERBS] = "{actor}[: {action_object} en {target}|: {action_object}|: {target}], "
			"{actions} acciones[, hace {timesince}]"
		}
	},
	{
		.code = "ru",
		.plural_form = east_slavic,
		.units = {
			[UNIT_YEAR] = {"год", "года", "лет"},
			[UNIT_MONTH] = {"месяц", "месяца", "месяцев"},
			[UNIT_WEEK] = {"неделя", "недели", "недель"},
			[UNIT_DAY] = {"день", "дня", "дней"},
			[UNIT_HOUR] = {"час", "часа", "часов"},
			[UNIT_MINUTE] = {"минута", "минуты", "минут"}
		},
		/* accusative */
		.units_ago = {
			[UNIT_WEEK] = {"неделю"},
			[UNIT_MINUTE] = {"минуту"}
		},
		.just_now = "только что",
		.and = " и ",
		.others = {"ещё # человек", "ещё # человека", "ещё # человек"},
		.patterns = {
			[PATTERN_ANY_VERB] = "{actor} {verb}[ {action_object} в {target}| {action_object}| {target}| ({actions})]"
			"[ {timesince} назад]",
			[PATTERN_STARTED_FOLLOWING] = "{actor}: [{several}новые подписки|новая подписка] на {target}[, {timesince} назад]",
			[PATTERN_STOPPED_FOLLOWING] = "{actor}: [{several}подписки на {target} отменены|подписка на {target} отменена][, {timesince} назад]",
			[PATTERN_STARTED_FLAG] = "{actor}: начало \"{verb}\" для {target}[, {timesince} назад]",
			[PATTERN_STOPPED_FLAG] = "{actor}: конец \"{verb}\" для {target}[, {timesince} назад]",
			[PATTERN_SEVERAL_VERBS] = "{actor}[: {action_object} в {target}|: {action_object}|: {target}], "
			"действий: {actions}[, {timesince} назад]"
		}
	},
	/* as in Brazil */
	{
		.code = "pt",
		.plural_form = up_to_one_or_other,
		PORTUGUESE
	},
	{
		.code = "pt-pt",
		.plural_form = one_or_other,
		PORTUGUESE
	}
};

/*
 * LanguageDefineSetting
 *		Define the setting; called once, when the library is loaded.
 */
void
LanguageDefineSetting(void)
{
	DefineCustomStringVariable("actstream.language",
							   "Sets the language of sentences and durations.",
							   "For example \"de\" or \"de-AT\"; English is used for what other languages lack.",
							   &language_setting,
							   "en",
							   PGC_USERSET,
							   0,
							   NULL,
							   NULL,
							   NULL);
}

/*
 * LanguageSetting
 *		The name of the session's language.
 */
const char *
LanguageSetting(void)
{
	return language_setting;
}

/*
 * LanguageNotice
 *		Raise a notice if this is not the code of a language, as "german" is not, unless
 *		the last notice was about the same name.
 */
void
LanguageNotice(const char *name)
{
	static char told[LANGUAGE_MAX_LENGTH + 1];

	if (strcspn(name, "-_.@") <= LANGUAGE_CODE_MAX_LENGTH || pg_strcasecmp(name, "posix") == 0 ||
		strncmp(told, name, sizeof(told) - 1) == 0)
		return;
	ereport(NOTICE,
			(errmsg("\"%s\" is not the code of a language", name),
			 errhint("Write two or three letters, and perhaps a country, as in \"de\" or \"de-AT\".")));
	strlcpy(told, name, sizeof(told));
}

/*
 * LanguageArg
 *		The name of a language in an argument of a function, or the session's language
 *		if that is null.
 */
const char *
LanguageArg(FunctionCallInfo fcinfo, int arg)
{
	const char *name = PG_ARGISNULL(arg) ? LanguageSetting() :
		text_to_cstring(PG_GETARG_TEXT_PP(arg));

	LanguageNotice(name);
	return name;
}

/*
 * The name of a language in the form in which languages are looked up: small letters,
 * digits, hyphens; in the current memory context.  Ignores the charset and modifier of a
 * locale.  Empty if the name has no such form.
 */
static char *
normalize(const char *name)
{
	size_t		len = strcspn(name, ".@");
	char	   *code;

	if (len > LANGUAGE_MAX_LENGTH)
		return pstrdup("");
	code = pnstrdup(name, len);
	for (char *p = code; *p != '\0'; p++)
	{
		if (*p >= 'A' && *p <= 'Z')
			*p += 'a' - 'A';
		else if (*p == '_')
			*p = '-';
	}
	return LanguageIsNormal(code) ? code : pstrdup("");
}

/*
 * LanguageIsNormal
 *		Is the code in the form in which languages are looked up?
 */
bool
LanguageIsNormal(const char *code)
{
	if (strlen(code) > LANGUAGE_MAX_LENGTH ||
		strspn(code, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(code))
		return false;
	return code[0] >= 'a' && code[0] <= 'z' &&
		code[strlen(code) - 1] != '-' && strstr(code, "--") == NULL;
}

static const Language *
find_built_in(const char *code)
{
	for (int i = 0; i < (int) lengthof(languages); i++)
	{
		if (strcmp(languages[i].code, code) == 0)
			return &languages[i];
	}
	return NULL;
}

/* Change "de-at" to "de"; false if there is no part to remove. */
static bool
generalize(char *code)
{
	char	   *hyphen = strrchr(code, '-');

	if (hyphen == NULL)
		return false;
	*hyphen = '\0';
	return true;
}

/*
 * LanguageFind
 *		The built-in language for that name: the nearest one, or English.
 */
const Language *
LanguageFind(const char *name)
{
	char	   *code = normalize(name);

	do
	{
		const Language *language = find_built_in(code);

		if (language != NULL)
			return language;
	} while (generalize(code));
	return &languages[0];
}

/*
 * LanguageFallbacks
 *		The codes under which to look for phrases, most specific first: char * in the
 *		current memory context.
 *
 * English is among them if no built-in language matches the name.
 */
List *
LanguageFallbacks(const char *name)
{
	List	   *codes = NIL;
	char	   *code = normalize(name);
	bool		built_in = false;

	do
	{
		if (code[0] != '\0')
			codes = lappend(codes, pstrdup(code));
		built_in = built_in || find_built_in(code) != NULL;
	} while (generalize(code));
	if (!built_in)
		codes = lappend(codes, pstrdup(languages[0].code));
	return codes;
}

/*
 * A text of this file, in the encoding of the database.
 *
 * Raises ERRCODE_UNTRANSLATABLE_CHARACTER if that encoding lacks some of its characters.
 */
static const char *
to_server(const char *text)
{
	return pg_any_to_server(text, strlen(text), PG_UTF8);
}

/*
 * LanguageUnit
 *		The word for a unit, in the form for that count.
 */
const char *
LanguageUnit(const Language *language, TimeUnit unit, TimeCase grammatical_case,
			 int64 count)
{
	int			form = language->plural_form(count);

	if (grammatical_case == CASE_AGO && language->units_ago[unit][form] != NULL)
		return to_server(language->units_ago[unit][form]);
	return to_server(language->units[unit][form]);
}

/*
 * LanguageJustNow
 *		The words for less than a minute ago.
 */
const char *
LanguageJustNow(const Language *language)
{
	return to_server(language->just_now);
}

/*
 * LanguageAnd
 *		What stands between two names, of which this is the second.
 */
const char *
LanguageAnd(const Language *language, const char *next)
{
	/* in Spanish, the word differs before the sound of "i" */
	if (strcmp(language->code, "es") == 0)
	{
		const char *vowel = pg_tolower((unsigned char) next[0]) == 'h' ? next + 1 : next;

		if (pg_tolower((unsigned char) vowel[0]) == 'i' &&
			(vowel == next || vowel[1] == '\0' || strchr("aeAE", vowel[1]) == NULL))
			return " e ";
	}
	return to_server(language->and);
}

/*
 * LanguageOthers
 *		That there are so many others, in the current memory context.
 */
char *
LanguageOthers(const Language *language, int64 count)
{
	const char *text = language->others[language->plural_form(count)];
	const char *number;

	if (language->millions_of_others != NULL && count > 0 && count % 1000000 == 0)
		text = language->millions_of_others;
	text = to_server(text);
	number = strchr(text, '#');
	return psprintf("%.*s" INT64_FORMAT "%s", (int) (number - text), text, count, number + 1);
}

/*
 * LanguagePattern
 *		The pattern of sentences for which there is no other; NULL if there is none of
 *		that kind.
 */
const char *
LanguagePattern(const Language *language, LanguagePatternKind kind)
{
	const char *pattern = language->patterns[kind];

	return pattern == NULL ? NULL : to_server(pattern);
}
