/*
 * stream_exec.c
 *		Executing the scan of a stream.
 */
#include "postgres.h"

#include "compat.h"
#include "catalog.h"
#include "stream.h"
#include "stream_bound.h"
#include "stream_rows.h"
#include "stream_scan.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_proc.h"
#include "commands/explain.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/typcache.h"

/* A condition that limits the scan, and how to get its values. */
typedef struct BoundState
{
	StreamBound bound;
	ExprState  *timestamp;
	ExprState  *id;				/* NULL if it has none */
} BoundState;

typedef struct StreamScanState
{
	CustomScanState css;
	StreamKind	kind;
	FuncExpr   *call;
	int			page;
	bool		whole_row;
	List	   *args;			/* of ExprState */
	bool		args_vary;		/* can parameters change them? */
	bool		evaluated;		/* are arg_values those of the next call? */
	NullableDatum arg_values[STREAM_MAX_ARGS];
	BoundState *bounds;
	int			nbounds;
	StreamRows *rows;			/* NULL under EXPLAIN without ANALYZE */
	bool		begun;			/* has the call begun? */
	bool		empty;			/* do the bounds exclude each other? */
	MemoryContext args_context; /* of arg_values */
	TupleTableSlot *epq_row;	/* for recheck_row() */
} StreamScanState;

static Node *create_state(CustomScan *scan);
static void begin_scan(CustomScanState *node, EState *estate, int eflags);
static TupleTableSlot *exec_scan(CustomScanState *node);
static void end_scan(CustomScanState *node);
static void rescan(CustomScanState *node);
static void explain_scan(CustomScanState *node, List *ancestors, ExplainState *es);

const CustomScanMethods stream_scan_methods = {
	.CustomName = STREAM_SCAN_NAME,
	.CreateCustomScanState = create_state
};

static const CustomExecMethods stream_exec_methods = {
	.CustomName = STREAM_SCAN_NAME,
	.BeginCustomScan = begin_scan,
	.ExecCustomScan = exec_scan,
	.EndCustomScan = end_scan,
	.ReScanCustomScan = rescan,
	.ExplainCustomScan = explain_scan
};

static Node *
create_state(CustomScan *scan)
{
	StreamScanState *state = (StreamScanState *) newNode(sizeof(StreamScanState),
														 T_CustomScanState);

	state->css.methods = &stream_exec_methods;
	state->kind = intVal(list_nth(scan->custom_private, STREAM_SCAN_KIND));
	state->page = intVal(list_nth(scan->custom_private, STREAM_SCAN_PAGE));
	state->whole_row = boolVal(list_nth(scan->custom_private, STREAM_SCAN_WHOLE_ROW));
	state->call = linitial_node(FuncExpr, scan->custom_exprs);
	return (Node *) state;
}

/* Is the expression a column of the scan's own tuples? */
static bool
is_column(Node *expr, AttrNumber column, void *arg)
{
	return IsA(expr, Var) && ((Var *) expr)->varno == INDEX_VAR &&
		((Var *) expr)->varattno == column;
}

/* Does the expression depend on what is computed while the query runs? */
static bool
has_exec_param(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, SubPlan) ||
		(IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXEC))
		return true;
	return expression_tree_walker(node, has_exec_param, context);
}

/* Prepare the expressions of the plan. */
static void
init_expressions(StreamScanState *state, CustomScan *scan)
{
	ListCell   *lc;

	state->args = ExecInitExprList(state->call->args, &state->css.ss.ps);
	state->args_vary = has_exec_param((Node *) state->call->args, NULL);
	state->bounds = palloc0(list_length(scan->custom_exprs) * sizeof(BoundState));
	for_each_from(lc, scan->custom_exprs, 1)
	{
		BoundState *bound = &state->bounds[state->nbounds++];

		if (!StreamBoundOfClause(lfirst(lc), is_column, NULL, &bound->bound))
			elog(ERROR, "clause of stream scan is not a bound");
		bound->timestamp = ExecInitExpr(bound->bound.timestamp, &state->css.ss.ps);
		bound->id = ExecInitExpr(bound->bound.id, &state->css.ss.ps);
	}
}

/*
 * Make sure that rows of the table are what the plan was made for.
 *
 * The table is locked after the plan has been found good, so it can have
 * changed in between.
 */
static void
check_columns(StreamScanState *state)
{
	TupleDesc	planned = state->css.ss.ss_ScanTupleSlot->tts_tupleDescriptor;
	Relation	action = table_open(ActionRelationId(), NoLock);
	TupleDesc	actual = RelationGetDescr(action);
	int			natts = planned->natts - (state->whole_row ? 1 : 0);
	bool		same = actual->natts >= natts;

	for (int i = 0; same && i < natts; i++)
		same = TupleDescAttr(actual, i)->attisdropped ||
			TupleDescAttr(actual, i)->atttypid == TupleDescAttr(planned, i)->atttypid;
	table_close(action, NoLock);
	if (!same)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cached plan must not change result type")));
}

