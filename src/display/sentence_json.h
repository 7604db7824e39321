/*
 * sentence_json.h
 *		A sentence in parts, as JSON.
 */
#ifndef ACTSTREAM_SENTENCE_JSON_H
#define ACTSTREAM_SENTENCE_JSON_H

#include "display/sentence.h"

extern Datum SentenceJson(const Sentence *sentence);

#endif							/* ACTSTREAM_SENTENCE_JSON_H */
