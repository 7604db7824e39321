/*
 * value_size.c
 *		How large a value is.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/value_size.h"

#include "access/detoast.h"
#include "fmgr.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(actstream_value_size);

/*
 * ValueSize
 *		The size of the value in bytes, without compression, which is not undone for it; 0 if
 *		its type has a fixed width.
 */
Size
ValueSize(Oid type, Datum value)
{
	return get_typlen(type) == -1 ? toast_raw_datum_size(value) : 0;
}

/*
 * value_size(value) RETURNS bigint
 */
Datum
actstream_value_size(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64((int64) ValueSize(get_fn_expr_argtype(fcinfo->flinfo, 0), PG_GETARG_DATUM(0)));
}
