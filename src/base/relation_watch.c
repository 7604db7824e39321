/*
 * relation_watch.c
 *		Callbacks for changes to tables.
 *
 * A backend has room for ten relation cache callbacks, which all loaded modules share,
 * and a callback cannot be unregistered.  We register only one.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/relation_watch.h"

#include "utils/inval.h"

/* one for each caller of RelationWatch() */
#define MAX_WATCHERS 9

static RelationWatcher watchers[MAX_WATCHERS];
static int	nwatchers = 0;

/* number of changes reported by the relation cache, to any table */
static uint64 changes = 0;

/* Relation cache callback. */
static void
relation_changed(Datum arg, Oid relid)
{
	changes++;
	for (int i = 0; i < nwatchers; i++)
		watchers[i] (relid);
}

/*
 * RelationWatch
 *		Call "watcher" for each change from now on.  Registering it again does nothing.
 */
void
RelationWatch(RelationWatcher watcher)
{
	for (int i = 0; i < nwatchers; i++)
	{
		if (watchers[i] == watcher)
			return;
	}
	if (nwatchers == MAX_WATCHERS)
		elog(ERROR, "too many watchers of the relation cache");
	if (nwatchers == 0)
		CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
	watchers[nwatchers++] = watcher;
}

/*
 * RelationChanges
 *		The number of changes, to any table, reported since the first call of
 *		RelationWatch().
 *
 * What was learned about a table is still true if the number has not changed.
 */
uint64
RelationChanges(void)
{
	return changes;
}
