/*
 * owner_watch.h
 *		Watching how long looking up rows of somebody's table waits for locks.
 */
#ifndef ACTSTREAM_OWNER_WATCH_H
#define ACTSTREAM_OWNER_WATCH_H

typedef void (*WatchedFunction) (void *arg);

extern bool OwnerWatchMayWait(Oid owner);
extern void OwnerWatch(Oid owner, WatchedFunction function, void *arg);

#endif							/* ACTSTREAM_OWNER_WATCH_H */
