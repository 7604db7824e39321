/*
 * stream_inline.c
 *		Inlining stream functions.
 *
 * The stream functions are written in SQL, and PostgreSQL could inline them by itself.
 * But it parses the body again for each plan, which takes longer than reading a page.
 * And it does not inline a function with a subquery or a volatile function in an
 * argument; such a call would read the whole stream.
 *
 * So the support function of the stream functions inlines them, using a parse tree of
 * the body that is kept (stream_body.c).  The planner calls it before it processes the items of FROM.
 * The result is the same as PostgreSQL's, without what is not needed:
 *
 *	- If the table is a plain one with the indexes to read the stream from, it takes
 *	  the place of the function itself, and is read in order without ORDER BY.
 *	  Otherwise a subquery with ORDER BY takes that place.
 *	- A body that reads no table itself, but a stream, becomes a subquery.
 *	- The queries for what a follower follows and mutes are left out if they would see every
 *	  row of their tables: then the kept list of follows is used.  The executor still checks
 *	  privileges on these tables.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/sql_function.h"
#include "reader/follow_list.h"
#include "reader/stream_tables.h"
#include "stream/stream_body.h"
#include "stream/stream_cursor.h"
#include "stream/stream_functions.h"
#include "stream/stream_inline.h"
#include "stream/stream_queries.h"
#include "tables/own_tables.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "optimizer/planmain.h"
#include "rewrite/rewriteManip.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/* The name of the CTE that computes arguments separately. */
#define ARGUMENTS_NAME	"arguments"

/* How to put a body in place of a call. */
typedef struct Substitution
{
	List	   *args;			/* of the call; they replace the parameters */
	Index		rti;			/* range-table index of the call, which the table takes
								 * over; 0 if the body becomes a subquery */
	int			level;			/* current depth of nested queries in the body */
	CommonTableExpr *apart;		/* computes arguments separately; or NULL */
	bool		leave_out;		/* are the queries for follows and mutes left out? */
	SubLink    *follows;		/* these queries, if there are any */
	SubLink    *mutes;
} Substitution;

static Node *substitute(Node *node, Substitution *context);

/* SELECT expressions, without FROM. */
static Query *
select_expressions(List *targetlist)
{
	Query	   *query = makeNode(Query);

	query->commandType = CMD_SELECT;
	query->canSetTag = true;
	query->targetList = targetlist;
	query->jointree = makeFromExpr(NIL, NULL);
	query->hasSubLinks = checkExprHasSubLink((Node *) targetlist);
	return query;
}

/* (query), as a scalar subquery. */
static Node *
make_sublink(Query *query)
{
	SubLink    *result = makeNode(SubLink);

	result->subLinkType = EXPR_SUBLINK;
	result->subselect = (Node *) query;
	result->location = -1;
	return (Node *) result;
}

/* Must the expression be computed only once, even if it is used several times? */
static bool
is_computed_once(Node *expr)
{
	return contain_volatile_functions(expr) || contain_subplans(expr);
}

/* WITH arguments AS MATERIALIZED (SELECT ...), for a query one level down. */
static CommonTableExpr *
compute_apart(List *args)
{
	CommonTableExpr *result = makeNode(CommonTableExpr);
	List	   *targetlist = NIL;
	ListCell   *lc;

	foreach(lc, args)
	{
		Node	   *arg = copyObject(lfirst(lc));
		char	   *name = psprintf("%d", foreach_current_index(lc) + 1);

		IncrementVarSublevelsUp(arg, 2, 0);
		targetlist = lappend(targetlist,
							 makeTargetEntry((Expr *) arg, foreach_current_index(lc) + 1, name, false));
		result->ctecolnames = lappend(result->ctecolnames, makeString(name));
		result->ctecoltypes = lappend_oid(result->ctecoltypes, exprType(arg));
		result->ctecoltypmods = lappend_int(result->ctecoltypmods, exprTypmod(arg));
		result->ctecolcollations = lappend_oid(result->ctecolcollations, exprCollation(arg));
	}
	result->ctename = ARGUMENTS_NAME;
	result->ctematerialized = CTEMaterializeAlways;
	result->ctequery = (Node *) select_expressions(targetlist);
	result->location = -1;
	return result;
}

