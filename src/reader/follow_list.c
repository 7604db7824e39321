/*
 * follow_list.c
 *		What a follower follows, kept between statements.
 *
 * Reading a long list of follows from its index takes longer than merging a page of the
 * followees' actions.  So a session keeps the lists that it has read, and reads one
 * again only if it may have changed.
 *
 * A trigger on actstream.follows records each change in shared memory, in the counter
 * of the follower: first the transaction, if it is the newest that has made a change,
 * and then the number of changes.  To keep a list is to store what was read, with that
 * number; to use it is to answer a later statement from it.
 *
 *	1. A list can be kept, or used, if the snapshot sees the outcome of all transactions
 *	   that have changed it.
 *	2. It can be used only if nothing has been counted since it was read.
 *
 * The order of commits does not matter then: a transaction that changes the list later
 * counts before it commits, and snapshots that see it are taken after that.
 *
 * Some changes are not counted by the trigger:
 *
 *	- Changes by transactions from before the session first looked, some of them perhaps
 *	  prepared before the server started.  Snapshots have to see the outcome of all
 *	  transactions that had begun by then.
 *	- Changes while the trigger is disabled, TRUNCATE, and rewriting the table.  The
 *	  relation cache reports each of these, and then the session starts over.  But a
 *	  change can be seen shortly before it is reported.  So an event trigger counts a
 *	  change when a transaction disables the trigger, after which it may change follows.
 *	- Changes by the session's own transaction, as long as the trigger event is queued.
 *	  A transaction that has written to the table does not use kept lists.
 *
 * A serializable transaction has to read what it relies on, and triggers do not fire on
 * a standby: neither uses kept lists.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/relation_watch.h"
#include "reader/follow_list.h"
#include "tables/follow_changes.h"
#include "tables/own_tables.h"

#include "access/parallel.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "common/hashfn.h"
#include "lib/ilist.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/rls.h"

/* A list that is kept. */
typedef struct FollowList
{
	FollowListKey key;			/* hash key */
	dlist_node	node;			/* in lists_by_use */
	MemoryContext context;		/* of what it points to */
	Size		size;			/* of the context */
	int			users;			/* readers that are using it */
	bool		stale;			/* drop it when these have finished? */
	uint64		changes;		/* count of changes when it was read */
	SourceSet  *sources;
} FollowList;

/* A reader's hold on a list, released with the reader's memory context. */
typedef struct FollowListUse
{
	FollowList *list;
	MemoryContextCallback callback;
} FollowListUse;

/* actstream.follow_cache_size: memory for the lists of a session, in kilobytes */
static int	follow_cache_size = 8192;

static HTAB *lists = NULL;
static MemoryContext list_context = NULL;
static dlist_head lists_by_use = DLIST_STATIC_INIT(lists_by_use);	/* latest first */
static Size lists_size = 0;

/* What the session knows about actstream.follows; nothing if "relid" is InvalidOid. */
static struct
{
	Oid			relid;
	bool		watched;		/* does the trigger fire for each change? */
	FullTransactionId begin;	/* snapshots have to see the outcome of older
								 * transactions */
}			table;

/*
 * FollowListDefineSetting
 *		Called once, when the library is loaded.
 */
void
FollowListDefineSetting(void)
{
	DefineCustomIntVariable("actstream.follow_cache_size",
							"Sets the memory for lists of follows that a session keeps.",
							"If zero, each stream reads them again.",
							&follow_cache_size,
							8192,
							0,
							MAX_KILOBYTES,
							PGC_USERSET,
							GUC_UNIT_KB,
							NULL,
							NULL,
							NULL);
}

static uint32
hash_bytes_of(const void *value)
{
	return hash_bytes((const unsigned char *) VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
}

static uint32
hash_key(const void *key, Size size)
{
	const FollowListKey *k = key;
	uint32		hash = hash_bytes_of(k->follower);

	if (k->flag != NULL)
		hash = hash_combine(hash, hash_bytes_of(k->flag));
	return hash_combine(hash, k->with_own * 2 + k->since_follow);
}

static bool
same_bytes(const void *a, const void *b)
{
	return VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) &&
		memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0;
}

static int
compare_keys(const void *a, const void *b, Size size)
{
	const FollowListKey *x = a;
	const FollowListKey *y = b;

	return !(same_bytes(x->follower, y->follower) &&
			 (x->flag == NULL) == (y->flag == NULL) &&
			 (x->flag == NULL || same_bytes(x->flag, y->flag)) &&
			 x->with_own == y->with_own && x->since_follow == y->since_follow);
}

