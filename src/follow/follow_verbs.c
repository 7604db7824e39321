/*
 * follow_verbs.c
 *		The verbs to which a follow or a mute is restricted.
 */
#include "postgres.h"

#include "base/compat.h"
#include "action/action_send.h"
#include "follow/follow_verbs.h"

#include "catalog/pg_type.h"
#include "utils/array.h"

/* With two references of ordinary length, they must fit into an entry of an index. */
#define VERBS_MAX_BYTES		1024

/*
 * FollowCheckVerbs
 *		Raise an error unless the array is a list of at least one verb, with no null, that an
 *		index can contain.
 */
void
FollowCheckVerbs(Datum verbs)
{
	ArrayType  *array = DatumGetArrayTypeP(verbs);
	Datum	   *elements;
	bool	   *nulls;
	int			n;

	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("verbs must be a one-dimensional array"),
				 errhint("Write ARRAY['liked', 'shared'], or '{liked,shared}'.")));
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &n);
	if (n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("verbs must not be empty"),
				 errhint("Use null for all verbs.")));
	for (int i = 0; i < n; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("verb must not be null")));
		ActionCheckVerb(elements[i]);
	}
	if (VARSIZE_ANY_EXHDR(array) > VERBS_MAX_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("verbs are too long"),
				 errdetail("The array has %d bytes; the limit is %d.",
						   (int) VARSIZE_ANY_EXHDR(array), VERBS_MAX_BYTES),
				 errhint("Use fewer verbs, or null for all verbs.")));
}
