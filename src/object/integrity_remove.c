/*
 * integrity_remove.c
 *		What happens to references to objects that are deleted, or get another key.
 *
 * As the triggers of foreign keys do, this changes the newest state of the tables, as
 * their owner.  It uses ordinary statements, so that triggers and indexes of the tables
 * take part.
 */
#include "postgres.h"

#include "base/compat.h"
#include "object/integrity.h"
#include "object/integrity_remove.h"
#include "object/object_key.h"
#include "tables/local_tables.h"
#include "tables/spi_plan.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/*
 * Conditions on a column of the statements below: references to one object, to any
 * object of an array, and to all objects of a label.  Statements come in sets, one for
 * each column that has references.
 *
 */
#define ONE_OBJECT(column)	"t." column " OPERATOR(pg_catalog.=) $1"
#define ANY_OBJECT(column)	"t." column " OPERATOR(pg_catalog.=) ANY ($1)"
#define OF_LABEL(column) \
	"t." column " OPERATOR(pg_catalog.>=) actstream.label_start($1)" \
	" AND t." column " OPERATOR(pg_catalog.<) actstream.label_stop($1)"

typedef enum Column
{
	ACTOR, ACTION_OBJECT, TARGET, FOLLOWER, FOLLOWEE, MUTER, MUTED, READER
} Column;

#define NUM_COLUMNS		(READER + 1)
#define FIRST_OF_FOLLOW	FOLLOWER
#define FIRST_OF_MUTE	MUTER

static const OwnTable table_of[NUM_COLUMNS] = {
	[ACTOR] = OWN_ACTIONS,
	[ACTION_OBJECT] = OWN_ACTIONS,
	[TARGET] = OWN_ACTIONS,
	[FOLLOWER] = OWN_FOLLOWS,
	[FOLLOWEE] = OWN_FOLLOWS,
	[MUTER] = OWN_MUTES,
	[MUTED] = OWN_MUTES,
	[READER] = OWN_MARKS
};

#define STATEMENTS(argtype, begin, condition, end, index) { \
	[ACTOR] = {.sql = begin("actions", "actor") condition("actor") end, .nargs = 1, .argtypes = {argtype}, .by_index = index}, \
	[ACTION_OBJECT] = {.sql = begin("actions", "action_object") condition("action_object") end, .nargs = 1, .argtypes = {argtype}, .by_index = index}, \
	[TARGET] = {.sql = begin("actions", "target") condition("target") end, .nargs = 1, .argtypes = {argtype}, .by_index = index}, \
	[FOLLOWER] = {.sql = begin("follows", "follower") condition("follower") end, .nargs = 1, .argtypes = {argtype}, .by_index = index}, \
	[FOLLOWEE] = {.sql = begin("follows", "followee") condition("followee") end, .nargs = 1, .argtypes = {argtype}, .by_index = index}, \
	[MUTER] = {.sql = begin("mutes", "muter") condition("muter") end, .nargs = 1, .argtypes = {argtype}, .by_index = index}, \
	[MUTED] = {.sql = begin("mutes", "muted") condition("muted") end, .nargs = 1, .argtypes = {argtype}, .by_index = index}, \
	[READER] = {.sql = begin("marks", "reader") condition("reader") end, .nargs = 1, .argtypes = {argtype}, .by_index = index} \
}

#define FIND(relation, column)	"SELECT t." column " FROM actstream." relation " t WHERE "
#define DELETE(relation, column) "DELETE FROM actstream." relation " t WHERE "
#define EMPTY(relation, column)	"UPDATE actstream." relation " t SET " column " = NULL WHERE "

/*
 * locked, because a reference that another transaction is deleting may be gone in a
 * moment
 */
#define FIRST_ONE			" LIMIT 1 FOR KEY SHARE OF t"

/* Statements for references to some objects, or to all objects of a label. */
typedef struct Statements
{
	SpiPlan		find[NUM_COLUMNS];
	SpiPlan		delete[NUM_COLUMNS];
	SpiPlan		empty[NUM_COLUMNS];	/* of ACTION_OBJECT and TARGET */
} Statements;

