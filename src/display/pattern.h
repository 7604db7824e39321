/*
 * pattern.h
 *		Patterns of sentences, with {actor}, {verb} and so on.
 */
#ifndef ACTSTREAM_PATTERN_H
#define ACTSTREAM_PATTERN_H

#include "nodes/pg_list.h"

/*
 * What can stand in braces in a pattern: objects, and others.  The last three have values only
 * in groups: the number of actors and that of actions, if there are several, and "several",
 * which says nothing and is there if there are several actors.
 */
typedef enum PatternWord
{
	WORD_ACTOR,
	WORD_ACTION_OBJECT,
	WORD_TARGET,
	WORD_VERB,
	WORD_TIMESINCE,
	WORD_ACTORS,
	WORD_ACTIONS,
	WORD_SEVERAL
} PatternWord;

#define NUM_OBJECT_WORDS (WORD_TARGET + 1)
#define NUM_PATTERN_WORDS (WORD_SEVERAL + 1)

/* in the place of a word, for text of the pattern itself */
#define NO_WORD (-1)

/* A part of a filled pattern. */
typedef struct PatternPart
{
	int			word;			/* PatternWord, or NO_WORD */
	int			object;			/* of a word for an object: which one it is */
	const char *text;
} PatternPart;

extern List *PatternParse(const char *pattern);
extern List *PatternTryParse(const char *pattern);
extern List *PatternFill(const List *pattern, const char *const *words,
						 const char *just_now);
extern const char *PatternWordName(PatternWord word);

#endif							/* ACTSTREAM_PATTERN_H */
