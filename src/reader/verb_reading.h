/*
 * verb_reading.h
 *		Reading the entries by verb instead of a stream.
 */
#ifndef ACTSTREAM_VERB_READING_H
#define ACTSTREAM_VERB_READING_H

#include "reader/reader_state.h"

extern bool VerbReadingPrepare(struct StreamReader *reader, const StreamCall *call);
extern bool VerbReadingIsDue(const struct StreamReader *reader);
extern bool VerbReadingCollect(struct StreamReader *reader);
extern void VerbReadingBegin(struct StreamReader *reader);
extern void VerbReadingEnd(struct StreamReader *reader);

#endif							/* ACTSTREAM_VERB_READING_H */
