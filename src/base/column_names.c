/*
 * column_names.c
 *		The columns of a table, for hints.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/column_names.h"

#include "lib/stringinfo.h"

/* as many columns as fit into a hint */
#define MAX_HINTED_COLUMNS 30

/*
 * ColumnNames
 *		The names of the columns, in quotation marks, with commas between them.
 */
char *
ColumnNames(TupleDesc tupdesc)
{
	StringInfoData names;
	int			n = 0;

	initStringInfo(&names);
	for (int i = 0; i < tupdesc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(tupdesc, i);

		if (att->attisdropped)
			continue;
		if (n == MAX_HINTED_COLUMNS)
		{
			appendStringInfoString(&names, ", ...");
			break;
		}
		appendStringInfo(&names, "%s\"%s\"", n++ > 0 ? ", " : "", NameStr(att->attname));
	}
	return names.data;
}
