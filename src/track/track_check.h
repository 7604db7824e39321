/*
 * track_check.h
 *		Whether the templates given to track() can name objects.
 */
#ifndef ACTSTREAM_TRACK_CHECK_H
#define ACTSTREAM_TRACK_CHECK_H

#include "track/track_options.h"

extern void TrackCheckTemplates(const Tracking *tracking, Relation rel);
extern char *TrackTemplatesProblem(const Tracking *tracking, Relation rel);

#endif							/* ACTSTREAM_TRACK_CHECK_H */
