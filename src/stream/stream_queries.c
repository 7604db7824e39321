/*
 * stream_queries.c
 *		The queries for follows and mutes in the body of user_stream().
 */
#include "postgres.h"

#include "base/compat.h"
#include "stream/stream_functions.h"
#include "stream/stream_queries.h"
#include "tables/own_tables.h"
#include "tables/table_index.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

/* Does the clause require a column of the only table to equal the value? */
static bool
is_equality(Node *clause, AttrNumber column, Node *value)
{
	OpExpr	   *op = (OpExpr *) clause;

	return IsA(clause, OpExpr) && list_length(op->args) == 2 && equal(lsecond(op->args), value) &&
		op_hashjoinable(op->opno, exprType(value)) && IsColumnOf(linitial(op->args), 1, column);
}

/* The other alternative, if the clause is "value IS NULL OR alternative"; else NULL. */
static Node *
alternative_to_null(Node *clause, Node **value)
{
	List	   *args = ((BoolExpr *) clause)->args;
	NullTest   *test;

	if (!is_orclause(clause) || list_length(args) != 2)
		return NULL;
	test = linitial(args);
	if (!IsA(test, NullTest) || test->nulltesttype != IS_NULL)
		return NULL;
	*value = (Node *) test->arg;
	return lsecond(args);
}

/* Does the clause require the flag to equal this one unless that is null? */
static bool
is_flag_clause(Node *clause, Node *flag)
{
	Node	   *value;
	Node	   *alternative = alternative_to_null(clause, &value);

	return alternative != NULL && equal(value, flag) &&
		is_equality(alternative, Anum_follow_flag, flag);
}

/* Does the clause require one of the objects of a mute to be the follower? */
static bool
is_mute_clause(Node *clause, Node *follower)
{
	List	   *args = ((BoolExpr *) clause)->args;
	List	   *block;

	if (!is_orclause(clause) || list_length(args) != 2 || !is_andclause(lsecond(args)))
		return false;
	block = ((BoolExpr *) lsecond(args))->args;
	return list_length(block) == 2 &&
		is_equality(linitial(args), Anum_mute_muter, follower) &&
		is_equality(linitial(block), Anum_mute_muted, follower) &&
		IsColumnOf(lsecond(block), 1, Anum_mute_block);
}

/* Does the clause require the mute to be in force? */
static bool
is_expiry_clause(Node *clause)
{
	Node	   *value;
	OpExpr	   *alternative = (OpExpr *) alternative_to_null(clause, &value);
	FuncExpr   *now;

	if (alternative == NULL || !IsA(alternative, OpExpr) || list_length(alternative->args) != 2)
		return false;
	now = lsecond(alternative->args);
	return IsColumnOf(value, 1, Anum_mute_until) &&
		IsColumnOf(linitial(alternative->args), 1, Anum_mute_until) &&
		alternative->opno == lookup_type_cache(TIMESTAMPTZOID, TYPECACHE_GT_OPR)->gt_opr &&
		IsA(now, FuncExpr) && now->funcid == F_NOW;
}

/*
 * The conditions of an argument that is ARRAY(SELECT ... FROM table WHERE ...), of two
 * conditions on that table of ours; else NIL.
 */
static List *
conditions_of_query(Node *arg, OwnTable table)
{
	SubLink    *sublink = (SubLink *) arg;
	Query	   *query;
	List	   *clauses;

	if (!IsA(arg, SubLink) || sublink->subLinkType != ARRAY_SUBLINK)
		return NIL;
	query = castNode(Query, sublink->subselect);
	if (list_length(query->rtable) != 1 ||
		linitial_node(RangeTblEntry, query->rtable)->relid != OwnTableFind(table))
		return NIL;
	clauses = make_ands_implicit((Expr *) query->jointree->quals);
	return list_length(clauses) == 2 ? clauses : NIL;
}

/*
 * StreamQueriesFind
 *		Find the queries for follows and mutes in the call of in_user_stream() in the body.
 *
 * False if there are none, or if they ask for anything else than FollowListGet() does: the
 * function may have been replaced.
 */
bool
StreamQueriesFind(const Query *body, SubLink **follows, SubLink **mutes)
{
	ListCell   *lc;

	foreach(lc, make_ands_implicit((Expr *) body->jointree->quals))
	{
		FuncExpr   *condition = lfirst(lc);
		StreamKind	kind;
		Node	   *follower;
		List	   *of_follows;
		List	   *of_mutes;

		if (!IsA(condition, FuncExpr) || !StreamConditionKind(condition->funcid, &kind) ||
			kind != USER_STREAM)
			continue;
		follower = list_nth(condition->args, STREAM_ROW_ARGS);
		*follows = list_nth(condition->args, STREAM_FOLLOWS_ARG);
		*mutes = list_nth(condition->args, STREAM_MUTES_ARG);
		of_follows = conditions_of_query((Node *) *follows, OWN_FOLLOWS);
		of_mutes = conditions_of_query((Node *) *mutes, OWN_MUTES);
		return of_follows != NIL && of_mutes != NIL &&
			is_equality(linitial(of_follows), Anum_follow_follower, follower) &&
			is_flag_clause(lsecond(of_follows), list_nth(condition->args, STREAM_ROW_ARGS + 1)) &&
			is_mute_clause(linitial(of_mutes), follower) &&
			is_expiry_clause(lsecond(of_mutes));
	}
	return false;
}