static Statements of_object = {
	.find = STATEMENTS(REF_ARG, FIND, ONE_OBJECT, FIRST_ONE, true),
	.delete = STATEMENTS(REF_ARG, DELETE, ONE_OBJECT, "", true),
	.empty = STATEMENTS(REF_ARG, EMPTY, ONE_OBJECT, "", true)
};

static Statements of_objects = {
	.find = STATEMENTS(REF_ARRAY_ARG, FIND, ANY_OBJECT, FIRST_ONE, true),
	.delete = STATEMENTS(REF_ARRAY_ARG, DELETE, ANY_OBJECT, "", true),
	.empty = STATEMENTS(REF_ARRAY_ARG, EMPTY, ANY_OBJECT, "", true)
};

static Statements of_label = {
	.find = STATEMENTS(TEXTOID, FIND, OF_LABEL, FIRST_ONE, false),
	.delete = STATEMENTS(TEXTOID, DELETE, OF_LABEL, "", false),
	.empty = STATEMENTS(TEXTOID, EMPTY, OF_LABEL, "", false)
};

/*
 * If there is already such a follow, mute or mark of the new reference, the old one is left as it
 * is, and deleted afterwards.
 */
#define RENAME_IN_ACTION(column) \
	{.sql = "UPDATE actstream.actions t SET " column " = $2" \
	 " WHERE t." column " OPERATOR(pg_catalog.=) $1", \
	 .nargs = 2, .argtypes = {REF_ARG, REF_ARG}, .by_index = true}
#define RENAME_IN_PAIR(relation, column, other, same) \
	{.sql = "UPDATE actstream." relation " t SET " column " = $2" \
	 " WHERE t." column " OPERATOR(pg_catalog.=) $1 AND NOT EXISTS" \
	 " (SELECT FROM actstream." relation " u WHERE u." column " OPERATOR(pg_catalog.=) $2" \
	 " AND u." other " OPERATOR(pg_catalog.=) t." other same ")", \
	 .nargs = 2, .argtypes = {REF_ARG, REF_ARG}, .by_index = true}
#define RENAME_IN_FOLLOW(column, other) \
	RENAME_IN_PAIR("follows", column, other, " AND u.flag OPERATOR(pg_catalog.=) t.flag")
#define RENAME_IN_MUTE(column, other) \
	RENAME_IN_PAIR("mutes", column, other, "")

static SpiPlan rename_object[NUM_COLUMNS] = {
	[ACTOR] = RENAME_IN_ACTION("actor"),
	[ACTION_OBJECT] = RENAME_IN_ACTION("action_object"),
	[TARGET] = RENAME_IN_ACTION("target"),
	[FOLLOWER] = RENAME_IN_FOLLOW("follower", "followee"),
	[FOLLOWEE] = RENAME_IN_FOLLOW("followee", "follower"),
	[MUTER] = RENAME_IN_MUTE("muter", "muted"),
	[MUTED] = RENAME_IN_MUTE("muted", "muter"),
	/* exceptions go with their mark */
	[READER] = {.sql = "UPDATE actstream.marks t SET reader = $2"
		" WHERE t.reader OPERATOR(pg_catalog.=) $1 AND NOT EXISTS"
		" (SELECT FROM actstream.marks u WHERE u.reader OPERATOR(pg_catalog.=) $2"
		" AND u.feed OPERATOR(pg_catalog.=) t.feed)",
	.nargs = 2, .argtypes = {REF_ARG, REF_ARG}, .by_index = true}
};

/* the tables that have references */
static const OwnTable referring_tables[] = {OWN_ACTIONS, OWN_FOLLOWS, OWN_MUTES, OWN_MARKS};

#define NUM_REFERRING_TABLES ((int) lengthof(referring_tables))

/* every object of a label that a referring table refers to, once */
#define SOME_OF_LABEL(relation, column)	FIND(relation, column) OF_LABEL(column)

