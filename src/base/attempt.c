/*
 * attempt.c
 *		Doing something that may fail.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/attempt.h"

#include "access/xact.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

static bool
is_about_the_attempt(int sqlerrcode)
{
	switch (ERRCODE_TO_CATEGORY(sqlerrcode))
	{
		case ERRCODE_INSUFFICIENT_RESOURCES:
		case ERRCODE_OPERATOR_INTERVENTION:
		case ERRCODE_SYSTEM_ERROR:
			return false;
	}
	return sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE &&
		sqlerrcode != ERRCODE_T_R_DEADLOCK_DETECTED &&
		sqlerrcode != ERRCODE_ASSERT_FAILURE;
}

/*
 * Attempt
 *		Call function(arg) in a subtransaction.
 *
 * Returns NULL if that went well, else the error, in the caller's memory context;
 * what the function has done to the database is undone then.  What it allocates is in
 * the caller's memory context as well.
 *
 * Errors that say nothing of what was attempted are raised: that the query is canceled, by
 * a timeout or by the user, that a lock cannot be had, deadlocks, failed assertions, and
 * what is wrong with the machine.
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

	if (error != NULL && !is_about_the_attempt(error->sqlerrcode))
		ReThrowError(error);
	return error;
}
