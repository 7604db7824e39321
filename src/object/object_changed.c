/*
 * object_changed.c
 *		The functions of the triggers of registered tables: see object_trigger.c.
 *
 * A row that moves to another partition is deleted from one and inserted into the other,
 * and no AFTER trigger can tell that the two are one row.  The partition key is part of
 * every key of a partitioned table, so a row that moves has a new key: without
 * zz_actstream_move, which sees both keys, its references would be treated as those of a
 * deleted row.
 *
 * Any role may attach these functions to its own tables; the owner of a partitioned
 * table does so whenever a partition is created or a dump is restored.  They act on
 * references to rows of the table that they are fired for, if that table is registered,
 * and do nothing for any other.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/run_as.h"
#include "object/integrity.h"
#include "object/integrity_remove.h"
#include "object/object_key.h"
#include "object/registry.h"
#include "object/table_warning.h"
#include "ref/ref_ops.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "commands/trigger.h"
#include "common/hashfn.h"
#include "nodes/makefuncs.h"
#include "storage/itemptr.h"
#include "utils/fmgrprotos.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(actstream_object_deleted);
PG_FUNCTION_INFO_V1(actstream_object_rekeyed);
PG_FUNCTION_INFO_V1(actstream_object_moves);
PG_FUNCTION_INFO_V1(actstream_objects_truncated);

/*
 * Where a row that this transaction has changed went to.  A row that moves to another
 * partition is identified by its place in the old one, any other row by its former
 * reference.
 */
typedef struct MovedRow
{
	Oid			partition;		/* hash key, together with the next two; no padding, as
								 * it is compared byte by byte */
	BlockNumber block;
	uint32		offset;
} MovedRow;

typedef struct Move
{
	MovedRow	row;			/* hash key */
	Ref		   *new_ref;
} Move;

typedef struct RenamingNote
{
	Ref		   *new_ref;
	CommandId	command;		/* current when it was noted */
	SubTransactionId subid;		/* likewise */
	struct Renaming *renaming;	/* whose note it is */
	struct RenamingNote *before;	/* its note that holds again if that is rolled back */
	struct RenamingNote *earlier;	/* the note before, of whatever renaming */
} RenamingNote;

typedef struct Renaming
{
	const Ref  *old_ref;		/* hash key, compared by what it points to */
	RenamingNote *note;			/* the latest */
} Renaming;

/* both live until the end of the transaction; NULL if there are no entries */
static HTAB *moves = NULL;
static HTAB *renamings = NULL;
static RenamingNote *latest_note = NULL;
static MemoryContext moves_context = NULL;

/* registered tables being truncated, in TopTransactionContext */
static List *truncated_tables = NIL;

/*
 * Warn, once for each table in a session, if one of our tables is missing, because then
 * references to the table's rows are not kept right.
 */
static void
warn_of_missing_table(Relation rel)
{
	for (OwnTable table = OWN_OBJECT_TYPES; table <= OWN_MUTES; table++)
	{
		if (OidIsValid(OwnTableFind(table)))
			continue;
		if (TableWarnsFirst(RelationGetRelid(rel), WARN_TABLES))
			ereport(WARNING,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("references to rows of table \"%s\" are not maintained because table \"actstream.%s\" does not exist",
							RelationGetRelationName(rel), OwnTableName(table)),
					 errhint("Call actstream.create_tables(), or rename the table back, and then call actstream.integrity_check(). To do without the tables, call actstream.drop_tables().")));
		return;
	}
}

/*
 * What a trigger function of this file was called with, and the object type of its
 * table.  Returns false if the table is neither registered nor a partition of a
 * registered table, or if the registry is missing.
 *
 * Raises an error for an event that the trigger is not for.
 */
static bool
object_trigger_data(FunctionCallInfo fcinfo, bool event_fits(TriggerEvent event),
					TriggerData **trigdata, RegisteredType *type)
{
	const RegisteredType *found;

	*trigdata = (TriggerData *) fcinfo->context;
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function was not called by trigger manager")));
	if (!event_fits((*trigdata)->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("trigger \"%s\" was fired by an event that it is not for",
						(*trigdata)->tg_trigger->tgname)));
	found = RegistryLookupTable(RelationGetRelid((*trigdata)->tg_relation));
	if (found == NULL)
	{
		if (!OidIsValid(OwnTableFind(OWN_OBJECT_TYPES)))
			warn_of_missing_table((*trigdata)->tg_relation);
		return false;
	}
	*type = *found;
	warn_of_missing_table((*trigdata)->tg_relation);
	return true;
}

/*
 * The reference to a row that the trigger was fired for; NULL if no reference can have
 * its key.
 */
