/*
 * object_trigger.c
 *		The triggers that bind a registered table to its object type.
 *
 * A registered table has
 *
 *	actstream_object	AFTER DELETE OR UPDATE OF key, for each row.  References
 *						follow a deleted row.  The columns are there to be
 *						remembered: PostgreSQL keeps them right over renames and
 *						dumps, and the registry reads them.
 *	actstream_rekey		AFTER UPDATE, for each row WHEN the key has changed, by
 *						whatever means.  References follow the new key.
 *	actstream_truncate	AFTER TRUNCATE.
 *	actstream_move		BEFORE UPDATE, on a partitioned table, for each row WHEN
 *						the key changes: the row may be about to move.
 *
 * A row that moves to another partition is deleted there and inserted here, and
 * no AFTER trigger learns that the two are one.  The partition key is part of
 * every key of a partitioned table, so a row that moves has a new key: without
 * actstream_move, which sees both, its references would go with the old one.
 */
#include "postgres.h"

#include "compat.h"
#include "catalog.h"
#include "integrity.h"
#include "object_key.h"
#include "object_trigger.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "commands/trigger.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#define REKEY_TRIGGER_NAME		"actstream_rekey"
#define TRUNCATE_TRIGGER_NAME	"actstream_truncate"

/* BEFORE triggers fire in the order of their names: after all others, please */
#define MOVE_TRIGGER_NAME		"zz_actstream_move"

PG_FUNCTION_INFO_V1(actstream_object_deleted);
PG_FUNCTION_INFO_V1(actstream_object_rekeyed);
PG_FUNCTION_INFO_V1(actstream_object_moves);
PG_FUNCTION_INFO_V1(actstream_objects_truncated);

/*
 * Where rows of this transaction that had a certain reference went to.  An entry
 * is looked at only when a row that had it is gone from there.
 */
typedef struct Move
{
	const Ref  *old_ref;		/* hash key, by what it points to */
	Ref		   *new_ref;
} Move;

/* live until the end of the transaction; NULL if there are none */
static HTAB *moves = NULL;
static MemoryContext moves_context = NULL;

/*
 * Run a command as "owner", the owner of the extension's tables.  It is made of
 * names only, and the tables are the caller's own.
 */
static void
run_as(Oid owner, const char *command)
{
	Oid			save_userid;
	int			save_sec_context;

	GetUserIdAndSecContext(&save_userid, &save_sec_context);
	SetUserIdAndSecContext(owner, save_sec_context | SECURITY_LOCAL_USERID_CHANGE);
	SPI_connect();
	if (SPI_execute(command, false, 0) != SPI_OK_UTILITY)
		elog(ERROR, "could not execute: %s", command);
	SPI_finish();
	SetUserIdAndSecContext(save_userid, save_sec_context);
}

/*
 * "OLD.a IS DISTINCT FROM NEW.a OR …": in terms that cannot be captured through
 * search_path, for IS DISTINCT FROM looks for an operator there.
 */
static char *
key_differs(List *key_columns)
{
	StringInfoData condition;
	ListCell   *lc;

	initStringInfo(&condition);
	foreach(lc, key_columns)
	{
		const char *column = quote_identifier(lfirst(lc));

		appendStringInfo(&condition, "%sOLD.%s OPERATOR(pg_catalog.<>) NEW.%s",
						 foreach_current_index(lc) > 0 ? " OR " : "", column, column);
	}
	return condition.data;
}

static char *
column_list(List *key_columns)
{
	StringInfoData list;
	ListCell   *lc;

	initStringInfo(&list);
	foreach(lc, key_columns)
		appendStringInfo(&list, "%s%s", foreach_current_index(lc) > 0 ? ", " : "",
						 quote_identifier(lfirst(lc)));
	return list.data;
}

static char *
qualified_name_of(Oid relid)
{
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)),
									  get_rel_name(relid));
}

static Oid
table_owner(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relid);
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

/*
 * A table, and if it is partitioned all its partitions.
 */
static List *
with_partitions(Oid relid)
{
	if (get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE)
		return list_make1_oid(relid);
	return find_all_inheritors(relid, ShareRowExclusiveLock, NULL);
}

/*
 * ObjectTriggersAttached, ObjectTriggersDetached
 *		Give a new partition of a registered table, and its own partitions, the
 *		trigger that PostgreSQL does not clone; take it from a former one.
 *
 * A statement's trigger on a partitioned table does not fire for a partition
 * that is truncated by itself.
 */
