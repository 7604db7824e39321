/*
 * attempt.c
 *		Doing something that may fail.
 */
#include "postgres.h"

#include "compat.h"
#include "attempt.h"

#include "access/xact.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

/*
 * Attempt
 *		Call function(arg) in a subtransaction.
 *
 * Returns NULL if that went well, else the error, in the caller's memory context;
 * what the function has done to the database is undone then.  What it allocates is in
 * the caller's memory context as well.
 *
 * Errors that "EXCEPTION WHEN OTHERS" of PL/pgSQL does not catch are raised: that the
 * query is canceled, by a timeout or by the user, and failed assertions.
 */
ErrorData *
Attempt(AttemptFunction function, void *arg)
{
	MemoryContext oldcontext = CurrentMemoryContext;
	ResourceOwner oldowner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(oldcontext);
	PG_TRY();
	{
		function(arg);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(oldcontext);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(oldcontext);
	CurrentResourceOwner = oldowner;

	if (error != NULL && (error->sqlerrcode == ERRCODE_QUERY_CANCELED ||
						  error->sqlerrcode == ERRCODE_ASSERT_FAILURE))
		ReThrowError(error);
	return error;
}
