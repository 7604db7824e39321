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

/*
 * What a sentence tells of an action, or of a group of them.
 */
typedef struct SpokenAction
{
	int			nobjects;
	const Ref **objects;		/* by PatternWord, NULL where there is none; then the actors
								 * but the first */
	char	   *verb;			/* NULL if those of the actions differ */
	TimestampTz timestamp;
	int64		actions;
	int64		actors;
} SpokenAction;

/* Reads one from a row. */
typedef bool (*SpokenReader) (SpokenAction *action, HeapTupleHeader header);

/* An action in words, before they are put together. */
typedef struct Sentence
{
	const SpokenAction *action;
	char	  **urls;			/* of its objects; only for links */
	List	   *parts;			/* PatternPart */
} Sentence;

extern bool SpokenActionRead(SpokenAction *action, HeapTupleHeader header);
extern bool SpokenGroupRead(SpokenAction *group, HeapTupleHeader header);
extern void SentenceMake(Sentence *sentence, const SpokenAction *action, char **names,
						 char **urls, TimestampTz now, const char *language);
extern char *SentenceText(const Sentence *sentence);
extern char *SentenceTitle(const SpokenAction *action, char **names, const char *language);
extern char *SentenceLink(const Sentence *sentence, const PatternPart *part);

#endif							/* ACTSTREAM_SENTENCE_H */
