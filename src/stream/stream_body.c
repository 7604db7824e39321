/*
 * stream_body.c
 *		The bodies of stream functions, as parse trees that the session keeps.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/sql_function.h"
#include "stream/stream_body.h"

#include "access/htup_details.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/plancache.h"
#include "utils/syscache.h"

/* The body of a stream function, prepared once per session. */
struct StreamBody
{
	Oid			function;		/* hash key */
	SPIPlanPtr	plan;			/* NULL if not prepared */
	TransactionId xmin;			/* of the function's row in pg_proc, when it was prepared */
	ItemPointerData tid;
	bool		policies;		/* does it depend on policies? */
	uint64		role_changes;	/* value of role_changes when it was prepared */
	bool		in_use;			/* between StreamBodyTake() and StreamBodyRelease()? */
};

static HTAB *bodies = NULL;

/* Counts changes to roles and to memberships. */
static uint64 role_changes = 0;

/* Has any body depended on policies?  If so, cached plans may, too. */
static bool policies_met = false;

/*
 * Syscache callback.  The server makes a plan depend on the role's OID only, but an
 * inlined body depends on whether policies apply to the role.
 */
static void
role_changed(Datum arg, int cacheid, uint32 hashvalue)
{
	role_changes++;
	if (policies_met)
		ResetPlanCache();
}

/* Make the table of bodies. */
static void
make_bodies(void)
{
	HASHCTL		ctl = {.keysize = sizeof(Oid), .entrysize = sizeof(StreamBody)};

	bodies = hash_create("actstream stream bodies", 16, &ctl, HASH_ELEM | HASH_BLOBS);
	CacheRegisterSyscacheCallback(AUTHOID, role_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, role_changed, (Datum) 0);
}

/* Is the plan of a body up to date in those respects that the server does not track? */
static bool
is_current(StreamBody *body, HeapTuple proc)
{
	return body->xmin == HeapTupleHeaderGetRawXmin(proc->t_data) &&
		ItemPointerEquals(&body->tid, &proc->t_self) &&
		(!body->policies || body->role_changes == role_changes);
}

/* Prepare the body of a function, and keep the plan. */
static SPIPlanPtr
prepare_body(HeapTuple proc)
{
	Form_pg_proc form = (Form_pg_proc) GETSTRUCT(proc);
	bool		isnull;
	Datum		source = SysCacheGetAttr(PROCOID, proc, Anum_pg_proc_prosrc, &isnull);
	SPIPlanPtr	plan;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	plan = SPI_prepare(TextDatumGetCString(source), form->pronargs, form->proargtypes.values);
	if (plan == NULL)
		elog(ERROR, "SPI_prepare returned %s", SPI_result_code_string(SPI_result));
	SPI_keepplan(plan);
	SPI_finish();
	return plan;
}

/*
 * The query of a plan, revalidated, with its tables locked; NULL if it is not exactly one SELECT.
 * Tells whether it depends on policies.
 */
static Query *
query_of(SPIPlanPtr plan, bool *policies)
{
	CachedPlanSource *source;
	Query	   *result;

	*policies = false;
	if (list_length(SPI_plan_get_plan_sources(plan)) != 1)
		return NULL;
	source = linitial(SPI_plan_get_plan_sources(plan));
	(void) CachedPlanGetTargetList(source, NULL);
	*policies = source->dependsOnRLS;
	policies_met |= source->dependsOnRLS;
	result = linitial_node(Query, source->query_list);
	return list_length(source->query_list) == 1 && result->commandType == CMD_SELECT &&
		result->setOperations == NULL ? result : NULL;
}

/* The same query that is in use further up the call stack, as a copy. */
static Query *
copy_of_body(HeapTuple proc)
{
	SPIPlanPtr	plan = prepare_body(proc);
	bool		policies;
	Query	   *result = copyObject(query_of(plan, &policies));

	SPI_freeplan(plan);
	return result;
}

/*
 * StreamBodyTake
 *		The body of a stream function as a query, analyzed, and rewritten for the current
 *		user; NULL if it may not be inlined, or is not exactly one SELECT.
 *
 * Until StreamBodyRelease(*body), which is due after errors, too, the caller may read it.  Its tables
 * are locked.
 *
 * If policies apply, or could apply, it also depends on the memberships of the current
 * user.
 */
Query *
StreamBodyTake(HeapTuple proc, StreamBody **body)
{
	Oid			function = ((Form_pg_proc) GETSTRUCT(proc))->oid;
	StreamBody *kept;
	Query	   *result;
	bool		found;

	*body = NULL;
	if (!SqlFunctionIsInlinable(proc))
		return NULL;
	if (bodies == NULL)
		make_bodies();
	kept = hash_search(bodies, &function, HASH_ENTER, &found);
	if (!found)
	{
		kept->plan = NULL;
		kept->in_use = false;
	}
	/* to revalidate it would take it away from there */
	if (kept->in_use)
		return copy_of_body(proc);
	if (kept->plan != NULL && !is_current(kept, proc))
	{
		SPI_freeplan(kept->plan);
		kept->plan = NULL;
	}
	if (kept->plan == NULL)
	{
		kept->role_changes = role_changes;
		kept->plan = prepare_body(proc);
		kept->xmin = HeapTupleHeaderGetRawXmin(proc->t_data);
		kept->tid = proc->t_self;
	}
	result = query_of(kept->plan, &kept->policies);
	kept->in_use = true;
	*body = kept;
	return result;
}

/*
 * StreamBodyRelease
 *		End the use of a body; NULL is ignored.
 */
void
StreamBodyRelease(StreamBody *body)
{
	if (body != NULL)
		body->in_use = false;
}
