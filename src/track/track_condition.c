/*
 * track_condition.c
 *		Conditions of tracking triggers.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/attempt.h"
#include "tables/own_trigger.h"
#include "track/track_condition.h"

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
 *		Raise the error that CREATE TRIGGER would raise when it analyses a parsed condition, but with
 *		context.
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
 * The text of a condition, which is an expression tree as the catalog stores it.
 *
 * PostgreSQL prints expressions on one row of a query, and on one of each outer query.
 */
static char *
condition_text(Relation rel, Node *condition)
{
	List	   *rows = list_concat(deparse_context_for("new", RelationGetRelid(rel)),
								   deparse_context_for("old", RelationGetRelid(rel)));

	return deparse_expression(put_old_outside(condition, NULL), rows, true, false);
}

/* A condition to print, and the result. */
typedef struct PrintJob
{
	Relation	rel;
	const char *condition;
	char	   *text;
} PrintJob;

/* AttemptFunction */
static void
print_condition(void *arg)
{
	PrintJob   *job = arg;

	job->text = condition_text(job->rel, stringToNode(job->condition));
}

/*
 * TrackConditionTryText
 *		The text of a condition of a trigger, as the catalog stores it; NULL if it cannot be printed, as
 *		one can be too deep for this session.  Then sets *error.
 */
char *
TrackConditionTryText(Relation rel, const char *stored, ErrorData **error)
{
	PrintJob	job = {.rel = rel, .condition = stored};

	*error = Attempt(print_condition, &job);
	return *error == NULL ? job.text : NULL;
}

/*
 * The condition as it is after a dump, with the settings of pg_dump.
 *
 * PostgreSQL does not always read its own text as what it was: it may cast each element of an array
 * in place of the array, or find another operator for IS DISTINCT FROM, which names none.
 */
static Node *
dump_and_restore(Relation rel, Node *condition)
{
	static const char *const settings[][2] = {
		{"search_path", ""},
		{"datestyle", "ISO"},
		{"intervalstyle", "postgres"},
		{"extra_float_digits", "3"},
		{"array_nulls", "on"}
	};
	int			level = NewGUCNestLevel();

	for (int i = 0; i < (int) lengthof(settings); i++)
		(void) set_config_option(settings[i][0], settings[i][1], PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	condition = OwnTriggerCondition(rel, TrackConditionParse(condition_text(rel, condition)));
	AtEOXact_GUC(true, level);
	return condition;
}

/* Conditions to compare, and the result. */
typedef struct CompareJob
{
	Relation	rel;
	const char *stored;
	Node	   *parsed;
	const char *text;
	ConditionMatch match;
} CompareJob;

/* dumps after which a condition does not change any more */
#define MAX_DUMPS 2

/* AttemptFunction: a condition can be too deep, or not be restored. */
static void
compare_conditions(void *arg)
{
	CompareJob *job = arg;
	Node	   *stored = stringToNode(job->stored);
	Node	   *condition = OwnTriggerCondition(job->rel, job->parsed);

	if (equal(stored, condition) || strcmp(condition_text(job->rel, stored), job->text) == 0)
		job->match = CONDITION_SAME;
	for (int i = 0; i < MAX_DUMPS && job->match == CONDITION_DIFFERS; i++)
	{
		condition = dump_and_restore(job->rel, condition);
		if (equal(stored, condition))
			job->match = CONDITION_DUMPED;
	}
}

/*
 * TrackConditionCompare
 *		Is the condition of a trigger, as the catalog stores it, the one with that raw parse tree and
 *		text, or what dumps may have made of it?
 *
 * Only the latter, which is the caller's own, is parsed: that runs code of its types.
 */
ConditionMatch
TrackConditionCompare(Relation rel, const char *stored, Node *parsed, const char *text)
{
	CompareJob	job = {.rel = rel, .stored = stored, .parsed = parsed, .text = text};

	return Attempt(compare_conditions, &job) == NULL ? job.match : CONDITION_DIFFERS;
}
