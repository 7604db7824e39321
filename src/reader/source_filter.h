/*
 * source_filter.h
 *		Which actions a set of sources shows.
 */
#ifndef ACTSTREAM_SOURCE_FILTER_H
#define ACTSTREAM_SOURCE_FILTER_H

#include "reader/action_screen.h"
#include "reader/source_set.h"

/* May the lists of the sources have actions that are not shown? */
static inline bool
SourceSetFilters(const SourceSet *set)
{
	return set->terms != NULL || set->hidden != NULL;
}

extern void SourceSetIndex(SourceSet *set);
extern void SourceSetHide(SourceSet *set, SourceSet *hidden);
extern bool SourceSetShows(const SourceSet *set, const ActionRefs *action);

#endif							/* ACTSTREAM_SOURCE_FILTER_H */