static const Ref *
row_reference(TriggerData *trigdata, const RegisteredType *type, HeapTuple row)
{
	return ObjectKeyRefIfAny(type, RelationGetRelid(trigdata->tg_relation), row,
							 RelationGetDescr(trigdata->tg_relation));
}

/* Forget what belongs to the transaction, whose memory is about to be freed. */
static void
forget_moves(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT ||
		event == XACT_EVENT_PREPARE)
	{
		moves = renamings = NULL;
		latest_note = NULL;
		moves_context = NULL;
		truncated_tables = NIL;
	}
}

/*
 * Forget what a subtransaction has done when it is rolled back: a TRUNCATE that has
 * begun, rows that got another key.
 */
static void
forget_undone(SubXactEvent event, SubTransactionId mySubid, SubTransactionId parentSubid,
			  void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		truncated_tables = NIL;
	if (event != SUBXACT_EVENT_ABORT_SUB && event != SUBXACT_EVENT_COMMIT_SUB)
		return;
	/* its notes are the latest ones */
	for (RenamingNote *note = latest_note; note != NULL && note->subid == mySubid; note = note->earlier)
	{
		if (event == SUBXACT_EVENT_COMMIT_SUB)
		{
			note->subid = parentSubid;
			continue;
		}
		latest_note = note->earlier;
		note->renaming->note = note->before;
		if (note->before == NULL)
			(void) hash_search(renamings, &note->renaming->old_ref, HASH_REMOVE, NULL);
	}
}

static void
watch_transaction(void)
{
	static bool registered = false;

	if (!registered)
	{
		RegisterXactCallback(forget_moves, NULL);
		RegisterSubXactCallback(forget_undone, NULL);
		registered = true;
	}
}

static uint32
ref_hash(const void *key, Size keysize)
{
	const Ref  *ref = *(const Ref *const *) key;

	return DatumGetUInt32(hash_any((const unsigned char *) VARDATA_ANY(ref),
								   VARSIZE_ANY_EXHDR(ref)));
}

static int
ref_match(const void *a, const void *b, Size keysize)
{
	return RefCompare(*(const Ref *const *) a, *(const Ref *const *) b);
}