static SpiPlan list_objects[] = {
	{.sql = SOME_OF_LABEL("actions", "actor") " UNION "
		SOME_OF_LABEL("actions", "action_object") " UNION "
	SOME_OF_LABEL("actions", "target"), .nargs = 1, .argtypes = {TEXTOID}},
	{.sql = SOME_OF_LABEL("follows", "follower") " UNION "
	SOME_OF_LABEL("follows", "followee"), .nargs = 1, .argtypes = {TEXTOID}},
	{.sql = SOME_OF_LABEL("mutes", "muter") " UNION "
	SOME_OF_LABEL("mutes", "muted"), .nargs = 1, .argtypes = {TEXTOID}},
	{.sql = SOME_OF_LABEL("marks", "reader"), .nargs = 1, .argtypes = {TEXTOID}}
};

/*
 * In each index, the label of the first reference that is not below those of the label:
 * if it is another label, no reference has this one.
 */
#define FIRST_LABEL(column, relation) \
	"(SELECT actstream.ref_label(t." column ") FROM actstream." relation " t" \
	" WHERE t." column " OPERATOR(pg_catalog.>=) actstream.label_start($1)" \
	" ORDER BY t." column " LIMIT 1)"

static SpiPlan find_label[] = {
	{.sql = "SELECT 1 WHERE $1 OPERATOR(pg_catalog.=) ANY (ARRAY["
		FIRST_LABEL("actor", "actions") ", "
		FIRST_LABEL("action_object", "actions") ", "
	FIRST_LABEL("target", "actions") "])", .nargs = 1, .argtypes = {TEXTOID}},
	{.sql = "SELECT 1 WHERE $1 OPERATOR(pg_catalog.=) ANY (ARRAY["
		FIRST_LABEL("follower", "follows") ", "
	FIRST_LABEL("followee", "follows") "])", .nargs = 1, .argtypes = {TEXTOID}},
	{.sql = "SELECT 1 WHERE $1 OPERATOR(pg_catalog.=) ANY (ARRAY["
		FIRST_LABEL("muter", "mutes") ", "
	FIRST_LABEL("muted", "mutes") "])", .nargs = 1, .argtypes = {TEXTOID}},
	{.sql = "SELECT 1 WHERE $1 OPERATOR(pg_catalog.=) " FIRST_LABEL("reader", "marks"),
	.nargs = 1, .argtypes = {TEXTOID}}
};

/* How many references to the rows of a table are removed at a time. */
#define BATCH	1000

/* Does the table exist?  If not, it holds no references. */
static bool
is_there(OwnTable table)
{
	return OidIsValid(OwnTableFind(table));
}

/*
 * IntegrityIsReferenced
 *		Does any action, follow, mute or mark refer to an object of the label, in the newest state
 *		of the database?
 */
bool
IntegrityIsReferenced(const char *label)
{
	Datum		value = CStringGetTextDatum(label);
	bool		found = false;

	SPI_connect();
	for (int i = 0; i < NUM_REFERRING_TABLES && !found; i++)
		found = is_there(referring_tables[i]) &&
			SpiPlanExecuteAs(referring_tables[i], RUN_AS_RESTRICTED, &find_label[i],
							 &value, NULL) > 0;
	SPI_finish();
	return found;
}

/*
 * Has the table, or a partition, a user's trigger that could keep a row from being
 * deleted or updated?
 *
 * The caller holds a lock on the table, if it exists.
 */
static bool
can_keep_rows(OwnTable table)
{
	bool		result = false;
	ListCell   *lc;

	if (!is_there(table))
		return false;
	foreach(lc, find_all_inheritors(OwnTableId(table), AccessShareLock, NULL))
	{
		Relation	rel = table_open(lfirst_oid(lc), NoLock);

		result |= rel->trigdesc != NULL &&
			(rel->trigdesc->trig_delete_before_row || rel->trigdesc->trig_update_before_row);
		table_close(rel, NoLock);
	}
	return result;
}

/*
 * Raise ERRCODE_FOREIGN_KEY_VIOLATION if there is a reference in one of the columns
 * from "first" to "last".
 */
