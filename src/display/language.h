/*
 * language.h
 *		The languages of sentences.
 */
#ifndef ACTSTREAM_LANGUAGE_H
#define ACTSTREAM_LANGUAGE_H

#include "fmgr.h"
#include "nodes/pg_list.h"

typedef enum TimeUnit
{
	UNIT_YEAR,
	UNIT_MONTH,
	UNIT_WEEK,
	UNIT_DAY,
	UNIT_HOUR,
	UNIT_MINUTE
} TimeUnit;

#define NUM_TIME_UNITS (UNIT_MINUTE + 1)

#define MAX_PLURAL_FORMS 3

/* The grammatical case of a duration: by itself, or in "... ago". */
typedef enum TimeCase
{
	CASE_ALONE,
	CASE_AGO
} TimeCase;

/*
 * The patterns of sentences that a language has, see pattern.c: for any verb, and for
 * those that follow() and unfollow() send, in two of which {verb} is the flag; and for groups
 * of actions with different verbs.
 */
typedef enum LanguagePatternKind
{
	PATTERN_ANY_VERB,
	PATTERN_STARTED_FOLLOWING,
	PATTERN_STOPPED_FOLLOWING,
	PATTERN_STARTED_FLAG,
	PATTERN_STOPPED_FLAG,
	PATTERN_SEVERAL_VERBS
} LanguagePatternKind;

#define NUM_LANGUAGE_PATTERNS (PATTERN_SEVERAL_VERBS + 1)

/* A built-in language. */
typedef struct Language
{
	const char *code;
	int			(*plural_form) (int64 count);	/* index of the form to use, in the
												 * arrays of units */
	const char *units[NUM_TIME_UNITS][MAX_PLURAL_FORMS];
	const char *units_ago[NUM_TIME_UNITS][MAX_PLURAL_FORMS];	/* the forms in "... ago",
																 * where they differ */
	const char *just_now;		/* less than a minute ago */
	const char *and;			/* between the last two of several names */
	const char *others[MAX_PLURAL_FORMS];	/* how many others there are, in the place of
											 * "#" */
	const char *millions_of_others; /* of an exact number of millions, where it differs */
	const char *patterns[NUM_LANGUAGE_PATTERNS];	/* the first is always there, and
													 * serves for those that are not */
} Language;

#define LANGUAGE_MAX_LENGTH 35

/* longest code of a language, without a country */
#define LANGUAGE_CODE_MAX_LENGTH 3

extern void LanguageDefineSetting(void);
extern const char *LanguageSetting(void);
extern void LanguageNotice(const char *name);
extern const char *LanguageArg(FunctionCallInfo fcinfo, int arg);
extern const Language *LanguageFind(const char *name);
extern const char *LanguageUnit(const Language *language, TimeUnit unit,
								TimeCase grammatical_case, int64 count);
extern const char *LanguageJustNow(const Language *language);
extern const char *LanguageAnd(const Language *language, const char *next);
extern char *LanguageOthers(const Language *language, int64 count);
extern const char *LanguagePattern(const Language *language, LanguagePatternKind kind);
extern List *LanguageFallbacks(const char *name);
extern bool LanguageIsNormal(const char *code);

#endif							/* ACTSTREAM_LANGUAGE_H */
