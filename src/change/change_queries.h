/*
 * change_queries.h
 *		The statements that find what changes_since() tells.
 */
#ifndef ACTSTREAM_CHANGE_QUERIES_H
#define ACTSTREAM_CHANGE_QUERIES_H

#include "tables/spi_plan.h"

/* The order in which changes are told; there is a statement for each of these. */
typedef enum Phase
{
	PHASE_NONE,					/* finds nothing, but needs the rights that the others need */
	PHASE_REST,					/* the rest of a transaction that was told in part */
	PHASE_LISTED,				/* those that the position lists, and have ended */
	PHASE_LATER,				/* those that are later */
	NUM_PHASES
} Phase;

/* Their arguments. */
enum
{
	ARG_OWN,					/* this transaction, whose changes are not told, or 0 */
	ARG_INCARNATION,
	ARG_LIMIT,					/* how many actions */
	ARG_TRANSACTION,			/* the place from which to go on, and ... */
	ARG_ID,						/* ... the action there */
	ARG_ENDED,					/* an array of transactions */
	ARG_VIEWERS,
	ARG_XMAX,					/* transactions from this one on are not seen */
	ARG_FROM_XMAX,				/* and those from this one on have not been told */
	NUM_ARGS
};

/* Columns of their results. */
enum
{
	COLUMN_TRANSACTION = 1, COLUMN_ID, COLUMN_VIEWER, COLUMN_OPERATION, COLUMN_ACTION
};

extern SpiPlan *ChangeQueries(bool to_viewers);

#endif							/* ACTSTREAM_CHANGE_QUERIES_H */
