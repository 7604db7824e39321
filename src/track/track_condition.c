/*
 * track_condition.c
 *		Conditions of tracking triggers.
 */
#include "postgres.h"

#include "base/compat.h"
#include "tables/own_trigger.h"
#include "track/track_condition.h"

#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parser.h"
#include "utils/guc.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"

/* Error context callback for parsing a condition. */
static void
in_condition(void *condition)
{
	int			code = geterrcode();
	int			position = geterrposition();

	/* it is one in the condition, not in the statement around it */
	if (position > 0)
	{
		errposition(0);
		internalerrposition(position);
		internalerrquery(condition);
	}
	errcontext("condition of actstream.track(): %s", (char *) condition);
	if (code == ERRCODE_AMBIGUOUS_COLUMN || code == ERRCODE_UNDEFINED_TABLE)
		errhint("Write NEW.column for the value after a change, OLD.column for the one before.");
}

/*
 * TrackConditionParse
 *		The raw parse tree of a condition, which must be one expression.
 *
 * The trigger gets the tree, not the text, so the condition cannot break out into the
 * surrounding statement; nothing of it is evaluated here.
 */
Node *
TrackConditionParse(const char *condition)
{
	ErrorContextCallback context = {error_context_stack, in_condition, unconstify(char *, condition)};
	List	   *parsed;
	SelectStmt *stmt;
	ResTarget  *target;
	ColumnRef  *column;

	error_context_stack = &context;
	parsed = raw_parser(condition, RAW_PARSE_PLPGSQL_EXPR);
	error_context_stack = context.previous;
	stmt = castNode(SelectStmt, linitial_node(RawStmt, parsed)->stmt);
	target = stmt->targetList == NIL ? NULL : linitial_node(ResTarget, stmt->targetList);
	column = target != NULL && IsA(target->val, ColumnRef) ? (ColumnRef *) target->val : NULL;

	/* valid in a target list, but not as an expression: a star, an alias */
	if ((column != NULL && IsA(llast(column->fields), A_Star)) ||
		(target != NULL && (target->name != NULL || target->indirection != NIL)) ||
		list_length(stmt->targetList) != 1 || stmt->distinctClause != NIL ||
		stmt->fromClause != NIL || stmt->whereClause != NULL ||
		stmt->groupClause != NIL || stmt->havingClause != NULL ||
		stmt->windowClause != NIL || stmt->sortClause != NIL ||
		stmt->limitCount != NULL || stmt->limitOffset != NULL ||
		stmt->lockingClause != NIL || stmt->op != SETOP_NONE)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("condition is not an expression: \"%s\"", condition),
				 errhint("Write one expression of NEW.column and OLD.column.")));
	return target->val;
}

/*
 * TrackConditionCheck
 *		Raise the error that CREATE TRIGGER would raise for a parsed condition, but with context.
 */
void
TrackConditionCheck(Relation rel, Node *condition, char *text)
{
	ErrorContextCallback context = {error_context_stack, in_condition, text};

	error_context_stack = &context;
	(void) OwnTriggerCondition(rel, condition);
	error_context_stack = context.previous;
}

/* Mutator: make columns of the old row those of an outer query. */
static Node *
put_old_outside(Node *node, void *context)
{
	Var		   *var;

	if (node == NULL || !IsA(node, Var))
		return expression_tree_mutator(node, put_old_outside, context);
	var = copyObject((Var *) node);
	var->varlevelsup = var->varno == PRS2_OLD_VARNO ? 1 : 0;
	var->varno = 1;
	var->varnosyn = 1;
	return (Node *) var;
}

/*
 * TrackConditionText
 *		The text of a condition, which is an expression tree as the catalog stores it.
 *
 * PostgreSQL prints expressions on one row of a query, and on one of each outer query.
 */
char *
TrackConditionText(Relation rel, Node *condition)
{
	List	   *rows = list_concat(deparse_context_for("new", RelationGetRelid(rel)),
								   deparse_context_for("old", RelationGetRelid(rel)));

	return deparse_expression(put_old_outside(condition, NULL), rows, true, false);
}

/*
 * The condition as it is after a dump, which PostgreSQL does not always read as it was: it may cast
 * each element of an array in place of the array, say.
 */
static Node *
dump_and_restore(Relation rel, Node *condition)
{
	int			level = NewGUCNestLevel();
	char	   *text;

	/* texts of constants that lose nothing */
	(void) set_config_option("datestyle", "ISO", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
	(void) set_config_option("intervalstyle", "postgres", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	(void) set_config_option("extra_float_digits", "3", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	text = TrackConditionText(rel, condition);
	condition = OwnTriggerCondition(rel, TrackConditionParse(text));
	AtEOXact_GUC(true, level);
	return condition;
}

/* dumps after which a condition does not change any more */
#define MAX_DUMPS 2

/*
 * TrackConditionIs
 *		Is the condition of a trigger, as the catalog stores it, the one with that raw parse tree,
 *		perhaps after a dump?
 */
bool
TrackConditionIs(Relation rel, char *stored, Node *parsed)
{
	Node	   *of_trigger = stringToNode(stored);
	Node	   *condition = OwnTriggerCondition(rel, parsed);

	for (int i = 0; i < MAX_DUMPS; i++)
	{
		if (equal(of_trigger, condition))
			return true;
		condition = dump_and_restore(rel, condition);
	}
	return equal(of_trigger, condition);
}