void
ObjectTriggersAttached(Oid partition, Oid owner)
{
	ListCell   *lc;

	foreach(lc, with_partitions(partition))
	{
		if (get_rel_relkind(lfirst_oid(lc)) == RELKIND_FOREIGN_TABLE)
			continue;
		run_as(owner, psprintf("CREATE OR REPLACE TRIGGER " TRUNCATE_TRIGGER_NAME
							   " AFTER TRUNCATE ON %s FOR EACH STATEMENT"
							   " EXECUTE FUNCTION actstream.objects_truncated()",
							   qualified_name_of(lfirst_oid(lc))));
	}
}

void
ObjectTriggersDetached(Oid partition, Oid owner)
{
	ListCell   *lc;

	foreach(lc, with_partitions(partition))
	{
		if (OidIsValid(get_trigger_oid(lfirst_oid(lc), TRUNCATE_TRIGGER_NAME, true)))
			run_as(owner, psprintf("DROP TRIGGER " TRUNCATE_TRIGGER_NAME " ON %s",
								   qualified_name_of(lfirst_oid(lc))));
	}
}

/*
 * Let the owner of a partitioned table attach its triggers: whoever creates or
 * attaches a partition has to be able to, for PostgreSQL clones them there.
 * They do nothing but for a registered table, so he gains nothing by it.
 */
void
ObjectTriggersGrant(Oid relid, Oid owner)
{
	if (get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE)
		return;
	run_as(owner,
		   psprintf("GRANT EXECUTE ON FUNCTION actstream.object_deleted(),"
					" actstream.object_rekeyed(), actstream.object_moves() TO %s",
					quote_identifier(GetUserNameFromId(table_owner(relid), false))));
}

/*
 * ObjectTriggersCreate
 *		Create or renew the triggers of a table whose key are these columns
 *		(char *).
 *
 * "owner" is the owner of the extension's tables: the trigger functions are
 * for nobody else to attach.
 */
void
ObjectTriggersCreate(Relation rel, List *key_columns, Oid owner)
{
	char	   *table = qualified_name_of(RelationGetRelid(rel));
	char	   *condition = key_differs(key_columns);

	run_as(owner,
		   psprintf("CREATE OR REPLACE TRIGGER " BINDING_TRIGGER_NAME
					" AFTER DELETE OR UPDATE OF %s ON %s FOR EACH ROW"
					" EXECUTE FUNCTION actstream.object_deleted()",
					column_list(key_columns), table));
	run_as(owner,
		   psprintf("CREATE OR REPLACE TRIGGER " REKEY_TRIGGER_NAME
					" AFTER UPDATE ON %s FOR EACH ROW WHEN (%s)"
					" EXECUTE FUNCTION actstream.object_rekeyed()",
					table, condition));
	if (rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
		run_as(owner,
			   psprintf("CREATE OR REPLACE TRIGGER " MOVE_TRIGGER_NAME
						" BEFORE UPDATE ON %s FOR EACH ROW WHEN (%s)"
						" EXECUTE FUNCTION actstream.object_moves()",
						table, condition));
	ObjectTriggersAttached(RelationGetRelid(rel), owner);
	ObjectTriggersGrant(RelationGetRelid(rel), owner);
}

/*
 * ObjectTriggersDrop
 *		Drop the triggers of a table and of its partitions.
 */
void
ObjectTriggersDrop(Relation rel, Oid owner)
{
	static const char *const names[] = {
		BINDING_TRIGGER_NAME,
		REKEY_TRIGGER_NAME,
		MOVE_TRIGGER_NAME
	};

	for (int i = 0; i < (int) lengthof(names); i++)
	{
		if (OidIsValid(get_trigger_oid(RelationGetRelid(rel), names[i], true)))
			run_as(owner, psprintf("DROP TRIGGER %s ON %s", names[i],
								   qualified_name_of(RelationGetRelid(rel))));
	}
	ObjectTriggersDetached(RelationGetRelid(rel), owner);
}

/*
 * How a trigger function of this file was called, and for which object type.
 *
 * Raises an error unless it was for an event of "mask" of a registered table,
 * or a partition of one: the functions act on references to that table only.
 */
static TriggerData *
object_trigger_data(FunctionCallInfo fcinfo, bool event_fits(TriggerEvent event),
					const RegisteredType **type)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function was not called by trigger manager")));
	*type = RegistryLookupTable(RelationGetRelid(trigdata->tg_relation));
	if (*type == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("trigger \"%s\" of relation \"%s\" does not belong there",
						trigdata->tg_trigger->tgname,
						RelationGetRelationName(trigdata->tg_relation)),
				 errdetail("The table is not registered."),
				 errhint("Register the table, or drop the trigger.")));
	if (!event_fits(trigdata->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("trigger \"%s\" is not fired by the event that it is for",
						trigdata->tg_trigger->tgname)));
	return trigdata;
}

