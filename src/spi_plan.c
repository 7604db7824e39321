/*
 * spi_plan.c
 *		SQL statements that are prepared once per session.
 *
 * Every name and operator in such a statement must be qualified: it is parsed
 * under whatever search_path the caller has.
 */
#include "postgres.h"

#include "compat.h"
#include "catalog.h"
#include "spi_plan.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/snapmgr.h"

/*
 * Make sure that the statement is prepared, with today's type of references:
 * it has another OID after DROP and CREATE EXTENSION.
 */
static void
prepare(SpiPlan *plan)
{
	Oid			ref_type = RefTypeId();
	Oid			argtypes[SPI_PLAN_MAX_ARGS];

	if (plan->plan != NULL && plan->ref_type == ref_type)
		return;
	if (plan->plan != NULL)
	{
		SPI_freeplan(plan->plan);
		plan->plan = NULL;
	}

	for (int i = 0; i < plan->nargs; i++)
		argtypes[i] = plan->argtypes[i] == REF_ARG ? ref_type : plan->argtypes[i];

	plan->plan = SPI_prepare(plan->sql, plan->nargs, argtypes);
	if (plan->plan == NULL)
		elog(ERROR, "SPI_prepare returned %s for %s",
			 SPI_result_code_string(SPI_result), plan->sql);
	SPI_keepplan(plan->plan);
	plan->ref_type = ref_type;
}

/*
 * Run the statement.  "snapshot" may be InvalidSnapshot: then it sees what any
 * statement of a volatile function sees.
 */
static uint64
execute(SpiPlan *plan, Datum *values, const char *nulls, Snapshot snapshot)
{
	int			result;

	prepare(plan);
	result = SPI_execute_snapshot(plan->plan, values, nulls, snapshot,
								  InvalidSnapshot, false, true, 0);
	if (result < 0)
		elog(ERROR, "SPI_execute_snapshot returned %s for %s",
			 SPI_result_code_string(result), plan->sql);
	return SPI_processed;
}

/*
 * SpiPlanExecute
 *		Run the statement as the current user; SPI must be connected.
 *
 * Returns the number of rows processed or returned.  "nulls" is as for
 * SPI_execute_plan().
 */
uint64
SpiPlanExecute(SpiPlan *plan, Datum *values, const char *nulls)
{
	return execute(plan, values, nulls, InvalidSnapshot);
}

/*
 * SpiPlanExecuteNewest
 *		Run the statement as "userid", row-level security aside, on the newest
 *		state of the database; SPI must be connected.
 *
 * Newest also under REPEATABLE READ and SERIALIZABLE, where a transaction that
 * holds a lock must see what was committed before it got the lock.
 */
uint64
SpiPlanExecuteNewest(SpiPlan *plan, Datum *values, Oid userid)
{
	Snapshot	snapshot = InvalidSnapshot;
	Oid			save_userid;
	int			save_sec_context;
	uint64		result;

	if (IsolationUsesXactSnapshot())
	{
		CommandCounterIncrement();
		snapshot = GetLatestSnapshot();
	}

	/* an error restores both with the state of the (sub)transaction */
	GetUserIdAndSecContext(&save_userid, &save_sec_context);
	SetUserIdAndSecContext(userid, save_sec_context |
						   SECURITY_LOCAL_USERID_CHANGE |
						   SECURITY_NOFORCE_RLS);
	result = execute(plan, values, NULL, snapshot);
	SetUserIdAndSecContext(save_userid, save_sec_context);
	return result;
}

/*
 * SpiPlanResult
 *		A column, numbered from 1 and not null, of the one row that the last
 *		statement returned, in the memory context outside of SPI.
 */
Datum
SpiPlanResult(int column)
{
	TupleDesc	tupdesc = SPI_tuptable->tupdesc;
	Form_pg_attribute att = TupleDescAttr(tupdesc, column - 1);
	bool		isnull;
	Datum		value;

	if (SPI_processed != 1)
		elog(ERROR, "expected one row, got " UINT64_FORMAT, SPI_processed);
	value = SPI_getbinval(SPI_tuptable->vals[0], tupdesc, column, &isnull);
	if (isnull)
		elog(ERROR, "unexpected null in column %d", column);
	return SPI_datumTransfer(value, att->attbyval, att->attlen);
}