static void
make_tables(void)
{
	HASHCTL		ctl = {.keysize = sizeof(MovedRow), .entrysize = sizeof(Move)};
	HASHCTL		ref_ctl = {.keysize = sizeof(const Ref *), .entrysize = sizeof(Renaming),
	.hash = ref_hash, .match = ref_match};

	watch_transaction();
	moves_context = AllocSetContextCreate(TopTransactionContext, "actstream moves",
										  ALLOCSET_DEFAULT_SIZES);
	ctl.hcxt = ref_ctl.hcxt = moves_context;
	moves = hash_create("actstream moves", 64, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	renamings = hash_create("actstream renamings", 64, &ref_ctl,
							HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
}

static Ref *
copy_ref(const Ref *ref)
{
	return memcpy(MemoryContextAlloc(moves_context, VARSIZE_ANY(ref)), ref, VARSIZE_ANY(ref));
}

/* The identity of a row that may move to another partition. */
static MovedRow
moved_row(TriggerData *trigdata)
{
	ItemPointer tid = &trigdata->tg_trigtuple->t_self;
	MovedRow	row = {
		.partition = RelationGetRelid(trigdata->tg_relation),
		.block = ItemPointerGetBlockNumber(tid),
		.offset = ItemPointerGetOffsetNumber(tid)
	};

	return row;
}

/* Remember the reference that a row will have, in case it moves. */
static void
remember_move(TriggerData *trigdata, const Ref *new_ref)
{
	MovedRow	row = moved_row(trigdata);
	Ref		   *copy;

	if (moves == NULL)
		make_tables();
	copy = copy_ref(new_ref);
	((Move *) hash_search(moves, &row, HASH_ENTER, NULL))->new_ref = copy;
}

/* Remember that the row that had "old_ref" now has "new_ref". */
static void
remember_renaming(const Ref *old_ref, const Ref *new_ref)
{
	Renaming   *renaming;
	RenamingNote *note;

	if (renamings == NULL)
		make_tables();
	note = MemoryContextAlloc(moves_context, sizeof(RenamingNote));
	note->new_ref = copy_ref(new_ref);
	note->command = GetCurrentCommandId(false);
	note->subid = GetCurrentSubTransactionId();
	renaming = hash_search(renamings, &old_ref, HASH_FIND, NULL);
	if (renaming == NULL)
	{
		const Ref  *key = copy_ref(old_ref);

		renaming = hash_search(renamings, &key, HASH_ENTER, NULL);
		renaming->old_ref = key;
		renaming->note = NULL;
	}
	note->renaming = renaming;
	note->before = renaming->note;
	renaming->note = note;
	note->earlier = latest_note;
	latest_note = note;
}

/*
 * The command that has replaced or deleted a row, if it was of this transaction; else
 * FirstCommandId.
 */
static CommandId
command_of(HeapTuple old)
{
	HeapTupleHeader row = old->t_data;

	return TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetUpdateXid(row)) ?
		HeapTupleHeaderGetCmax(row) : FirstCommandId;
}

/*
 * The reference that now names the row that got "ref": "ref" itself if there is such a
 * row, else the one that the row was given later, as far as we know; NULL if there is
 * none.
 *
 * Rows get their keys one after the other, each a key that is free at that moment, and
 * triggers fire in that order.  So a row rarely has yet another key by now: only if a
 * user's trigger that fired before ours has changed it again, with a command later than
 * "since", the one that ours is fired for.
 */
static const Ref *
whereabouts(const Ref *ref, CommandId since)
{
	/* at most one step for each entry: they may form a circle */
	long		steps = renamings == NULL ? 0 : hash_get_num_entries(renamings);

	while (!IntegrityObjectExists(ref))
	{
		Renaming   *renaming = steps-- > 0 ? hash_search(renamings, &ref, HASH_FIND, NULL) : NULL;

		if (renaming == NULL || renaming->note->command <= since)
			return NULL;
		ref = renaming->note->new_ref;
	}
	return ref;
}

/* Was this trigger fired by what another trigger does? */
static bool
is_nested(void)
{
	return DatumGetInt32(DirectFunctionCall1(pg_trigger_depth, (Datum) 0)) > 1;
}

/*
 * The command has changed the reference of a row from "old_ref" to "new_ref": update
 * what refers to it.
 *
 * By now the row may have yet another key, or be gone, because of a user's trigger that
 * fired before ours.  Then ours has already been fired for that later change, before it
 * is fired for this one.
 */
static void
follow_row(const RegisteredType *type, const Ref *old_ref, const Ref *new_ref, CommandId command)
{
	const Ref  *now;

	if (is_nested())
		remember_renaming(old_ref, new_ref);
	now = whereabouts(new_ref, command);
	if (now == NULL)
		IntegrityRemoveObjects(type, &old_ref, 1, RUN_AS_CASCADE);
	else if (RefCompare(old_ref, now) != 0)
		IntegrityRenameObject(old_ref, now);
}

static bool
fires_before_update(TriggerEvent event)
{
	return TRIGGER_FIRED_BEFORE(event) && TRIGGER_FIRED_FOR_ROW(event) &&
		TRIGGER_FIRED_BY_UPDATE(event);
}

/*
 * Trigger zz_actstream_move: remember the key that a row is about to get.
 *
 * If the UPDATE is not carried out, the entry does no harm: it is used only for a row
 * that has moved, and that row's own entry has replaced it.
 */
Datum
actstream_object_moves(PG_FUNCTION_ARGS)
{
	RegisteredType type;
	TriggerData *trigdata;
	const Ref  *new_ref;

	if (object_trigger_data(fcinfo, fires_before_update, &trigdata, &type))
	{
		new_ref = row_reference(trigdata, &type, trigdata->tg_newtuple);
		if (new_ref != NULL)
			remember_move(trigdata, new_ref);
	}
	return PointerGetDatum(trigdata->tg_newtuple);
}

static bool
fires_after_delete_or_update(TriggerEvent event)
{
	return TRIGGER_FIRED_AFTER(event) && TRIGGER_FIRED_FOR_ROW(event) &&
		(TRIGGER_FIRED_BY_DELETE(event) || TRIGGER_FIRED_BY_UPDATE(event));
}

/*
 * The new reference of a row that has moved to another partition; NULL if it has left
 * the registered table, which is itself a partition of another table.
 */
static const Ref *
moved_reference(TriggerData *trigdata, const RegisteredType *type, const Ref *old_ref)
{
	MovedRow	row = moved_row(trigdata);
	Move	   *move = moves == NULL ? NULL : hash_search(moves, &row, HASH_FIND, NULL);

	if (RelationGetRelid(trigdata->tg_relation) == type->relation)
		return NULL;
	if (move == NULL || whereabouts(move->new_ref, command_of(trigdata->tg_trigtuple)) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("could not follow object \"%s\" to its new partition",
						RefToText(old_ref)),
				 errdetail("A trigger that fires after \"%s\" has changed its key, or one that fires before the insertion has suppressed it.",
						   "zz_actstream_move"),
				 errhint("Delete the row instead, or let the trigger have a name that comes before \"%s\".",
						 "zz_actstream_move")));
	return move->new_ref;
}

