/*
 * row_limit.c
 *		Arguments that say how many rows there may be at most.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/row_limit.h"

#include "fmgr.h"

PG_FUNCTION_INFO_V1(actstream_check_max_rows);

/*
 * RowLimitCheck
 *		Raise ERRCODE_INVALID_ROW_COUNT_IN_LIMIT_CLAUSE if the argument of that name is
 *		negative.
 */
void
RowLimitCheck(const char *name, int64 nrows)
{
	if (nrows < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_ROW_COUNT_IN_LIMIT_CLAUSE),
				 errmsg("%s must not be negative", name),
				 errhint("Use null for no limit.")));
}

/*
 * check_max_rows(max_rows bigint) RETURNS void
 *		For functions in SQL: LIMIT would find a negative number only if there were rows.
 */
Datum
actstream_check_max_rows(PG_FUNCTION_ARGS)
{
	RowLimitCheck("max_rows", PG_GETARG_INT64(0));
	PG_RETURN_VOID();
}
