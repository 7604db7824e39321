/*
 * attempt.c
 *		Calling a function and catching its errors.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/attempt.h"

#include "access/xact.h"
#include "mb/pg_wchar.h"
#include "storage/proc.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

/*
 * Does the error come from the server's own code?
 *
 * A procedural language can raise errors of any code, as in RAISE ... USING ERRCODE, and
 * means nothing by them but what its function says.
 */
static bool
is_of_server(const ErrorData *error)
{
	return error->domain == NULL || strcmp(error->domain, PG_TEXTDOMAIN("postgres")) == 0;
}

/* An error can have a whole value in its message, which may be a large one; in bytes. */
#define MAX_MESSAGE_SIZE	1024

static bool
is_about_the_attempt(const ErrorData *error)
{
	int			category = ERRCODE_TO_CATEGORY(error->sqlerrcode);

	if (!is_of_server(error))
		return true;
	/* NOWAIT, or a timeout that a function sets, is no wish of the user */
	return category != ERRCODE_OPERATOR_INTERVENTION &&
		category != ERRCODE_TRANSACTION_ROLLBACK &&
		(error->sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE || LockTimeout == 0) &&
		error->sqlerrcode != ERRCODE_ASSERT_FAILURE;
}

/*
 * Has something that was to be locked been changed since the transaction's snapshot?  That SERIALIZABLE
 * transactions depend on each other has the same code, but a hint besides.
 */
static bool
is_change_meanwhile(const ErrorData *error)
{
	return is_of_server(error) && error->sqlerrcode == ERRCODE_T_R_SERIALIZATION_FAILURE &&
		error->hint == NULL;
}

/* Shorten a text of an error that is too long to be passed on. */
static void
clip(char *text)
{
	if (text != NULL && strlen(text) > MAX_MESSAGE_SIZE)
		text[pg_mbcliplen(text, strlen(text), MAX_MESSAGE_SIZE)] = '\0';
}

/* As Attempt(), but rethrows nothing. */
static ErrorData *
catch_all(AttemptFunction function, void *arg)
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
		clip(error->message);
		clip(error->detail);
		clip(error->hint);
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(oldcontext);
	CurrentResourceOwner = oldowner;
	return error;
}

/*
 * Attempt
 *		Call function(arg) in a subtransaction.
 *
 * Returns NULL on success.  Otherwise returns the error, and what the function did to
 * the database is rolled back.  The error and whatever the function allocates are in
 * the caller's memory context.
 *
 * Errors that say nothing about the attempt itself are rethrown: cancellation of the query by a timeout
 * or by the user, failure to get a lock if lock_timeout is set, deadlocks and serialization failures, and
 * failed assertions.  Not lack of resources, nor system errors, which code that is called can provoke;
 * nor what a function of a procedural language raises, whatever its code.
 */
ErrorData *
Attempt(AttemptFunction function, void *arg)
{
	ErrorData  *error = catch_all(function, arg);

	if (error != NULL && !is_about_the_attempt(error))
		ReThrowError(error);
	return error;
}

/*
 * AttemptLock
 *		As Attempt(); but also returns the error that something to be locked has been changed since
 *		the transaction's snapshot, and sets *changed if it is that one.
 */
ErrorData *
AttemptLock(AttemptFunction function, void *arg, bool *changed)
{
	ErrorData  *error = catch_all(function, arg);

	*changed = error != NULL && is_change_meanwhile(error);
	if (error != NULL && !*changed && !is_about_the_attempt(error))
		ReThrowError(error);
	return error;
}
