/*
 * tracking.c
 *		What a trigger made by track() does: its arguments.
 */
#include "postgres.h"

#include "compat.h"
#include "catalog.h"
#include "object_key.h"
#include "template.h"
#include "tracking.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#define SELF_TEMPLATE "{self}"

/*
 * The number of a column of the table, or ERRCODE_UNDEFINED_COLUMN.
 */
static AttrNumber
column_of(Relation rel, const char *name)
{
	AttrNumber	attnum = get_attnum(RelationGetRelid(rel), name);

	if (attnum <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of relation \"%s\" does not exist",
						name, RelationGetRelationName(rel)),
				 errhint("If it was renamed, call actstream.untrack() and actstream.track() again.")));
	return attnum;
}

static void
parse_template(TrackingTemplate *result, const char *template, Relation rel)
{
	List	   *parts = TemplateParse(template);
	ListCell   *lc;

	result->is_self = false;
	result->nparts = 0;
	result->parts = palloc(sizeof(TrackingPart) * Max(list_length(parts), 1));
	foreach(lc, parts)
	{
		TemplatePart *part = lfirst(lc);
		TrackingPart *out = &result->parts[result->nparts++];

		out->text = part->text;
		out->attnum = part->is_column ? column_of(rel, part->text) : InvalidAttrNumber;
	}
}

/*
 * A template of a reference: {self}, or a label, a colon, and columns that could
 * be part of a key, whose text is the same whoever writes the row.
 */
static void
parse_reference(TrackingTemplate *result, const char *template, Relation rel)
{
	TupleDesc	tupdesc = RelationGetDescr(rel);
	bool		has_colon = false;

	if (strcmp(template, SELF_TEMPLATE) == 0)
	{
		result->is_self = true;
		result->nparts = 0;
		if (RegistryLookupTable(RelationGetRelid(rel)) == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("table \"%s\" is not registered", RelationGetRelationName(rel)),
					 errdetail("A template refers to its rows by {self}."),
					 errhint("Use actstream.register().")));
		return;
	}

	parse_template(result, template, rel);
	for (int i = 0; i < result->nparts; i++)
	{
		TrackingPart *part = &result->parts[i];
		const char *colon = part->attnum == InvalidAttrNumber ?
			strchr(part->text, ':') : NULL;

		if (part->attnum != InvalidAttrNumber)
			ObjectKeyCheckType(tupdesc, part->attnum);
		if (i == 0 && colon != NULL)
			RefCheckLabel(part->text, colon - part->text);
		has_colon = has_colon || colon != NULL;
	}
	if (result->nparts > 0 && !has_colon)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("template is not one of a reference: \"%s\"", template),
				 errhint("Write label:{column}, or {self} for the row itself.")));
	if (result->nparts == 1 && result->parts[0].attnum == InvalidAttrNumber)
		(void) DirectFunctionCall1(actstream_ref_in, CStringGetDatum(result->parts[0].text));
}

static List *
parse_columns(const char *array, Relation rel)
{
	List	   *result = NIL;
	ListCell   *lc;
	Datum		names;

	if (array[0] == '\0')
		return NIL;
	names = OidInputFunctionCall(F_ARRAY_IN, unconstify(char *, array), NAMEOID, -1);
	foreach(lc, NameArrayToList(names))
		result = lappend_int(result, column_of(rel, lfirst(lc)));
	return result;
}

static AttrNumber
parse_timestamp_column(const char *name, Relation rel)
{
	AttrNumber	attnum;
	Form_pg_attribute att;

	if (name[0] == '\0')
		return InvalidAttrNumber;
	attnum = column_of(rel, name);
	att = TupleDescAttr(RelationGetDescr(rel), attnum - 1);
	if (getBaseType(att->atttypid) != TIMESTAMPTZOID)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" is of type %s, not %s", name,
						format_type_be(att->atttypid), format_type_be(TIMESTAMPTZOID))));
	return attnum;
}

/*
 * TrackingParse
 *		Understand the arguments of a trigger of "rel", in the current memory
 *		context.
 *
 * Raises ERRCODE_UNDEFINED_COLUMN for a column that does not exist,
 * ERRCODE_FEATURE_NOT_SUPPORTED for one that a reference cannot be made of,
 * ERRCODE_DATATYPE_MISMATCH for a timestamp_column that is none,
 * ERRCODE_INVALID_PARAMETER_VALUE for a malformed template, and
 * ERRCODE_UNDEFINED_OBJECT for {self} in a table that is not registered.
 */
void
TrackingParse(Tracking *tracking, char *const *args, Relation rel)
{
	tracking->verb = pstrdup(args[TRACKING_VERB]);
	parse_reference(&tracking->actor, args[TRACKING_ACTOR], rel);
	parse_reference(&tracking->action_object, args[TRACKING_ACTION_OBJECT], rel);
	parse_reference(&tracking->target, args[TRACKING_TARGET], rel);
	parse_template(&tracking->description, args[TRACKING_DESCRIPTION], rel);
	tracking->is_public = strcmp(args[TRACKING_PUBLIC], "public") == 0;
	tracking->columns = parse_columns(args[TRACKING_COLUMNS], rel);
	tracking->data_columns = parse_columns(args[TRACKING_DATA_COLUMNS], rel);
	tracking->timestamp_column =
		parse_timestamp_column(args[TRACKING_TIMESTAMP_COLUMN], rel);
}
