/*
 * row_changed.c
 *		Sending an action when a row of a tracked table changes.
 *
 * The owner of the table that a trigger was made on, see TrackingSource(), is
 * responsible for the actions that it sends.  Code of column types, and the INSERT into
 * actstream.actions, run with that owner's rights.  The role that changes the row needs
 * no rights on the extension, and gains none: what the owner could not insert is not
 * sent.
 *
 * The change itself fails because of the action in one case only: if no actor is given
 * for the row.  An object that does not exist, or that the current user or the owner may
 * not see, is left out.  A value that cannot be converted becomes null.  An action that
 * actstream.actions refuses is lost, with a warning.
 */
#include "postgres.h"

#include "base/compat.h"
#include "action/action_plain.h"
#include "action/action_send.h"
#include "base/attempt.h"
#include "object/integrity.h"
#include "object/table_warning.h"
#include "track/emission_content.h"
#include "track/emission_roles.h"
#include "track/row_changed.h"
#include "track/tracking_cache.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_trigger.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"

/* the actions that this session is sending, innermost first */
static Emission *emissions = NULL;

/*
 * EmitIsForbidden
 *		Why tables of "owner" send no actions, as part of a message; NULL if they do.
 *
 * They may send any action, so the owner needs INSERT on the whole table, and no policy
 * may restrict it.
 */
const char *
EmitIsForbidden(Oid owner)
{
	Oid			relid;

	if (!OwnTableExists(OWN_OBJECT_TYPES) || !OwnTableExists(OWN_ACTIONS))
		return _("tables of the extension are missing or were not made by create_tables()");
	relid = OwnTableId(OWN_ACTIONS);
	if (object_aclcheck(NamespaceRelationId, OwnSchema(), owner, ACL_USAGE) != ACLCHECK_OK ||
		pg_class_aclcheck(relid, owner, ACL_INSERT) != ACLCHECK_OK)
		return psprintf(_("owner \"%s\" may not insert into actstream.actions"),
						GetUserNameFromId(owner, true));
	if (check_enable_rls(relid, owner, true) == RLS_ENABLED)
		return psprintf(_("row-level security restricts which actions owner \"%s\" may insert"),
						GetUserNameFromId(owner, true));
	return NULL;
}

/* Has the UPDATE changed one of the columns? */
static bool
any_changed(const RowChange *change, List *columns)
{
	TupleDesc	tupdesc = RelationGetDescr(change->rel);
	ListCell   *lc;

	foreach(lc, columns)
	{
		AttrNumber	attnum = lfirst_int(lc);
		Form_pg_attribute att = TupleDescAttr(tupdesc, attnum - 1);
		bool		old_isnull;
		bool		new_isnull;
		Datum		old = heap_getattr(change->old, attnum, tupdesc, &old_isnull);
		Datum		new = heap_getattr(change->row, attnum, tupdesc, &new_isnull);

		if (old_isnull != new_isnull ||
			(!old_isnull && !datum_image_eq(old, new, att->attbyval, att->attlen)))
			return true;
	}
	return false;
}

/* Make the action that the trigger's arguments describe. */
static void
make_action(Emission *emission)
{
	const Tracking *tracking = emission->tracking;
	NewAction  *action = &emission->action;

	NewActionInit(action);
	for (int i = 0; i < NUM_ROLES; i++)
	{
		if (emission->roles[i].state == ROLE_GIVEN)
			NewActionSet(action, emission->roles[i].column,
						 PointerGetDatum(emission->roles[i].ref));
	}
	NewActionSet(action, Anum_action_verb, CStringGetTextDatum(tracking->verb));
	NewActionSet(action, Anum_action_public, BoolGetDatum(tracking->is_public));
	if (tracking->description.nparts > 0)
		NewActionSet(action, Anum_action_description, EmissionDescription(emission));
	if (tracking->timestamp_column != InvalidAttrNumber)
	{
		bool		isnull;
		Datum		value = heap_getattr(emission->change->row, tracking->timestamp_column,
										 emission->tupdesc, &isnull);

		if (!isnull)
			NewActionSet(action, Anum_action_timestamp, value);
	}
	if (tracking->data_columns != NIL)
		NewActionSet(action, Anum_action_data, EmissionData(emission));
}

/* AttemptFunction: store the action. */
static void
store(void *arg)
{
	Emission   *emission = arg;

	ActionEmit(&emission->action, emission->owner, NULL);
}

/*
 * Does actstream.actions have a trigger that an INSERT could defer until COMMIT?  It
 * would then run as whatever role is current, so an action that defers one is not
 * stored.
 */
static bool
may_defer_trigger(void)
{
	Relation	rel = OwnTableOpen(OWN_ACTIONS, AccessShareLock);
	const TriggerDesc *triggers = rel->trigdesc;
	bool		result = false;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
		result = result || (triggers->triggers[i].tgdeferrable &&
							TRIGGER_FOR_INSERT(triggers->triggers[i].tgtype));
	relation_close(rel, AccessShareLock);
	return result;
}

static void
warn_of_loss(const Emission *emission, const ErrorData *error)
{
	if (!TableWarnsFirst(emission->source, WARN_STORE))
		return;
	ereport(WARNING,
			(errcode(error->sqlerrcode),
			 errmsg("could not store an action on relation \"%s\": %s",
					RelationGetRelationName(emission->change->rel), error->message),
			 error->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE && may_defer_trigger() ?
			 errhint("Actions of tracked tables cannot fire triggers of actstream.actions at COMMIT. Make its deferrable constraints and constraint triggers NOT DEFERRABLE.") : 0));
}

