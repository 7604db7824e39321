/*
 * template.h
 *		Templates: text with {column} placeholders.
 */
#ifndef ACTSTREAM_TEMPLATE_H
#define ACTSTREAM_TEMPLATE_H

#include "nodes/pg_list.h"

/* A piece of a template: literal text, or the name of a column. */
typedef struct TemplatePart
{
	bool		is_column;
	char	   *text;
} TemplatePart;

extern const char *TemplateRead(const char *template, List **parts);
extern List *TemplateParse(const char *template);
extern bool TemplateTryParse(const char *template, List **parts);
extern bool TemplateHasColumn(const List *parts);
extern bool TemplateNames(const char *template, const char *column);
extern bool TemplateCanName(const char *column);
extern char *TemplateRename(const char *template, const char *old_name, const char *new_name);

#endif							/* ACTSTREAM_TEMPLATE_H */
