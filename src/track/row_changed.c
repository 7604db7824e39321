/*
 * row_changed.c
 *		Sending an action when a row of a tracked table changes.
 *
 * What a trigger made by track() says is answered for by the owner of the table that
 * it was made on, and runs with that owner's rights, see TrackingSource(): the
 * code of column types, and the INSERT into actstream.actions.  Whoever changes the row
 * needs no rights on the extension, and gets none: what the owner could not insert is
 * not sent.
 *
 * The change itself never fails over what is sent of it.  An object that is not there,
 * or that either of the two may not see, is left out; what cannot be had of the row is
 * null; an action that the table does not take is lost, with a warning.  The exception
 * is a row without any actor.
 */
#include "postgres.h"

#include "base/compat.h"
#include "action/action_plain.h"
#include "action/action_send.h"
#include "base/attempt.h"
#include "base/run_as.h"
#include "object/integrity.h"
#include "object/integrity_hold.h"
#include "object/object_key.h"
#include "object/table_warning.h"
#include "ref/ref_ops.h"
#include "track/actor.h"
#include "track/row_changed.h"
#include "track/row_value.h"
#include "track/tracking_cache.h"

#include "access/detoast.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/tableam.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_trigger.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"

/* A longer value is not looked at for a key; a shorter one may be mostly blanks. */
#define MAX_KEY_VALUE_SIZE		(16 * 1024 * 1024)

/* A row of actions must not become larger than a tuple, nor a jsonb than jsonb. */
#define MAX_DESCRIPTION_SIZE	(128 * 1024 * 1024)
#define MAX_DATA_SIZE			(128 * 1024 * 1024)

typedef enum RoleState
{
	ROLE_EMPTY,					/* nothing is said */
	ROLE_GONE,					/* the row itself, or a column, which is not there any more */
	ROLE_MISSING,				/* no object, or none to be seen */
	ROLE_GIVEN
} RoleState;

/* An object of the action. */
typedef struct Role
{
	AttrNumber	column;			/* of actstream.actions */
	const TrackingTemplate *template;
	RoleState	state;
	Ref		   *ref;			/* if it is given */
} Role;

#define NUM_ROLES 3

/* An action that is being made. */
typedef struct Emission
{
	const RowChange *change;
	const Tracking *tracking;
	TupleDesc	tupdesc;
	Oid			source;			/* the tracked table */
	Oid			owner;			/* of that */
	bool		registered;		/* is the table? */
	RegisteredType type;		/* if so, its type */
	RoleState	self_state;		/* of the reference to the row, once made */
	Ref		   *self;
	Role		roles[NUM_ROLES];
	NewAction	action;
	struct Emission *outer;		/* that has led to this one */
} Emission;

/* what this session is emitting, innermost first */
static Emission *emissions = NULL;

/*
 * EmitIsForbidden
 *		Why tables of "owner" send no actions, in words; NULL if they do.
 *
 * They send what the owner might insert, whatever it is: so INSERT on the whole table,
 * and no policy in the way.
 */
const char *
EmitIsForbidden(Oid owner)
{
	Oid			relid;

	if (!OwnTableExists(OWN_OBJECT_TYPES) || !OwnTableExists(OWN_ACTIONS))
		return _("tables of the extension are missing, or not as create_tables() makes them");
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

/*
 * Has an UPDATE changed one of the columns?
 */
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

/*
 * Is the new row there, now that its trigger fires?  Another trigger may have changed it
 * once more, or deleted it.
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
 * Make the reference to the row itself: ROLE_GIVEN if the row is there, or its type
 * keeps references to deleted ones.
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
 * What is to be thought of a reference before anything is looked up: it may be the row
 * itself by another name.
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

/*
 * Does a key under this label consist of several columns?
 */
static bool
is_composite(const char *label, int len)
{
	const RegisteredType *type = RegistryLookupLabel(label, len);

	return type != NULL && type->nkeys > 1;
}

/*
 * The text of a column in a reference; false if the column is null, or longer than any
 * key, which leaves *value NULL in the first case.
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

/*
 * Make the reference that a template gives for the row.
 */
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
			 errdetail("Trigger \"%s\" has no actor for the row.", change->trigger->tgname),
			 errhint("Call actstream.set_actor() in this transaction.")));
}

static int
compare_roles(const void *a, const void *b)
{
	return RefCompare((*(Role *const *) a)->ref, (*(Role *const *) b)->ref);
}

/*
 * Find out which of the objects are there, in the order in which their rows are to be
 * locked.  The row itself has been looked at.
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
 * Find the objects of the action; false if there is none to be sent, because its actor
 * is not there.
 */
static bool
find_roles(Emission *emission)
{
	Role	   *actor = &emission->roles[0];

	for (int i = 0; i < NUM_ROLES; i++)
	{
		Role	   *role = &emission->roles[i];

		role->state = reference_of(emission, role->template, &role->ref);
	}
	if (actor->state == ROLE_EMPTY || actor->state == ROLE_GONE)
	{
		actor->ref = CurrentActor();
		if (actor->ref != NULL)
			actor->state = state_of(emission, actor->ref);
		else if (actor->state == ROLE_EMPTY)
			report_no_actor(emission->change);
	}
	if (actor->state == ROLE_GIVEN)
		check_roles(emission);
	return actor->state == ROLE_GIVEN;
}

/* The columns of a row of the change. */
static RowValue
value_of(const Emission *emission, HeapTuple row, AttrNumber attnum)
{
	RowValue	value = {
		.row = row,
		.tupdesc = emission->tupdesc,
		.attnum = attnum,
		.owner = emission->owner
	};

	return value;
}

