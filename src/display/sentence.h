/*
 * sentence.h
 *		An action as a sentence.
 */
#ifndef ACTSTREAM_SENTENCE_H
#define ACTSTREAM_SENTENCE_H

extern char *SentenceText(char **names, const char *verb, const char *time);

#endif							/* ACTSTREAM_SENTENCE_H */
