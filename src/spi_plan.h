/*
 * spi_plan.h
 *		SQL statements that are prepared once per session.
 */
#ifndef ACTSTREAM_SPI_PLAN_H
#define ACTSTREAM_SPI_PLAN_H

#include "executor/spi.h"

/* In the argument types of a SpiPlan: actstream.ref, whatever its OID is. */
#define REF_ARG InvalidOid

#define SPI_PLAN_MAX_ARGS 10

/* One statement.  The last three fields are this module's, zero at first. */
typedef struct SpiPlan
{
	const char *sql;
	int			nargs;
	Oid			argtypes[SPI_PLAN_MAX_ARGS];
	SPIPlanPtr	plan;
	Oid			ref_type;		/* that the plan was made with */
} SpiPlan;

extern uint64 SpiPlanExecute(SpiPlan *plan, Datum *values, const char *nulls);
extern uint64 SpiPlanExecuteNewest(SpiPlan *plan, Datum *values, Oid userid);
extern Datum SpiPlanResult(int column);

#endif							/* ACTSTREAM_SPI_PLAN_H */
