/*
 * mark_lock.c
 *		Locking what is stored of a reader's notifications.
 *
 * Everything that writes for a reader first locks the reader's row of that feed, so it
 * happens one after the other, and always in the same order of locks.
 */
#include "postgres.h"

#include "base/compat.h"
#include "mark/mark_lock.h"
#include "mark/mark_row.h"
#include "tables/spi_plan.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"

static SpiPlan lock_mark = {
	.sql = "SELECT m.seen, m.read, m.read_at, m.read_snapshot, m.read_next FROM actstream.marks m"
	" WHERE " OF_READER("m") " FOR NO KEY UPDATE",
	.nargs = 2,
	.argtypes = {REF_ARG, TEXTOID},
	.by_index = true
};

#define INSERT_MARK "INSERT INTO actstream.marks (reader, feed) VALUES ($1, $2)"

static SpiPlan insert_new_mark = {
	.sql = INSERT_MARK " ON CONFLICT (reader, feed) DO NOTHING",
	.nargs = 2,
	.argtypes = {REF_ARG, TEXTOID}
};

static SpiPlan insert_mark = {
	.sql = INSERT_MARK,
	.nargs = 2,
	.argtypes = {REF_ARG, TEXTOID}
};

/*
 * MarkLock
 *		Lock the marks of a reader for a feed until the end of the transaction; make the row
 *		if there is none.  It is the result of SPI.
 *
 * Raises ERRCODE_PROGRAM_LIMIT_EXCEEDED if the name of the feed is too long.  If the row can
 * be read in no try, the current user may not see it: the plain INSERT then raises the error.
 */
void
MarkLock(Datum *values, const char *nulls)
{
	/* whoever writes for a reader also writes or deletes exceptions */
	(void) OwnTableId(OWN_MARK_EXCEPTIONS);
	MarkCheckFeed(values[1]);
	for (int tries = 0; tries < SPI_PLAN_TRIES; tries++)
	{
		if (SpiPlanExecute(&lock_mark, values, nulls) > 0)
			return;
		SpiPlanExecute(&insert_new_mark, values, nulls);
		CHECK_FOR_INTERRUPTS();
	}
	SpiPlanExecute(&insert_mark, values, nulls);
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("marks of a reader cannot be stored"),
			 errhint("A trigger or rule of table \"%s\" may keep the row from being inserted.", "actstream.marks")));
}
