/*
 * table_warning.c
 *		Warnings that a session, or a statement, gets once for each table.
 *
 * Without this, a problem of a registered or tracked table would be reported for each
 * row that is written, or shown.
 */
#include "postgres.h"

#include "base/compat.h"
#include "object/table_warning.h"

#include "access/xact.h"
#include "utils/hsearch.h"

/* The warnings that the session got: a bit for each TableWarning. */
typedef struct WarnedTable
{
	Oid			table;			/* hash key */
	int			warnings;
	TimestampTz statement;		/* when that one started which got the latest */
} WarnedTable;

/* lives as long as the session */
static HTAB *warned = NULL;

/* The warnings about a table. */
static WarnedTable *
warned_table(Oid table)
{
	WarnedTable *entry;
	bool		found;

	if (warned == NULL)
	{
		HASHCTL		ctl = {.keysize = sizeof(Oid), .entrysize = sizeof(WarnedTable)};

		warned = hash_create("actstream warnings", 16, &ctl, HASH_ELEM | HASH_BLOBS);
	}
	entry = hash_search(warned, &table, HASH_ENTER, &found);
	if (!found)
	{
		entry->warnings = 0;
		entry->statement = 0;
	}
	return entry;
}

/*
 * TableWarnsFirst
 *		Is this the first warning of this kind about the table in this session?
 */
bool
TableWarnsFirst(Oid table, TableWarning warning)
{
	WarnedTable *entry = warned_table(table);

	if (entry->warnings & (1 << warning))
		return false;
	entry->warnings |= 1 << warning;
	return true;
}

/*
 * TableWarnsStatement
 *		Is this the first warning about names of the table in this statement of the client?
 */
bool
TableWarnsStatement(Oid table)
{
	WarnedTable *entry = warned_table(table);
	TimestampTz statement = GetCurrentStatementStartTimestamp();

	if (entry->statement == statement)
		return false;
	entry->statement = statement;
	return true;
}
