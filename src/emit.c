/*
 * emit.c
 *		The trigger that sends an action when a row changes.
 *
 * What it sends is made by the user who changes the row: output functions and
 * casts of column types run with his rights.  Only the finished action is
 * stored as the owner of actstream.action, which whoever called track() was
 * allowed to arrange.
 */
#include "postgres.h"

#include "compat.h"
#include "action.h"
#include "actor.h"
#include "integrity.h"
#include "object_key.h"
#include "relation_watch.h"
#include "tracking.h"

#include "access/htup_details.h"
#include "access/tableam.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(actstream_row_changed);

/* A trigger's arguments, understood; good until its table changes. */
typedef struct TrackingEntry
{
	Oid			trigger;		/* hash key */
	Oid			relation;
	bool		valid;
	MemoryContext context;		/* of what follows; NULL if there is nothing */
	Tracking	tracking;
} TrackingEntry;

/* lives as long as the session */
static HTAB *trackings = NULL;

/*
 * The firing of a trigger: its row, or its two rows.
 */
typedef struct Firing
{
	TriggerData *trigdata;
	TupleDesc	tupdesc;
	HeapTuple	row;			/* new, or deleted */
	HeapTuple	old;			/* of an UPDATE, else NULL */
	bool		registered;		/* is the table? */
	RegisteredType type;		/* if so, its type */
	Ref		   *self;			/* reference to the row, once made */
} Firing;

/* Watcher. */
static void
table_changed(Oid relid)
{
	HASH_SEQ_STATUS status;
	TrackingEntry *entry;

	hash_seq_init(&status, trackings);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		if (relid == InvalidOid || entry->relation == relid)
			entry->valid = false;
	}
}

static void
make_trackings(void)
{
	HASHCTL		ctl = {0};

	ctl.keysize = sizeof(Oid);
	ctl.entrysize = sizeof(TrackingEntry);
	trackings = hash_create("actstream trackings", 16, &ctl, HASH_ELEM | HASH_BLOBS);
	RelationWatch(table_changed);
}

/*
 * The arguments of the trigger that is fired.
 */
static const Tracking *
tracking_of_trigger(TriggerData *trigdata)
{
	Trigger    *trigger = trigdata->tg_trigger;
	TrackingEntry *entry;
	MemoryContext oldcontext;
	bool		found;

	if (trackings == NULL)
		make_trackings();
	entry = hash_search(trackings, &trigger->tgoid, HASH_ENTER, &found);
	if (!found)
	{
		entry->relation = InvalidOid;
		entry->valid = false;
		entry->context = NULL;
	}
	if (entry->valid)
		return &entry->tracking;

	if (trigger->tgnargs != NUM_TRACKING_ARGS)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("trigger \"%s\" has %d arguments, not %d", trigger->tgname,
						trigger->tgnargs, NUM_TRACKING_ARGS),
				 errhint("Such triggers are made by actstream.track().")));

	/* a firing further out, whose output functions led here, may still need it */
	if (entry->context != NULL)
	{
		MemoryContextSetParent(entry->context, TopTransactionContext);
		entry->context = NULL;	/* it ends with the transaction, even if we do here */
	}
	entry->context = AllocSetContextCreate(CacheMemoryContext,
										   "actstream tracking",
										   ALLOCSET_SMALL_SIZES);
	entry->relation = RelationGetRelid(trigdata->tg_relation);
	entry->valid = true;		/* a change meanwhile clears it again */

	oldcontext = MemoryContextSwitchTo(entry->context);
	PG_TRY();
	{
		TrackingParse(&entry->tracking, trigger->tgargs, trigdata->tg_relation);
	}
	PG_CATCH();
	{
		entry->valid = false;
		PG_RE_THROW();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(oldcontext);
	return &entry->tracking;
}

/*
 * Has an UPDATE changed one of the columns?
 */
static bool
any_changed(const Firing *firing, List *columns)
{
	ListCell   *lc;

	foreach(lc, columns)
	{
		AttrNumber	attnum = lfirst_int(lc);
		Form_pg_attribute att = TupleDescAttr(firing->tupdesc, attnum - 1);
		bool		old_isnull;
		bool		new_isnull;
		Datum		old = heap_getattr(firing->old, attnum, firing->tupdesc, &old_isnull);
		Datum		new = heap_getattr(firing->row, attnum, firing->tupdesc, &new_isnull);

		if (old_isnull != new_isnull ||
			(!old_isnull && !datum_image_eq(old, new, att->attbyval, att->attlen)))
			return true;
	}
	return false;
}

/*
 * Is the row there, now that its trigger fires?  Another trigger may have
 * changed it once more, or deleted it.
 */