static void
drop_list(FollowList *list)
{
	MemoryContext context = list->context;	/* contains the key */

	dlist_delete(&list->node);
	lists_size -= list->size;
	(void) hash_search(lists, &list->key, HASH_REMOVE, NULL);
	MemoryContextDelete(context);
}

/* Drop the lists that were used least recently, until "room" is free. */
static void
make_room(Size room)
{
	Size		limit = (Size) follow_cache_size * 1024;
	dlist_node *node = dlist_is_empty(&lists_by_use) ? NULL : dlist_tail_node(&lists_by_use);

	while (node != NULL && lists_size + room > limit)
	{
		FollowList *list = dlist_container(FollowList, node, node);

		node = dlist_has_prev(&lists_by_use, node) ?
			dlist_prev_node(&lists_by_use, node) : NULL;
		if (list->users == 0)
			drop_list(list);
	}
}

/* Callback: a table has changed. */
static void
relation_changed(Oid relid)
{
	if (relid == InvalidOid || relid == table.relid)
		table.relid = InvalidOid;
}

/*
 * Find out whether the table has changed, and forget all lists if it has.
 *
 * A transaction that disables the trigger commits before others can see that, and so
 * before any transaction whose changes the trigger misses.
 */
static void
look_at_table(Relation follow)
{
	dlist_mutable_iter iter;

	AcceptInvalidationMessages();
	if (table.relid == RelationGetRelid(follow))
		return;
	RelationWatch(relation_changed);
	dlist_foreach_modify(iter, &lists_by_use)
	{
		FollowList *list = dlist_container(FollowList, node, iter.cur);

		if (list->users == 0)
			drop_list(list);
		else
			list->stale = true;
	}
	table.relid = RelationGetRelid(follow);
	table.begin = ReadNextFullTransactionId();
	table.watched = FollowChangesAreWatched(follow);
}

/*
 * Does the snapshot see the outcome of all transactions that began before
 * "table.begin", and of all up to the newest of the counters?
 */
static bool
sees_end(Snapshot snapshot, FollowCounter *one, FollowCounter *all)
{
	TransactionId begin = XidFromFullTransactionId(table.begin);
	uint64		xmin = U64FromFullTransactionId(table.begin) + (uint32) (snapshot->xmin - begin);

	return TransactionIdFollowsOrEquals(snapshot->xmin, begin) &&
		pg_atomic_read_u64(&one->newest) < xmin && pg_atomic_read_u64(&all->newest) < xmin;
}

/*
 * May this transaction have made changes for which the trigger has not fired yet?
 *
 * A transaction that changes rows of a table has locked it.  A parallel worker does not
 * know its leader's locks.
 */
static bool
may_have_changed(Relation follow)
{
	return TransactionIdIsValid(GetTopTransactionIdIfAny()) &&
		(IsParallelWorker() || CheckRelationLockedByMe(follow, RowExclusiveLock, true));
}

/*
 * May a list be kept, or used, with this snapshot?  If so, "changes" is the sum of the
 * counters.  These only grow, so an equal sum means equal counters.
 */
static bool
list_is_settled(const FollowListKey *key, Relation follow, Snapshot snapshot, uint64 *changes)
{
	SharedMemory *shared;
	FollowCounter *counter;

	if (follow_cache_size == 0 || IsolationIsSerializable() || RecoveryInProgress() ||
		snapshot->takenDuringRecovery || may_have_changed(follow) ||
		(shared = SharedMemoryGet()) == NULL)
		return false;
	look_at_table(follow);
	counter = FollowChangesCounter(shared, key->follower);
	*changes = pg_atomic_read_u64(&counter->changes) +
		pg_atomic_read_u64(&shared->all_follows.changes);
	pg_read_barrier();
	return table.watched && sees_end(snapshot, counter, &shared->all_follows);
}

/* Read a list into the current memory context. */
static SourceSet *
read_list(const FollowListKey *key, Relation follow, Oid index, Snapshot snapshot)
{
	SourceSet  *set = SourceSetCreate();

	SourceSetAddFollows(set, follow, index, snapshot, key->follower, key->flag,
						key->since_follow);
	if (key->with_own)
		SourceSetAdd(set, key->follower, ROLE_BIT(ACTION_BY_ACTOR));
	return set;
}

static void *
copy_varlena(const void *value)
{
	return memcpy(palloc(VARSIZE_ANY(value)), value, VARSIZE_ANY(value));
}

