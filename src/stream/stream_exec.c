/*
 * stream_exec.c
 *		Executing the scan of a stream.
 */
#include "postgres.h"

#include "base/compat.h"
#include "reader/stream_reader.h"
#include "reader/stream_sources.h"
#include "stream/stream_bound.h"
#include "stream/stream_exec.h"
#include "stream/stream_functions.h"
#include "stream/stream_scan.h"
#include "stream/stream_verbs.h"
#include "tables/own_tables.h"

#include "access/tableam.h"
#include "commands/explain.h"
#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"

/*
 * When the rows that were prepared for are used up, prepare for this many times as many.
 */
#define PAGE_GROWTH		8

typedef struct StreamScanState
{
	CustomScanState css;
	StreamKind	kind;
	int			first_page;		/* rows to prepare for at first */
	int			last_page;		/* and at most */
	bool		kept_follows;	/* see STREAM_KEPT_FOLLOWS */
	List	   *indexes;		/* for StreamTablesOpen() */
	ExprState  *conditions;		/* the rows of the stream meet them */
	List	   *args;			/* List of ExprState: the arguments that say which stream */
	StreamBounds bounds;
	ExprState  *verbs;			/* the verbs that are wanted; NULL: any */
	bool		verbs_optional; /* any, too, if their value is null? */
	StreamTables tables;
	StreamReader *reader;		/* NULL until the first row is wanted */
	bool		begun;			/* has reading begun since the last rescan? */
	bool		empty;			/* do the bounds exclude each other? */
	StreamCall	call;			/* what is being read */
	int64		left;			/* how many rows that were prepared for are left */
	ActionPlace last;			/* place of the last row read after they ran out */
	StreamSubject subject;		/* valid if "begun" */
	MemoryContext subject_context;	/* its memory */
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
	state->first_page = linitial_int(list_nth(scan->custom_private, STREAM_SCAN_PAGES));
	state->last_page = lsecond_int(list_nth(scan->custom_private, STREAM_SCAN_PAGES));
	state->indexes = list_nth(scan->custom_private, STREAM_SCAN_INDEXES);
	return (Node *) state;
}

/*
 * Prepare the expressions of the plan.  This checks the right to call the function of
 * the condition.
 */
static void
init_expressions(StreamScanState *state, List *conditions, List *bounds, List *verbs)
{
	ScanState  *node = &state->css.ss;
	FuncExpr   *condition = llast_node(FuncExpr, conditions);

	state->conditions = ExecInitQual(conditions, &node->ps);
	state->kept_follows = list_length(condition->args) > STREAM_FOLLOWS_ARG &&
		exprType(list_nth(condition->args, STREAM_FOLLOWS_ARG)) == STREAM_KEPT_FOLLOWS;
	state->args = ExecInitExprList(list_copy_tail(condition->args, STREAM_ROW_ARGS), &node->ps);
	state->bounds = StreamBoundsInit(bounds, ((Scan *) node->ps.plan)->scanrelid, &node->ps);
	if (verbs != NIL)
		state->verbs = ExecInitExpr(StreamVerbsOfClause(linitial(verbs),
														((Scan *) node->ps.plan)->scanrelid,
														&state->verbs_optional),
									&node->ps);
}

/*
 * Use the slot type of the table for scanned rows, as other scans do.
 *
 * The executor has created a virtual slot.  EvalPlanQual could not fill that, and it
 * would have no TID.
 */
static void
init_slot(ScanState *node)
{
	Scan	   *plan = (Scan *) node->ps.plan;

	node->ss_ScanTupleSlot = NULL;
	init_scan_slot(node->ps.state, node, RelationGetDescr(node->ss_currentRelation),
				   table_slot_callbacks(node->ss_currentRelation));
	node->ps.ps_ProjInfo = NULL;
	ExecAssignScanProjectionInfoWithVarno(node, plan->scanrelid);
	node->ps.qual = ExecInitQual(plan->plan.qual, &node->ps);
}

/* Callback: begin the execution of the plan.  Reads nothing yet. */
static void
begin_scan(CustomScanState *node, EState *estate, int eflags)
{
	StreamScanState *state = (StreamScanState *) node;
	CustomScan *plan = (CustomScan *) node->ss.ps.plan;

	init_slot(&node->ss);
	init_expressions(state, list_nth(plan->custom_exprs, STREAM_SCAN_CONDITIONS),
					 list_nth(plan->custom_exprs, STREAM_SCAN_BOUNDS),
					 list_nth(plan->custom_exprs, STREAM_SCAN_VERBS));
}

