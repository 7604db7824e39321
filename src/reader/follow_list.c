/*
 * follow_list.c
 *		What a follower follows and does not mute, kept between statements.
 *
 * Reading a long list of follows from its index takes longer than merging a page of the
 * followees' actions.  So a session keeps the lists that it has read, and reads one
 * again only if it may have changed.
 *
 * A trigger on actstream.follows, and one on actstream.mutes, record each change in shared
 * memory, in the counter of the follower: first the transaction, if it is the newest that
 * has made a change, and then the number of changes.  To keep a list is to store what was
 * read, with that number; to use it is to answer a later statement from it.
 *
 *	1. A list can be kept, or used, if the snapshot sees the outcome of all transactions
 *	   that have changed it.
 *	2. It can be used only if nothing has been counted since it was read, and no mute has
 *	   expired since.
 *
 * The order of commits does not matter then: a transaction that changes the list later
 * counts before it commits, and snapshots that see it are taken after that.
 *
 * Some changes are not counted by the trigger:
 *
 *	- Changes by transactions from before the session first looked, some of them perhaps
 *	  prepared before the server started.  Snapshots have to see the outcome of all
 *	  transactions that had begun by then.
 *	- Changes while a trigger is disabled, TRUNCATE, and rewriting a table.  The
 *	  relation cache reports each of these, and then the session starts over.  But a
 *	  change can be seen shortly before it is reported.  So an event trigger counts a
 *	  change when a transaction disables the trigger, after which it may change rows.
 *	- Changes by the session's own transaction, as long as the trigger event is queued.
 *	  A transaction that has written to one of the tables does not use kept lists.
 *
 * A serializable transaction has to read what it relies on, and triggers do not fire on
 * a standby: neither uses kept lists.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/relation_watch.h"
#include "reader/followed_sources.h"
#include "reader/follow_list.h"
#include "reader/source_filter.h"
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
#include "utils/timestamp.h"

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
	TimestampTz read;			/* the time when it was read */
	TimestampTz until;			/* when it has to be read again, because a mute expires */
	SourceSet  *sources;
} FollowList;

/* The tables that lists are read from, and their indexes. */
typedef struct FollowTables
{
	Relation	follows;
	Relation	mutes;
	Oid			follow_index;
	Oid			mute_indexes[NUM_MUTE_INDEXES];
} FollowTables;

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

/*
 * What the session knows about actstream.follows and actstream.mutes; nothing if an OID is
 * InvalidOid.
 */
static struct
{
	Oid			follows;
	Oid			mutes;
	bool		watched;		/* do the triggers fire for each change? */
	FullTransactionId begin;	/* snapshots have to see the outcome of older
								 * transactions */
}			known;

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
	if (relid == InvalidOid || relid == known.follows || relid == known.mutes)
		known.follows = known.mutes = InvalidOid;
}

/*
 * Find out whether one of the tables has changed, and forget all lists if it has.
 *
 * A transaction that disables a trigger commits before others can see that, and so
 * before any transaction whose changes the trigger misses.
 */
static void
look_at_tables(const FollowTables *tables)
{
	dlist_mutable_iter iter;

	AcceptInvalidationMessages();
	if (known.follows == RelationGetRelid(tables->follows) &&
		known.mutes == RelationGetRelid(tables->mutes))
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
	known.watched = false;
	known.follows = RelationGetRelid(tables->follows);
	known.mutes = RelationGetRelid(tables->mutes);
	known.begin = ReadNextFullTransactionId();
	known.watched = FollowChangesAreWatched(tables->follows) &&
		FollowChangesOfMutesAreWatched(tables->mutes);
}

/*
 * Does the snapshot see the outcome of all transactions that began before
 * "known.begin", and of all up to the newest of the counters?
 */
static bool
sees_end(Snapshot snapshot, FollowCounter *one, FollowCounter *all)
{
	TransactionId begin = XidFromFullTransactionId(known.begin);
	uint64		xmin = U64FromFullTransactionId(known.begin) + (uint32) (snapshot->xmin - begin);

	return TransactionIdFollowsOrEquals(snapshot->xmin, begin) &&
		pg_atomic_read_u64(&one->newest) < xmin && pg_atomic_read_u64(&all->newest) < xmin;
}

/*
 * May this transaction have made changes for which a trigger has not fired yet?
 *
 * A transaction that changes rows of a table has locked it.  A parallel worker does not
 * know its leader's locks.
 */
static bool
may_have_changed(const FollowTables *tables)
{
	return TransactionIdIsValid(GetTopTransactionIdIfAny()) &&
		(IsParallelWorker() ||
		 CheckRelationLockedByMe(tables->follows, RowExclusiveLock, true) ||
		 CheckRelationLockedByMe(tables->mutes, RowExclusiveLock, true));
}

/*
 * May a list be kept, or used, with this snapshot?  If so, "changes" is the sum of the
 * counters.  These only grow, so an equal sum means equal counters.
 */
static bool
list_is_settled(const FollowListKey *key, const FollowTables *tables, Snapshot snapshot,
				uint64 *changes)
{
	SharedMemory *shared;
	FollowCounter *counter;

	if (follow_cache_size == 0 || IsolationIsSerializable() || RecoveryInProgress() ||
		snapshot->takenDuringRecovery || may_have_changed(tables) ||
		(shared = SharedMemoryGet()) == NULL)
		return false;
	look_at_tables(tables);
	counter = FollowChangesCounter(shared, key->follower);
	*changes = pg_atomic_read_u64(&counter->changes) +
		pg_atomic_read_u64(&shared->all_follows.changes);
	pg_read_barrier();
	return known.watched && sees_end(snapshot, counter, &shared->all_follows);
}

