/*
 * stream_target.c
 *		Streams in the select list.
 *
 * PostgreSQL runs a function that returns a set there by itself, and plans its body each time
 * that the query is run.  So SELECT stream(...) is planned as if it were SELECT s FROM stream(...) s,
 * where stream_inline.c makes a scan of it.
 */
#include "postgres.h"

#include "base/compat.h"
#include "stream/stream_inline.h"
#include "stream/stream_target.h"

#include "funcapi.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "optimizer/tlist.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"

/* The one call in a select list that returns a set, perhaps more than once. */
typedef struct TargetCall
{
	FuncExpr   *call;			/* NULL if there is none */
	int			n;				/* how often it is there */
	Var		   *row;			/* what replaces it */
} TargetCall;

/* Walker: is there another expression that returns a set than the call? */
static bool
finds_other_set(Node *node, TargetCall *target)
{
	if (node == NULL)
		return false;
	if (IsA(node, OpExpr) && ((OpExpr *) node)->opretset)
		return true;
	if (!IsA(node, FuncExpr) || !((FuncExpr *) node)->funcretset)
		return expression_tree_walker(node, finds_other_set, target);
	if (target->n++ == 0)
		target->call = (FuncExpr *) node;
	return !equal(node, target->call) || expression_returns_set((Node *) target->call->args);
}

/*
 * Are the rows of the call computed before those of the query are sorted?  PostgreSQL does so only if
 * they are sorted by it.
 */
static bool
is_sorted(Query *query)
{
	ListCell   *lc;

	foreach(lc, query->sortClause)
	{
		if (expression_returns_set(get_sortgroupclause_expr(lfirst(lc), query->targetList)))
			return true;
	}
	return false;
}

/* Does the call depend on a row of the table beside it, also when the planner has simplified it? */
static bool
depends_on_row(FuncExpr *call)
{
	return contain_vars_of_level(eval_const_expressions(NULL, (Node *) call), 0);
}

/*
 * Does a join with what the call returns give the same rows in the same order?
 *
 * It does if there is nothing to join it with, or one table on whose rows the call depends: then
 * PostgreSQL has no choice but to call it for one row after the other.  In a subquery, conditions
 * outside could come between the two.
 */
static bool
is_like_join(Query *query, FuncExpr *call, bool is_top)
{
	List	   *from = query->jointree->fromlist;
	Node	   *quals = query->jointree->quals;

	if (contain_volatile_functions(quals) || query->hasDistinctOn)
		return false;
	if (from == NIL)
		return query->sortClause == NIL ||
			(is_sorted(query) && !contain_volatile_functions((Node *) query->targetList));
	return is_top && list_length(from) == 1 && IsA(linitial(from), RangeTblRef) &&
		rt_fetch(linitial_node(RangeTblRef, from)->rtindex, query->rtable)->rtekind == RTE_RELATION &&
		!contain_volatile_functions((Node *) call) && !contain_subplans((Node *) call) &&
		!contain_subplans(quals) && query->sortClause == NIL && depends_on_row(call);
}

/*
 * The call of a stream function in the select list that would be inlined in FROM, and can be
 * there; or NULL.  (f()).* is a call for each column, of which all return the same rows.
 */
static FuncExpr *
find_call(Query *query, bool is_top)
{
	TargetCall	target = {.call = NULL};

	if (!query->hasTargetSRFs || query->commandType != CMD_SELECT || query->hasAggs ||
		query->hasWindowFuncs || query->groupClause != NIL || query->groupingSets != NIL ||
		query->havingQual != NULL || finds_other_set((Node *) query->targetList, &target) ||
		target.call == NULL ||
		(target.n > 1 && contain_volatile_functions((Node *) target.call)))
		return NULL;
	return StreamCallIsInlined(target.call) && is_like_join(query, target.call, is_top) ? target.call : NULL;
}

/* Mutator: put the row of the item of FROM in place of the call. */
static Node *
replace_call(Node *node, TargetCall *target)
{
	if (node == NULL)
		return NULL;
	if (equal(node, target->call))
		return (Node *) copyObject(target->row);
	return expression_tree_mutator(node, replace_call, target);
}

/* The item of FROM that is the call; NULL if it does not return rows of a known type. */
static RangeTblEntry *
make_item(FuncExpr *call)
{
	RangeTblEntry *result = makeNode(RangeTblEntry);
	RangeTblFunction *function = makeNode(RangeTblFunction);
	List	   *names = NIL;
	TupleDesc	tupdesc;

	if (get_expr_result_type((Node *) call, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		return NULL;
	for (int i = 0; i < tupdesc->natts; i++)
		names = lappend(names, makeString(pstrdup(TupleDescAttr(tupdesc, i)->attisdropped ? "" :
												  NameStr(TupleDescAttr(tupdesc, i)->attname))));
	function->funcexpr = (Node *) call;
	function->funccolcount = tupdesc->natts;
	result->rtekind = RTE_FUNCTION;
	result->functions = list_make1(function);
	result->eref = makeAlias(get_func_name(call->funcid), names);
	result->lateral = true;
	result->inFromCl = true;
	return result;
}

/* Move the call, if there is one, to FROM. */
static void
move_call(Query *query, bool is_top)
{
	TargetCall	target = {.call = find_call(query, is_top)};
	RangeTblEntry *item = target.call == NULL ? NULL : make_item(target.call);
	RangeTblRef *rtr;

	if (item == NULL)
		return;
	query->rtable = lappend(query->rtable, item);
	rtr = makeNode(RangeTblRef);
	rtr->rtindex = list_length(query->rtable);
	query->jointree->fromlist = lappend(query->jointree->fromlist, rtr);
	target.row = makeWholeRowVar(item, rtr->rtindex, 0, false);
	query->targetList = (List *) replace_call((Node *) query->targetList, &target);
	query->hasTargetSRFs = false;
}

static void move_in_subqueries(Query *query);

/* Move the calls in a query that is in another. */
static void
move_in_subquery(Query *query)
{
	move_in_subqueries(query);
	move_call(query, false);
}

/* Walker: the same in all queries of an expression. */
static bool
move_in_expression(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (!IsA(node, Query))
		return expression_tree_walker(node, move_in_expression, context);
	move_in_subquery((Query *) node);
	return false;
}

/* The same in all queries that are in the query. */
static void
move_in_subqueries(Query *query)
{
	ListCell   *lc;

	foreach(lc, query->rtable)
	{
		if (lfirst_node(RangeTblEntry, lc)->rtekind == RTE_SUBQUERY)
			move_in_subquery(lfirst_node(RangeTblEntry, lc)->subquery);
	}
	foreach(lc, query->cteList)
		move_in_subquery(castNode(Query, lfirst_node(CommonTableExpr, lc)->ctequery));
	if (query->hasSubLinks)
		(void) query_tree_walker(query, move_in_expression, NULL,
								 QTW_IGNORE_RT_SUBQUERIES | QTW_IGNORE_CTE_SUBQUERIES);
}

/*
 * StreamTargetsMove
 *		Move the calls of stream functions in select lists to FROM, in the query and in those
 *		that are in it.
 *
 * Changes the query, which is about to be planned.
 */
void
StreamTargetsMove(Query *query)
{
	move_in_subqueries(query);
	move_call(query, true);
}