static void
warn_of_value(const Emission *emission, AttrNumber attnum, const ErrorData *error)
{
	if (error != NULL && TableWarnsFirst(emission->source, WARN_VALUE))
		ereport(WARNING,
				(errcode(error->sqlerrcode),
				 errmsg("could not convert column \"%s\" of relation \"%s\" for an action: %s",
						NameStr(TupleDescAttr(emission->tupdesc, attnum - 1)->attname),
						RelationGetRelationName(emission->change->rel), error->message)));
}

/*
 * The text that the template of the description gives for the row; a column that is
 * null, or has no text, is empty.
 */
static Datum
description_of(const Emission *emission)
{
	const TrackingTemplate *template = &emission->tracking->description;
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < template->nparts; i++)
	{
		const TrackingPart *part = &template->parts[i];
		const char *piece = part->text;

		if (part->is_column)
		{
			RowValue	value = value_of(emission, emission->change->row, part->attnum);
			ErrorData  *error = NULL;

			piece = part->attnum == InvalidAttrNumber ? NULL : RowValueText(&value, &error);
			warn_of_value(emission, part->attnum, error);
		}
		if (piece != NULL && text.len + strlen(piece) <= MAX_DESCRIPTION_SIZE)
			appendStringInfoString(&text, piece);
	}
	return PointerGetDatum(cstring_to_text_with_len(text.data, text.len));
}

/*
 * Push a column of a row, as long as there is room.
 */
static void
push_column(const Emission *emission, JsonbInState *state, JsonbIteratorToken token,
			HeapTuple row, AttrNumber attnum, Size *room)
{
	RowValue	value = value_of(emission, row, attnum);
	ErrorData  *error;
	Jsonb	   *json = RowValueJsonb(&value, &error);
	JsonbValue	pushed;

	warn_of_value(emission, attnum, error);
	if (json == NULL || VARSIZE(json) > *room)
		pushed.type = jbvNull;
	else
	{
		*room -= VARSIZE(json);
		if (!JB_ROOT_IS_SCALAR(json) || !JsonbExtractScalar(&json->root, &pushed))
			JsonbToJsonbValue(json, &pushed);
	}
	pushJsonbValue(state, token, &pushed);
}

/*
 * {"column": value}, and for an UPDATE {"column": [old, new]}.
 */
static Datum
data_of(const Emission *emission)
{
	const RowChange *change = emission->change;
	JsonbInState state = {0};
	Size		room = MAX_DATA_SIZE;
	ListCell   *lc;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	foreach(lc, emission->tracking->data_columns)
	{
		AttrNumber	attnum = lfirst_int(lc);
		JsonbValue	key;

		key.type = jbvString;
		key.val.string.val = NameStr(TupleDescAttr(emission->tupdesc, attnum - 1)->attname);
		key.val.string.len = strlen(key.val.string.val);
		pushJsonbValue(&state, WJB_KEY, &key);
		if (change->old != NULL)
		{
			pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
			push_column(emission, &state, WJB_ELEM, change->old, attnum, &room);
			push_column(emission, &state, WJB_ELEM, change->row, attnum, &room);
			pushJsonbValue(&state, WJB_END_ARRAY, NULL);
		}
		else
			push_column(emission, &state, WJB_VALUE, change->row, attnum, &room);
	}
	pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	return JsonbPGetDatum(JsonbValueToJsonb(state.result));
}

/*
 * Make the action of which the trigger's arguments tell.
 */
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
		NewActionSet(action, Anum_action_description, description_of(emission));
	if (tracking->timestamp_column != InvalidAttrNumber)
	{
		bool		isnull;
		Datum		value = heap_getattr(emission->change->row, tracking->timestamp_column,
										 emission->tupdesc, &isnull);

		if (!isnull)
			NewActionSet(action, Anum_action_timestamp, value);
	}
	if (tracking->data_columns != NIL)
		NewActionSet(action, Anum_action_data, data_of(emission));
}

/* AttemptFunction: store the action. */
static void
store(void *arg)
{
	Emission   *emission = arg;

	ActionEmit(&emission->action, emission->owner, NULL);
}

/*
 * Has the table of actions a trigger that an INSERT could put off until COMMIT?  By then
 * anybody may be the current user, so an action that puts it off is not stored.
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
			 errhint("What tracked tables send cannot fire a trigger of actstream.actions at COMMIT. Make its deferrable constraints and constraint triggers NOT DEFERRABLE.") : 0));
}

/*
 * Store the action.  What others have added to the table, such as triggers and
 * constraints, may refuse it, and must not refuse the change of the row; nor must a
 * read-only transaction, which may change temporary tables.
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
 * Is what happens now caused by an action on the same table, by a trigger of
 * actstream.actions for instance?  It would go on for ever.
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
				 errhint("Mend that, or call actstream.untrack().")));
	return why_not == NULL;
}

/* Do the rows of the table have the references that it sends? */
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
 * The type that the row is an object of, or NULL; what its label means stays so until the
 * end of the transaction.  Whoever writes to a partition has not locked the table.
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

/*
 * Fill in what is known of the emission from the start.
 */
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
 *		Send the action that the trigger is for, if the change is one that it is for.
 *
 * Raises ERRCODE_NOT_NULL_VIOLATION if nothing says who acts, and no other error but
 * those of waiting for locks, being canceled, and the server's own.
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
				 errhint("Call actstream.untrack() and actstream.track() again.")));
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
		if (find_roles(&emission))
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
