/*
 * stream_verbs.c
 *		Conditions that restrict a stream to some verbs.
 *
 * A condition remains a filter of the scan, so what is made of it here need not be exact,
 * but must leave out no action.
 */
#include "postgres.h"

#include "base/compat.h"
#include "stream/stream_verbs.h"
#include "tables/own_tables.h"
#include "tables/table_index.h"

#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "utils/array.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

/* Is it the operator = of text, by which only equal bytes are equal? */
static bool
is_equality(Oid operator, Oid collation)
{
	return get_opcode(operator) == F_TEXTEQ &&
		OidIsValid(collation) && get_collation_isdeterministic(collation);
}

/* The verb that an action must have according to "verb = value", either way around; else NULL. */
static Expr *
verb_of_clause(Expr *clause, Index rti)
{
	OpExpr	   *op = (OpExpr *) clause;

	if (!IsA(clause, OpExpr) || list_length(op->args) != 2 ||
		!is_equality(op->opno, op->inputcollid))
		return NULL;
	if (IsColumnOf(linitial(op->args), rti, Anum_action_verb))
		return lsecond(op->args);
	if (IsColumnOf(lsecond(op->args), rti, Anum_action_verb))
		return linitial(op->args);
	return NULL;
}

/* The same, or the array of verbs according to "verb = ANY (values)". */
static Expr *
verbs_of_clause(Expr *clause, Index rti)
{
	ScalarArrayOpExpr *any = (ScalarArrayOpExpr *) clause;

	if (IsA(clause, ScalarArrayOpExpr) && any->useOr &&
		is_equality(any->opno, any->inputcollid) &&
		IsColumnOf(linitial(any->args), rti, Anum_action_verb))
		return lsecond(any->args);
	return verb_of_clause(clause, rti);
}

/* The verbs that an action may have according to "verb = value OR ...", as an array; else NULL. */
static Expr *
verbs_of_alternatives(List *clauses, Index rti)
{
	ArrayExpr  *result = makeNode(ArrayExpr);
	ListCell   *lc;

	foreach(lc, clauses)
	{
		Expr	   *verb = verb_of_clause(lfirst(lc), rti);

		if (verb == NULL)
			return NULL;
		result->elements = lappend(result->elements, verb);
	}
	result->array_typeid = TEXTARRAYOID;
	result->element_typeid = TEXTOID;
	result->location = -1;
	return (Expr *) result;
}

/* The verbs according to "values IS NULL OR verb = ANY (values)", either way around; else NULL. */
static Expr *
optional_verbs(List *clauses, Index rti)
{
	for (int i = 0; i < 2 && list_length(clauses) == 2; i++)
	{
		NullTest   *test = list_nth(clauses, i);
		Expr	   *verbs = verbs_of_clause(list_nth(clauses, 1 - i), rti);
		Expr	   *bare = verbs;

		if (!IsA(test, NullTest) || test->nulltesttype != IS_NULL || test->argisrow || verbs == NULL)
			continue;
		while (IsA(bare, RelabelType) && !equal(test->arg, bare))
			bare = ((RelabelType *) bare)->arg;
		if (equal(test->arg, bare))
			return verbs;
	}
	return NULL;
}

/*
 * StreamVerbsOfClause
 *		The verb, or array of verbs, that an action must have according to the clause:
 *		"verb = value", either way around, several of these with OR, or "verb = ANY (values)".
 *		Else NULL.  Sets *optional if all actions pass where the value is null.
 *
 * "rti" is the index of actstream.actions in the range table.
 */
Expr *
StreamVerbsOfClause(Expr *clause, Index rti, bool *optional)
{
	Expr	   *result;

	*optional = false;
	if (!is_orclause(clause))
		return verbs_of_clause(clause, rti);
	result = optional_verbs(((BoolExpr *) clause)->args, rti);
	*optional = result != NULL;
	return result != NULL ? result : verbs_of_alternatives(((BoolExpr *) clause)->args, rti);
}

/*
 * StreamVerbsOfValue
 *		The verbs of the value of such an expression, which has that type, in the current
 *		memory context; none if it is null.
 */
const VerbList *
StreamVerbsOfValue(Oid type, NullableDatum value)
{
	VerbList   *result;

	if (!value.isnull && OidIsValid(get_element_type(type)))
		return VerbListOfArray(DatumGetArrayTypeP(value.value), CurrentMemoryContext);
	result = palloc(offsetof(VerbList, verbs) + sizeof(text *));
	result->n = value.isnull ? 0 : 1;
	if (!value.isnull)
		result->verbs[0] = DatumGetTextPP(value.value);
	return result;
}
