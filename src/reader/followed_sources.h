/*
 * followed_sources.h
 *		Sources of rows of follows and mutes.
 */
#ifndef ACTSTREAM_FOLLOWED_SOURCES_H
#define ACTSTREAM_FOLLOWED_SOURCES_H

#include "reader/source_set.h"
#include "tables/table_index.h"

#include "utils/array.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"

extern void FollowedSourcesRead(SourceSet *set, Relation follows, Oid index, Snapshot snapshot,
								Ref *follower, const text *flag);
extern void FollowedSourcesFromRows(SourceSet *set, ArrayType *follows);
extern TimestampTz MutedSourcesRead(SourceSet *hidden, Relation mutes,
									const Oid indexes[NUM_MUTE_INDEXES], Snapshot snapshot,
									Ref *follower, TimestampTz now);
extern void MutedSourcesFromRows(SourceSet *hidden, ArrayType *mutes, const Ref *follower);

#endif							/* ACTSTREAM_FOLLOWED_SOURCES_H */
