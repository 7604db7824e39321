/*
 * is_muted.c
 *		Whether mutes hide an action, for streams that do not leave it out by themselves.
 */
#include "postgres.h"

#include "base/compat.h"
#include "reader/followed_sources.h"
#include "reader/source_filter.h"
#include "ref/ref_ops.h"
#include "tables/action_row.h"
#include "tables/own_tables.h"
#include "tables/spi_plan.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/primnodes.h"
#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(actstream_is_muted);

/* The same query as in user_stream(). */
static SpiPlan read_mutes = {
	.sql = "SELECT ARRAY(SELECT ROW(m.muter, m.muted, m.verbs, m.block)"
	" FROM actstream.mutes m"
	" WHERE (m.muter OPERATOR(pg_catalog.=) $1"
	" OR m.muted OPERATOR(pg_catalog.=) $1 AND m.block)"
	" AND (m.until IS NULL OR m.until OPERATOR(pg_catalog.>) pg_catalog.now()))",
	.nargs = 1,
	.argtypes = {REF_ARG}
};

/* What decides which mutes a query sees. */
typedef struct View
{
	Oid			user;
	SubTransactionId subtransaction;
	CommandId	command;
	TransactionId xmin;
	TransactionId xmax;
} View;

/* What a call keeps for the next one with the same muter. */
typedef struct MutedState
{
	bool		keeps;			/* may the next call be of the same query? */
	MemoryContext context;		/* of the rest */
	View		view;
	Ref		   *muter;			/* NULL if nothing is kept */
	SourceSet  *hidden;			/* indexed */
} MutedState;

static View
current_view(void)
{
	Snapshot	snapshot = GetActiveSnapshot();
	View		result = {0};

	result.user = GetUserId();
	result.subtransaction = GetCurrentSubTransactionId();
	result.command = snapshot->curcid;
	result.xmin = snapshot->xmin;
	result.xmax = snapshot->xmax;
	return result;
}

static bool
same_view(const View *a, const View *b)
{
	return a->user == b->user && a->subtransaction == b->subtransaction &&
		a->command == b->command && a->xmin == b->xmin && a->xmax == b->xmax;
}

/* Does the value of an expression depend on a row of the query that it is in? */
static bool
has_row(Node *expr, void *arg)
{
	if (expr == NULL)
		return false;
	if (IsA(expr, Var) || (IsA(expr, Param) && ((Param *) expr)->paramkind != PARAM_EXTERN))
		return true;
	return expression_tree_walker(expr, has_row, arg);
}

/* Read what is hidden from the muter, into the current memory context. */
static SourceSet *
read_hidden(Ref *muter)
{
	SourceSet  *hidden = SourceSetCreate(false);
	Datum		values[] = {PointerGetDatum(muter)};
	bool		isnull;
	Datum		mutes;

	(void) OwnTableId(OWN_MUTES);	/* or an error */
	SPI_connect();
	(void) SpiPlanRead(&read_mutes, values, NULL);
	mutes = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	MutedSourcesFromRows(hidden, DatumGetArrayTypeP(mutes), muter);
	SPI_finish();
	SourceSetIndex(hidden);
	return hidden;
}

/*
 * Is this called for rows of a query?  Otherwise, in an expression of PL/pgSQL, calls that
 * share a state can have other snapshots and settings.
 */
static bool
is_of_query(FunctionCallInfo fcinfo)
{
	Node	   *expr = fcinfo->flinfo->fn_expr;

	return expr != NULL && IsA(expr, FuncExpr) && has_row((Node *) ((FuncExpr *) expr)->args, NULL);
}

/* What is hidden from the muter, as kept from the previous call or read. */
static const SourceSet *
get_hidden(FunctionCallInfo fcinfo, Ref *muter)
{
	MutedState *state = fcinfo->flinfo->fn_extra;
	View		view = current_view();
	MemoryContext oldcontext;

	if (state == NULL)
	{
		state = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(MutedState));
		state->context = AllocSetContextCreate(fcinfo->flinfo->fn_mcxt, "actstream mutes",
											   ALLOCSET_SMALL_SIZES);
		fcinfo->flinfo->fn_extra = state;
		state->keeps = is_of_query(fcinfo);
	}
	if (state->keeps && state->muter != NULL && RefCompare(state->muter, muter) == 0 && same_view(&state->view, &view))
		return state->hidden;
	state->muter = NULL;
	MemoryContextReset(state->context);
	oldcontext = MemoryContextSwitchTo(state->context);
	state->hidden = read_hidden(muter);
	state->view = view;
	state->muter = (Ref *) DatumGetPointer(datumCopy(PointerGetDatum(muter), false, -1));
	MemoryContextSwitchTo(oldcontext);
	return state->hidden;
}

/*
 * is_muted(muter, action) RETURNS boolean
 *
 * Reads the mutes as the current user, once for a statement as long as the muter stays the
 * same.
 */
Datum
actstream_is_muted(PG_FUNCTION_ARGS)
{
	const SourceSet *hidden = get_hidden(fcinfo, PG_GETARG_REF_PP(0));
	ActionRow	row;
	ActionRefs	action;
	Datum		value;
	bool		isnull;

	ActionRowBegin(&row, PG_GETARG_HEAPTUPLEHEADER(1));
	for (ActionIndex role = 0; role < NUM_ACTION_ROLES; role++)
	{
		value = ActionRowGet(&row, ActionRoleColumns[role], &isnull);
		action.objects[role] = isnull ? NULL : DatumGetRefPP(value);
	}
	value = ActionRowGet(&row, Anum_action_verb, &isnull);
	action.verb = isnull ? NULL : DatumGetTextPP(value);
	/* hidden whatever the time */
	action.timestamp = 0;
	ActionRowEnd(&row);
	PG_RETURN_BOOL(SourceSetShows(hidden, &action));
}
