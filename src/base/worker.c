/*
 * worker.c
 *		Background workers that a backend requests.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/worker.h"

#ifndef WIN32
#include <dlfcn.h>
#endif

#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"

/* Settings that would end a long operation; older servers do not have all of them. */
static const char *const timeouts_of_clients[] = {
	"statement_timeout", "transaction_timeout", "lock_timeout",
	"idle_in_transaction_session_timeout", "idle_session_timeout"
};

/*
 * Get the name of the file that the library was loaded from, so that the worker loads
 * the same one: the server may have been given an absolute path.
 */
static void
name_library(char *name, Size size)
{
#ifndef WIN32
	Dl_info		library;

	if (dladdr(&timeouts_of_clients, &library) != 0 && strlen(library.dli_fname) < size)
	{
		strlcpy(name, library.dli_fname, size);
		return;
	}
#endif
	strlcpy(name, "actstream", size);
}

/*
 * WorkerRequest
 *		Request a worker for the current database, whose OID becomes the argument of that
 *		function of ours; false if the server has no slot for it.
 *
 * Raises no error and does not wait, so that it can be called after a commit.
 */
bool
WorkerRequest(const char *function, const char *type)
{
	BackgroundWorker worker = {0};

	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	name_library(worker.bgw_library_name, sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, function, BGW_MAXLEN);
	snprintf(worker.bgw_name, BGW_MAXLEN, "%s of database %u", type, MyDatabaseId);
	strlcpy(worker.bgw_type, type, BGW_MAXLEN);
	worker.bgw_main_arg = ObjectIdGetDatum(MyDatabaseId);
	return RegisterDynamicBackgroundWorker(&worker, NULL);
}

/*
 * WorkerConnect
 *		Connect a worker, as a superuser.
 *
 * Settings that the database, or the server, may have for its clients and that would stop
 * the worker, or make it take predicate locks, have no effect.
 */
void
WorkerConnect(Oid database)
{
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	for (int i = 0; i < (int) lengthof(timeouts_of_clients); i++)
	{
		if (GetConfigOption(timeouts_of_clients[i], true, false) != NULL)
			SetConfigOption(timeouts_of_clients[i], "0", PGC_SUSET, PGC_S_OVERRIDE);
	}
	SetConfigOption("default_transaction_isolation", "read committed", PGC_SUSET, PGC_S_OVERRIDE);
	BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
}
