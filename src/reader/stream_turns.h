/*
 * stream_turns.h
 *		Choosing how a stream is read.
 */
#ifndef ACTSTREAM_STREAM_TURNS_H
#define ACTSTREAM_STREAM_TURNS_H

#include "reader/action_screen.h"
#include "reader/stream_call.h"

extern void StreamTurnsBegin(StreamReader *reader, const StreamCall *call);
extern bool StreamTurnsNext(StreamReader *reader, ActionEntry *entry);
extern ActionFilter StreamTurnsFilter(const StreamReader *reader);
extern void StreamTurnsEnd(StreamReader *reader);

#endif							/* ACTSTREAM_STREAM_TURNS_H */