/*
 * The reference to a row of the trigger; NULL if its key is one that no
 * reference can have.
 */
static Ref *
row_reference(TriggerData *trigdata, const RegisteredType *type, HeapTuple row)
{
	return ObjectKeyRefIfAny(type, RelationGetRelid(trigdata->tg_relation), row,
							 RelationGetDescr(trigdata->tg_relation));
}

/*
 * Forget the moves, whose memory goes, at the end of the transaction.
 */
static void
forget_moves(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT ||
		event == XACT_EVENT_PREPARE)
		moves = NULL;
}

static uint32
move_hash(const void *key, Size keysize)
{
	const Ref  *ref = *(const Ref *const *) key;

	return DatumGetUInt32(hash_any((const unsigned char *) VARDATA_ANY(ref),
								   VARSIZE_ANY_EXHDR(ref)));
}

static int
move_match(const void *a, const void *b, Size keysize)
{
	return RefCompare(*(const Ref *const *) a, *(const Ref *const *) b);
}

/*
 * Remember that the row that "old_ref" names is about to be, or already is,
 * named by "new_ref".
 */
static void
remember_move(const Ref *old_ref, const Ref *new_ref)
{
	static bool registered = false;
	MemoryContext oldcontext;
	Move	   *move;
	bool		found;

	if (!registered)
	{
		RegisterXactCallback(forget_moves, NULL);
		registered = true;
	}
	if (moves == NULL)
	{
		HASHCTL		ctl = {0};

		moves_context = AllocSetContextCreate(TopTransactionContext,
											  "actstream moves",
											  ALLOCSET_DEFAULT_SIZES);
		ctl.keysize = sizeof(const Ref *);
		ctl.entrysize = sizeof(Move);
		ctl.hash = move_hash;
		ctl.match = move_match;
		ctl.hcxt = moves_context;
		moves = hash_create("actstream moves", 64, &ctl,
							HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
	}

	oldcontext = MemoryContextSwitchTo(moves_context);
	move = hash_search(moves, &old_ref, HASH_ENTER, &found);
	if (!found)
		move->old_ref = (const Ref *) PG_DETOAST_DATUM_COPY(PointerGetDatum(old_ref));
	move->new_ref = (Ref *) PG_DETOAST_DATUM_COPY(PointerGetDatum(new_ref));
	MemoryContextSwitchTo(oldcontext);
}

/*
 * What names now the row that "ref" has named, as far as we know: "ref" itself
 * if there is such a row, else where it went; NULL if that is nowhere.
 */
static const Ref *
whereabouts(const Ref *ref)
{
	/* as many steps as there are entries: moves may go in a circle */
	long		steps = moves == NULL ? 0 : hash_get_num_entries(moves);

	while (!IntegrityObjectExists(ref))
	{
		Move	   *move = steps-- > 0 ? hash_search(moves, &ref, HASH_FIND, NULL) : NULL;

		if (move == NULL)
			return NULL;
		ref = move->new_ref;
	}
	return ref;
}

static bool
fires_before_update(TriggerEvent event)
{
	return TRIGGER_FIRED_BEFORE(event) && TRIGGER_FIRED_FOR_ROW(event) &&
		TRIGGER_FIRED_BY_UPDATE(event);
}

/*
 * Trigger actstream_move: remember the key that a row is about to get.
 *
 * If the UPDATE comes to nothing, the entry does no harm: it is looked at only
 * for a row that has moved, whose own entry then replaced it.
 */
Datum
actstream_object_moves(PG_FUNCTION_ARGS)
{
	const RegisteredType *type;
	TriggerData *trigdata = object_trigger_data(fcinfo, fires_before_update, &type);
	RegisteredType moving = *type;
	Ref		   *old_ref = row_reference(trigdata, &moving, trigdata->tg_trigtuple);
	Ref		   *new_ref = row_reference(trigdata, &moving, trigdata->tg_newtuple);

	if (old_ref != NULL && new_ref != NULL && RefCompare(old_ref, new_ref) != 0)
		remember_move(old_ref, new_ref);
	return PointerGetDatum(trigdata->tg_newtuple);
}

static bool
fires_after_delete_or_update(TriggerEvent event)
{
	return TRIGGER_FIRED_AFTER(event) && TRIGGER_FIRED_FOR_ROW(event) &&
		(TRIGGER_FIRED_BY_DELETE(event) || TRIGGER_FIRED_BY_UPDATE(event));
}

/*
 * Trigger actstream_object: a row is gone.
 *
 * Unless another has its key by now, which then has its references as well: it
 * was deleted and inserted again by one statement, or has come by another way.
 */
Datum
actstream_object_deleted(PG_FUNCTION_ARGS)
{
	const RegisteredType *type;
	TriggerData *trigdata = object_trigger_data(fcinfo, fires_after_delete_or_update, &type);
	RegisteredType removed = *type;
	Ref		   *ref;
	const Ref  *now;

	if (TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event))
		return PointerGetDatum(NULL);	/* that is for actstream_rekey */

	ref = row_reference(trigdata, &removed, trigdata->tg_trigtuple);
	if (ref == NULL)
		return PointerGetDatum(NULL);
	if (!HeapTupleHeaderIndicatesMovedPartitions(trigdata->tg_trigtuple->t_data))
	{
		if (!IntegrityObjectExists(ref))
			IntegrityRemoveObject(&removed, ref);
		return PointerGetDatum(NULL);
	}

	/* it did not vanish, so neither may what refers to it */
	now = whereabouts(ref);
	if (now == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("could not follow object \"%s\" to its new partition",
						RefToText(ref)),
				 errdetail("A trigger that fires after \"%s\" has changed its key.",
						   MOVE_TRIGGER_NAME)));
	if (now != ref)
		IntegrityRenameObject(ref, now);
	return PointerGetDatum(NULL);
}

