/*
 * pattern.h
 *		Patterns of sentences, with {actor}, {verb} and so on.
 */
#ifndef ACTSTREAM_PATTERN_H
#define ACTSTREAM_PATTERN_H

#include "lib/stringinfo.h"
#include "nodes/pg_list.h"

/* What can stand in braces in a pattern. */
typedef enum PatternWord
{
	WORD_ACTOR,
	WORD_VERB,
	WORD_ACTION_OBJECT,
	WORD_TARGET,
	WORD_TIMESINCE
} PatternWord;

#define NUM_PATTERN_WORDS (WORD_TIMESINCE + 1)

extern List *PatternParse(const char *pattern);
extern List *PatternTryParse(const char *pattern);
extern void PatternFill(StringInfo text, const List *pattern,
						const char *const *words);

#endif							/* ACTSTREAM_PATTERN_H */
