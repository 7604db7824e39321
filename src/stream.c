/*
 * stream.c
 *		What the streams' SQL needs of C.
 */
#include "postgres.h"

#include "compat.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(check_roles);

/*
 * check_roles
 *		Return the array, or raise ERRCODE_INVALID_PARAMETER_VALUE if one of its
 *		elements is not a role.
 */
Datum
check_roles(PG_FUNCTION_ARGS)
{
	ArrayType  *roles = PG_GETARG_ARRAYTYPE_P(0);
	Datum	   *elems;
	bool	   *nulls;
	int			n;

	deconstruct_array(roles, TEXTOID, -1, false, TYPALIGN_INT, &elems, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		char	   *role;

		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("role must not be null")));
		role = TextDatumGetCString(elems[i]);
		if (strcmp(role, "actor") != 0 && strcmp(role, "action_object") != 0 &&
			strcmp(role, "target") != 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("unrecognized role: \"%s\"", role),
					 errhint("Roles are \"actor\", \"action_object\" and \"target\".")));
	}
	PG_RETURN_ARRAYTYPE_P(roles);
}
