/*
 * owner_watch.h
 *		Watching what looking up rows of somebody's table takes of the session.
 */
#ifndef ACTSTREAM_OWNER_WATCH_H
#define ACTSTREAM_OWNER_WATCH_H

#include "utils/relcache.h"

typedef void (*WatchedFunction) (void *arg);

extern void OwnerWatch(Oid owner, bool limit_waits, WatchedFunction function, void *arg);
extern bool OwnerIsWithinLimits(Oid owner);
extern Relation OwnerTableOpen(Oid owner, Oid relid);

#endif							/* ACTSTREAM_OWNER_WATCH_H */
