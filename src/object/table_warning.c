/*
 * table_warning.c
 *		Warnings that a session gets once for each table.
 *
 * Without this, a problem of a registered or tracked table would be reported for each
 * row that is written.
 */
#include "postgres.h"

#include "base/compat.h"
#include "object/table_warning.h"

#include "utils/hsearch.h"

/* The warnings that the session got: a bit for each TableWarning. */
typedef struct WarnedTable
{
	Oid			table;			/* hash key */
	int			warnings;
} WarnedTable;

/* lives as long as the session */
static HTAB *warned = NULL;

/*
 * TableWarnsFirst
 *		Is this the first warning of this kind about the table in this session?
 */
bool
TableWarnsFirst(Oid table, TableWarning warning)
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
		entry->warnings = 0;
	else if (entry->warnings & (1 << warning))
		return false;
	entry->warnings |= 1 << warning;
	return true;
}
