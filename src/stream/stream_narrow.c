/*
 * stream_narrow.c
 *		Reading a shorter stream in place of a filtered one.
 *
 * If a stream is filtered by "actor = x", all resulting rows also belong to the stream
 * of x as the actor, which has the same order and may be much shorter.  So the scan can
 * read that stream, and filter it by the original condition.  Likewise for the other
 * roles.
 */
#include "postgres.h"

#include "base/compat.h"
#include "stream/stream_functions.h"
#include "stream/stream_narrow.h"
#include "tables/own_tables.h"

#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "optimizer/planmain.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

/*
 * The OID of in_stream_of(), if it exists and the current user may call it; else
 * InvalidOid.
 */
static Oid
find_in_stream_of(void)
{
	Oid			ref = RefTypeId();
	Oid			types[STREAM_ROW_ARGS + 2] = {
		ref, ref, ref, TIMESTAMPTZOID, TEXTOID, get_array_type(ref), INT4OID
	};
	Oid			result = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid,
										 CStringGetDatum("in_stream_of"),
										 PointerGetDatum(buildoidvector(types, lengthof(types))),
										 ObjectIdGetDatum(OwnInternalSchema()));
	StreamKind	kind;

	return OidIsValid(result) && StreamConditionKind(result, &kind) && kind == STREAM_OF &&
		object_aclcheck(ProcedureRelationId, result, GetUserId(), ACL_EXECUTE) == ACLCHECK_OK ?
		result : InvalidOid;
}

/* Is this the operator = of references? */
static bool
is_equality(Oid operator)
{
	return operator == lookup_type_cache(RefTypeId(), TYPECACHE_EQ_OPR)->eq_opr;
}

/*
 * The role whose column the expression is, according to the arguments of the condition;
 * or -1.
 */
static int
role_of_column(const FuncExpr *condition, Node *expr)
{
	for (int role = 0; role < NUM_ACTION_ROLES; role++)
	{
		if (equal(expr, list_nth(condition->args, role)))
			return role;
	}
	return -1;
}

/* An array of one object. */
static Node *
make_array(PlannerInfo *root, Node *object)
{
	ArrayExpr  *result = makeNode(ArrayExpr);

	result->array_typeid = get_array_type(RefTypeId());
	result->element_typeid = RefTypeId();
	result->elements = list_make1(object);
	result->location = -1;
	return eval_const_expressions(root, (Node *) result);
}

/*
 * If the clause requires a column to equal one of some objects, these objects as an
 * array, and the column's role: "column = object", either way around, or "column = ANY
 * (objects)".  Else NULL.
 */
static Node *
objects_of_clause(PlannerInfo *root, const FuncExpr *condition, Expr *clause, int *role)
{
	OpExpr	   *op = (OpExpr *) clause;
	ScalarArrayOpExpr *any = (ScalarArrayOpExpr *) clause;

	if (IsA(clause, OpExpr) && is_equality(op->opno))
	{
		*role = role_of_column(condition, linitial(op->args));
		if (*role >= 0)
			return make_array(root, lsecond(op->args));
		*role = role_of_column(condition, lsecond(op->args));
		return *role >= 0 ? make_array(root, linitial(op->args)) : NULL;
	}
	if (!IsA(clause, ScalarArrayOpExpr) || !any->useOr || !is_equality(any->opno))
		return NULL;
	*role = role_of_column(condition, linitial(any->args));
	return *role >= 0 ? lsecond(any->args) : NULL;
}

/*
 * StreamNarrow
 *		The condition of a stream that contains all rows that meet the clause, for a
 *		scan whose own stream has "condition".  NULL if the clause is of no use for
 *		that.
 *
 * The caller must check that the arguments do not depend on the row.
 */
FuncExpr *
StreamNarrow(PlannerInfo *root, const FuncExpr *condition, Expr *clause)
{
	int			role;
	Node	   *objects;
	Const	   *roles;
	List	   *args;
	Oid			function;

	objects = objects_of_clause(root, condition, clause, &role);
	function = objects == NULL || contain_subplans(objects) ? InvalidOid : find_in_stream_of();
	if (!OidIsValid(function))
		return NULL;
	/* replan if the function changes, since the right to call it may be revoked */
	record_plan_function_dependency(root, function);
	roles = makeConst(INT4OID, -1, InvalidOid, sizeof(int32), Int32GetDatum(ROLE_BIT(role)),
					  false, true);
	args = list_truncate(list_copy(condition->args), STREAM_ROW_ARGS);
	return makeFuncExpr(function, BOOLOID, list_concat(args, list_make2(objects, roles)),
						InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL);
}