/*
 * Callback: begin the execution of the plan, as the current user.
 */
static void
begin_scan(CustomScanState *node, EState *estate, int eflags)
{
	StreamScanState *state = (StreamScanState *) node;
	Oid			function = state->call->funcid;
	AclResult	aclresult = object_aclcheck(ProcedureRelationId, function, GetUserId(), ACL_EXECUTE);

	if (aclresult != ACLCHECK_OK)
		aclcheck_error(aclresult, OBJECT_FUNCTION, get_func_name(function));
	InvokeFunctionExecuteHook(function);

	init_expressions(state, (CustomScan *) node->ss.ps.plan);
	if (eflags & EXEC_FLAG_EXPLAIN_ONLY)
		return;
	state->args_context = AllocSetContextCreate(CurrentMemoryContext, "actstream arguments",
												ALLOCSET_SMALL_SIZES);
	state->rows = StreamRowsCreate(state->kind, function, node->ss.ps.ps_ExprContext);
	check_columns(state);
}

static NullableDatum
evaluate(StreamScanState *state, ExprState *expr)
{
	NullableDatum result = {.isnull = true};

	if (expr != NULL)
		result.value = ExecEvalExprSwitchContext(expr, state->css.ss.ps.ps_ExprContext,
												 &result.isnull);
	return result;
}

/* Narrow the call to what the bounds leave. */
static void
apply_bounds(StreamScanState *state, StreamCall *call)
{
	for (int i = 0; i < state->nbounds; i++)
	{
		BoundState *bound = &state->bounds[i];

		StreamBoundApply(&bound->bound, evaluate(state, bound->timestamp),
						 evaluate(state, bound->id), &call->newest, &call->oldest);
	}
	state->empty = ActionPlaceCompare(&call->newest, &call->oldest) < 0;
}

/* Evaluate the arguments. */
static void
evaluate_args(StreamScanState *state)
{
	MemoryContext oldcontext;
	ListCell   *lc;

	MemoryContextReset(state->args_context);
	oldcontext = MemoryContextSwitchTo(state->args_context);
	foreach(lc, state->args)
	{
		NullableDatum *arg = &state->arg_values[foreach_current_index(lc)];

		arg->value = ExecEvalExpr((ExprState *) lfirst(lc), state->css.ss.ps.ps_ExprContext,
								  &arg->isnull);
	}
	MemoryContextSwitchTo(oldcontext);
	state->evaluated = true;
}

/* Begin to read. */
static void
begin_call(StreamScanState *state)
{
	StreamCall	call = {.kind = state->kind, .newest = NewestPlaceOf(DT_NOEND),
	.oldest = OldestPlaceOf(DT_NOBEGIN), .page = state->page};

	if (!state->evaluated)
		evaluate_args(state);
	memcpy(call.args, state->arg_values, sizeof(call.args));
	apply_bounds(state, &call);
	if (!state->empty)
		StreamRowsBegin(state->rows, &call);
	state->begun = true;
}

/* Put a row of the table, or NULL, into the slot of the scan. */
static TupleTableSlot *
store_row(StreamScanState *state, TupleTableSlot *row)
{
	TupleTableSlot *slot = state->css.ss.ss_ScanTupleSlot;
	int			natts;

	ExecClearTuple(slot);
	if (TupIsNull(row))
		return slot;
	natts = slot->tts_tupleDescriptor->natts - (state->whole_row ? 1 : 0);
	slot_getsomeattrs(row, natts);
	memcpy(slot->tts_values, row->tts_values, natts * sizeof(Datum));
	memcpy(slot->tts_isnull, row->tts_isnull, natts * sizeof(bool));
	if (state->whole_row)
	{
		slot->tts_values[natts] = ExecFetchSlotHeapTupleDatum(row);
		slot->tts_isnull[natts] = false;
	}
	return ExecStoreVirtualTuple(slot);
}

/* The next row of the stream: access method of ExecScan(). */
static TupleTableSlot *
next_row(ScanState *node)
{
	StreamScanState *state = (StreamScanState *) node;
	TupleTableSlot *row = NULL;
	MemoryContext oldcontext;

	if (!state->begun)
		begin_call(state);
	oldcontext = MemoryContextSwitchTo(node->ps.ps_ExprContext->ecxt_per_tuple_memory);
	if (!state->empty)
		row = StreamRowsNext(state->rows);
	row = store_row(state, row);
	MemoryContextSwitchTo(oldcontext);
	return row;
}

/*
 * The row that a repeated check of a changed row of another table is to see:
 * recheck method of ExecScan(), which leaves all of it to us.
 *
 * That is the row which was joined with the other one.  A stream below a UNION
 * ALL has left none behind, and is read anew, as any scan there is.
 */
