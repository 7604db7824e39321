/*
 * track_options.c
 *		The arguments of a trigger made by track(), which say what it does.
 *
 * The arguments name columns, but PostgreSQL does not know that: columns can be dropped,
 * or change their type.  Naming them in UPDATE OF as well would tell PostgreSQL, but
 * would change when the trigger fires; and INSERT and DELETE have no such list.  So a
 * column that is gone is left out, see TrackingParse(), and when a column is renamed,
 * the arguments are changed, see track_ddl.c.
 */
#include "postgres.h"

#include "base/compat.h"
#include "action/action_send.h"
#include "base/column_names.h"
#include "base/template.h"
#include "object/object_key.h"
#include "object/registry.h"
#include "track/track_options.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/* State of the parser. */
typedef struct Parser
{
	Tracking   *tracking;
	Relation	rel;
	bool		strict;			/* is a missing column an error? */
} Parser;

static void
note_problem(Parser *parser, char *problem)
{
	if (parser->tracking->problem == NULL)
		parser->tracking->problem = problem;
}

/*
 * The number of a column of the table that triggers can read.  If there is none of that
 * name, raises an error or, if not strict, notes the problem and returns
 * InvalidAttrNumber.
 */
static AttrNumber
column_of(Parser *parser, const char *name)
{
	Relation	rel = parser->rel;
	AttrNumber	attnum = get_attnum(RelationGetRelid(rel), name);

	if (attnum <= 0)
	{
		if (parser->strict)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("column \"%s\" of relation \"%s\" does not exist",
							name, RelationGetRelationName(rel)),
					 errhint("Its columns are %s.", ColumnNames(RelationGetDescr(rel)))));
		note_problem(parser, psprintf(_("column \"%s\" does not exist"), name));
		return InvalidAttrNumber;
	}
	if (column_is_virtual(RelationGetDescr(rel), attnum - 1))
	{
		if (parser->strict)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("virtual generated column \"%s\" of relation \"%s\" cannot be tracked",
							name, RelationGetRelationName(rel)),
					 errdetail("It is not computed for triggers."),
					 errhint("Use the columns that it is generated from, or a stored generated column.")));
		note_problem(parser, psprintf(_("column \"%s\" is a virtual generated column"), name));
		return InvalidAttrNumber;
	}
	return attnum;
}

/*
 * As column_of(), but for a column that could be part of a key: one whose text does not
 * depend on the settings of the session.
 */
static AttrNumber
key_column_of(Parser *parser, const char *name)
{
	TupleDesc	tupdesc = RelationGetDescr(parser->rel);
	AttrNumber	attnum = column_of(parser, name);

	if (attnum == InvalidAttrNumber || ObjectKeyTypeFits(tupdesc, attnum))
		return attnum;
	if (parser->strict)
		ObjectKeyCheckType(tupdesc, attnum);
	note_problem(parser, psprintf(_("column \"%s\" of type %s cannot be a key column"), name,
								  format_type_be(TupleDescAttr(tupdesc, attnum - 1)->atttypid)));
	return InvalidAttrNumber;
}

static void
parse_template(Parser *parser, TrackingTemplate *result, const char *template,
			   AttrNumber lookup(Parser *parser, const char *name))
{
	List	   *parts = TemplateParse(template);
	ListCell   *lc;

	result->is_self = false;
	result->is_broken = false;
	result->nparts = 0;
	result->parts = palloc(sizeof(TrackingPart) * Max(list_length(parts), 1));
	foreach(lc, parts)
	{
		TemplatePart *part = lfirst(lc);
		TrackingPart *out = &result->parts[result->nparts++];

		out->is_column = part->is_column;
		out->text = part->text;
		out->attnum = part->is_column ? lookup(parser, part->text) : InvalidAttrNumber;
		result->is_broken |= part->is_column && out->attnum == InvalidAttrNumber;
	}
}

/*
 * Parse a template of a reference: {self}, or a label, a colon, and columns that could
 * be part of a key.
 */
static void
parse_reference(Parser *parser, TrackingTemplate *result, const char *template)
{
	bool		has_colon = false;

	if (strcmp(template, SELF_TEMPLATE) == 0)
	{
		result->is_self = true;
		result->is_broken = false;
		result->nparts = 0;
		if (parser->strict && RegistryLookupTable(RelationGetRelid(parser->rel)) == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("table \"%s\" is not registered",
							RelationGetRelationName(parser->rel)),
					 errdetail("A template refers to its rows by {self}, which is the default of action_object."),
					 errhint("Use actstream.register() first, or give another action_object, or null.")));
		return;
	}

	parse_template(parser, result, template, key_column_of);
	for (int i = 0; i < result->nparts; i++)
	{
		TrackingPart *part = &result->parts[i];
		const char *colon = part->is_column ? NULL : strchr(part->text, ':');

		if (i == 0 && colon != NULL)
			RefCheckLabel(part->text, colon - part->text);
		has_colon = has_colon || colon != NULL;
	}
	if (result->nparts > 0 && !has_colon)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid template of a reference: \"%s\"", template),
				 errhint("Write label:{column}, as in user:{user_id}, or {self} for the row itself.")));
	if (result->nparts == 1 && !result->parts[0].is_column)
		(void) DirectFunctionCall1(actstream_ref_in, CStringGetDatum(result->parts[0].text));
}