static void
make_table(void)
{
	HASHCTL		ctl = {.keysize = sizeof(FollowListKey), .entrysize = sizeof(FollowList),
	.hash = hash_key, .match = compare_keys};

	list_context = AllocSetContextCreate(CacheMemoryContext, "actstream follow lists",
										 ALLOCSET_DEFAULT_SIZES);
	ctl.hcxt = list_context;
	lists = hash_create("actstream follow lists", 64, &ctl,
						HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
}

/* Callback: a reader's memory context is reset. */
static void
end_use(void *arg)
{
	FollowList *list = ((FollowListUse *) arg)->list;

	if (--list->users == 0 && list->stale)
		drop_list(list);
}

/* Use the list until the current memory context is reset. */
static SourceSet *
use_list(FollowList *list)
{
	FollowListUse *use = palloc(sizeof(FollowListUse));

	use->list = list;
	use->callback.func = end_use;
	use->callback.arg = use;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &use->callback);
	list->users++;
	dlist_move_head(&lists_by_use, &list->node);
	return list->sources;
}

/*
 * Read a list, and keep it if it is not too long.
 */
static SourceSet *
read_and_keep_list(const FollowListKey *key, Relation follow, Oid index, Snapshot snapshot,
				   uint64 changes)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "actstream follow list",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext oldcontext = MemoryContextSwitchTo(context);
	SourceSet  *set = read_list(key, follow, index, snapshot);
	FollowListKey copy = *key;
	FollowList *list;
	Size		size;

	SourceSetHash(set, true);
	SourceSetIndex(set);
	copy.follower = copy_varlena(key->follower);
	copy.flag = key->flag == NULL ? NULL : copy_varlena(key->flag);
	MemoryContextSwitchTo(oldcontext);

	size = MemoryContextMemAllocated(context, true);
	if (size > (Size) follow_cache_size * 1024)
		return set;
	make_room(size);
	list = hash_search(lists, &copy, HASH_ENTER, NULL);
	MemoryContextSetParent(context, list_context);
	list->context = context;
	list->size = size;
	list->users = 0;
	list->stale = false;
	list->changes = changes;
	list->sources = set;
	dlist_push_head(&lists_by_use, &list->node);
	lists_size += size;
	return use_list(list);
}

/*
 * Can the role, if it may read the table, see all of its rows, and does the table's
 * heap hold what a query would show?
 */
static bool
is_known(Relation follow, Oid role)
{
	return follow->rd_rel->relkind == RELKIND_RELATION &&
		follow->rd_rel->relpersistence == RELPERSISTENCE_PERMANENT &&
		follow->rd_rel->relam == HEAP_TABLE_AM_OID &&
		!TableHasChildren(follow) &&
		check_enable_rls(RelationGetRelid(follow), role, true) != RLS_ENABLED &&
		OidIsValid(FollowIndexFind(follow));
}

/*
 * FollowListIsKnown
 *		Does FollowListGet() show the role what a query on the table would?
 *
 * A plan that relies on it has to depend on the table and on the role.
 */
bool
FollowListIsKnown(Oid role)
{
	Relation	follow = OwnTableOpen(OWN_FOLLOWS, AccessShareLock);
	bool		result = is_known(follow, role);

	table_close(follow, NoLock);
	return result;
}

/* The list, as kept or read from the table. */
static SourceSet *
get_list(const FollowListKey *key, Relation follow, Oid index, Snapshot snapshot)
{
	FollowList *list;
	uint64		changes;

	if (list_is_settled(key, follow, snapshot, &changes))
	{
		if (lists == NULL)
			make_table();
		list = hash_search(lists, key, HASH_FIND, NULL);
		if (list != NULL && !list->stale && list->changes == changes)
			return use_list(list);
		if (list != NULL && list->users == 0)
		{
			drop_list(list);
			list = NULL;
		}
		if (list == NULL)
			return read_and_keep_list(key, follow, index, snapshot, changes);
	}
	return read_list(key, follow, index, snapshot);
}

/*
 * FollowListGet
 *		What the follower follows, as the snapshot sees it.
 *
 * Only for plans that were made when FollowListIsKnown() was true, and that have the
 * executor check privileges on the table: none are checked here.  The result must not
 * be changed, and is valid until the current memory context is reset.
 */
SourceSet *
FollowListGet(const FollowListKey *key, Snapshot snapshot)
{
	Relation	follow = OwnTableOpen(OWN_FOLLOWS, AccessShareLock);
	Oid			index = FollowIndexFind(follow);
	SourceSet  *result;

	/* the index may have been dropped by the transaction of an open cursor */
	if (!OidIsValid(index))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" has no index to find the follows of a follower",
						RelationGetRelationName(follow)),
				 errhint("Call actstream.create_tables() to create it.")));
	result = get_list(key, follow, index, snapshot);
	table_close(follow, NoLock);
	return result;
}
