/*
 * row_shape.c
 *		The columns of the extension's tables, as they are.
 *
 * Whoever may alter these tables can give them columns, and take some away or alter
 * their types.  What reads rows by number and takes their types for granted asks here.
 */
#include "postgres.h"

#include "compat.h"
#include "row_shape.h"

#include "catalog/pg_class.h"
#include "utils/rel.h"

static bool
is_column(TupleDesc tupdesc, AttrNumber attnum, const char *column)
{
	Form_pg_attribute att = TupleDescAttr(tupdesc, attnum - 1);

	return !att->attisdropped && strcmp(NameStr(att->attname), column) == 0;
}

/*
 * RowColumn
 *		The number of a column in a row of one of our tables, which should be "expected".
 *
 * Raises ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE if there is none of that name and
 * type.
 */
AttrNumber
RowColumn(TupleDesc tupdesc, const char *table, const char *column, AttrNumber expected,
		  Oid type)
{
	AttrNumber	attnum = expected;

	if (attnum > tupdesc->natts || !is_column(tupdesc, attnum, column))
	{
		attnum = tupdesc->natts;
		while (attnum > 0 && !is_column(tupdesc, attnum, column))
			attnum--;
	}
	if (attnum == 0 || TupleDescAttr(tupdesc, attnum - 1)->atttypid != type)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" of extension actstream has another shape than this version knows",
						table),
				 errdetail("It has no column \"%s\" of the type that is expected.", column),
				 errhint("Undo what was done to its columns, or update the extension.")));
	return attnum;
}

/*
 * CheckOwnTable
 *		Raise ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE unless what has the name of one of
 *		our tables, and is to be scanned, is a table.
 */
void
CheckOwnTable(Relation rel)
{
	if (rel->rd_rel->relkind != RELKIND_RELATION)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("\"%s\" is not the table of extension actstream",
						RelationGetRelationName(rel)),
				 errhint("Rename or drop it, and create the extension again.")));
}
