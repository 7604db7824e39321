/*
 * table_warning.c
 *		What a session is warned of once for each table.
 *
 * Problems of a registered or tracked table would otherwise be reported for each row
 * that is written.
 */
#include "postgres.h"

#include "base/compat.h"
#include "object/table_warning.h"

#include "utils/hsearch.h"

/* What the session has been warned of: a bit for each TableWarning. */
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