static void
refuse_references(RunAsMode mode, Statements *statements, Column first, Column last,
				  Datum *value, const char *detail)
{
	for (Column column = first; column <= last; column++)
	{
		bool		isnull;

		if (is_there(table_of[column]) &&
			SpiPlanExecuteAs(table_of[column], mode, &statements->find[column], value, NULL) > 0)
			ereport(ERROR,
					(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
					 errmsg("object \"%s\" is still referenced",
							RefToText(DatumGetRefPP(SPI_getbinval(SPI_tuptable->vals[0],
																  SPI_tuptable->tupdesc, 1,
																  &isnull)))),
					 errdetail_internal("%s", detail)));
	}
}

/*
 * Raise ERRCODE_FOREIGN_KEY_VIOLATION if triggers have kept a reference, in one of the columns from
 * "first" on.
 */
static void
refuse_kept(RunAsMode mode, Statements *statements, Column first, Datum *value)
{
	if ((first == ACTOR && can_keep_rows(OWN_ACTIONS)) ||
		(first != FIRST_OF_MUTE && can_keep_rows(OWN_FOLLOWS)) ||
		can_keep_rows(OWN_MUTES) || can_keep_rows(OWN_MARKS))
		refuse_references(mode, statements, first, READER, value,
						  _("A trigger has prevented rows that refer to it from being deleted or updated."));
}

/* See LocalTableRequire(). */
static void
require_local_tables(void)
{
	for (int i = 0; i < NUM_REFERRING_TABLES; i++)
	{
		if (is_there(referring_tables[i]))
			LocalTableRequire(referring_tables[i]);
	}
}

/*
 * Apply on_delete to the references that "statements" select with "value": see
 * IntegrityRemoveObjects().  Tells whether there were any to delete or to empty.
 */
static bool
remove_references(OnDelete on_delete, RunAsMode mode, Statements *statements, Datum value)
{
	/* mutes and marks do not keep anybody from deleting their objects */
	Column		first = on_delete == ON_DELETE_RESTRICT ? FIRST_OF_MUTE :
		on_delete == ON_DELETE_KEEP ? FIRST_OF_FOLLOW : ACTOR;
	bool		result = false;

	require_local_tables();
	SPI_connect();
	if (on_delete == ON_DELETE_RESTRICT)
		refuse_references(mode, statements, ACTOR, FOLLOWEE, &value,
						  _("Actions or follows refer to it."));
	for (Column column = first; column < NUM_COLUMNS; column++)
	{
		bool		empty = on_delete == ON_DELETE_SET_NULL &&
			(column == ACTION_OBJECT || column == TARGET);

		if (!is_there(table_of[column]))
			continue;
		result |= SpiPlanExecuteAs(table_of[column], mode,
								   empty ? &statements->empty[column] : &statements->delete[column],
								   &value, NULL) > 0;
	}
	refuse_kept(mode, statements, first, &value);
	SPI_finish();
	return result;
}

/* An array of references. */
static Datum
array_of_refs(const Ref *const *refs, int n)
{
	Datum	   *elements = palloc(n * sizeof(Datum));

	for (int i = 0; i < n; i++)
		elements[i] = PointerGetDatum(refs[i]);
	return PointerGetDatum(construct_array(elements, n, RefTypeId(), -1, false, TYPALIGN_INT));
}

/*
 * IntegrityRemoveObjects
 *		Apply the on_delete of a type to the references to some of its objects, which
 *		are gone.
 *
 * Raises ERRCODE_FOREIGN_KEY_VIOLATION if it is "restrict" and there are any.
 */
void
IntegrityRemoveObjects(const RegisteredType *type, const Ref *const *refs, int n, RunAsMode mode)
{
	if (n == 1)
		remove_references(type->on_delete, mode, &of_object, PointerGetDatum(refs[0]));
	else
		remove_references(type->on_delete, mode, &of_objects, array_of_refs(refs, n));
}

/*
 * IntegrityRenameObject
 *		Make what refers to "old_ref" refer to "new_ref".
 *
 * Raises ERRCODE_FOREIGN_KEY_VIOLATION if a trigger keeps a reference as it is.
 */
