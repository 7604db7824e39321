/*
 * tracking_cache.c
 *		The parsed arguments of triggers made by track().
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/attempt.h"
#include "base/relation_watch.h"
#include "track/track_check.h"
#include "track/tracking_cache.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_trigger.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/rel.h"

/* CachedTracking by trigger; lives as long as the session */
static HTAB *trackings = NULL;

/* Arguments of a trigger to parse. */
typedef struct ParseJob
{
	Tracking   *tracking;
	const Trigger *trigger;
	Relation	rel;
} ParseJob;

/*
 * Forget an entry.  A trigger that is being executed may need its memory until the end
 * of the transaction.
 */
static void
forget(CachedTracking *entry)
{
	if (TopTransactionContext != NULL)
		MemoryContextSetParent(entry->context, TopTransactionContext);
	else
		MemoryContextDelete(entry->context);
	(void) hash_search(trackings, &entry->trigger, HASH_REMOVE, NULL);
}

/* Watcher */
static void
table_changed(Oid relid)
{
	HASH_SEQ_STATUS status;
	CachedTracking *entry;

	hash_seq_init(&status, trackings);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		if (relid == InvalidOid || entry->relation == relid || entry->source == relid)
			forget(entry);
	}
}

/*
 * Set *relation to the table of a trigger.  If the trigger was cloned from another,
 * replace *trigger by that one and return true.
 */
static bool
parent_of_trigger(Oid *trigger, Oid *relation)
{
	Relation	rel = table_open(TriggerRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		found = false;

	ScanKeyInit(&key, Anum_pg_trigger_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(*trigger));
	scan = systable_beginscan(rel, TriggerOidIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);

		*relation = form->tgrelid;
		found = OidIsValid(form->tgparentid);
		if (found)
			*trigger = form->tgparentid;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}

/*
 * TrackingSource
 *		The table that a trigger of "relation" was made on: for a trigger that
 *		PostgreSQL cloned for a partition, the partitioned table.
 *
 * The owner of that table is responsible for what the trigger does; the owner of a
 * partition can neither change nor drop it.
 */
Oid
TrackingSource(Oid relation, const Trigger *trigger)
{
	Oid			trigger_oid = trigger->tgoid;

	if (trigger->tgisclone)
	{
		while (parent_of_trigger(&trigger_oid, &relation))
			 /* on to the parent */ ;
	}
	return relation;
}

/* AttemptFunction */
static void
parse(void *arg)
{
	ParseJob   *job = arg;

	TrackingParse(job->tracking, job->trigger->tgargs, job->trigger->tgnargs, job->rel, false);
}

/*
 * Parse the trigger's arguments, in a memory context that is freed with the transaction.
 */
static void
fill(CachedTracking *entry, Relation rel, const Trigger *trigger)
{
	ParseJob	job = {.trigger = trigger, .rel = rel};
	MemoryContext context = AllocSetContextCreate(TopTransactionContext,
												  "actstream tracking",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext oldcontext = MemoryContextSwitchTo(context);
	ErrorData  *error;

	job.tracking = palloc0(sizeof(Tracking));
	error = Attempt(parse, &job);
	entry->tracking = error == NULL ? job.tracking : NULL;
	entry->problem = error == NULL ? job.tracking->problem : error->message;
	if (entry->problem == NULL)
		entry->problem = TrackTemplatesProblem(job.tracking, rel);
	MemoryContextSwitchTo(oldcontext);
	entry->context = context;
}

/*
 * TrackingOfTrigger
 *		The parsed arguments of a trigger of "rel" that calls row_changed().
 */
CachedTracking
TrackingOfTrigger(Relation rel, const Trigger *trigger)
{
	uint64		changes;
	CachedTracking result = {.trigger = trigger->tgoid};
	CachedTracking *entry;
	bool		found;

	if (trackings == NULL)
	{
		HASHCTL		ctl = {.keysize = sizeof(Oid), .entrysize = sizeof(CachedTracking)};

		RelationWatch(table_changed);
		trackings = hash_create("actstream trackings", 16, &ctl, HASH_ELEM | HASH_BLOBS);
	}
	entry = hash_search(trackings, &trigger->tgoid, HASH_FIND, NULL);
	if (entry != NULL)
		return *entry;

	changes = RelationChanges();
	result.relation = RelationGetRelid(rel);
	result.source = TrackingSource(RelationGetRelid(rel), trigger);
	fill(&result, rel, trigger);
	if (changes == RelationChanges())
	{
		entry = hash_search(trackings, &trigger->tgoid, HASH_ENTER, &found);
		Assert(!found);
		*entry = result;
		MemoryContextSetParent(result.context, CacheMemoryContext);
	}
	return result;
}