/*
 * Read a list into the current memory context.  It holds from now until *until.
 */
static SourceSet *
read_list(const FollowListKey *key, const FollowTables *tables, Snapshot snapshot,
		  TimestampTz *until)
{
	static const SourceTerm own = {.roles = ROLE_BIT(ACTION_BY_ACTOR), .since = DT_NOBEGIN};
	SourceSet  *set = SourceSetCreate(key->since_follow);
	SourceSet  *hidden = SourceSetCreate(false);

	FollowedSourcesRead(set, tables->follows, tables->follow_index, snapshot, key->follower,
						key->flag);
	if (key->with_own)
		SourceSetAdd(set, key->follower, &own);
	*until = MutedSourcesRead(hidden, tables->mutes, tables->mute_indexes, snapshot,
							  key->follower, GetCurrentTransactionStartTimestamp());
	SourceSetHide(set, hidden);
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
read_and_keep_list(const FollowListKey *key, const FollowTables *tables, Snapshot snapshot,
				   uint64 changes)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "actstream follow list",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext oldcontext = MemoryContextSwitchTo(context);
	TimestampTz until;
	SourceSet  *set = read_list(key, tables, snapshot, &until);
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
	list->read = GetCurrentTransactionStartTimestamp();
	list->until = until;
	list->sources = set;
	dlist_push_head(&lists_by_use, &list->node);
	lists_size += size;
	return use_list(list);
}

/* Open the tables, and find the indexes.  The locks are kept. */
static void
open_tables(FollowTables *tables)
{
	tables->follows = OwnTableOpen(OWN_FOLLOWS, AccessShareLock);
	tables->mutes = OwnTableOpen(OWN_MUTES, AccessShareLock);
	tables->follow_index = FollowIndexFind(tables->follows);
	if (!MuteIndexesFind(tables->mutes, tables->mute_indexes))
		tables->mute_indexes[0] = InvalidOid;
}

static void
close_tables(FollowTables *tables)
{
	table_close(tables->mutes, NoLock);
	table_close(tables->follows, NoLock);
}

/*
 * Can the role, if it may read the table, see all of its rows, and does the table's
 * heap hold what a query would show?
 */
static bool
is_known(Relation table, Oid role)
{
	return table->rd_rel->relkind == RELKIND_RELATION &&
		table->rd_rel->relpersistence == RELPERSISTENCE_PERMANENT &&
		table->rd_rel->relam == HEAP_TABLE_AM_OID &&
		!TableHasChildren(table) &&
		check_enable_rls(RelationGetRelid(table), role, true) != RLS_ENABLED;
}

/*
 * FollowListIsKnown
 *		Does FollowListGet() show the role what queries on the tables would?
 *
 * A plan that relies on it has to depend on the tables and on the role.
 */
bool
FollowListIsKnown(Oid role)
{
	FollowTables tables;
	bool		result;

	open_tables(&tables);
	result = is_known(tables.follows, role) && OidIsValid(tables.follow_index) &&
		is_known(tables.mutes, role) && OidIsValid(tables.mute_indexes[0]);
	close_tables(&tables);
	return result;
}

/* May the list that is kept be used, after that number of changes? */
static bool
is_current(const FollowList *list, uint64 changes)
{
	TimestampTz now = GetCurrentTransactionStartTimestamp();

	return !list->stale && list->changes == changes && list->read <= now && now < list->until;
}

/* The list, as kept or read from the tables. */
static SourceSet *
get_list(const FollowListKey *key, const FollowTables *tables, Snapshot snapshot)
{
	FollowList *list;
	uint64		changes;
	TimestampTz until;

	if (list_is_settled(key, tables, snapshot, &changes))
	{
		if (lists == NULL)
			make_table();
		list = hash_search(lists, key, HASH_FIND, NULL);
		if (list != NULL && is_current(list, changes))
			return use_list(list);
		if (list != NULL && list->users == 0)
		{
			drop_list(list);
			list = NULL;
		}
		if (list == NULL)
			return read_and_keep_list(key, tables, snapshot, changes);
	}
	return read_list(key, tables, snapshot, &until);
}

/* The index that a plan relied on may have been dropped by the transaction of a cursor. */
static void
require_index(Relation table, Oid index)
{
	if (!OidIsValid(index))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" has no index to find the rows of a follower",
						RelationGetRelationName(table)),
				 errhint("Call actstream.create_tables() to create it.")));
}

/*
 * FollowListGet
 *		What the follower follows and does not mute, as the snapshot sees it.
 *
 * Only for plans that were made when FollowListIsKnown() was true, and that have the
 * executor check privileges on the tables: none are checked here.  The result must not
 * be changed, and is valid until the current memory context is reset.
 */
SourceSet *
FollowListGet(const FollowListKey *key, Snapshot snapshot)
{
	FollowTables tables;
	SourceSet  *result;

	open_tables(&tables);
	require_index(tables.follows, tables.follow_index);
	require_index(tables.mutes, tables.mute_indexes[0]);
	result = get_list(key, &tables, snapshot);
	close_tables(&tables);
	return result;
}
