/*
 * emission_roles.c
 *		The objects of an action that is made from the change of a row.
 *
 * An object that does not exist, or that the current user or the owner of the tracked
 * table may not see, is left out.
 */
#include "postgres.h"

#include "base/compat.h"
#include "object/integrity.h"
#include "object/integrity_hold.h"
#include "object/object_key.h"
#include "object/registry.h"
#include "object/table_warning.h"
#include "ref/ref_ops.h"
#include "track/actor.h"
#include "track/emission_roles.h"

#include "access/detoast.h"
#include "access/htup_details.h"
#include "access/tableam.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* A longer value is not used as a key; a shorter one may be mostly blanks. */
#define MAX_KEY_VALUE_SIZE		(16 * 1024 * 1024)

/*
 * Does the new row still exist when its trigger fires?  Another trigger may have changed
 * its key, or deleted it.
 */
static bool
row_is_there(const Emission *emission, const Ref *ref)
{
	Relation	rel = emission->change->rel;
	bool		exists;

	if (rel->rd_tableam == NULL ||
		table_tuple_satisfies_snapshot(rel, emission->change->slot, SnapshotSelf))
		return true;
	return IntegrityTryExists(ref, &exists) && exists;
}

/*
 * Make the reference to the row itself.  Its state is ROLE_GIVEN if the row exists, or
 * if its type keeps references to deleted rows.
 */
static RoleState
self_reference(Emission *emission)
{
	const RowChange *change = emission->change;

	if (emission->self_state != ROLE_EMPTY)
		return emission->self_state;
	emission->self = ObjectKeyRefIfAny(&emission->type, RelationGetRelid(change->rel),
									   change->row, emission->tupdesc);
	if (emission->self == NULL)
		emission->self_state = ROLE_MISSING;
	else if (emission->type.on_delete == ON_DELETE_KEEP ||
			 (change->slot != NULL && row_is_there(emission, emission->self)))
		emission->self_state = ROLE_GIVEN;
	else
		emission->self_state = ROLE_GONE;
	return emission->self_state;
}

/*
 * The state of a reference before its object is looked up.  The reference may name the
 * changed row itself.
 */
static RoleState
state_of(Emission *emission, const Ref *ref)
{
	if (emission->registered &&
		RefHasLabel(ref, emission->type.label, strlen(emission->type.label)) &&
		self_reference(emission) != ROLE_MISSING && RefCompare(ref, emission->self) == 0)
		return emission->self_state;
	return ROLE_GIVEN;
}

/* Is the key of objects with this label composite? */
static bool
is_composite(const char *label, int len)
{
	const RegisteredType *type = RegistryLookupLabel(label, len);

	return type != NULL && type->nkeys > 1;
}

/*
 * The text of a column as part of a reference.  Returns false if the column is null,
 * with *value NULL, or too long for a key, with *value not NULL.
 */
static bool
key_text(const Emission *emission, AttrNumber attnum, char **value)
{
	Form_pg_attribute att = TupleDescAttr(emission->tupdesc, attnum - 1);
	bool		isnull;
	Datum		datum = heap_getattr(emission->change->row, attnum, emission->tupdesc, &isnull);

	*value = NULL;
	if (isnull)
		return false;
	if (att->attlen == -1 && toast_raw_datum_size(datum) > MAX_KEY_VALUE_SIZE)
	{
		*value = "";
		return false;
	}
	*value = ObjectKeyColumnText(emission->change->row, emission->tupdesc, attnum);
	return true;
}