static bool
row_is_there(const Firing *firing, const Ref *ref)
{
	TriggerData *trigdata = firing->trigdata;
	TupleTableSlot *slot = TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event) ?
		trigdata->tg_newslot : trigdata->tg_trigslot;

	return table_tuple_satisfies_snapshot(trigdata->tg_relation, slot, SnapshotSelf) ||
		IntegrityObjectExists(ref);
}

/*
 * The reference to the row itself; NULL if it is gone and its type does not keep
 * such references.
 */
static Ref *
self_reference(Firing *firing)
{
	Ref		   *ref;

	if (firing->self != NULL)
		return firing->self;
	if (!firing->registered)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("table \"%s\" is not registered",
						RelationGetRelationName(firing->trigdata->tg_relation)),
				 errdetail("Trigger \"%s\" refers to its rows by {self}.",
						   firing->trigdata->tg_trigger->tgname),
				 errhint("Use actstream.register().")));

	ref = ObjectKeyRef(&firing->type, RelationGetRelid(firing->trigdata->tg_relation),
					   firing->row, firing->tupdesc);
	if (firing->type.on_delete == ON_DELETE_KEEP ||
		(!TRIGGER_FIRED_BY_DELETE(firing->trigdata->tg_event) && row_is_there(firing, ref)))
		firing->self = ref;
	return firing->self;
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
 * The reference that a template gives for the row; NULL if a column is null, or
 * the template absent.
 */
static Ref *
reference_of(Firing *firing, const TrackingTemplate *template)
{
	StringInfoData text;
	char	   *colon = NULL;
	bool		composite = false;

	if (template->is_self)
		return self_reference(firing);
	if (template->nparts == 0)
		return NULL;

	initStringInfo(&text);
	for (int i = 0; i < template->nparts; i++)
	{
		const TrackingPart *part = &template->parts[i];
		char	   *value = part->text;

		if (part->attnum != InvalidAttrNumber)
			value = ObjectKeyColumnText(firing->row, firing->tupdesc, part->attnum);
		if (value == NULL)
			return NULL;

		if (composite && part->attnum != InvalidAttrNumber)
			ObjectKeyAppendPart(&text, value);
		else
			appendStringInfoString(&text, value);
		if (colon == NULL && (colon = strchr(text.data, ':')) != NULL)
			composite = is_composite(text.data, colon - text.data);
	}
	colon = strchr(text.data, ':');
	return RefFromText(text.data, colon - text.data, colon + 1, strlen(colon + 1));
}

/*
 * The text that a template gives for the row; a null column is empty.
 */
static Datum
text_of(const Firing *firing, const TrackingTemplate *template)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < template->nparts; i++)
	{
		const TrackingPart *part = &template->parts[i];

		if (part->attnum == InvalidAttrNumber)
			appendStringInfoString(&text, part->text);
		else
		{
			Oid			output;
			bool		isvarlena;
			bool		isnull;
			Datum		value = heap_getattr(firing->row, part->attnum,
											 firing->tupdesc, &isnull);

			if (isnull)
				continue;
			getTypeOutputInfo(TupleDescAttr(firing->tupdesc, part->attnum - 1)->atttypid,
							  &output, &isvarlena);
			appendStringInfoString(&text, OidOutputFunctionCall(output, value));
		}
	}
	return PointerGetDatum(cstring_to_text_with_len(text.data, text.len));
}

/*
 * Push a column of a row, as to_jsonb() gives it.
 */
static void
push_column(JsonbInState *state, JsonbIteratorToken token, HeapTuple row,
			TupleDesc tupdesc, AttrNumber attnum)
{
	Oid			type = TupleDescAttr(tupdesc, attnum - 1)->atttypid;
	bool		isnull;
	Datum		value = heap_getattr(row, attnum, tupdesc, &isnull);
	FmgrInfo	to_jsonb;
	Jsonb	   *json;
	JsonbValue	pushed;

	if (isnull)
		pushed.type = jbvNull;
	else
	{
		/* it asks its call for the type of its argument */
		fmgr_info(F_TO_JSONB, &to_jsonb);
		fmgr_info_set_expr((Node *) makeFuncExpr(F_TO_JSONB, JSONBOID,
												 list_make1(makeNullConst(type, -1, InvalidOid)),
												 InvalidOid, InvalidOid,
												 COERCE_EXPLICIT_CALL),
						   &to_jsonb);
		json = DatumGetJsonbP(FunctionCall1(&to_jsonb, value));
		if (!JB_ROOT_IS_SCALAR(json) || !JsonbExtractScalar(&json->root, &pushed))
			JsonbToJsonbValue(json, &pushed);
	}
	pushJsonbValue(state, token, &pushed);
}

