/*
 * follow_count.c
 *		Counting the followers of each object.
 *
 * A trigger of "follows" is called for each row that was changed.  It collects the
 * changes of counts, and sees to it that another trigger is called after all rows of the
 * statement: that one adds them to the counts, see follow_slots.c.  So a statement that
 * brings an object many followers changes its count once.
 *
 * The second trigger is one of the table "follow_counts", for statements; the first
 * queues it, as if it had inserted into that table.  So it is called for whatever changes
 * rows of "follows": also of a partition, in a cascade, or by a worker of logical
 * replication, for which no trigger of the table "follows" itself would be called.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/run_as.h"
#include "follow/follow_pair.h"
#include "follow/follow_slots.h"
#include "tables/local_tables.h"
#include "tables/own_trigger.h"
#include "tables/spi_plan.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(actstream_follow_count);
PG_FUNCTION_INFO_V1(actstream_follow_count_none);
PG_FUNCTION_INFO_V1(actstream_follow_count_store);
PG_FUNCTION_INFO_V1(actstream_recount_followers);

/* So many changes are collected before they are added up, or stored. */
#define MAX_COLLECTED	10000

/* What a subtransaction has collected and not stored yet. */
typedef struct Collection
{
	MemoryContext context;		/* has all this */
	SubTransactionId subid;
	int			depth;			/* of triggers, where storing was last queued */
	int			n;
	int			size;
	CountChange *changes;
	int			nundecided;
	int			undecided_size;
	FollowChange *undecided;	/* changes that count_pair() has put off */
	struct Collection *next;
} Collection;

/* of the current transaction, the innermost subtransaction first */
static Collection *collections = NULL;

static SpiPlan find_counts = {.sql = "SELECT FROM actstream.follow_counts LIMIT 1"};
static SpiPlan truncate_counts = {.sql = "TRUNCATE actstream.follow_counts"};

static SpiPlan mend_counts = {
	.sql = "WITH wrong AS MATERIALIZED (SELECT * FROM actstream_internal.wrong_counts()),"
	" gone AS (DELETE FROM actstream.follow_counts c USING wrong w"
	" WHERE c.object OPERATOR(pg_catalog.=) w.object AND c.flag OPERATOR(pg_catalog.=) w.flag),"
	" made AS (INSERT INTO actstream.follow_counts (object, flag, slot, followers, any_flag)"
	" SELECT w.object, w.flag, (pg_catalog.random() OPERATOR(pg_catalog.*) 9e18)::bigint,"
	" w.right_followers, w.right_any_flag FROM wrong w"
	" WHERE w.right_followers OPERATOR(pg_catalog.<>) 0 OR w.right_any_flag OPERATOR(pg_catalog.<>) 0)"
	" SELECT pg_catalog.count(*) FROM wrong"
};

static void
drop_collection(Collection **link)
{
	Collection *dropped = *link;

	*link = dropped->next;
	MemoryContextDelete(dropped->context);
}

/* Forget what the transaction has collected: its memory is about to be freed. */
static void
transaction_ends(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		collections = NULL;
}

/* Forget what a subtransaction has collected that is rolled back. */
static void
subtransaction_ends(SubXactEvent event, SubTransactionId mySubid, SubTransactionId parentSubid,
					void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
	{
		while (collections != NULL && collections->subid >= mySubid)
			drop_collection(&collections);
	}
}

static void
watch_transaction(void)
{
	static bool registered = false;

	if (!registered)
	{
		RegisterXactCallback(transaction_ends, NULL);
		RegisterSubXactCallback(subtransaction_ends, NULL);
		registered = true;
	}
}

/* The collection of the current subtransaction. */
static Collection *
get_collection(void)
{
	SubTransactionId subid = GetCurrentSubTransactionId();
	MemoryContext context;
	Collection *collection;

	if (collections != NULL && collections->subid == subid)
		return collections;
	watch_transaction();
	/* ends with the subtransaction if that fails, and else with the transaction */
	context = AllocSetContextCreate(CurTransactionContext, "actstream follow counts",
									ALLOCSET_SMALL_SIZES);
	collection = MemoryContextAllocZero(context, sizeof(Collection));
	collection->context = context;
	collection->subid = subid;
	collection->next = collections;
	collections = collection;
	return collection;
}

static void *
copy_varlena(Collection *collection, const void *value)
{
	return memcpy(MemoryContextAlloc(collection->context, VARSIZE_ANY(value)), value,
				  VARSIZE_ANY(value));
}

