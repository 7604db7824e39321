/*
 * track.h
 *		Tables that send actions when their rows change.
 */
#ifndef ACTSTREAM_TRACK_H
#define ACTSTREAM_TRACK_H

#include "track/track_options.h"

extern void TrackDropTriggers(Oid relid);
extern void TrackCheckTemplates(const Tracking *tracking, Relation rel);
extern void TrackColumnRenamed(Oid relid, const char *old_name, const char *new_name);
extern void TrackTableAltered(Oid relid);
extern void TrackTriggerCreated(Oid trigger);

#endif							/* ACTSTREAM_TRACK_H */
