/*
 * track.h
 *		Tables that send actions when their rows change.
 */
#ifndef ACTSTREAM_TRACK_H
#define ACTSTREAM_TRACK_H

#include "track/track_options.h"

extern void TrackDropTriggers(Oid relid);

#endif							/* ACTSTREAM_TRACK_H */
