/*
 * stream_narrow.c
 *		Other conditions that a stream can be read by.
 *
 * Of a stream that is filtered by "actor = x", all rows also belong to the stream of x
 * as the actor, which has the same order and may be much shorter.  The scan may then read
 * that one, and filter it by the condition of the other.  Likewise for the other roles.
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

/* in_stream_of(), if it is there and the current user may call it; or InvalidOid. */
static Oid
find_in_stream_of(void)
{
	Oid			ref = RefTypeId();
	Oid			types[STREAM_ROW_ARGS + 2] = {
		ref, ref, ref, TIMESTAMPTZOID, get_array_type(ref), INT4OID
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

/* Is it the operator = of references? */
static bool
is_equality(Oid operator)
{
	return operator == lookup_type_cache(RefTypeId(), TYPECACHE_EQ_OPR)->eq_opr;
}

/* The role whose column, among the arguments of the condition, the expression is; or -1. */
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

/* The array of one object. */
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
 * The objects, as an array, that one of has the role by the clause: "column = object",
 * either way around, or "column = ANY (objects)".  NULL if it does not say that.
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
 *		The condition of the stream that all rows belong to that meet the clause, by the
 *		condition that another stream over the same rows is known by.  NULL if the clause
 *		gives none.
 *
 * The caller looks whether it asks for the same whatever the row.
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
	/* the right to call it may be lost */
	record_plan_function_dependency(root, function);
	roles = makeConst(INT4OID, -1, InvalidOid, sizeof(int32), Int32GetDatum(ROLE_BIT(role)),
					  false, true);
	args = list_truncate(list_copy(condition->args), STREAM_ROW_ARGS);
	return makeFuncExpr(function, BOOLOID, list_concat(args, list_make2(objects, roles)),
						InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL);
}