/* Evaluate which stream to read, once the reader holds nothing of the previous one. */
static void
evaluate_subject(StreamScanState *state)
{
	NullableDatum args[STREAM_MAX_ARGS - STREAM_ROW_ARGS];
	EState	   *estate = state->css.ss.ps.state;
	ExprContext *econtext = state->css.ss.ps.ps_ExprContext;
	MemoryContext oldcontext;
	ListCell   *lc;

	if (state->subject_context == NULL)
		state->subject_context = AllocSetContextCreate(estate->es_query_cxt, "actstream subject",
													   ALLOCSET_SMALL_SIZES);
	MemoryContextReset(state->subject_context);
	oldcontext = MemoryContextSwitchTo(state->subject_context);
	foreach(lc, state->args)
		args[foreach_current_index(lc)] = StreamEvaluate(lfirst(lc), econtext);
	state->subject = StreamSubjectOf(state->kind, args, state->kept_follows,
									 estate->es_snapshot);
	state->call.verbs = NULL;
	if (state->verbs != NULL)
	{
		NullableDatum value = StreamEvaluate(state->verbs, econtext);

		if (!value.isnull || !state->verbs_optional)
			state->call.verbs = StreamVerbsOfValue(exprType((Node *) state->verbs->expr), value);
	}
	MemoryContextSwitchTo(oldcontext);
}

/* Create the reader and open its tables, which stay open until the end. */
static void
create_reader(StreamScanState *state)
{
	EState	   *estate = state->css.ss.ps.state;
	MemoryContext oldcontext = MemoryContextSwitchTo(estate->es_query_cxt);

	StreamTablesOpen(&state->tables, state->css.ss.ss_currentRelation, state->indexes);
	state->reader = StreamReaderCreate(state->kind, &state->tables, estate->es_snapshot);
	MemoryContextSwitchTo(oldcontext);
}

/* Start the reader as "call" says, prepared for that many rows. */
static void
begin_page(StreamScanState *state, int page)
{
	state->call.page = state->left = page;
	StreamReaderBegin(state->reader, &state->call);
}

/* Begin to read. */
static void
begin_reading(StreamScanState *state)
{
	StreamCall *call = &state->call;

	state->begun = true;
	StreamBoundsApply(&state->bounds, state->css.ss.ps.ps_ExprContext, &call->newest, &call->oldest);
	state->empty = ActionPlaceCompare(&call->newest, &call->oldest) < 0;
	if (state->empty)
		return;
	if (state->reader == NULL)
		create_reader(state);
	StreamReaderReset(state->reader);
	evaluate_subject(state);
	call->sources = state->subject.sources;
	call->label = state->subject.label;
	call->continued = false;
	begin_page(state, state->first_page);
}

/* The place of a row in the stream; a null id counts as the largest one. */
static ActionPlace
place_of(TupleTableSlot *row)
{
	ActionPlace place;
	bool		isnull;

	place.timestamp = DatumGetTimestampTz(slot_getattr(row, Anum_action_timestamp, &isnull));
	Assert(!isnull);
	place.id = DatumGetInt64(slot_getattr(row, Anum_action_id, &isnull));
	if (isnull)
		place.id = PG_INT64_MAX;
	return place;
}

/*
 * More rows are wanted than the reader was prepared for: start it again from this row,
 * prepared for more.  Not between rows of the same place, if there are any: all of them
 * would be returned again.
 */
static TupleTableSlot *
turn_page(StreamScanState *state, TupleTableSlot *row)
{
	ActionPlace place = place_of(row);

	if (state->left == -1 || ActionPlaceCompare(&place, &state->last) == 0)
	{
		state->last = place;
		return row;
	}
	state->call.newest = place;
	state->call.continued = true;
	begin_page(state, Min((double) state->call.page * PAGE_GROWTH, state->last_page));
	return StreamReaderNext(state->reader);
}