/* (SELECT argument FROM arguments) */
static Node *
refer_to_apart(const Substitution *context, int number)
{
	CommonTableExpr *cte = context->apart;
	RangeTblEntry *rte = makeNode(RangeTblEntry);
	RangeTblRef *rtr = makeNode(RangeTblRef);
	Var		   *var = makeVar(1, number, list_nth_oid(cte->ctecoltypes, number - 1),
							  list_nth_int(cte->ctecoltypmods, number - 1),
							  list_nth_oid(cte->ctecolcollations, number - 1), 0);
	Query	   *query = select_expressions(list_make1(makeTargetEntry((Expr *) var, 1, ARGUMENTS_NAME, false)));

	rte->rtekind = RTE_CTE;
	rte->ctename = cte->ctename;
	rte->ctelevelsup = context->level + 1;
	rte->coltypes = copyObject(cte->ctecoltypes);
	rte->coltypmods = copyObject(cte->ctecoltypmods);
	rte->colcollations = copyObject(cte->ctecolcollations);
	rte->eref = makeAlias(cte->ctename, copyObject(cte->ctecolnames));
	rte->inFromCl = true;
	rtr->rtindex = 1;
	query->rtable = list_make1(rte);
	query->jointree->fromlist = list_make1(rtr);
	cte->cterefcount++;
	return make_sublink(query);
}

/* The argument that replaces a parameter. */
static Node *
substitute_parameter(const Param *param, const Substitution *context)
{
	Node	   *arg = list_nth(context->args, param->paramid - 1);
	int			levels = context->level + (context->rti == 0 ? 1 : 0);

	if (context->apart != NULL && is_computed_once(arg))
		return refer_to_apart(context, param->paramid);
	arg = copyObject(arg);
	if (!contain_volatile_functions(arg))
	{
		IncrementVarSublevelsUp(arg, levels, 0);
		return arg;
	}
	IncrementVarSublevelsUp(arg, levels + 1, 0);
	return make_sublink(select_expressions(list_make1(makeTargetEntry((Expr *) arg, 1, ARGUMENTS_NAME, false))));
}

/* Mutator: a part of the body, changed to stand in place of the call. */
static Node *
substitute(Node *node, Substitution *context)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXTERN)
		return substitute_parameter((Param *) node, context);
	if (IsA(node, Var) && context->rti != 0 && (int) ((Var *) node)->varlevelsup == context->level)
	{
		Var		   *var = copyObject((Var *) node);

		var->varno = var->varnosyn = context->rti;
		return (Node *) var;
	}
	if (context->leave_out && (node == (Node *) context->follows || node == (Node *) context->mutes))
		return (Node *) makeNullConst(STREAM_KEPT_FOLLOWS, -1, InvalidOid);
	if (IsA(node, Query))
	{
		Query	   *result;

		context->level++;
		result = query_tree_mutator((Query *) node, substitute, context, 0);
		context->level--;
		result->hasSubLinks |= context->apart != NULL;
		return (Node *) result;
	}
	return expression_tree_mutator(node, substitute, context);
}

/* Add the table of a query that is left out to the range table. */
static void
keep_table(const SubLink *left_out, Query *parse)
{
	Query	   *query = castNode(Query, left_out->subselect);
	RangeTblEntry *rte = copyObject(linitial_node(RangeTblEntry, query->rtable));

	rte->inh = false;
	rte->inFromCl = false;
	move_permissions(rte, query, parse);
	parse->rtable = lappend(parse->rtable, rte);
}

/*
 * If queries are left out, add their tables to the range table, so that the executor checks
 * their privileges, and the plan depends on them.
 */
static void
keep_tables(const Substitution *context, Query *parse)
{
	if (!context->leave_out)
		return;
	keep_table(context->follows, parse);
	keep_table(context->mutes, parse);
}

/* Can the whole table be read as a stream?  If so, fills in the indexes. */
static bool
is_readable(Relation table, List **indexes)
{
	return !TableHasChildren(table) && StreamTablesFind(table, indexes);
}

/*
 * Attach conditions to a relation, at its own place in the join tree.  Returns the new
 * node in place of "jtnode".
 */
static Node *
add_quals(Node *jtnode, Index rti, Node *quals)
{
	if (IsA(jtnode, RangeTblRef))
	{
		if (((RangeTblRef *) jtnode)->rtindex == (int) rti)
			return (Node *) makeFromExpr(list_make1(jtnode), quals);
	}
	else if (IsA(jtnode, FromExpr))
	{
		ListCell   *lc;

		foreach(lc, ((FromExpr *) jtnode)->fromlist)
			lfirst(lc) = add_quals(lfirst(lc), rti, quals);
	}
	else
	{
		JoinExpr   *join = castNode(JoinExpr, jtnode);

		join->larg = add_quals(join->larg, rti, quals);
		join->rarg = add_quals(join->rarg, rti, quals);
	}
	return jtnode;
}

