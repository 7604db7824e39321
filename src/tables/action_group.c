/*
 * action_group.c
 *		Rows of type actstream.action_group, as arguments of functions.
 *
 * They can come from anywhere: a client may keep them, and pass them again.
 */
#include "postgres.h"

#include "base/compat.h"
#include "tables/action_group.h"
#include "tables/own_tables.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

/*
 * ActionGroupCheckType
 *		Raise ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE unless rows of this description are
 *		those of actstream.action_group.
 */
void
ActionGroupCheckType(TupleDesc tupdesc)
{
	Oid			ref = RefTypeId();
	Oid			refs = get_array_type(ref);
	const Oid	types[Natts_group] = {
		TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID, TEXTOID, ref, ref, ref, INT8OID, INT8OID,
		refs, INT8ARRAYOID
	};
	bool		fits = tupdesc->natts == Natts_group;

	for (int i = 0; i < Natts_group && fits; i++)
		fits = TupleDescAttr(tupdesc, i)->atttypid == types[i] && !TupleDescAttr(tupdesc, i)->attisdropped;
	if (!fits)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("type \"actstream.%s\" does not have the attributes that the extension expects",
						"action_group")));
}

/* The elements of an array that are not null. */
static int
elements(Datum array, Oid type, int16 len, bool by_value, char align, Datum **result)
{
	bool	   *nulls;
	int			n;
	int			count = 0;

	deconstruct_array(DatumGetArrayTypeP(array), type, len, by_value, align, result, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		if (!nulls[i])
			(*result)[count++] = (*result)[i];
	}
	return count;
}

static void
read_samples(ActionGroup *group, const Datum *values, const bool *nulls)
{
	Datum	   *datums;

	if (!nulls[Anum_group_actor_sample - 1])
	{
		group->nactors = elements(values[Anum_group_actor_sample - 1], RefTypeId(), -1, false,
								  TYPALIGN_INT, &datums);
		group->actor_sample = palloc(sizeof(Ref *) * (group->nactors + 1));
		for (int i = 0; i < group->nactors; i++)
			group->actor_sample[i] = DatumGetRefPP(datums[i]);
	}
	if (!nulls[Anum_group_action_sample - 1])
	{
		group->nids = elements(values[Anum_group_action_sample - 1], INT8OID, sizeof(int64),
							   FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &datums);
		group->action_sample = palloc(sizeof(int64) * (group->nids + 1));
		for (int i = 0; i < group->nids; i++)
			group->action_sample[i] = DatumGetInt64(datums[i]);
	}
}

/*
 * ActionGroupRead
 *		Read a group from a row, in the current memory context, in part as pointers into the
 *		row; false if a number or a time is null that is not null in any group.
 *
 * Raises ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE if the type does not have the expected
 * attributes.
 */
bool
ActionGroupRead(ActionGroup *group, HeapTupleHeader header)
{
	static const AttrNumber required[] = {
		Anum_group_newest, Anum_group_oldest, Anum_group_actions, Anum_group_actors
	};
	static const AttrNumber objects[NUM_ACTION_ROLES] = {
		[ACTION_BY_ACTOR] = Anum_group_actor,
		[ACTION_BY_TARGET] = Anum_group_target,
		[ACTION_BY_ACTION_OBJECT] = Anum_group_action_object
	};
	TupleDesc	tupdesc = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(header),
												 HeapTupleHeaderGetTypMod(header));
	HeapTupleData tuple = {.t_len = HeapTupleHeaderGetDatumLength(header), .t_data = header};
	Datum		values[Natts_group];
	bool		nulls[Natts_group];

	ActionGroupCheckType(tupdesc);
	heap_deform_tuple(&tuple, tupdesc, values, nulls);
	ReleaseTupleDesc(tupdesc);
	memset(group, 0, sizeof(ActionGroup));
	for (int i = 0; i < (int) lengthof(required); i++)
	{
		if (nulls[required[i] - 1])
			return false;
	}
	group->newest = DatumGetTimestampTz(values[Anum_group_newest - 1]);
	group->oldest = DatumGetTimestampTz(values[Anum_group_oldest - 1]);
	group->actions = DatumGetInt64(values[Anum_group_actions - 1]);
	group->actors = DatumGetInt64(values[Anum_group_actors - 1]);
	if (!nulls[Anum_group_cursor - 1])
		group->cursor = TextDatumGetCString(values[Anum_group_cursor - 1]);
	if (!nulls[Anum_group_verb - 1])
		group->verb = TextDatumGetCString(values[Anum_group_verb - 1]);
	for (int i = 0; i < NUM_ACTION_ROLES; i++)
	{
		if (!nulls[objects[i] - 1])
			group->objects[i] = DatumGetRefPP(values[objects[i] - 1]);
	}
	read_samples(group, values, nulls);
	return true;
}
