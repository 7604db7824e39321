/*
 * sentence.h
 *		An action as a sentence.
 */
#ifndef ACTSTREAM_SENTENCE_H
#define ACTSTREAM_SENTENCE_H

#include "display/pattern.h"
#include "ref/ref.h"

#include "access/htup.h"
#include "datatype/timestamp.h"

/* What a sentence tells of an action. */
typedef struct SpokenAction
{
	const Ref  *objects[NUM_OBJECT_WORDS];	/* by PatternWord; NULL where there is none */
	char	   *verb;
	TimestampTz timestamp;
} SpokenAction;

/* An action in words, before they are put together. */
typedef struct Sentence
{
	const SpokenAction *action;
	char	  **urls;			/* of its objects; only for links */
	List	   *parts;			/* PatternPart */
} Sentence;

extern bool SpokenActionRead(SpokenAction *action, HeapTupleHeader header);
extern void SentenceMake(Sentence *sentence, const SpokenAction *action, char **names,
						 char **urls, TimestampTz now, const char *language);
extern char *SentenceText(const Sentence *sentence);
extern char *SentenceTitle(char **names, const char *verb, const char *language);
extern char *SentenceLink(const Sentence *sentence, PatternWord object);

#endif							/* ACTSTREAM_SENTENCE_H */
