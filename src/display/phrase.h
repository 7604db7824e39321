/*
 * phrase.h
 *		Patterns of sentences by language and verb: actstream.phrases.
 */
#ifndef ACTSTREAM_PHRASE_H
#define ACTSTREAM_PHRASE_H

#include "nodes/pg_list.h"

extern const List *PhraseFind(const char *language, const char **verb, bool is_follow);

#endif							/* ACTSTREAM_PHRASE_H */