/* Make the reference that a template gives for the row. */
static RoleState
reference_of(Emission *emission, const TrackingTemplate *template, Ref **ref)
{
	StringInfoData text;
	char	   *colon = NULL;
	bool		composite = false;

	if (template->is_self)
	{
		RoleState	state = self_reference(emission);

		*ref = emission->self;
		return state;
	}
	if (template->nparts == 0)
		return ROLE_EMPTY;
	if (template->is_broken)
		return ROLE_GONE;

	initStringInfo(&text);
	for (int i = 0; i < template->nparts; i++)
	{
		const TrackingPart *part = &template->parts[i];
		char	   *value = part->text;

		if (part->is_column && !key_text(emission, part->attnum, &value))
			return value == NULL ? ROLE_EMPTY : ROLE_MISSING;
		if (composite && part->is_column)
			ObjectKeyAppendPart(&text, value);
		else
			appendStringInfoString(&text, value);
		if (colon == NULL && (colon = strchr(text.data, ':')) != NULL)
			composite = is_composite(text.data, colon - text.data);
	}
	if (!RefIsWellFormed(text.data))
		return ROLE_MISSING;
	colon = strchr(text.data, ':');
	*ref = RefFromText(text.data, colon - text.data, colon + 1, strlen(colon + 1));
	return state_of(emission, *ref);
}

static void
report_no_actor(const RowChange *change)
{
	ereport(ERROR,
			(errcode(ERRCODE_NOT_NULL_VIOLATION),
			 errmsg("no actor for the action on relation \"%s\"",
					RelationGetRelationName(change->rel)),
			 errdetail("Trigger \"%s\" found no actor for the row.", change->trigger->tgname),
			 errhint("Call actstream.set_actor() in this transaction.")));
}

/* The actor that is set does not exist: say so if none with its label can. */
static void
warn_actor(const Emission *emission, const Ref *actor)
{
	Relation	rel = emission->change->rel;

	if (RegistryLookupRef(actor) == NULL && TableWarnsFirst(RelationGetRelid(rel), WARN_ACTOR))
		ereport(WARNING,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("no action is sent for relation \"%s\": object type \"%.*s\" is not registered",
						RelationGetRelationName(rel), RefLabelLength(actor), VARDATA_ANY(actor)),
				 errdetail("The actor is \"%s\".", RefToText(actor)),
				 errhint("%s", RegistryLabelHint(VARDATA_ANY(actor), RefLabelLength(actor)))));
}

static int
compare_roles(const void *a, const void *b)
{
	return RefCompare((*(Role *const *) a)->ref, (*(Role *const *) b)->ref);
}

/*
 * Find out which of the objects exist, locking their rows in the order of the
 * references.  The row itself has been checked already.
 */
static void
check_roles(Emission *emission)
{
	Role	   *given[NUM_ROLES];
	Snapshot	snapshot = GetActiveSnapshot();
	int			n = 0;

	for (int i = 0; i < NUM_ROLES; i++)
	{
		Role	   *role = &emission->roles[i];

		if (role->state == ROLE_GIVEN &&
			(emission->self == NULL || RefCompare(role->ref, emission->self) != 0))
			given[n++] = role;
	}
	qsort(given, n, sizeof(given[0]), compare_roles);
	for (int i = 0; i < n; i++)
	{
		if (i > 0 && RefCompare(given[i - 1]->ref, given[i]->ref) == 0)
			given[i]->state = given[i - 1]->state;
		else if (!IntegrityReferenceHolds(given[i]->ref, emission->owner, snapshot))
			given[i]->state = ROLE_MISSING;
	}
}

/*
 * EmissionFindRoles
 *		Find the objects of the action, and lock their rows; false if no action is to
 *		be sent, because its actor does not exist.
 *
 * Raises ERRCODE_NOT_NULL_VIOLATION if no actor is given.
 */
bool
EmissionFindRoles(Emission *emission)
{
	Role	   *actor = &emission->roles[0];
	bool		is_set = false;

	for (int i = 0; i < NUM_ROLES; i++)
	{
		Role	   *role = &emission->roles[i];

		role->state = reference_of(emission, role->template, &role->ref);
	}
	if (actor->state == ROLE_EMPTY || actor->state == ROLE_GONE)
	{
		actor->ref = CurrentActor();
		is_set = actor->ref != NULL;
		if (is_set)
			actor->state = state_of(emission, actor->ref);
		else if (actor->state == ROLE_EMPTY)
			report_no_actor(emission->change);
	}
	if (actor->state == ROLE_GIVEN)
		check_roles(emission);
	if (actor->state == ROLE_MISSING && is_set)
		warn_actor(emission, actor->ref);
	return actor->state == ROLE_GIVEN;
}