/* The next row of the stream: access method of ExecScan(). */
static TupleTableSlot *
next_row(ScanState *node)
{
	StreamScanState *state = (StreamScanState *) node;
	TupleTableSlot *slot = node->ss_ScanTupleSlot;
	TupleTableSlot *row;

	if (!state->begun)
		begin_reading(state);
	row = state->empty ? NULL : StreamReaderNext(state->reader);
	if (row != NULL && state->call.page < state->last_page && --state->left < 0)
		row = turn_page(state, row);
	if (row == NULL)
		return ExecClearTuple(slot);
	ExecCopySlot(slot, row);
	slot->tts_tableOid = RelationGetRelid(node->ss_currentRelation);
	return slot;
}

/*
 * Does a row that was updated concurrently still belong to the stream?  Recheck method
 * of ExecScan(); reads nothing.
 */
static bool
recheck_row(ScanState *node, TupleTableSlot *slot)
{
	ExprContext *econtext = node->ps.ps_ExprContext;

	econtext->ecxt_scantuple = slot;
	return ExecQualAndReset(((StreamScanState *) node)->conditions, econtext);
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
	if (state->reader == NULL)
		return;
	StreamReaderEnd(state->reader);
	StreamTablesClose(&state->tables);
}

/* Callback: start again, perhaps with other parameters. */
static void
rescan(CustomScanState *node)
{
	((StreamScanState *) node)->begun = false;
	ExecScanReScan(&node->ss);
}

/* Show some clauses of the plan. */
static void
explain_clauses(StreamScanState *state, const char *name, int member, List *ancestors,
				ExplainState *es)
{
	CustomScan *plan = (CustomScan *) state->css.ss.ps.plan;
	List	   *clauses = list_nth(plan->custom_exprs, member);
	List	   *context;

	if (clauses == NIL)
		return;
	context = set_deparse_context_plan(es->deparse_cxt, &plan->scan.plan, ancestors);
	ExplainPropertyText(name,
						deparse_expression((Node *) make_ands_explicit(clauses), context,
										   es->verbose, false),
						es);
}

/* Show counters of what was read. */
static void
explain_counters(StreamKind kind, const ReaderCounters *counters, ExplainState *es)
{
	static const char *const strategies[][2] = {
		[READ_NOTHING] = {"none", "none"},
		[READ_TIME_LINE] = {"time line", "verbs"},
		[READ_LISTS] = {"lists", "lists"},
		[READ_BOTH] = {"time line, then lists", "verbs and lists"}
	};

	ExplainPropertyText("Strategy",
						strategies[counters->by_turns ? READ_BOTH : counters->strategy][counters->by_verb],
						es);
	ExplainPropertyInteger(kind == USER_STREAM ? "Followees" : "Objects", NULL,
						   counters->sources, es);
	ExplainPropertyInteger("Lists Opened", NULL, counters->read.lists_opened, es);
	if (counters->recency_map)
	{
		ExplainPropertyInteger("Lists Skipped", NULL, counters->lists_skipped, es);
		ExplainPropertyInteger("Newest From Map", NULL, counters->read.newest_found, es);
	}
	ExplainPropertyInteger("Index Searches", NULL, counters->read.searches, es);
	ExplainPropertyInteger("Index Entries Read", NULL, counters->read.entries_read, es);
	ExplainPropertyInteger("Heap Fetches", NULL, counters->read.heap_fetches, es);
	ExplainPropertyInteger("Invisible Rows", NULL, counters->read.heap_skips, es);
	if (counters->rows_filtered > 0)
		ExplainPropertyInteger("Rows Not Shown", NULL, counters->rows_filtered, es);
	ExplainPropertyInteger("Time Line Rows", NULL, counters->read.time_line_rows, es);
}

/* Callback: show the stream, and if it was read, the counters. */
static void
explain_scan(CustomScanState *node, List *ancestors, ExplainState *es)
{
	StreamScanState *state = (StreamScanState *) node;
	ReaderCounters none = {0};

	ExplainPropertyText("Stream", StreamKindName(state->kind), es);
	explain_clauses(state, "Stream Cond", STREAM_SCAN_BOUNDS, ancestors, es);
	explain_clauses(state, "Verb Cond", STREAM_SCAN_VERBS, ancestors, es);
	if (es->analyze && (state->begun || state->reader != NULL))
		explain_counters(state->kind,
						 state->reader == NULL ? &none : StreamReaderGetCounters(state->reader),
						 es);
}
