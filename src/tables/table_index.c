/*
 * table_index.c
 *		The indexes that streams are read from.
 *
 * They are recognized by their definition, not by name: replacing an index by an equal
 * one changes nothing.  What was found is kept until the relation cache reports a
 * change to the table, as the table's own list of indexes is.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/relation_watch.h"
#include "tables/own_tables.h"
#include "tables/table_index.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_am.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "nodes/nodes.h"
#include "nodes/primnodes.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

/* The required shape of an index. */
typedef struct IndexShape
{
	int			nkeys;
	int			natts;
	AttrNumber	columns[Natts_follow_index];
	AttrNumber	not_null;		/* column that its predicate may require to be not null */
	bool		only_public;	/* must its predicate be "public"? */
} IndexShape;

#define ROLE_INDEX_SHAPE(role) \
	{Natts_role_index, Natts_role_index, \
	{role, Anum_action_public, Anum_action_timestamp, Anum_action_id}, role, false}

static const IndexShape action_shapes[NUM_ACTION_INDEXES] = {
	[ACTION_BY_ACTOR] = ROLE_INDEX_SHAPE(Anum_action_actor),
	[ACTION_BY_TARGET] = ROLE_INDEX_SHAPE(Anum_action_target),
	[ACTION_BY_ACTION_OBJECT] = ROLE_INDEX_SHAPE(Anum_action_action_object),
	[ACTION_BY_TIME] = {Natts_time_index, Natts_time_index,
	{Anum_action_timestamp, Anum_action_id}, InvalidAttrNumber, true}
};

static const IndexShape follow_shape = {
	3, Natts_follow_index,
	{Anum_follow_follower, Anum_follow_followee, Anum_follow_flag,
	Anum_follow_actor_only, Anum_follow_started, Anum_follow_verbs}, InvalidAttrNumber, false
};

static const IndexShape mute_shapes[NUM_MUTE_INDEXES] = {
	[MUTE_BY_MUTER] = {2, Natts_mute_index,
	{Anum_mute_muter, Anum_mute_muted, Anum_mute_verbs, Anum_mute_until}, InvalidAttrNumber, false},
	[MUTE_BY_MUTED] = {2, Natts_mute_index,
	{Anum_mute_muted, Anum_mute_muter, Anum_mute_block, Anum_mute_until}, InvalidAttrNumber, false}
};

/* The indexes found for actstream.actions, or for a table below it. */
typedef struct FoundIndexes
{
	Oid			table;			/* hash key */
	bool		valid;			/* are the indexes up to date? */
	Oid			indexes[NUM_ACTION_INDEXES];
	Oid			verb_index;		/* InvalidOid: none */
} FoundIndexes;

static HTAB *found_indexes = NULL;

/*
 * The same for a table that has no children; the indexes have no meaning if "table" is
 * InvalidOid.
 */
typedef struct FoundOfTable
{
	Oid			table;
	Oid			indexes[NUM_MUTE_INDEXES];
} FoundOfTable;

static FoundOfTable found_of_follows;
static FoundOfTable found_of_mutes;

/* Callback: a table has changed. */
static void
table_changed(Oid relid)
{
	FoundIndexes *entry;

	if (relid == InvalidOid || relid == found_of_follows.table)
		found_of_follows.table = InvalidOid;
	if (relid == InvalidOid || relid == found_of_mutes.table)
		found_of_mutes.table = InvalidOid;
	if (found_indexes == NULL)
		return;
	if (relid == InvalidOid)
	{
		HASH_SEQ_STATUS status;

		hash_seq_init(&status, found_indexes);
		while ((entry = hash_seq_search(&status)) != NULL)
			entry->valid = false;
	}
	else if ((entry = hash_search(found_indexes, &relid, HASH_FIND, NULL)) != NULL)
		entry->valid = false;
}

/*
 * IsColumnOf
 *		Is the expression that column of the relation with this index in the range table?
 */
bool
IsColumnOf(const Node *expr, Index rti, AttrNumber column)
{
	const Var  *var = (const Var *) expr;

	return IsA(expr, Var) && (Index) var->varno == rti && var->varlevelsup == 0 &&
		var->varattno == column;
}

/* Do the columns of the index match, each in the default order of its type? */
static bool
columns_match(Relation index, TupleDesc table, const IndexShape *shape)
{
	Form_pg_index form = index->rd_index;

	if (form->indnkeyatts != shape->nkeys || form->indnatts != shape->natts)
		return false;
	for (int i = 0; i < shape->natts; i++)
	{
		Form_pg_attribute column;
		Oid			opclass;

		if (form->indkey.values[i] != shape->columns[i])
			return false;
		if (i >= shape->nkeys)
			continue;
		column = TupleDescAttr(table, shape->columns[i] - 1);
		opclass = GetDefaultOpClass(column->atttypid, BTREE_AM_OID);
		if (index->rd_indoption[i] != 0 ||
			index->rd_indcollation[i] != column->attcollation ||
			index->rd_opfamily[i] != get_opclass_family(opclass))
			return false;
	}
	return true;
}

