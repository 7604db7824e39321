/*
 * spi_plan.h
 *		SQL statements that are prepared once per session.
 */
#ifndef ACTSTREAM_SPI_PLAN_H
#define ACTSTREAM_SPI_PLAN_H

#include "base/run_as.h"
#include "tables/own_tables.h"

#include "executor/spi.h"
#include "nodes/pathnodes.h"

/*
 * In the argument types of a SpiPlan: actstream.ref and its array type, whose OIDs
 * vary.
 */
#define REF_ARG			InvalidOid
#define REF_ARRAY_ARG	((Oid) 1)

#define SPI_PLAN_MAX_ARGS 12

/*
 * Are both the same, or both null?  IS DISTINCT FROM would look for its operator in the
 * search_path.
 */
#define IS_SAME(a, b) \
	"((" a " OPERATOR(pg_catalog.=) " b ") IS TRUE OR (" a " IS NULL AND " b " IS NULL))"

/*
 * How often to retry when a statement conflicts with a row that then cannot be found.
 * Other sessions cannot plausibly interfere more often than that.
 */
#define SPI_PLAN_TRIES 100

/*
 * Option of a prepared statement: it is planned so as not to read a whole table of ours, whatever
 * its statistics say.  PostgreSQL has no such bit.
 */
#define CURSOR_OPT_BY_INDEX	0x40000000

/* One statement.  The last two fields belong to spi_plan.c, and are zero at first. */
typedef struct SpiPlan
{
	const char *sql;
	int			nargs;
	Oid			argtypes[SPI_PLAN_MAX_ARGS];
	bool		by_index;		/* CURSOR_OPT_BY_INDEX, and planned once, whatever the
								 * arguments are, but for plan_cache_mode */
	SPIPlanPtr	plan;
	Oid			ref_type;		/* OID of actstream.ref in the plan */
} SpiPlan;

extern void SpiPlanInit(void);
extern void PlanWithoutJit(void);
extern IndexPath *PlainIndexPath(Path *path);
extern uint64 SpiPlanExecute(SpiPlan *plan, Datum *values, const char *nulls);
extern uint64 SpiPlanExecuteSnapshot(SpiPlan *plan, Datum *values, const char *nulls,
									 Snapshot snapshot);
extern uint64 SpiPlanRead(SpiPlan *plan, Datum *values, const char *nulls);
extern Portal SpiPlanOpen(SpiPlan *plan, Datum *values, const char *nulls);
extern uint64 SpiPlanExecuteLatest(SpiPlan *plan, Datum *values, const char *nulls);
extern uint64 SpiPlanExecuteAs(OwnTable table, RunAsMode mode, SpiPlan *plan, Datum *values,
							   const char *nulls);
extern Datum SpiPlanResult(bool *isnull);
extern Datum SpiPlanArg(FunctionCallInfo fcinfo, int arg, char *isnull);
extern Datum SpiPlanColumn(int column, char *isnull);
extern bool SpiPlanColumnIsTrue(int column);

#endif							/* ACTSTREAM_SPI_PLAN_H */
