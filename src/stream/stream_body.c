/*
 * stream_body.c
 *		The bodies of stream functions, as parse trees that the session keeps.
 */
#include "postgres.h"

#include "base/compat.h"
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
typedef struct StreamBody
{
	Oid			function;		/* hash key */
	SPIPlanPtr	plan;			/* NULL if not prepared */
	TransactionId xmin;			/* of the function's row in pg_proc, when it was prepared */
	ItemPointerData tid;
	bool		policies;		/* does it depend on policies? */
	uint64		role_changes;	/* value of role_changes when it was prepared */
} StreamBody;

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
 * Is the function still as it was created, so that it may be inlined?  Its owner may
 * have changed how it is to be executed.
 */
static bool
is_inlinable(HeapTuple proc)
{
	Form_pg_proc form = (Form_pg_proc) GETSTRUCT(proc);

	return form->prolang == SQLlanguageId && !form->prosecdef && !form->proisstrict &&
		form->provolatile != PROVOLATILE_VOLATILE &&
		heap_attisnull(proc, Anum_pg_proc_proconfig, NULL) &&
		heap_attisnull(proc, Anum_pg_proc_prosqlbody, NULL);
}

/*
 * StreamBodyOf
 *		The body of a stream function as a query, analyzed, and rewritten for the current
 *		user; NULL if it may not be inlined, or is not exactly one SELECT.
 *
 * The caller must neither change it nor keep pointers to it.  Its tables are locked.
 *
 * If policies apply, or could apply, it also depends on the memberships of the current
 * user.
 */
Query *
StreamBodyOf(HeapTuple proc)
{
	Oid			function = ((Form_pg_proc) GETSTRUCT(proc))->oid;
	StreamBody *body;
	CachedPlanSource *source;
	Query	   *result;
	bool		found;

	if (!is_inlinable(proc))
		return NULL;
	if (bodies == NULL)
		make_bodies();
	body = hash_search(bodies, &function, HASH_ENTER, &found);
	if (!found)
		body->plan = NULL;
	if (body->plan != NULL && !is_current(body, proc))
	{
		SPI_freeplan(body->plan);
		body->plan = NULL;
	}
	if (body->plan == NULL)
	{
		body->role_changes = role_changes;
		body->plan = prepare_body(proc);
		body->xmin = HeapTupleHeaderGetRawXmin(proc->t_data);
		body->tid = proc->t_self;
	}
	if (list_length(SPI_plan_get_plan_sources(body->plan)) != 1)
		return NULL;
	source = linitial(SPI_plan_get_plan_sources(body->plan));
	/* this revalidates it, and locks its tables */
	(void) CachedPlanGetTargetList(source, NULL);
	body->policies = source->dependsOnRLS;
	policies_met |= body->policies;
	result = linitial_node(Query, source->query_list);
	return list_length(source->query_list) == 1 && result->commandType == CMD_SELECT &&
		result->setOperations == NULL ? result : NULL;
}
