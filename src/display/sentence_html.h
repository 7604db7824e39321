/*
 * sentence_html.h
 *		A sentence as HTML.
 */
#ifndef ACTSTREAM_SENTENCE_HTML_H
#define ACTSTREAM_SENTENCE_HTML_H

#include "display/sentence.h"

extern text *SentenceHtml(const Sentence *sentence);

#endif							/* ACTSTREAM_SENTENCE_HTML_H */
