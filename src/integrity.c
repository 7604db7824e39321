/*
 * integrity.c
 *		What references are checked for when they are stored.
 */
#include "postgres.h"

#include "compat.h"
#include "catalog.h"
#include "integrity.h"

#include "access/htup_details.h"
#include "storage/lmgr.h"
#include "utils/inval.h"
#include "utils/rel.h"

/*
 * Raise ERRCODE_UNDEFINED_OBJECT unless the label of the reference is
 * registered.
 */
static void
check_label(Datum reference)
{
	Ref		   *ref = DatumGetRefPP(reference);
	const char *label = VARDATA_ANY(ref);
	int			len = RefLabelLength(ref);

	if (RegistryLookupLabel(label, len) != NULL)
		return;

	/* perhaps registered by another session since we last looked */
	AcceptInvalidationMessages();
	if (RegistryLookupLabel(label, len) != NULL)
		return;

	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("object type \"%.*s\" is not registered", len, label),
			 errhint("Use actstream.register() for a table, actstream.register_external() for objects outside the database.")));
}

/*
 * IntegrityCheckRow
 *		Check the references in "columns" of the row that an AFTER ROW trigger
 *		for INSERT or UPDATE was called with.
 *
 * Raises ERRCODE_UNDEFINED_OBJECT for a label that is not registered.
 *
 * Takes RowShareLock on actstream.object_type and keeps it until the end of
 * the transaction: whoever takes a label out of the registry waits for that
 * with ExclusiveLock, and then sees the row.  Unlike a lock on the registry's
 * row it costs next to nothing, however many sessions write under one label.
 */
void
IntegrityCheckRow(TriggerData *trigdata, const AttrNumber *columns, int ncolumns)
{
	TupleDesc	tupdesc = RelationGetDescr(trigdata->tg_relation);
	HeapTuple	row;

	if (!TRIGGER_FIRED_AFTER(trigdata->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigdata->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("trigger must be fired after a change, for each row")));

	if (TRIGGER_FIRED_BY_INSERT(trigdata->tg_event))
		row = trigdata->tg_trigtuple;
	else if (TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event))
		row = trigdata->tg_newtuple;
	else
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("trigger must be fired for INSERT or UPDATE")));

	if (IsLoadingDump(trigdata->tg_relation))
		return;

	LockRelationOid(ObjectTypeRelationId(), RowShareLock);
	for (int i = 0; i < ncolumns; i++)
	{
		bool		isnull;
		Datum		reference = heap_getattr(row, columns[i], tupdesc, &isnull);

		if (!isnull)
			check_label(reference);
	}
}