static List *
parse_columns(Parser *parser, const char *array)
{
	List	   *result = NIL;
	ListCell   *lc;
	Datum		names;

	if (array[0] == '\0')
		return NIL;
	names = OidInputFunctionCall(F_ARRAY_IN, unconstify(char *, array), NAMEOID, -1);
	foreach(lc, NameArrayToList(names))
	{
		AttrNumber	attnum = column_of(parser, lfirst(lc));

		if (attnum != InvalidAttrNumber)
			result = lappend_int(result, attnum);
	}
	return result;
}

static AttrNumber
parse_timestamp_column(Parser *parser, const char *name)
{
	AttrNumber	attnum;
	Oid			type;

	if (name[0] == '\0')
		return InvalidAttrNumber;
	attnum = column_of(parser, name);
	if (attnum == InvalidAttrNumber)
		return attnum;
	type = TupleDescAttr(RelationGetDescr(parser->rel), attnum - 1)->atttypid;
	if (getBaseType(type) == TIMESTAMPTZOID)
		return attnum;
	if (parser->strict)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" is of type %s, not %s", name,
						format_type_be(type), format_type_be(TIMESTAMPTZOID)),
				 getBaseType(type) == TIMESTAMPOID ?
				 errhint("Add a column such as \"at %s GENERATED ALWAYS AS (%s AT TIME ZONE 'UTC') STORED\", with the time zone that the values are in.",
						 format_type_be(TIMESTAMPTZOID), quote_identifier(name)) : 0));
	note_problem(parser, psprintf(_("column \"%s\" is of type %s, not %s"), name,
								  format_type_be(type), format_type_be(TIMESTAMPTZOID)));
	return InvalidAttrNumber;
}

/* list_sort comparator: names, by their bytes */
static int
compare_names(const ListCell *a, const ListCell *b)
{
	return strcmp(lfirst(a), lfirst(b));
}

/*
 * TrackingColumnsText
 *		The argument of a trigger for these columns (char *).  It is the same for the same columns,
 *		whatever their order.
 */
char *
TrackingColumnsText(List *names)
{
	List	   *sorted = list_copy(names);
	List	   *result = NIL;
	ListCell   *lc;

	list_sort(sorted, compare_names);
	foreach(lc, sorted)
	{
		if (result == NIL || strcmp(llast(result), lfirst(lc)) != 0)
			result = lappend(result, lfirst(lc));
	}
	return OidOutputFunctionCall(F_ARRAY_OUT, ListToNameArray(result));
}

/*
 * TrackingParse
 *		Parse the arguments of a trigger of "rel", in the current memory context.
 *
 * Raises ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED for a wrong number of arguments, and
 * ERRCODE_INVALID_PARAMETER_VALUE and others for malformed ones, including the verb.
 *
 * If "strict", raises ERRCODE_UNDEFINED_COLUMN for a column that does not exist,
 * ERRCODE_FEATURE_NOT_SUPPORTED for one that a trigger cannot read or a reference cannot
 * contain, ERRCODE_DATATYPE_MISMATCH for a timestamp_column of another type, and
 * ERRCODE_UNDEFINED_OBJECT for {self} in a table that is not registered.  Otherwise,
 * leaves such columns out, and describes the first of them in tracking->problem.
 */
void
TrackingParse(Tracking *tracking, char *const *args, int nargs, Relation rel, bool strict)
{
	Parser		parser = {.tracking = tracking, .rel = rel, .strict = strict};

	if (nargs != NUM_TRACKING_ARGS)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("trigger has %d arguments, not %d", nargs, NUM_TRACKING_ARGS),
				 errhint("Create such triggers with actstream.track().")));

	tracking->problem = NULL;
	tracking->verb = pstrdup(args[TRACKING_VERB]);
	ActionCheckVerb(CStringGetTextDatum(tracking->verb));
	parse_reference(&parser, &tracking->actor, args[TRACKING_ACTOR]);
	parse_reference(&parser, &tracking->action_object, args[TRACKING_ACTION_OBJECT]);
	parse_reference(&parser, &tracking->target, args[TRACKING_TARGET]);
	parse_template(&parser, &tracking->description, args[TRACKING_DESCRIPTION], column_of);
	tracking->is_public = strcmp(args[TRACKING_PUBLIC], "public") == 0;
	tracking->has_columns = args[TRACKING_COLUMNS][0] != '\0';
	tracking->columns = parse_columns(&parser, args[TRACKING_COLUMNS]);
	tracking->data_columns = parse_columns(&parser, args[TRACKING_DATA_COLUMNS]);
	tracking->timestamp_column =
		parse_timestamp_column(&parser, args[TRACKING_TIMESTAMP_COLUMN]);
}
