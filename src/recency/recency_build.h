/*
 * recency_build.h
 *		Completing the recency map from the indexes.
 */
#ifndef ACTSTREAM_RECENCY_BUILD_H
#define ACTSTREAM_RECENCY_BUILD_H

#include "recency/recency_map.h"

extern bool RecencyMapIsPossible(Relation actions);
extern void RecencyRequestBuild(const RecencyMap *map, Relation action);

#endif							/* ACTSTREAM_RECENCY_BUILD_H */
