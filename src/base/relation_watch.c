/*
 * relation_watch.c
 *		Hearing of changes to tables.
 *
 * A backend has ten places for relation cache callbacks, which all modules of the
 * server share and which nobody can give back.  We take one of them.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/relation_watch.h"

#include "utils/inval.h"

/* as many as there are callers of RelationWatch() */
#define MAX_WATCHERS 9

static RelationWatcher watchers[MAX_WATCHERS];
static int	nwatchers = 0;

/* how often the relation cache has told us of a change, of whatever table */
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
 *		Call "watcher" for each change from now on; again for the same does nothing.
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
 *		How many changes, to whatever table, the backend has heard of since the first
 *		call of RelationWatch().
 *
 * What was learned of a table still holds if the number is the same afterwards.
 */
uint64
RelationChanges(void)
{
	return changes;
}