/* Make room for one more element in an array that has n. */
static void *
enlarge(Collection *collection, void *array, int n, int *size, Size element)
{
	if (n < *size)
		return array;
	*size = Max(4, *size * 2);
	return array == NULL ? MemoryContextAlloc(collection->context, *size * element) :
		repalloc_huge(array, *size * element);
}

static int
compare_counts(const void *a, const void *b)
{
	return CountChangeCompare(a, b);
}

static void
free_change(CountChange *change)
{
	pfree(unconstify(Ref *, change->object));
	pfree(unconstify(text *, change->flag));
}

/* Add up the changes of each count, and sort them. */
static void
add_up(Collection *collection)
{
	CountChange *changes = collection->changes;
	int			n = 0;

	if (collection->n < 2)
		return;
	qsort(changes, collection->n, sizeof(CountChange), compare_counts);
	for (int i = 1; i < collection->n; i++)
	{
		if (CountChangeCompare(&changes[n], &changes[i]) == 0)
		{
			changes[n].followers += changes[i].followers;
			changes[n].any_flag += changes[i].any_flag;
			free_change(&changes[i]);
		}
		else
			changes[++n] = changes[i];
	}
	collection->n = n + 1;
}

/* Add what was collected to the counts, as the owner of these. */
static void
store_changes(Collection *collection)
{
	Relation	counts = OwnTableOpen(OWN_FOLLOW_COUNTS, RowExclusiveLock);
	RunAs		before;

	LocalTableRequire(OWN_FOLLOW_COUNTS);
	add_up(collection);
	RunAsBegin(&before, counts->rd_rel->relowner, RUN_AS_CASCADE);
	FollowSlotsAdd(counts, collection->changes, collection->n);
	RunAsEnd(&before);
	table_close(counts, NoLock);
}

static void
collect(Collection *collection, const Ref *object, const text *flag, int followers, int any_flag)
{
	CountChange *change;

	collection->changes = enlarge(collection, collection->changes, collection->n,
								  &collection->size, sizeof(CountChange));
	change = &collection->changes[collection->n++];
	change->object = copy_varlena(collection, object);
	change->flag = copy_varlena(collection, flag);
	change->followers = followers;
	change->any_flag = any_flag;
}

/* Collect a change of the number of followers with any flag. */
static void
collect_any_flag(Collection *collection, const FollowChange *change, FollowCompany company)
{
	text	   *empty;

	if (company == FOLLOW_HAS_COMPANY || change->sign == 0)
		return;
	empty = (text *) palloc(VARHDRSZ);
	SET_VARSIZE(empty, VARHDRSZ);
	collect(collection, change->followee, empty, 0, change->sign);
	pfree(empty);
}

/*
 * Was a change of the same pair by the same command put off just now?  Then this one need
 * not look.  An update of a key is two changes, so two are remembered.
 */
static bool
is_put_off(const Collection *collection, const FollowChange *change)
{
	for (int i = Max(0, collection->nundecided - 2); i < collection->nundecided; i++)
	{
		const FollowChange *undecided = &collection->undecided[i];

		if (undecided->command == change->command && FollowPairCompare(undecided, change) == 0)
			return true;
	}
	return false;
}

/* Whether the change is of the first or the last follow of its pair: see follow_pair.c. */
static void
count_pair(Collection *collection, const FollowChange *change)
{
	FollowCompany company = is_put_off(collection, change) ? FOLLOW_IS_UNDECIDED :
		FollowCompanyOf(change);
	FollowChange *undecided;

	if (company != FOLLOW_IS_UNDECIDED)
	{
		collect_any_flag(collection, change, company);
		return;
	}
	collection->undecided = enlarge(collection, collection->undecided, collection->nundecided,
									&collection->undecided_size, sizeof(FollowChange));
	undecided = &collection->undecided[collection->nundecided++];
	*undecided = *change;
	undecided->follower = copy_varlena(collection, change->follower);
	undecided->followee = copy_varlena(collection, change->followee);
	undecided->flag = copy_varlena(collection, change->flag);
}

/* Decide about the changes that were put off. */
static void
decide(Collection *collection)
{
	FollowCompany *companies;

	if (collection->nundecided == 0)
		return;
	companies = palloc_extended(collection->nundecided * sizeof(FollowCompany), MCXT_ALLOC_HUGE);
	FollowPairsDecide(collection->undecided, collection->nundecided, companies);
	for (int i = 0; i < collection->nundecided; i++)
		collect_any_flag(collection, &collection->undecided[i], companies[i]);
	pfree(companies);
}