/*
 * IndexHasPredicate
 *		Is the index partial?
 */
bool
IndexHasPredicate(Relation index)
{
	return !heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL);
}

/*
 * IndexPredicate
 *		The predicate of an index as it was declared, or NULL.
 *
 * RelationGetIndexPredicate() would simplify it, and so call functions of the table's
 * owner as whatever role looks at the index.
 */
Node *
IndexPredicate(Relation index)
{
	HeapTuple	tuple;
	Datum		predicate;
	bool		isnull;
	Node	   *result;

	if (!IndexHasPredicate(index))
		return NULL;
	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(RelationGetRelid(index)));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for index %u", RelationGetRelid(index));
	predicate = SysCacheGetAttr(INDEXRELID, tuple, Anum_pg_index_indpred, &isnull);
	result = stringToNode(TextDatumGetCString(predicate));
	ReleaseSysCache(tuple);
	return result;
}

/* Is it "column IS NOT NULL"? */
static bool
is_not_null(Node *condition, AttrNumber attnum)
{
	NullTest   *test = (NullTest *) condition;

	return IsA(condition, NullTest) && test->nulltesttype == IS_NOT_NULL &&
		IsColumnOf((Node *) test->arg, 1, attnum);
}

/*
 * Does the index have every row that a stream may want from it?  The index by time must
 * have no other row: its entries do not tell whether an action is public.
 */
static bool
predicate_allows(Relation index, const IndexShape *shape)
{
	Node	   *predicate = IndexPredicate(index);

	if (shape->only_public)
		return predicate != NULL && IsColumnOf(predicate, 1, Anum_action_public);
	return predicate == NULL ||
		(AttributeNumberIsValid(shape->not_null) && is_not_null(predicate, shape->not_null));
}

/* Can snapshots of this transaction use the index? */
static bool
is_usable(Relation index)
{
	Form_pg_index form = index->rd_index;

	if (!form->indisvalid || !form->indisready || !form->indislive)
		return false;
	return !form->indcheckxmin ||
		TransactionIdPrecedes(HeapTupleHeaderGetXmin(index->rd_indextuple->t_data),
							  TransactionXmin);
}

/* Is the column of the index ordered as its type is by default, or the other way around? */
static bool
is_ordered_by_type(Relation index, int i, Oid type)
{
	return index->rd_opcintype[i] == type &&
		index->rd_opfamily[i] == get_opclass_family(GetDefaultOpClass(type, BTREE_AM_OID));
}

/*
 * VerbIndexIsOrdered
 *		Does an index by verb have the actions of a verb in the order of a stream?
 */
bool
VerbIndexIsOrdered(Relation index)
{
	int			id = Anum_verb_index_timestamp;

	return index->rd_index->indnkeyatts > id && index->rd_index->indkey.values[id] == Anum_action_id &&
		is_ordered_by_type(index, id, INT8OID) &&
		index->rd_indoption[id - 1] == 0 && index->rd_indoption[id] == 0;
}

/*
 * Is it an index that somebody has made to find actions by verb: a btree by verb and time, of
 * all actions or the public ones?  Zero if not; else the higher, the more useful it is.
 *
 * What follows these columns, and their order, are not required, nor the collation, as
 * long as only equal bytes are equal.
 */
static int
verb_index_rank(Relation index)
{
	Form_pg_index form = index->rd_index;
	bool		has_id = false;
	Node	   *predicate;

	if (index->rd_rel->relam != BTREE_AM_OID || form->indnkeyatts < 2 ||
		form->indkey.values[0] != Anum_action_verb ||
		form->indkey.values[1] != Anum_action_timestamp ||
		index->rd_opcintype[0] != TEXTOID || !is_ordered_by_type(index, 1, TIMESTAMPTZOID) ||
		!get_collation_isdeterministic(index->rd_indcollation[0]))
		return 0;
	predicate = IndexPredicate(index);
	if (predicate != NULL && !IsColumnOf(predicate, 1, Anum_action_public))
		return 0;
	for (int i = 2; i < form->indnatts; i++)
		has_id |= form->indkey.values[i] == Anum_action_id;
	return 1 + (predicate != NULL) + 2 * has_id + 4 * VerbIndexIsOrdered(index);
}

/*
 * Set *result to the index if it can be used; else returns false.  Clears *lasting if that will
 * change by itself.
 */
static bool
use_index(Relation index, Oid *result, bool *lasting)
{
	bool		usable = is_usable(index);

	if (usable)
		*result = RelationGetRelid(index);
	*lasting &= !index->rd_index->indcheckxmin;
	return usable;
}

/*
 * find_indexes
 *		Fill in an index for each shape and, unless "verb_index" is NULL, one by verb;
 *		InvalidOid if there is none.
 *
 * Returns whether the answer holds until the table changes.
 */