static bool
fires_after_update(TriggerEvent event)
{
	return TRIGGER_FIRED_AFTER(event) && TRIGGER_FIRED_FOR_ROW(event) &&
		TRIGGER_FIRED_BY_UPDATE(event);
}

/*
 * Trigger actstream_rekey: a row has another key.
 *
 * By now it may have yet another, or be gone: by a trigger of the user's that
 * fired before us, after which this one was fired for what that did, before it
 * is for what led there.
 */
Datum
actstream_object_rekeyed(PG_FUNCTION_ARGS)
{
	const RegisteredType *type;
	TriggerData *trigdata = object_trigger_data(fcinfo, fires_after_update, &type);
	RegisteredType renamed = *type;
	Ref		   *old_ref = row_reference(trigdata, &renamed, trigdata->tg_trigtuple);
	Ref		   *new_ref = row_reference(trigdata, &renamed, trigdata->tg_newtuple);
	const Ref  *now;

	if (old_ref == NULL || (new_ref != NULL && RefCompare(old_ref, new_ref) == 0))
		return PointerGetDatum(NULL);
	if (new_ref != NULL && DatumGetInt32(DirectFunctionCall1(pg_trigger_depth, (Datum) 0)) > 1)
		remember_move(old_ref, new_ref);

	now = new_ref == NULL ? NULL : whereabouts(new_ref);
	if (now == NULL)
		IntegrityRemoveObject(&renamed, old_ref);
	else if (RefCompare(old_ref, now) != 0)
		IntegrityRenameObject(old_ref, now);
	return PointerGetDatum(NULL);
}

static bool
fires_after_truncate(TriggerEvent event)
{
	return TRIGGER_FIRED_AFTER(event) && TRIGGER_FIRED_BY_TRUNCATE(event);
}

/*
 * Trigger actstream_truncate: the rows of a table or of a partition are gone.
 */
Datum
actstream_objects_truncated(PG_FUNCTION_ARGS)
{
	const RegisteredType *type;

	object_trigger_data(fcinfo, fires_after_truncate, &type);
	IntegritySweep(type);
	return PointerGetDatum(NULL);
}