/* Store all that the current subtransaction has collected. */
static void
store_collection(void)
{
	Collection *collection = collections;

	if (collection == NULL || collection->subid != GetCurrentSubTransactionId())
		return;
	/* what triggers of the owner collect meanwhile is another collection */
	collections = collection->next;
	decide(collection);
	store_changes(collection);
	MemoryContextDelete(collection->context);
}

/* Store the changes that were collected, in the middle of a statement which collects more. */
static void
store_early(Collection *collection)
{
	/* what triggers of the owner collect meanwhile is another collection */
	collections = collection->next;
	store_changes(collection);
	while (collection->n > 0)
		free_change(&collection->changes[--collection->n]);
	collection->next = collections;
	collections = collection;
}

/* Is that trigger there, and does it fire in this session? */
static bool
storing_fires(Relation counts)
{
	Oid			funcid = OwnTriggerFunction("follow_count_store");
	const TriggerDesc *triggers = counts->trigdesc;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		const Trigger *trigger = &triggers->triggers[i];

		if (trigger->tgfoid == funcid && TRIGGER_FOR_INSERT(trigger->tgtype) &&
			TRIGGER_FOR_AFTER(trigger->tgtype) && !TRIGGER_FOR_ROW(trigger->tgtype) &&
			trigger->tgqual == NULL)
			return trigger->tgenabled == TRIGGER_FIRES_ALWAYS ||
				trigger->tgenabled == (SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA ?
									   TRIGGER_FIRES_ON_REPLICA : TRIGGER_FIRES_ON_ORIGIN);
	}
	return false;
}

/*
 * See to it that what is collected will be stored after all rows of the statement.
 * Returns false if its owner has disabled that trigger.
 */
static bool
queue_storing(void)
{
	Relation	counts = OwnTableOpen(OWN_FOLLOW_COUNTS, RowExclusiveLock);
	bool		fires = storing_fires(counts);

	if (fires)
	{
		EState	   *estate = CreateExecutorState();
		ResultRelInfo *info = makeNode(ResultRelInfo);

		InitResultRelInfo(info, counts, 0, NULL, 0);
		ExecASInsertTriggers(estate, info, NULL);
		FreeExecutorState(estate);
	}
	table_close(counts, NoLock);
	return fires;
}

/* Collect the change of a follow, and queue storing it. */
static void
count_change(const FollowChange *change)
{
	int			depth = DatumGetInt32(DirectFunctionCall1(pg_trigger_depth, (Datum) 0));
	Collection *collection = get_collection();
	bool		is_queued = collection->depth == depth;

	if (change->sign != 0)
		collect(collection, change->followee, change->flag, change->sign, 0);
	count_pair(collection, change);
	collection->depth = depth;
	if (!is_queued && !queue_storing())
		store_collection();
	else if (collection->n >= MAX_COLLECTED)
	{
		add_up(collection);
		if (collection->n >= MAX_COLLECTED / 2)
			store_early(collection);
	}
}

/*
 * Set *change to what has happened to a row, as this command has done it.  Returns false
 * for a row that no count has, which is one with nulls.
 */
static bool
describe(TupleDesc tupdesc, HeapTuple row, CommandId command, int sign, FollowChange *change)
{
	bool		isnull[3];
	Datum		follower = heap_getattr(row, Anum_follow_follower, tupdesc, &isnull[0]);
	Datum		followee = heap_getattr(row, Anum_follow_followee, tupdesc, &isnull[1]);
	Datum		flag = heap_getattr(row, Anum_follow_flag, tupdesc, &isnull[2]);

	/* null only if the table's owner has dropped the constraint */
	if (isnull[0] || isnull[1] || isnull[2])
		return false;
	change->follower = DatumGetRefPP(follower);
	change->followee = DatumGetRefPP(followee);
	change->flag = DatumGetTextPP(flag);
	change->command = command;
	change->sign = sign;
	return true;
}

static bool
is_same_follow(const FollowChange *a, const FollowChange *b)
{
	return FollowPairCompare(a, b) == 0 && FollowFlagCompare(a->flag, b->flag) == 0;
}

/*
 * Trigger follow_count AFTER INSERT OR DELETE OR UPDATE ON actstream.follows, for each
 * row: counts followers.
 */