/*
 * Trigger actstream_object: a row was deleted.
 *
 * If another row has its key by now, that one takes over the references, as when a user's trigger that
 * has fired before has inserted the row again.  Not if the command itself has put it there, be it
 * a new row or one that has got this key: that is another object, with references of its own.
 */
Datum
actstream_object_deleted(PG_FUNCTION_ARGS)
{
	RegisteredType type;
	TriggerData *trigdata;
	const Ref  *ref;
	const Ref  *new_ref = NULL;

	if (!object_trigger_data(fcinfo, fires_after_delete_or_update, &trigdata, &type) ||
		TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event))	/* left to actstream_rekey */
		return PointerGetDatum(NULL);
	ref = row_reference(trigdata, &type, trigdata->tg_trigtuple);
	if (ref == NULL)
		return PointerGetDatum(NULL);

	if (HeapTupleHeaderIndicatesMovedPartitions(trigdata->tg_trigtuple->t_data))
		new_ref = moved_reference(trigdata, &type, ref);
	if (new_ref != NULL)
		follow_row(&type, ref, new_ref, command_of(trigdata->tg_trigtuple));
	else if (!IntegrityObjectExists(ref) ||
			 IntegrityWasReplaced(ref, command_of(trigdata->tg_trigtuple)))
		IntegrityRemoveObjects(&type, &ref, 1, RUN_AS_CASCADE);
	return PointerGetDatum(NULL);
}

static bool
fires_after_update(TriggerEvent event)
{
	return TRIGGER_FIRED_AFTER(event) && TRIGGER_FIRED_FOR_ROW(event) &&
		TRIGGER_FIRED_BY_UPDATE(event);
}

/* Trigger actstream_rekey: a row has got another key. */
Datum
actstream_object_rekeyed(PG_FUNCTION_ARGS)
{
	RegisteredType type;
	TriggerData *trigdata;
	const Ref  *old_ref;
	const Ref  *new_ref;

	if (!object_trigger_data(fcinfo, fires_after_update, &trigdata, &type))
		return PointerGetDatum(NULL);
	old_ref = row_reference(trigdata, &type, trigdata->tg_trigtuple);
	new_ref = row_reference(trigdata, &type, trigdata->tg_newtuple);
	if (old_ref == NULL || (new_ref != NULL && RefCompare(old_ref, new_ref) == 0))
		return PointerGetDatum(NULL);
	if (new_ref == NULL)
		IntegrityRemoveObjects(&type, &old_ref, 1, RUN_AS_CASCADE);
	else
		follow_row(&type, old_ref, new_ref, command_of(trigdata->tg_trigtuple));
	return PointerGetDatum(NULL);
}

static bool
fires_at_truncate(TriggerEvent event)
{
	return !TRIGGER_FIRED_FOR_ROW(event) && TRIGGER_FIRED_BY_TRUNCATE(event);
}

/*
 * The rows of a table, which is registered or a partition, are about to be truncated.
 *
 * If the whole registered table is truncated, after_truncate() deals with its label as a
 * whole.  Not so if the type is not checked, because objects may then be referred to
 * before they exist, and such references must stay.
 */
static void
before_truncate(const RegisteredType *type, Relation rel)
{
	MemoryContext oldcontext;

	if (RelationGetRelid(rel) == type->relation && type->checked)
	{
		watch_transaction();
		oldcontext = MemoryContextSwitchTo(TopTransactionContext);
		truncated_tables = lappend_oid(truncated_tables, type->relation);
		MemoryContextSwitchTo(oldcontext);
	}
	else if (rel->rd_rel->relkind == RELKIND_RELATION &&
			 !list_member_oid(truncated_tables, type->relation))
		IntegrityForgetRows(type, rel, RUN_AS_CASCADE);
}

/*
 * A registered table has been truncated.  It may have rows again, which a user's trigger
 * has inserted since.
 */
static void
after_truncate(const RegisteredType *type, Relation rel)
{
	if (RelationGetRelid(rel) != type->relation || !type->checked)
		return;
	truncated_tables = list_delete_oid(truncated_tables, type->relation);
	IntegrityForgetTable(type);
}

/*
 * Triggers actstream_truncate and actstream_truncated.
 */
Datum
actstream_objects_truncated(PG_FUNCTION_ARGS)
{
	RegisteredType type;
	TriggerData *trigdata;

	if (!object_trigger_data(fcinfo, fires_at_truncate, &trigdata, &type))
		return PointerGetDatum(NULL);
	if (TRIGGER_FIRED_BEFORE(trigdata->tg_event))
		before_truncate(&type, trigdata->tg_relation);
	else
		after_truncate(&type, trigdata->tg_relation);
	return PointerGetDatum(NULL);
}