void
IntegrityRenameObject(const Ref *old_ref, const Ref *new_ref)
{
	Datum		values[2];
	const AssumedObjects renamed = {.n = 1, .refs = {new_ref}};
	const AssumedObjects *before;

	values[0] = PointerGetDatum(old_ref);
	values[1] = PointerGetDatum(new_ref);

	require_local_tables();
	before = IntegrityAssumeExists(&renamed);
	PG_TRY();
	{
		SPI_connect();
		for (Column column = ACTOR; column < NUM_COLUMNS; column++)
		{
			if (is_there(table_of[column]))
				SpiPlanExecuteAs(table_of[column], RUN_AS_CASCADE, &rename_object[column], values, NULL);
		}
		for (Column column = FIRST_OF_FOLLOW; column < NUM_COLUMNS; column++)
		{
			if (is_there(table_of[column]))
				SpiPlanExecuteAs(table_of[column], RUN_AS_CASCADE, &of_object.delete[column],
								 &values[0], NULL);
		}
		refuse_kept(RUN_AS_CASCADE, &of_object, ACTOR, &values[0]);
		SPI_finish();
	}
	PG_FINALLY();
	{
		(void) IntegrityAssumeExists(before);
	}
	PG_END_TRY();
}

/*
 * IntegrityForgetLabel
 *		Apply the on_delete of a type to all references that have its label; its table
 *		is gone or empty.  Tells whether it has removed any.
 */
bool
IntegrityForgetLabel(const RegisteredType *type, RunAsMode mode)
{
	return remove_references(type->on_delete, mode, &of_label, CStringGetTextDatum(type->label));
}

/*
 * IntegrityForgetRows
 *		Apply on_delete to the references to the rows that "rel" has now, which are
 *		about to be deleted or have left the type's table.  "rel" is that table or a
 *		partition of it.
 *
 * Reads the rows without a query, so that no code of a user runs.  Takes time in
 * proportion to their number, but next to none if no reference has the label.  The
 * caller holds a lock on "rel".
 */
void
IntegrityForgetRows(const RegisteredType *type, Relation rel, RunAsMode mode)
{
	RegisteredType forgotten = *type;
	const Ref **refs = palloc(BATCH * sizeof(Ref *));
	MemoryContext batch_context;
	MemoryContext oldcontext;
	Snapshot	snapshot;
	TableScanDesc scan;
	TupleTableSlot *slot;
	int			n = 0;

	if (forgotten.nkeys == 0 || !IntegrityIsReferenced(forgotten.label))
		return;
	batch_context = AllocSetContextCreate(CurrentMemoryContext, "actstream rows",
										  ALLOCSET_DEFAULT_SIZES);
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	slot = table_slot_create(rel, NULL);
	scan = begin_table_scan(rel, snapshot);
	oldcontext = MemoryContextSwitchTo(batch_context);
	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		bool		should_free;
		HeapTuple	row = ExecFetchSlotHeapTuple(slot, false, &should_free);

		CHECK_FOR_INTERRUPTS();
		refs[n] = ObjectKeyRefIfAny(&forgotten, RelationGetRelid(rel), row,
									RelationGetDescr(rel));
		if (refs[n] != NULL && ++n == BATCH)
		{
			IntegrityRemoveObjects(&forgotten, refs, n, mode);
			MemoryContextReset(batch_context);
			n = 0;
		}
	}
	if (n > 0)
		IntegrityRemoveObjects(&forgotten, refs, n, mode);
	MemoryContextSwitchTo(oldcontext);
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	UnregisterSnapshot(snapshot);
	MemoryContextDelete(batch_context);
	pfree(refs);
}