/*
 * Store the action.  Triggers, constraints and so on that users have added to the table
 * may refuse the action, but that must not make the change of the row fail.  Nor must a
 * read-only transaction, in which temporary tables can be changed.
 */
static void
store_if_possible(Emission *emission)
{
	AssumedObjects objects = {0};
	const AssumedObjects *before;
	ErrorData  *volatile error = NULL;
	int64		id;

	for (int i = 0; i < NUM_ROLES; i++)
	{
		if (emission->roles[i].state == ROLE_GIVEN)
			objects.refs[objects.n++] = emission->roles[i].ref;
	}
	before = IntegrityAssumeExists(&objects);
	PG_TRY();
	{
		if (!XactReadOnly && ActionIdIfPlain(&id))
			ActionEmit(&emission->action, emission->owner, &id);
		else
			error = Attempt(store, emission);
	}
	PG_FINALLY();
	{
		(void) IntegrityAssumeExists(before);
	}
	PG_END_TRY();

	if (error != NULL)
		warn_of_loss(emission, error);
}

/*
 * Was this change made while an action on the same table is being stored, for instance
 * by a trigger of actstream.actions?  Sending another would never end.
 */
static bool
is_being_emitted(Oid source)
{
	for (Emission *emission = emissions; emission != NULL; emission = emission->outer)
	{
		if (emission->source == source)
			return true;
	}
	return false;
}

/* May the table "source" send actions? */
static bool
may_send(Oid source, Oid owner)
{
	const char *why_not = EmitIsForbidden(owner);

	if (why_not != NULL && TableWarnsFirst(source, WARN_OWNER))
		ereport(WARNING,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("relation \"%s\" sends no actions: %s", get_rel_name(source), why_not),
				 errhint("Fix this, or call actstream.untrack().")));
	return why_not == NULL;
}

/* Can rows of the table be referred to, if the templates refer to them? */
static bool
has_references(const Emission *emission)
{
	const Tracking *tracking = emission->tracking;

	return emission->registered ||
		!(tracking->actor.is_self || tracking->action_object.is_self || tracking->target.is_self);
}

static void
set_role(Emission *emission, int i, AttrNumber column, const TrackingTemplate *template)
{
	emission->roles[i].column = column;
	emission->roles[i].template = template;
}

/*
 * The type of the rows of "rel", or NULL.  Keeps the meaning of its label from changing
 * until the end of the transaction: a statement that writes to a partition has not
 * locked the registered table.
 */
static const RegisteredType *
lock_type(Relation rel)
{
	const RegisteredType *type = RegistryLookupTable(RelationGetRelid(rel));

	if (type != NULL && type->relation != RelationGetRelid(rel))
	{
		IntegrityLockLabel(type, RowShareLock);
		type = RegistryLookupTable(RelationGetRelid(rel));
	}
	return type != NULL && type->nkeys > 0 ? type : NULL;
}

/* Initialize the emission. */
static void
begin(Emission *emission, const RowChange *change, const CachedTracking *cached)
{
	const RegisteredType *type = lock_type(change->rel);

	memset(emission, 0, sizeof(*emission));
	emission->change = change;
	emission->tracking = cached->tracking;
	emission->tupdesc = RelationGetDescr(change->rel);
	emission->source = cached->source;
	emission->owner = TableOwner(cached->source);
	emission->registered = type != NULL;
	if (type != NULL)
		emission->type = *type;
	set_role(emission, 0, Anum_action_actor, &cached->tracking->actor);
	set_role(emission, 1, Anum_action_action_object, &cached->tracking->action_object);
	set_role(emission, 2, Anum_action_target, &cached->tracking->target);
}

/*
 * EmitRowChange
 *		Send the action of a tracking trigger, unless an UPDATE has changed none of the
 *		columns that the trigger is for.
 *
 * Raises ERRCODE_NOT_NULL_VIOLATION if no actor is given, and no other errors except
 * those of waiting for locks, of query cancellation, and internal ones.
 */
void
EmitRowChange(const RowChange *change)
{
	CachedTracking cached;
	Emission	emission;

	cached = TrackingOfTrigger(change->rel, change->trigger);
	if (cached.problem != NULL && TableWarnsFirst(cached.source, WARN_ARGUMENTS))
		ereport(WARNING,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("tracking trigger \"%s\" of relation \"%s\" is broken: %s",
						change->trigger->tgname, RelationGetRelationName(change->rel),
						cached.problem),
				 errhint("Correct this, or call actstream.untrack(), and then actstream.track() again.")));
	if (cached.tracking == NULL || is_being_emitted(cached.source))
		return;

	if ((change->old != NULL && cached.tracking->has_columns &&
		 !any_changed(change, cached.tracking->columns)) ||
		!may_send(cached.source, TableOwner(cached.source)))
		return;
	begin(&emission, change, &cached);
	if (!has_references(&emission))
		return;

	emission.outer = emissions;
	emissions = &emission;
	PG_TRY();
	{
		if (EmissionFindRoles(&emission))
		{
			make_action(&emission);
			store_if_possible(&emission);
		}
	}
	PG_FINALLY();
	{
		emissions = emission.outer;
	}
	PG_END_TRY();
}
