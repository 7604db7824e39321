/*
 * track_check.c
 *		Whether the templates given to track() can name objects.
 *
 * A template that names no object raises no error when rows change; its actions are just
 * not sent.  So track() checks it as far as possible.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/attempt.h"
#include "object/integrity_hold.h"
#include "object/key_type.h"
#include "object/object_key.h"
#include "object/registry.h"
#include "track/track_check.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "parser/parse_coerce.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* A template of a reference, and the type of its label. */
typedef struct Check
{
	const char *role;
	const TrackingTemplate *template;
	const char *label;
	const char *key_text;		/* text of the first part after the colon */
	Relation	rel;			/* the tracked table */
	bool		created;		/* has it just been given to track()? */
	RegisteredType type;
	Relation	objects;		/* the table of the type; NULL if that is external */
} Check;

/* "label:{column},{column}", to show how to write the template. */
static char *
example(const Check *check)
{
	StringInfoData result;

	initStringInfo(&result);
	appendStringInfo(&result, "%s:", check->label);
	for (int i = 0; i < check->type.nkeys; i++)
		appendStringInfo(&result, "%s{%s}", i > 0 ? "," : "",
						 NameStr(TupleDescAttr(RelationGetDescr(check->objects),
											   check->type.keys[i] - 1)->attname));
	return result.data;
}

static void
check_count(const Check *check, int nparts)
{
	if (nparts != check->type.nkeys)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("template of %s does not match the key of object type \"%s\"",
						check->role, check->label),
				 errdetail_plural("It has %d part, but the key has %d columns.",
								  "It has %d parts, but the key has %d columns.",
								  nparts, nparts, check->type.nkeys),
				 errhint("Write it as %s, with columns of the tracked table.", example(check))));
}

/* Can a column be a part of the key?  The types are those of ObjectKeyType(). */
static bool
types_fit(Oid column, Oid key)
{
	return column == key || (KeyTypeIsInteger(column) && KeyTypeIsInteger(key));
}

/*
 * Check that a part of a template's key, which consists of text and columns, can be a
 * value of the key column with that number.
 *
 * Text and columns can be combined if that column holds strings; else a column must
 * stand alone.
 */
static void
check_part(const Check *check, int key, const char *text, const TrackingPart *column)
{
	Form_pg_attribute att = TupleDescAttr(RelationGetDescr(check->objects),
										  check->type.keys[key] - 1);
	Oid			key_type = ObjectKeyType(RelationGetDescr(check->objects), att->attnum);

	if (column == NULL || TypeCategory(key_type) == TYPCATEGORY_STRING)
		return;					/* check_object() checks a key that is only text */
	if (text[0] != '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("template of %s does not match the key of object type \"%s\"",
						check->role, check->label),
				 errdetail("It combines \"%s\" with column \"%s\", but key column \"%s\" is of type %s.",
						   text, column->text, NameStr(att->attname),
						   format_type_be(att->atttypid)),
				 errhint("Write %s:{%s}.", check->label, column->text)));
	if (!types_fit(ObjectKeyType(RelationGetDescr(check->rel), column->attnum), key_type))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("template of %s does not match the key of object type \"%s\"",
						check->role, check->label),
				 errdetail("Column \"%s\" is of type %s, but key column \"%s\" is of type %s.",
						   column->text,
						   format_type_be(TupleDescAttr(RelationGetDescr(check->rel),
														column->attnum - 1)->atttypid),
						   NameStr(att->attname), format_type_be(att->atttypid)),
				 errhint("Use a column of the tracked table that holds keys of \"%s\".",
						 check->label)));
}

/* Check the key part by part; commas in the text separate parts. */
static void
check_key(const Check *check)
{
	const TrackingTemplate *template = check->template;
	bool		composite = check->type.nkeys > 1;
	const TrackingPart *column = NULL;
	StringInfoData text;
	int			key = 0;
	int			nparts = 1;

	for (int i = 0; composite && i < template->nparts; i++)
	{
		const char *c = template->parts[i].is_column ? "" :
			i == 0 ? check->key_text : template->parts[i].text;

		while ((c = strchr(c, ',')) != NULL)
		{
			nparts++;
			c++;
		}
	}
	check_count(check, nparts);

	initStringInfo(&text);
	for (int i = 0; i < template->nparts; i++)
	{
		const TrackingPart *part = &template->parts[i];

		if (part->is_column && column == NULL)
			column = part;
		else if (part->is_column)
			appendStringInfo(&text, "{%s}", part->text);
		else
		{
			for (const char *c = i == 0 ? check->key_text : part->text; *c != '\0'; c++)
			{
				if (composite && *c == ',')
				{
					check_part(check, key++, text.data, column);
					resetStringInfo(&text);
					column = NULL;
				}
				else
					appendStringInfoChar(&text, *c);
			}
		}
	}
	check_part(check, key, text.data, column);
}

/* Add a hint if a column's name stands in the template without braces. */
static int
hint_braces(const Check *check)
{
	if (get_attnum(RelationGetRelid(check->rel), check->key_text) > 0)
		errhint("For the value of column \"%s\", write %s:{%s}.", check->key_text,
				check->label, check->key_text);
	return 0;
}

/*
 * Check a template without a column, which names the same object each time.  Raises an
 * error if that object can never exist; raises a notice if it does not exist yet, or
 * looks like a column's name.
 */