static bool
find_indexes(Relation table, const IndexShape *shapes, int nshapes, Oid *result, Oid *verb_index)
{
	List	   *indexes = RelationGetIndexList(table);
	bool		lasting = true;
	int			best = 0;
	ListCell   *lc;

	memset(result, 0, nshapes * sizeof(Oid));
	if (verb_index != NULL)
		*verb_index = InvalidOid;
	foreach(lc, indexes)
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);
		int			rank = verb_index == NULL ? 0 : verb_index_rank(index);

		for (int i = 0; i < nshapes; i++)
		{
			if (index->rd_rel->relam == BTREE_AM_OID && !OidIsValid(result[i]) &&
				columns_match(index, RelationGetDescr(table), &shapes[i]) &&
				predicate_allows(index, &shapes[i]))
				(void) use_index(index, &result[i], &lasting);
		}
		if (rank > best && use_index(index, verb_index, &lasting))
			best = rank;
		index_close(index, AccessShareLock);
	}
	list_free(indexes);
	return lasting;
}

/*
 * Find the indexes of actstream.actions, or of a table below it, and keep what was
 * found for as long as it is valid.
 */
static const FoundIndexes *
find_action_indexes(Relation action)
{
	Oid			table = RelationGetRelid(action);
	FoundIndexes *entry;
	uint64		changes_before;
	bool		is_known;

	if (found_indexes == NULL)
	{
		HASHCTL		ctl = {.keysize = sizeof(Oid), .entrysize = sizeof(FoundIndexes)};

		found_indexes = hash_create("actstream indexes", 16, &ctl, HASH_ELEM | HASH_BLOBS);
		RelationWatch(table_changed);
	}
	entry = hash_search(found_indexes, &table, HASH_ENTER, &is_known);
	if (is_known && entry->valid)
		return entry;
	entry->valid = false;
	changes_before = RelationChanges();
	is_known = find_indexes(action, action_shapes, NUM_ACTION_INDEXES, entry->indexes,
							&entry->verb_index);
	entry->valid = is_known && RelationChanges() == changes_before;
	return entry;
}

/*
 * TableHasChildren
 *		Does a query on the table also read tables below it?
 *
 * After the last of these is dropped, relhassubclass stays set until ANALYZE.
 */
bool
TableHasChildren(Relation table)
{
	return table->rd_rel->relhassubclass &&
		find_inheritance_children(RelationGetRelid(table), NoLock) != NIL;
}

/*
 * ActionIndexesFind
 *		Fill in the NUM_ACTION_INDEXES indexes of actstream.actions, or of a table below
 *		it; false unless all of them exist.
 *
 * The caller holds a lock on the table.
 */
bool
ActionIndexesFind(Relation action, Oid *indexes)
{
	memcpy(indexes, find_action_indexes(action)->indexes, NUM_ACTION_INDEXES * sizeof(Oid));
	for (int i = 0; i < NUM_ACTION_INDEXES; i++)
	{
		if (!OidIsValid(indexes[i]))
			return false;
	}
	return true;
}

/*
 * VerbIndexFind
 *		An index of actstream.actions, or of a table below it, whose first columns are the
 *		verb and the time, the most useful one; or InvalidOid.
 *
 * The caller holds a lock on the table.
 */
Oid
VerbIndexFind(Relation action)
{
	return find_action_indexes(action)->verb_index;
}

/* Fill in the indexes of a table, InvalidOid for those that do not exist. */
static void
find_of_table(FoundOfTable *found, Relation table, const IndexShape *shapes, int nshapes,
			  Oid *indexes)
{
	uint64		changes_before = RelationChanges();

	RelationWatch(table_changed);
	if (found->table == RelationGetRelid(table))
	{
		memcpy(indexes, found->indexes, nshapes * sizeof(Oid));
		return;
	}
	if (find_indexes(table, shapes, nshapes, indexes, NULL) && RelationChanges() == changes_before)
	{
		memcpy(found->indexes, indexes, nshapes * sizeof(Oid));
		found->table = RelationGetRelid(table);
	}
}

/*
 * FollowIndexFind
 *		The index of actstream.follows by follower that has all columns, or InvalidOid
 *		if there is none.
 *
 * The caller holds a lock on the table.
 */
Oid
FollowIndexFind(Relation follow)
{
	Oid			index;

	find_of_table(&found_of_follows, follow, &follow_shape, 1, &index);
	return index;
}

/*
 * MuteIndexesFind
 *		Fill in the indexes of actstream.mutes; false unless all of them exist.
 *
 * The caller holds a lock on the table.
 */
bool
MuteIndexesFind(Relation mutes, Oid indexes[NUM_MUTE_INDEXES])
{
	find_of_table(&found_of_mutes, mutes, mute_shapes, NUM_MUTE_INDEXES, indexes);
	return OidIsValid(indexes[MUTE_BY_MUTER]) && OidIsValid(indexes[MUTE_BY_MUTED]);
}
