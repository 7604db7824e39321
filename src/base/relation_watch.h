/*
 * relation_watch.h
 *		Callbacks for changes to tables.
 */
#ifndef ACTSTREAM_RELATION_WATCH_H
#define ACTSTREAM_RELATION_WATCH_H

/*
 * Called when the table "relid" may have changed; InvalidOid: any table may have changed.
 * Must not access catalogs, allocate memory or raise errors.
 */
typedef void (*RelationWatcher) (Oid relid);

extern void RelationWatch(RelationWatcher watcher);
extern uint64 RelationChanges(void);

#endif							/* ACTSTREAM_RELATION_WATCH_H */