static void
check_object(const Check *check)
{
	Ref		   *ref = RefFromText(check->label, strlen(check->label), check->key_text,
								  strlen(check->key_text));
	Datum		values[INDEX_MAX_KEYS];

	if (check->objects != NULL &&
		!ObjectKeyParse(&check->type, RelationGetDescr(check->objects), ref, values))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("template of %s has no column, and object \"%s\" cannot exist",
						check->role, RefToText(ref)),
				 errhint("Write it as %s, with columns of the tracked table.", example(check)),
				 hint_braces(check)));
	if (!check->created)
		return;
	if (check->type.checked &&
		!IntegrityReferenceHolds(ref, check->rel->rd_rel->relowner, GetActiveSnapshot()))
		ereport(NOTICE,
				(errcode(ERRCODE_WARNING),
				 errmsg("template of %s has no column, and object \"%s\" does not exist",
						check->role, RefToText(ref)),
				 hint_braces(check)));
	else if (get_attnum(RelationGetRelid(check->rel), check->key_text) > 0)
		ereport(NOTICE,
				(errcode(ERRCODE_WARNING),
				 errmsg("template of %s has no column, so every row has object \"%s\"",
						check->role, RefToText(ref)),
				 hint_braces(check)));
}

/* Raise a notice for "${column}", as other languages write it. */
static void
check_dollar(const Check *check)
{
	for (int i = 1; i < check->template->nparts; i++)
	{
		const TrackingPart *before = &check->template->parts[i - 1];
		size_t		len = strlen(before->text);

		if (check->template->parts[i].is_column && !before->is_column && len > 0 &&
			before->text[len - 1] == '$')
			ereport(NOTICE,
					(errcode(ERRCODE_WARNING),
					 errmsg("template of %s has \"$\" before column \"%s\", as part of the key",
							check->role, check->template->parts[i].text),
					 errhint("Write {%s} for the value of the column.",
							 check->template->parts[i].text)));
	}
}

/* Set what the label means now, or raise ERRCODE_UNDEFINED_OBJECT. */
static void
look_up_label(Check *check)
{
	const RegisteredType *type;

	/* we took no lock, which would have processed invalidations */
	AcceptInvalidationMessages();
	type = RegistryLookupLabel(check->label, strlen(check->label));
	if (type == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("object type \"%s\" is not registered", check->label),
				 errdetail("The template of %s refers to objects of that type.", check->role),
				 errhint("%s", RegistryLabelHint(check->label, strlen(check->label)))));
	check->type = *type;
}

/* Does the label mean the same as when it was looked up? */
static bool
still_means(const Check *check)
{
	const RegisteredType *now = RegistryLookupLabel(check->label, strlen(check->label));

	return now != NULL && RegistryMeansTheSame(now, &check->type);
}

/*
 * Find what the label means; false if the objects' table is locked by another session, which is
 * waited for only by track().
 */
static bool
find_type(Check *check)
{
	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		look_up_label(check);
		if (!OidIsValid(check->type.relation))
			return true;
		RegistryRequireBound(&check->type);
		if (!check->created && !ConditionalLockRelationOid(check->type.relation, AccessShareLock))
			return false;
		check->objects = try_table_open(check->type.relation, check->created ? AccessShareLock : NoLock);
		if (check->objects != NULL && still_means(check))
			return true;
		/* it has changed while we waited */
		if (check->objects != NULL)
			table_close(check->objects, AccessShareLock);
		check->objects = NULL;
	}
}

static void
check_template(const char *role, const TrackingTemplate *template, Relation rel, bool created)
{
	Check		check = {.role = role,.template = template,.rel = rel,.created = created};
	const char *colon;

	if (template->nparts == 0 || template->parts[0].is_column)
		return;					/* none, the row itself, or a label from a column */
	colon = strchr(template->parts[0].text, ':');
	if (colon == NULL)
		return;
	check.label = pnstrdup(template->parts[0].text, colon - template->parts[0].text);
	check.key_text = colon + 1;
	if (!find_type(&check))
		return;
	if (template->nparts == 1)
		check_object(&check);
	else
	{
		if (check.objects != NULL)
			check_key(&check);
		if (created)
			check_dollar(&check);
	}
	if (check.objects != NULL)
		table_close(check.objects, AccessShareLock);
}

static void
check_templates(const Tracking *tracking, Relation rel, bool created)
{
	check_template("actor", &tracking->actor, rel, created);
	check_template("action_object", &tracking->action_object, rel, created);
	check_template("target", &tracking->target, rel, created);
}

/*
 * TrackCheckTemplates
 *		Check that the references that the templates give for rows of "rel" can name
 *		objects, as far as that can be known.
 *
 * Raises ERRCODE_UNDEFINED_OBJECT for a label that is not registered,
 * ERRCODE_INVALID_PARAMETER_VALUE for a key that does not match, and
 * ERRCODE_DATATYPE_MISMATCH for a column of the wrong type.  Raises a notice for what is
 * probably a mistake.
 */
void
TrackCheckTemplates(const Tracking *tracking, Relation rel)
{
	check_templates(tracking, rel, true);
}

/* Arguments of find_problem(). */
typedef struct ProblemJob
{
	const Tracking *tracking;
	Relation	rel;
} ProblemJob;

/* AttemptFunction */
static void
find_problem(void *arg)
{
	ProblemJob *job = arg;

	check_templates(job->tracking, job->rel, false);
}

/*
 * TrackTemplatesProblem
 *		What keeps a template, which was right once, from naming objects, as part of a message;
 *		NULL if nothing does, or if the objects' table is locked by another session.
 *
 * Waits for no lock.
 */
char *
TrackTemplatesProblem(const Tracking *tracking, Relation rel)
{
	ProblemJob	job = {.tracking = tracking,.rel = rel};
	ErrorData  *error = Attempt(find_problem, &job);

	return error == NULL ? NULL : error->message;
}