/* The conditions of a body that has its arguments, without what is true. */
static Node *
conditions_of(PlannerInfo *root, Node *quals)
{
	return (Node *) make_ands_explicit(StreamCursorPrune(root, make_ands_implicit((Expr *) quals)));
}

/*
 * Put the table of the body in place of the call.
 *
 * The conditions go into the join tree, not into securityQuals: the planner assumes that
 * those are the same wherever one user reads a table, and may merge two references to
 * the table into one.
 */
static RangeTblEntry *
inline_table(PlannerInfo *root, RangeTblEntry *call, const Query *body, List *indexes,
			 Substitution *context)
{
	Query	   *parse = root->parse;
	RangeTblEntry *rte = linitial_node(RangeTblEntry, body->rtable);
	Node	   *quals = conditions_of(root, copyObject(substitute(body->jointree->quals, context)));

	/* range_table_mutator() does not copy everything */
	rte = copyObject(linitial_node(RangeTblEntry,
								   range_table_mutator(list_make1(rte), substitute, context, 0)));
	rte->alias = call->alias;
	rte->eref = call->eref;
	rte->inh = false;
	/* unused in an entry for a table; see StreamInlineIndexes() */
	rte->functions = indexes;
	move_permissions(rte, body, parse);
	parse->jointree = castNode(FromExpr, add_quals((Node *) parse->jointree, context->rti, quals));
	keep_tables(context, parse);
	parse->hasRowSecurity |= body->hasRowSecurity;
	parse->hasSubLinks |= checkExprHasSubLink(quals) ||
		checkExprHasSubLink((Node *) rte->securityQuals);
	return rte;
}

/* The target list of the subquery, with nulls where the table has dropped columns. */
static List *
add_dropped_columns(List *targetlist, TupleDesc tupdesc)
{
	List	   *result = NIL;
	ListCell   *lc = list_head(targetlist);

	for (int i = 1; i <= tupdesc->natts; i++)
	{
		TargetEntry *entry;

		if (TupleDescAttr(tupdesc, i - 1)->attisdropped)
			entry = makeTargetEntry((Expr *) makeNullConst(INT4OID, -1, InvalidOid), i, NULL, false);
		else
		{
			entry = lfirst_node(TargetEntry, lc);
			entry->resno = i;
			lc = lnext(targetlist, lc);
		}
		result = lappend(result, entry);
	}
	return result;
}

/* Put the body in place of the call, as a subquery. */
static RangeTblEntry *
inline_query(PlannerInfo *root, RangeTblEntry *call, const Query *body, Relation table,
			 Substitution *context)
{
	RangeTblEntry *rte = copyObject(call);
	Query	   *query = copyObject(query_tree_mutator((Query *) body, substitute, context, 0));

	query->jointree->quals = conditions_of(root, query->jointree->quals);
	query->targetList = add_dropped_columns(query->targetList, RelationGetDescr(table));
	if (context->apart != NULL)
		query->cteList = list_make1(context->apart);
	query->hasSubLinks = true;
	keep_tables(context, query);
	rte->rtekind = RTE_SUBQUERY;
	rte->subquery = query;
	return rte;
}

/*
 * Walker: does an expression refer to relations of the query, or of an outer query, into
 * which the query may yet be pulled up?
 */
static bool
is_lateral(Node *node, int *level)
{
	bool		result;

	if (node == NULL)
		return false;
	if (IsA(node, Var))
		return (int) ((Var *) node)->varlevelsup >= *level;
	if (!IsA(node, Query))
		return expression_tree_walker(node, is_lateral, level);
	++*level;
	result = query_tree_walker((Query *) node, is_lateral, level, 0);
	--*level;
	return result;
}

