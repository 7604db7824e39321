/*
 * kept_query.c
 *		Prepared queries on registered tables, which the session keeps.
 *
 * As the triggers of foreign keys do (see ri_triggers.c), we ask the same of a table again and again.
 * There can be any number of tables, and they come and go, so not all queries are kept for good.
 */
#include "postgres.h"

#include "base/compat.h"
#include "object/kept_query.h"

#include "executor/spi.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/plancache.h"

/*
 * How much memory plans are kept in, in bytes; most take some ten kilobytes, but policies of a table can
 * make them large.  If it gets more, all begins anew.  A single plan that takes a quarter of it is not kept.
 */
#define MAX_KEPT_SIZE	(4 * 1024 * 1024)

typedef struct KeptKey
{
	Oid			relation;
	int			purpose;
} KeptKey;

typedef struct KeptQuery
{
	KeptKey		key;			/* hash key */
	SPIPlanPtr	plan;			/* NULL if there is none */
	Size		size;			/* of the plan */
	bool		too_large;		/* is a plan that fits any arguments too large to be kept? */
	bool		goes;			/* is the plan too large? */
	char	   *sql;			/* text that the plan was prepared from */
	int			nargs;
	Oid			argtypes[INDEX_MAX_KEYS];
	int			users;			/* number of executions under way */
} KeptQuery;

/* lives as long as the session */
static HTAB *kept_queries = NULL;
static Size kept_size = 0;

/* Forget the plan of a query that is not being executed. */
static void
forget(KeptQuery *query)
{
	SPIPlanPtr	plan = query->plan;

	if (plan == NULL)
		return;
	query->plan = NULL;
	query->goes = false;
	kept_size -= query->size;
	pfree(query->sql);
	SPI_freeplan(plan);
}

/* Forget the queries that are not being executed: all of them, or those whose plan is too large. */
static void
forget_queries(bool all)
{
	HASH_SEQ_STATUS scan;
	KeptQuery  *query;

	hash_seq_init(&scan, kept_queries);
	while ((query = hash_seq_search(&scan)) != NULL)
	{
		if (query->users > 0 || !(all || query->goes))
			continue;
		forget(query);
		hash_search(kept_queries, &query->key, HASH_REMOVE, NULL);
	}
}

static KeptQuery *
find_query(const TableQuestion *question)
{
	KeptKey		key = {question->relation, question->purpose};
	KeptQuery  *query;
	bool		found;

	if (kept_queries == NULL)
	{
		HASHCTL		ctl = {.keysize = sizeof(KeptKey), .entrysize = sizeof(KeptQuery)};

		kept_queries = hash_create("actstream kept queries", 32, &ctl, HASH_ELEM | HASH_BLOBS);
	}
	/* a few large ones must not cost the plans of others */
	if (kept_size > MAX_KEPT_SIZE)
		forget_queries(false);
	if (kept_size > MAX_KEPT_SIZE)
		forget_queries(true);
	query = hash_search(kept_queries, &key, HASH_ENTER, &found);
	if (!found)
	{
		query->plan = NULL;
		query->too_large = query->goes = false;
		query->users = 0;
	}
	return query;
}

/* Prepare a query, in the memory of SPI. */
static SPIPlanPtr
prepare(const KeptQuery *query, const TableQuestion *question)
{
	SPIPlanPtr	plan = SPI_prepare_cursor(question->sql, question->nargs, question->argtypes,
										  query->too_large ? CURSOR_OPT_CUSTOM_PLAN : 0);

	if (plan == NULL)
		elog(ERROR, "SPI_prepare_cursor returned %s for %s",
			 SPI_result_code_string(SPI_result), question->sql);
	return plan;
}

/*
 * The plan of a query, prepared again if its text or the type of a parameter has changed.
 *
 * A plan that is being executed further up the call stack, as when a policy has led here, is not
 * replaced; then this call gets a plan of its own, which is not kept.
 */
static SPIPlanPtr
plan_of(KeptQuery *query, const TableQuestion *question)
{
	Size		size = sizeof(Oid) * question->nargs;
	SPIPlanPtr	plan;

	if (query->goes && query->users == 0)
		forget(query);
	if (query->plan != NULL && query->nargs == question->nargs &&
		memcmp(query->argtypes, question->argtypes, size) == 0 &&
		strcmp(query->sql, question->sql) == 0)
		return query->plan;
	plan = prepare(query, question);
	if (query->users > 0)
		return plan;
	forget(query);
	query->sql = MemoryContextStrdup(TopMemoryContext, question->sql);
	query->nargs = question->nargs;
	memcpy(query->argtypes, question->argtypes, size);
	SPI_keepplan(plan);
	query->plan = plan;
	query->size = 0;
	return plan;
}

/* After an execution, for which the query has perhaps been planned: reckon with what that takes. */
static void
measure(KeptQuery *query)
{
	Size		size = 0;
	ListCell   *lc;

	if (query->plan == NULL)
		return;
	foreach(lc, SPI_plan_get_plan_sources(query->plan))
	{
		CachedPlanSource *source = lfirst(lc);

		size += MemoryContextMemAllocated(source->context, true);
		if (source->gplan != NULL)
			size += MemoryContextMemAllocated(source->gplan->context, true);
	}
	kept_size += size - query->size;
	query->size = size;
	/* from now on plan for the row alone: of many partitions, few are then in the plan */
	query->goes = size > MAX_KEPT_SIZE / 4;
	query->too_large |= query->goes;
}

/*
 * KeptQueryExecute
 *		Execute a query, with which SPI is connected; its rows are in SPI_tuptable.  Returns their
 *		number.
 */
uint64
KeptQueryExecute(const TableQuestion *question)
{
	KeptQuery  *query = find_query(question);
	SPIPlanPtr	volatile plan = plan_of(query, question);
	volatile int result = 0;

	query->users++;
	PG_TRY();
	{
		result = SPI_execute_snapshot(plan, question->args, NULL, question->snapshot, InvalidSnapshot,
									  question->read_only, false, question->max_rows);
	}
	PG_FINALLY();
	{
		query->users--;
		measure(query);
	}
	PG_END_TRY();
	if (query->goes && query->users == 0)
		forget(query);
	if (result != SPI_OK_SELECT)
		elog(ERROR, "SPI_execute_snapshot returned %s for %s", SPI_result_code_string(result),
			 question->sql);
	return SPI_processed;
}