/* Call "visit" for every object of the label that is referred to and does not exist. */
static void
visit_missing(const RegisteredType *type, RunAsMode mode,
			  void visit(const RegisteredType *type, const Ref *ref, RunAsMode mode))
{
	RegisteredType visited = *type;	/* the registry may replace *type meanwhile */
	Datum		label = CStringGetTextDatum(visited.label);
	MemoryContext object_context;
	MemoryContext oldcontext;

	SPI_connect();
	object_context = AllocSetContextCreate(CurrentMemoryContext, "actstream object",
										   ALLOCSET_SMALL_SIZES);
	for (int table = 0; table < NUM_REFERRING_TABLES; table++)
	{
		uint64		nobjects;
		SPITupleTable *objects;

		if (!is_there(referring_tables[table]))
			continue;
		nobjects = SpiPlanExecuteAs(referring_tables[table], RUN_AS_RESTRICTED,
									&list_objects[table], &label, NULL);
		objects = SPI_tuptable;
		oldcontext = MemoryContextSwitchTo(object_context);
		for (uint64 i = 0; i < nobjects; i++)
		{
			bool		isnull;
			Datum		value = SPI_getbinval(objects->vals[i], objects->tupdesc, 1, &isnull);
			const Ref  *ref = DatumGetRefPP(value);

			CHECK_FOR_INTERRUPTS();
			if (!IntegrityObjectExists(ref))
				visit(&visited, ref, mode);
			MemoryContextReset(object_context);
		}
		MemoryContextSwitchTo(oldcontext);
	}
	SPI_finish();
}

static void
remove_missing(const RegisteredType *type, const Ref *ref, RunAsMode mode)
{
	IntegrityRemoveObjects(type, &ref, 1, mode);
}

/*
 * IntegritySweep
 *		Apply the on_delete of the type to every object that is referred to and does
 *		not exist, after rows may have gone without any trigger firing.
 *
 * Does nothing for a type that is not checked, whose objects may be yet to come; nor for
 * one that is not bound, whose rows cannot be looked up.
 */
void
IntegritySweep(const RegisteredType *type, RunAsMode mode)
{
	if (type->checked && type->nkeys > 0)
		visit_missing(type, mode, remove_missing);
}

/* Is the table itself empty, in the newest state of the database? */
static bool
leaf_is_empty(Relation rel)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	TableScanDesc scan = begin_table_scan(rel, snapshot);
	bool		result = !table_scan_getnextslot(scan, ForwardScanDirection, slot);

	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	UnregisterSnapshot(snapshot);
	return result;
}

/*
 * Are the table and its partitions empty?  False if one is a foreign table, which is not
 * read.
 */
static bool
is_empty(Oid relid)
{
	bool		result = true;
	ListCell   *lc;

	foreach(lc, find_all_inheritors(relid, AccessShareLock, NULL))
	{
		Relation	rel = table_open(lfirst_oid(lc), NoLock);

		if (rel->rd_rel->relispartition || RelationGetRelid(rel) == relid)
			result = result && (rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE ||
								(rel->rd_rel->relkind == RELKIND_RELATION && leaf_is_empty(rel)));
		table_close(rel, NoLock);
	}
	return result;
}

/*
 * IntegrityForgetTable
 *		Apply the on_delete of the type, which is checked, to references to rows that
 *		do not exist any more, after its table has been truncated.
 */
void
IntegrityForgetTable(const RegisteredType *type)
{
	if (!IntegrityIsReferenced(type->label))
		return;
	if (is_empty(type->relation))
		IntegrityForgetLabel(type, RUN_AS_CASCADE);
	else
		IntegritySweep(type, RUN_AS_CASCADE);
}

static void
report_missing(const RegisteredType *type, const Ref *ref, RunAsMode mode)
{
	ereport(ERROR,
			(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
			 errmsg("object \"%s\" does not exist in table \"%s\"", RefToText(ref),
					get_rel_name(type->relation)),
			 errdetail("Actions or follows refer to it.")));
}

/*
 * IntegrityRequireObjects
 *		Raise ERRCODE_FOREIGN_KEY_VIOLATION unless every object of the type that is
 *		referred to exists.  Does nothing if the type does not demand that.
 */
void
IntegrityRequireObjects(const RegisteredType *type)
{
	if (type->checked && type->on_delete != ON_DELETE_KEEP)
		visit_missing(type, RUN_AS_RESTRICTED, report_missing);
}