/* Put a body in place of a call. */
static RangeTblEntry *
inline_body(PlannerInfo *root, Index rti, RangeTblEntry *call, const Query *body, Relation table,
			List *args)
{
	Substitution context = {.args = args};
	List	   *indexes;
	bool		readable = is_readable(table, &indexes);
	int			level = 0;

	context.leave_out = StreamQueriesFind(body, &context.follows, &context.mutes) &&
		FollowListIsKnown(GetUserId());
	/* a body may refer to a parameter several times */
	if (contain_volatile_functions((Node *) args) ||
		(body->hasSubLinks && is_computed_once((Node *) args) && !context.leave_out))
		context.apart = compute_apart(args);
	else if (readable && !has_virtual_columns(table) && !is_lateral((Node *) args, &level))
	{
		context.rti = rti;
		return inline_table(root, call, body, indexes, &context);
	}
	return inline_query(root, call, body, table, &context);
}

/* Does the body return rows of the type that the call returns, which has these columns? */
static bool
returns_columns(const Query *body, TupleDesc tupdesc)
{
	if (ExecCleanTargetListLength(body->targetList) != tupdesc->natts)
		return false;
	for (int i = 0; i < tupdesc->natts; i++)
	{
		TargetEntry *entry = list_nth_node(TargetEntry, body->targetList, i);

		if (entry->resjunk || TupleDescAttr(tupdesc, i)->attisdropped ||
			exprType((Node *) entry->expr) != TupleDescAttr(tupdesc, i)->atttypid)
			return false;
	}
	return true;
}

/*
 * Put a body that reads streams itself, as those of groups do, in place of a call.  The streams
 * are inlined when the subquery is planned.  NULL if it does not return what the call does.
 */
static RangeTblEntry *
inline_reader(RangeTblEntry *call, const Query *body, List *args)
{
	Substitution context = {.args = args};
	RangeTblEntry *rte;
	TupleDesc	tupdesc;

	if (get_expr_result_type(linitial_node(RangeTblFunction, call->functions)->funcexpr, NULL,
							 &tupdesc) != TYPEFUNC_COMPOSITE || !returns_columns(body, tupdesc))
		return NULL;
	if (is_computed_once((Node *) args))
		context.apart = compute_apart(args);
	rte = copyObject(call);
	rte->rtekind = RTE_SUBQUERY;
	rte->subquery = copyObject(query_tree_mutator((Query *) body, substitute, &context, 0));
	if (context.apart != NULL)
		rte->subquery->cteList = list_make1(context.apart);
	rte->subquery->hasSubLinks = true;
	return rte;
}

/*
 * The table that the body reads, if the body is SELECT * FROM table WHERE ... ORDER BY
 * ...; else NULL.
 */
static RangeTblEntry *
scanned_table(const Query *body)
{
	RangeTblEntry *rte;

	if (list_length(body->rtable) != 1 || list_length(body->jointree->fromlist) != 1 ||
		body->hasAggs || body->hasWindowFuncs || body->hasTargetSRFs || body->cteList != NIL ||
		body->groupClause != NIL || body->groupingSets != NIL || body->havingQual != NULL ||
		body->distinctClause != NIL || body->limitOffset != NULL || body->limitCount != NULL ||
		body->rowMarks != NIL)
		return NULL;
	rte = linitial_node(RangeTblEntry, body->rtable);
	return rte->rtekind == RTE_RELATION && rte->tablesample == NULL ? rte : NULL;
}

/* Are these all columns of the table, in order? */
static bool
are_all_columns(List *targetlist, TupleDesc tupdesc)
{
	ListCell   *lc = list_head(targetlist);

	for (int i = 0; i < tupdesc->natts; i++)
	{
		Var		   *var;

		if (TupleDescAttr(tupdesc, i)->attisdropped)
			continue;
		if (lc == NULL)
			return false;
		var = (Var *) lfirst_node(TargetEntry, lc)->expr;
		if (!IsA(var, Var) || var->varattno != i + 1)
			return false;
		lc = lnext(targetlist, lc);
	}
	return lc == NULL || lfirst_node(TargetEntry, lc)->resjunk;
}

/* What is put in place of the call of a function with this body; or NULL. */
static RangeTblEntry *
inline_if_possible(PlannerInfo *root, Index rti, RangeTblEntry *rte, const Query *body, List *args)
{
	RangeTblEntry *scanned = scanned_table(body);
	RangeTblEntry *result = NULL;
	Relation	table;

	if (scanned == NULL)
		return body->cteList == NIL ? inline_reader(rte, body, args) : NULL;
	table = table_open(scanned->relid, NoLock);
	if (are_all_columns(body->targetList, RelationGetDescr(table)))
		result = inline_body(root, rti, rte, body, table, args);
	table_close(table, NoLock);
	return result;
}

