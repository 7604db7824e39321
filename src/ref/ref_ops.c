/*
 * ref_ops.c
 *		Comparison, hashing and sorting of references.
 *
 * These functions work on the bytes of the payload, see ref.h.  They cannot fail on a
 * valid reference, which is why they are leakproof.
 */
#include "postgres.h"

#include "base/compat.h"
#include "ref/ref.h"
#include "ref/ref_ops.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "utils/sortsupport.h"
#include "utils/varlena.h"

PG_FUNCTION_INFO_V1(actstream_ref_eq);
PG_FUNCTION_INFO_V1(actstream_ref_ne);
PG_FUNCTION_INFO_V1(actstream_ref_lt);
PG_FUNCTION_INFO_V1(actstream_ref_le);
PG_FUNCTION_INFO_V1(actstream_ref_gt);
PG_FUNCTION_INFO_V1(actstream_ref_ge);
PG_FUNCTION_INFO_V1(actstream_ref_cmp);
PG_FUNCTION_INFO_V1(actstream_ref_smaller);
PG_FUNCTION_INFO_V1(actstream_ref_larger);
PG_FUNCTION_INFO_V1(actstream_ref_sortsupport);
PG_FUNCTION_INFO_V1(actstream_ref_hash);
PG_FUNCTION_INFO_V1(actstream_ref_hash_extended);

/*
 * RefCompare
 *		Less than, equal to or greater than zero, as "a" is to "b".
 */
int
RefCompare(const Ref *a, const Ref *b)
{
	int			alen = VARSIZE_ANY_EXHDR(a);
	int			blen = VARSIZE_ANY_EXHDR(b);
	int			result = memcmp(VARDATA_ANY(a), VARDATA_ANY(b), Min(alen, blen));

	return result != 0 ? result : (alen > blen) - (alen < blen);
}

/*
 * Compare the two arguments of a call.  Frees copies made by detoasting, as btree
 * expects of its support functions.
 */
static int
compare_args(FunctionCallInfo fcinfo)
{
	Ref		   *a = (Ref *) PG_GETARG_POINTER(0);
	Ref		   *b = (Ref *) PG_GETARG_POINTER(1);
	int			result;

	/* the usual case, and where descending an index spends its time */
	if (VARATT_IS_1B(a) && !VARATT_IS_1B_E(a) && VARATT_IS_1B(b) && !VARATT_IS_1B_E(b))
		return RefCompare(a, b);

	a = DatumGetRefPP(PG_GETARG_DATUM(0));
	b = DatumGetRefPP(PG_GETARG_DATUM(1));
	result = RefCompare(a, b);

	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	return result;
}

Datum
actstream_ref_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_args(fcinfo) == 0);
}

Datum
actstream_ref_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_args(fcinfo) != 0);
}

Datum
actstream_ref_lt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_args(fcinfo) < 0);
}

Datum
actstream_ref_le(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_args(fcinfo) <= 0);
}

Datum
actstream_ref_gt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_args(fcinfo) > 0);
}

Datum
actstream_ref_ge(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_args(fcinfo) >= 0);
}

Datum
actstream_ref_cmp(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(compare_args(fcinfo));
}

/* Transition and combine functions of min() and max(). */
Datum
actstream_ref_smaller(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(PG_GETARG_DATUM(compare_args(fcinfo) <= 0 ? 0 : 1));
}

Datum
actstream_ref_larger(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(PG_GETARG_DATUM(compare_args(fcinfo) >= 0 ? 0 : 1));
}

/*
 * The order is that of text in the C collation, byte for byte, so core's sort support
 * for that can be used, including abbreviated keys.
 */
Datum
actstream_ref_sortsupport(PG_FUNCTION_ARGS)
{
	SortSupport ssup = (SortSupport) PG_GETARG_POINTER(0);
	MemoryContext oldcontext = MemoryContextSwitchTo(ssup->ssup_cxt);

	varstr_sortsupport(ssup, TEXTOID, C_COLLATION_OID);
	MemoryContextSwitchTo(oldcontext);
	PG_RETURN_VOID();
}

Datum
actstream_ref_hash(PG_FUNCTION_ARGS)
{
	Ref		   *ref = PG_GETARG_REF_PP(0);
	Datum		result = hash_any((unsigned char *) VARDATA_ANY(ref),
								  VARSIZE_ANY_EXHDR(ref));

	PG_FREE_IF_COPY(ref, 0);
	return result;
}

Datum
actstream_ref_hash_extended(PG_FUNCTION_ARGS)
{
	Ref		   *ref = PG_GETARG_REF_PP(0);
	Datum		result = hash_any_extended((unsigned char *) VARDATA_ANY(ref),
										   VARSIZE_ANY_EXHDR(ref),
										   PG_GETARG_INT64(1));

	PG_FREE_IF_COPY(ref, 0);
	return result;
}