static bool
recheck_row(ScanState *node, TupleTableSlot *slot)
{
	StreamScanState *state = (StreamScanState *) node;
	EPQState   *epqstate = node->ps.state->es_epq_active;
	Index		rti = bms_singleton_member(((CustomScan *) node->ps.plan)->custom_relids);
	TupleTableSlot *row;

	if (epqstate->relsubs_done[rti - 1])
		return false;
	row = epqstate->relsubs_slot[rti - 1];
	if (row == NULL && epqstate->relsubs_rowmark[rti - 1] == NULL)
	{
		row = next_row(node);
		return !TupIsNull(row);
	}
	epqstate->relsubs_done[rti - 1] = true;
	if (row == NULL)
	{
		if (state->epq_row == NULL)
			state->epq_row =
				ExecInitExtraTupleSlot(node->ps.state,
									   lookup_rowtype_tupdesc_copy(state->call->funcresulttype, -1),
									   &TTSOpsHeapTuple);
		row = state->epq_row;
		if (!EvalPlanQualFetchRowMark(epqstate, rti, row))
			return false;
	}
	row = store_row(state, row);
	return !TupIsNull(row);
}

/* Callback: the next tuple. */
static TupleTableSlot *
exec_scan(CustomScanState *node)
{
	return ExecScan(&node->ss, next_row, recheck_row);
}

/* Callback: release what the scan holds. */
static void
end_scan(CustomScanState *node)
{
	StreamScanState *state = (StreamScanState *) node;

	ExecClearTuple(node->ss.ss_ScanTupleSlot);
	if (state->rows != NULL)
		StreamRowsEnd(state->rows);
}

/*
 * Callback: begin anew, perhaps with other parameters.
 *
 * As those of any function in FROM, arguments that no parameter changes are
 * evaluated once, even if they are volatile.
 */
static void
rescan(CustomScanState *node)
{
	StreamScanState *state = (StreamScanState *) node;

	ExecClearTuple(node->ss.ss_ScanTupleSlot);
	state->begun = false;
	if (state->args_vary && node->ss.ps.chgParam != NULL)
		state->evaluated = false;
	ExecScanReScan(&node->ss);
}

/* Show the clauses that limit the scan. */
static void
explain_bounds(StreamScanState *state, List *ancestors, ExplainState *es)
{
	CustomScan *scan = (CustomScan *) state->css.ss.ps.plan;
	List	   *clauses = list_copy_tail(scan->custom_exprs, 1);
	List	   *context;

	if (clauses == NIL)
		return;
	context = set_deparse_context_plan(es->deparse_cxt, &scan->scan.plan, ancestors);
	ExplainPropertyText("Stream Cond",
						deparse_expression((Node *) make_ands_explicit(clauses), context,
										   es->verbose, false),
						es);
}

/* Show what reading the indexes has done. */
static void
explain_counters(StreamKind kind, const ReaderCounters *counters, ExplainState *es)
{
	static const char *const strategies[] = {
		[READ_NOTHING] = "none",
		[READ_TIME_LINE] = "time line",
		[READ_LISTS] = "lists",
		[READ_BOTH] = "time line, then lists"
	};

	ExplainPropertyText("Strategy", strategies[counters->strategy], es);
	ExplainPropertyInteger(kind == USER_STREAM ? "Followees" : "Objects", NULL,
						   counters->sources, es);
	ExplainPropertyInteger("Lists Opened", NULL, counters->read.lists_opened, es);
	if (counters->recency_map)
	{
		ExplainPropertyInteger("Lists Spared", NULL, counters->lists_spared, es);
		ExplainPropertyInteger("Newest From Map", NULL, counters->read.newest_found, es);
	}
	ExplainPropertyInteger("Index Searches", NULL, counters->read.searches, es);
	ExplainPropertyInteger("Index Entries Read", NULL, counters->read.entries_read, es);
	ExplainPropertyInteger("Heap Fetches", NULL, counters->read.heap_fetches, es);
	ExplainPropertyInteger("Heap Fetches Skipped", NULL, counters->read.heap_skips, es);
	ExplainPropertyInteger("Time Line Rows", NULL, counters->read.time_line_rows, es);
}

/*
 * Callback: show the stream, how it is read, and what that has done.
 */
static void
explain_scan(CustomScanState *node, List *ancestors, ExplainState *es)
{
	StreamScanState *state = (StreamScanState *) node;
	const ReaderCounters *counters;

	ExplainPropertyText("Stream", StreamKindName(state->kind), es);
	explain_bounds(state, ancestors, es);
	counters = state->rows != NULL ? StreamRowsGetCounters(state->rows) : NULL;
	ExplainPropertyText("Read From",
						(state->rows != NULL ? counters != NULL : StreamReaderUsable(state->kind)) ?
						"indexes" : "SQL", es);
	if (es->analyze && counters != NULL)
		explain_counters(state->kind, counters, es);
}