/*
 * The range-table entry that replaces a call of a stream function.
 *
 * NULL leaves the call to PostgreSQL: if the function was replaced by one that only has
 * the same name.
 *
 * Arguments are evaluated as far as they can be, which may call functions that plan the same stream.
 */
static RangeTblEntry *
inline_call(PlannerInfo *root, Index rti, RangeTblEntry *rte, FuncExpr *call)
{
	HeapTuple	proc = SearchSysCache1(PROCOID, ObjectIdGetDatum(call->funcid));
	RangeTblEntry *volatile result = NULL;
	StreamBody *body;
	Query	   *query;

	if (!HeapTupleIsValid(proc))
		elog(ERROR, "cache lookup failed for function %u", call->funcid);
	query = StreamBodyTake(proc, &body);
	PG_TRY();
	{
		if (query != NULL)
			result = inline_if_possible(root, rti, rte, query,
										expand_function_arguments(call->args, false,
																  call->funcresulttype, proc));
	}
	PG_FINALLY();
	{
		StreamBodyRelease(body);
	}
	PG_END_TRY();
	ReleaseSysCache(proc);
	if (result != NULL)
		record_plan_function_dependency(root, call->funcid);
	return result;
}

/* May the current user's call of a function with this support function be inlined? */
static bool
may_inline(const FuncExpr *call, Oid support)
{
	return call->funcretset && get_func_support(call->funcid) == support &&
		!FmgrHookIsNeeded(call->funcid) &&
		object_aclcheck(ProcedureRelationId, call->funcid, GetUserId(), ACL_EXECUTE) == ACLCHECK_OK;
}

/* The call of a stream function in FROM that can be inlined, or NULL. */
static FuncExpr *
call_to_inline(RangeTblEntry *rte, Oid support)
{
	FuncExpr   *call;

	if (rte->rtekind != RTE_FUNCTION || rte->funcordinality || list_length(rte->functions) != 1)
		return NULL;
	call = (FuncExpr *) linitial_node(RangeTblFunction, rte->functions)->funcexpr;
	return IsA(call, FuncExpr) && may_inline(call, support) ? call : NULL;
}

/*
 * StreamCallIsInlined
 *		Is it a call of a stream function that would be inlined in FROM?
 */
bool
StreamCallIsInlined(const FuncExpr *call)
{
	Oid			support = get_func_support(call->funcid);
	HeapTuple	proc;
	bool		result;

	if (!OidIsValid(support) || !ExtensionExists() ||
		get_func_namespace(support) != OwnInternalSchema() ||
		strcmp(get_func_name(support), "stream_support") != 0 || !may_inline(call, support))
		return false;
	proc = SearchSysCache1(PROCOID, ObjectIdGetDatum(call->funcid));
	result = HeapTupleIsValid(proc) && SqlFunctionIsInlinable(proc);
	ReleaseSysCache(proc);
	return result;
}

/*
 * StreamInline
 *		Inline the calls in FROM of functions with this support function.
 *
 * The planner is about to check whether it can inline one of them by itself.  It
 * continues with the old range-table entry, which is no longer part of the query and is
 * changed so that it cannot be inlined.
 */
void
StreamInline(PlannerInfo *root, Oid support)
{
	/* inlining may append to the list */
	for (int i = 0; i < list_length(root->parse->rtable); i++)
	{
		RangeTblEntry *rte = list_nth_node(RangeTblEntry, root->parse->rtable, i);
		FuncExpr   *call = call_to_inline(rte, support);
		RangeTblEntry *inlined;

		if (call == NULL)
			continue;
		inlined = inline_call(root, i + 1, rte, call);
		if (inlined == NULL)
			continue;
		lfirst(list_nth_cell(root->parse->rtable, i)) = inlined;
		rte->funcordinality = true;
	}
}

/*
 * StreamInlineIndexes
 *		The indexes, as StreamTablesFind() finds them, of a table that has taken the place of a
 *		call; NIL for any other.
 *
 * They have to be used, since there is no ORDER BY: to look for them again may find others, or
 * none, if one is being dropped.  They can be: DROP INDEX CONCURRENTLY waits for the transactions
 * that have locked the table, as this one has.
 */
List *
StreamInlineIndexes(const RangeTblEntry *rte)
{
	return rte->rtekind == RTE_RELATION ? rte->functions : NIL;
}
