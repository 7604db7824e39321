/*
 * template.c
 *		Templates: text with {column} placeholders, such as '{first_name} {last_name}'.
 *
 * "{{" and "}}" are literal braces.  A template is never evaluated as SQL: a column
 * name is taken literally, without quotes or case folding.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/template.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"

static List *
append_part(List *parts, bool is_column, StringInfo text)
{
	TemplatePart *part;

	if (text->len == 0)
		return parts;
	part = palloc(sizeof(TemplatePart));
	part->is_column = is_column;
	part->text = pstrdup(text->data);
	resetStringInfo(text);
	return lappend(parts, part);
}

/*
 * TemplateRead
 *		Parse a template into a list of TemplatePart in the current memory context.
 *
 * Returns NULL, or what is wrong with the template.
 */
const char *
TemplateRead(const char *template, List **parts)
{
	StringInfoData text;
	const char *p = template;

	*parts = NIL;
	initStringInfo(&text);
	while (*p != '\0')
	{
		CHECK_FOR_INTERRUPTS();
		if ((p[0] == '{' || p[0] == '}') && p[1] == p[0])
		{
			appendStringInfoChar(&text, *p);
			p += 2;
		}
		else if (*p == '{')
		{
			size_t		len = strcspn(p + 1, "{}");

			if (p[1 + len] != '}')
				return _("A \"{\" is not closed.");
			if (len == 0)
				return _("The name between braces is empty.");
			*parts = append_part(*parts, false, &text);
			appendBinaryStringInfo(&text, p + 1, len);
			*parts = append_part(*parts, true, &text);
			p += len + 2;
		}
		else if (*p == '}')
			return _("A \"}\" has no matching \"{\".");
		else
			appendStringInfoChar(&text, *p++);
	}
	*parts = append_part(*parts, false, &text);
	return NULL;
}

/*
 * TemplateParse
 *		Parse a template into a list of TemplatePart in the current memory context.
 *
 * Raises ERRCODE_INVALID_PARAMETER_VALUE for unmatched braces and for empty names.
 * Whether the columns exist is not checked.
 */
List *
TemplateParse(const char *template)
{
	List	   *parts;
	const char *fault = TemplateRead(template, &parts);

	if (fault != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("malformed template: \"%s\"", template),
				 errdetail_internal("%s", fault),
				 errhint("Write {column} to insert the value of a column, and {{ or }} for a literal brace.")));
	return parts;
}

/*
 * TemplateTryParse
 *		The same, but returns false if the template is malformed.
 */
bool
TemplateTryParse(const char *template, List **parts)
{
	return TemplateRead(template, parts) == NULL;
}

/*
 * TemplateHasColumn
 *		Does the template name any column?
 */
bool
TemplateHasColumn(const List *parts)
{
	ListCell   *lc;

	foreach(lc, parts)
	{
		if (((TemplatePart *) lfirst(lc))->is_column)
			return true;
	}
	return false;
}

static void
append_text(StringInfo result, const char *text)
{
	for (; *text != '\0'; text++)
	{
		if (*text == '{' || *text == '}')
			appendStringInfoChar(result, *text);
		appendStringInfoChar(result, *text);
	}
}

/*
 * TemplateNames
 *		Does the template contain the column of that name?
 */
bool
TemplateNames(const char *template, const char *column)
{
	List	   *parts;
	ListCell   *lc;

	if (!TemplateTryParse(template, &parts))
		return false;
	foreach(lc, parts)
	{
		TemplatePart *part = lfirst(lc);

		if (part->is_column && strcmp(part->text, column) == 0)
			return true;
	}
	return false;
}

/*
 * TemplateCanName
 *		Can a template contain a column of that name?
 */
bool
TemplateCanName(const char *column)
{
	return strpbrk(column, "{}") == NULL;
}

/*
 * TemplateRename
 *		The template with a column renamed; unchanged if the template is malformed, or
 *		if no template can contain the new name.
 */
char *
TemplateRename(const char *template, const char *old_name, const char *new_name)
{
	StringInfoData result;
	List	   *parts;
	ListCell   *lc;

	if (!TemplateCanName(new_name) || !TemplateTryParse(template, &parts))
		return pstrdup(template);
	initStringInfo(&result);
	foreach(lc, parts)
	{
		TemplatePart *part = lfirst(lc);

		if (!part->is_column)
			append_text(&result, part->text);
		else
			appendStringInfo(&result, "{%s}",
							 strcmp(part->text, old_name) == 0 ? new_name : part->text);
	}
	return result.data;
}
