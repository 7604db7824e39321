/*
 * pattern.h
 *		Patterns of sentences, with {actor}, {verb} and so on.
 */
#ifndef ACTSTREAM_PATTERN_H
#define ACTSTREAM_PATTERN_H

#include "nodes/pg_list.h"

/* What can stand in braces in a pattern: objects, and two more. */
typedef enum PatternWord
{
	WORD_ACTOR,
	WORD_ACTION_OBJECT,
	WORD_TARGET,
	WORD_VERB,
	WORD_TIMESINCE
} PatternWord;

#define NUM_OBJECT_WORDS (WORD_TARGET + 1)
#define NUM_PATTERN_WORDS (WORD_TIMESINCE + 1)

/* in the place of a word, for text of the pattern itself */
#define NO_WORD (-1)

/* A part of a filled pattern. */
typedef struct PatternPart
{
	int			word;			/* PatternWord, or NO_WORD */
	const char *text;
} PatternPart;

extern List *PatternParse(const char *pattern);
extern List *PatternTryParse(const char *pattern);
extern List *PatternFill(const List *pattern, const char *const *words,
						 const char *just_now);
extern const char *PatternWordName(PatternWord word);

#endif							/* ACTSTREAM_PATTERN_H */