/*
 * {"column": value}, and for an UPDATE {"column": [old, new]}.
 */
static Datum
data_of(const Firing *firing, List *columns)
{
	JsonbInState state = {0};
	ListCell   *lc;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	foreach(lc, columns)
	{
		AttrNumber	attnum = lfirst_int(lc);
		JsonbValue	key;

		key.type = jbvString;
		key.val.string.val = NameStr(TupleDescAttr(firing->tupdesc, attnum - 1)->attname);
		key.val.string.len = strlen(key.val.string.val);
		pushJsonbValue(&state, WJB_KEY, &key);
		if (firing->old != NULL)
		{
			pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
			push_column(&state, WJB_ELEM, firing->old, firing->tupdesc, attnum);
			push_column(&state, WJB_ELEM, firing->row, firing->tupdesc, attnum);
			pushJsonbValue(&state, WJB_END_ARRAY, NULL);
		}
		else
			push_column(&state, WJB_VALUE, firing->row, firing->tupdesc, attnum);
	}
	pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	return JsonbPGetDatum(JsonbValueToJsonb(state.result));
}

static void
set_reference(NewAction *action, AttrNumber attnum, const Ref *ref)
{
	if (ref != NULL)
		NewActionSet(action, attnum, PointerGetDatum(ref));
}

/*
 * Make the action of which the trigger's arguments tell.
 */
static void
make_action(NewAction *action, Firing *firing, const Tracking *tracking)
{
	Ref		   *actor = reference_of(firing, &tracking->actor);

	if (actor == NULL)
		actor = CurrentActor();
	if (actor == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NOT_NULL_VIOLATION),
				 errmsg("nobody is known to have changed relation \"%s\"",
						RelationGetRelationName(firing->trigdata->tg_relation)),
				 errdetail("Trigger \"%s\" has no actor for the row.",
						   firing->trigdata->tg_trigger->tgname),
				 errhint("Call actstream.set_actor() in this transaction.")));

	NewActionInit(action);
	set_reference(action, Anum_action_actor, actor);
	NewActionSet(action, Anum_action_verb, CStringGetTextDatum(tracking->verb));
	set_reference(action, Anum_action_action_object,
				  reference_of(firing, &tracking->action_object));
	set_reference(action, Anum_action_target, reference_of(firing, &tracking->target));
	NewActionSet(action, Anum_action_public, BoolGetDatum(tracking->is_public));
	if (tracking->description.nparts > 0)
		NewActionSet(action, Anum_action_description,
					 text_of(firing, &tracking->description));
	if (tracking->timestamp_column != InvalidAttrNumber)
	{
		bool		isnull;
		Datum		value = heap_getattr(firing->row, tracking->timestamp_column,
										 firing->tupdesc, &isnull);

		if (!isnull)
			NewActionSet(action, Anum_action_timestamp, value);
	}
	if (tracking->data_columns != NIL)
		NewActionSet(action, Anum_action_data, data_of(firing, tracking->data_columns));
}

/*
 * Trigger AFTER INSERT OR UPDATE OR DELETE, for each row, made by track().
 */
Datum
actstream_row_changed(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	const Tracking *tracking;
	const RegisteredType *type;
	AssumedObjects objects = {0};
	const AssumedObjects *before;
	Firing		firing;
	NewAction	action;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function was not called by trigger manager")));
	if (!TRIGGER_FIRED_AFTER(trigdata->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigdata->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("trigger must be fired after a change, for each row")));

	tracking = tracking_of_trigger(trigdata);
	firing.trigdata = trigdata;
	firing.tupdesc = RelationGetDescr(trigdata->tg_relation);
	firing.row = trigdata->tg_trigtuple;
	firing.old = NULL;
	type = RegistryLookupTable(RelationGetRelid(trigdata->tg_relation));
	firing.registered = (type != NULL);
	if (type != NULL)
		firing.type = *type;
	firing.self = NULL;
	if (TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event))
	{
		firing.row = trigdata->tg_newtuple;
		firing.old = trigdata->tg_trigtuple;
		if (tracking->columns != NIL && !any_changed(&firing, tracking->columns))
			return PointerGetDatum(NULL);
	}

	make_action(&action, &firing, tracking);

	/* what fires us is there, or is meant to be referred to though it is gone */
	if (firing.self != NULL)
		objects.refs[objects.n++] = firing.self;
	before = IntegrityAssumeExists(&objects);
	PG_TRY();
	{
		ActionEmit(&action);
	}
	PG_FINALLY();
	{
		(void) IntegrityAssumeExists(before);
	}
	PG_END_TRY();
	return PointerGetDatum(NULL);
}