Datum
actstream_follow_count(PG_FUNCTION_ARGS)
{
	TupleDesc	tupdesc;
	TriggerData *trigdata = OwnTriggerData(fcinfo, OWN_FOLLOWS, &tupdesc);
	TriggerData *stored = (TriggerData *) fcinfo->context;	/* the rows as they are stored */
	TriggerEvent event = trigdata->tg_event;
	FollowChange old;
	FollowChange new;
	bool		has_old = false;
	bool		has_new = false;

	if (!TRIGGER_FIRED_AFTER(event) || !TRIGGER_FIRED_FOR_ROW(event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("trigger must be fired after a change, for each row")));
	/* without that table there are no counts */
	if (!OidIsValid(OwnTableFind(OWN_FOLLOW_COUNTS)))
		return PointerGetDatum(NULL);
	LocalTableRequire(OWN_FOLLOWS);
	if (!TRIGGER_FIRED_BY_INSERT(event))
		has_old = describe(tupdesc, trigdata->tg_trigtuple,
						   HeapTupleHeaderGetCmax(stored->tg_trigtuple->t_data), -1, &old);
	if (TRIGGER_FIRED_BY_INSERT(event))
		has_new = describe(tupdesc, trigdata->tg_trigtuple,
						   HeapTupleHeaderGetCmin(stored->tg_trigtuple->t_data), 1, &new);
	else if (TRIGGER_FIRED_BY_UPDATE(event))
		has_new = describe(tupdesc, trigdata->tg_newtuple,
						   HeapTupleHeaderGetCmin(stored->tg_newtuple->t_data), 1, &new);
	if (has_old && has_new && is_same_follow(&old, &new))
	{
		has_old = false;
		new.sign = 0;
	}
	if (has_old)
		count_change(&old);
	if (has_new)
		count_change(&new);
	return PointerGetDatum(NULL);
}

/*
 * Trigger follow_count_store AFTER INSERT ON actstream.follow_counts, for each statement:
 * stores what the other trigger has collected.
 */
Datum
actstream_follow_count_store(PG_FUNCTION_ARGS)
{
	TupleDesc	tupdesc;

	(void) OwnTriggerData(fcinfo, OWN_FOLLOW_COUNTS, &tupdesc);
	store_collection();
	return PointerGetDatum(NULL);
}

/*
 * Trigger follow_count_none AFTER TRUNCATE ON actstream.follows, for each statement:
 * removes all counts, unless the same statement has.
 */
Datum
actstream_follow_count_none(PG_FUNCTION_ARGS)
{
	TupleDesc	tupdesc;
	TriggerData *trigdata = OwnTriggerData(fcinfo, OWN_FOLLOWS, &tupdesc);

	if (!TRIGGER_FIRED_BY_TRUNCATE(trigdata->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("trigger must be fired for TRUNCATE")));
	if (!OidIsValid(OwnTableFind(OWN_FOLLOW_COUNTS)))
		return PointerGetDatum(NULL);
	SPI_connect();
	if (SpiPlanExecuteAs(OWN_FOLLOW_COUNTS, RUN_AS_RESTRICTED, &find_counts, NULL, NULL) > 0)
		(void) SpiPlanExecuteAs(OWN_FOLLOW_COUNTS, RUN_AS_RESTRICTED, &truncate_counts, NULL, NULL);
	SPI_finish();
	return PointerGetDatum(NULL);
}

/*
 * recount_followers()
 *		Make all counts right, as the owner of them.
 *
 * Locks "follows" and its partitions, so that nothing changes them meanwhile.
 */
Datum
actstream_recount_followers(PG_FUNCTION_ARGS)
{
	bool		isnull;
	int64		result;

	PreventCommandIfReadOnly("actstream.recount_followers()");
	OwnTableRequireOwner(OWN_FOLLOW_COUNTS);
	/* the parent first, as whoever follows does */
	LockRelationOid(OwnTableId(OWN_FOLLOWS), ShareRowExclusiveLock);
	(void) find_all_inheritors(OwnTableId(OWN_FOLLOWS), ShareRowExclusiveLock, NULL);
	SPI_connect();
	(void) SpiPlanExecuteAs(OWN_FOLLOW_COUNTS, RUN_AS_RESTRICTED, &mend_counts, NULL, NULL);
	result = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	SPI_finish();
	PG_RETURN_INT64(result);
}
