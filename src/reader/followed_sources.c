/*
 * followed_sources.c
 *		Sources of rows of follows and mutes.
 *
 * The rows come from the indexes of the tables, or as an array of records from a query.
 * Columns that the tables do not allow to be null can be null all the same, if the owner of
 * a table has dropped constraints.
 */
#include "postgres.h"

#include "base/compat.h"
#include "reader/followed_sources.h"
#include "ref/ref_ops.h"
#include "tables/index_cursor.h"
#include "tables/own_tables.h"

#include "access/htup_details.h"
#include "access/stratnum.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

/* The columns of a record of a follow, in the query of in_user_stream(). */
enum FollowRecord
{
	FOLLOW_FOLLOWEE, FOLLOW_ACTOR_ONLY, FOLLOW_STARTED, FOLLOW_VERBS, FOLLOW_NCOLUMNS
};

/* The same of a mute. */
enum MuteRecord
{
	MUTE_MUTER, MUTE_MUTED, MUTE_VERBS, MUTE_BLOCK, MUTE_NCOLUMNS
};

#define MAX_RECORD_COLUMNS	4

/* The type of a reference, in an array of the types of a record; its OID varies. */
#define REF		InvalidOid

static bool
same_flag(Datum value, const text *flag)
{
	text	   *other = DatumGetTextPP(value);

	return VARSIZE_ANY_EXHDR(other) == VARSIZE_ANY_EXHDR(flag) &&
		memcmp(VARDATA_ANY(other), VARDATA_ANY(flag), VARSIZE_ANY_EXHDR(flag)) == 0;
}

/* The verbs of a column, NULL for any; in the memory of the set. */
static const VerbList *
verbs_of(SourceSet *set, Datum verbs, bool isnull)
{
	return isnull ? NULL : VerbListOfArray(DatumGetArrayTypeP(verbs), set->context);
}

/* A cursor on the entries of an index whose first column is that reference. */
static IndexCursor *
open_entries(Relation table, Oid index, Snapshot snapshot, Ref *first)
{
	IndexCursor *cursor = IndexCursorOpen(table, index, 1, snapshot);

	IndexCursorInitKey(cursor, 0, 1, BTEqualStrategyNumber);
	IndexCursorSetKey(cursor, 0, PointerGetDatum(first));
	IndexCursorSeek(cursor);
	return cursor;
}

/*
 * FollowedSourcesRead
 *		Add what the follower follows with the flag, or with any flag if it is NULL, to a set
 *		that is empty.
 *
 * "index" is that of FollowIndexFind().  It returns follows in the order of their
 * followees, so those of one followee are adjacent.
 */
void
FollowedSourcesRead(SourceSet *set, Relation follows, Oid index, Snapshot snapshot,
					Ref *follower, const text *flag)
{
	IndexCursor *cursor = open_entries(follows, index, snapshot, follower);

	Assert(set->n == 0);
	while (IndexCursorNextVisible(cursor, ForwardScanDirection))
	{
		Datum		columns[Natts_follow_index];
		bool		isnull[Natts_follow_index];
		SourceTerm	term = {0};
		Ref		   *followee;

		CHECK_FOR_INTERRUPTS();
		IndexCursorColumns(cursor, columns, isnull);
		if (isnull[Anum_follow_index_followee - 1] ||
			(set->with_since && isnull[Anum_follow_index_started - 1]) ||
			(flag != NULL && (isnull[Anum_follow_index_flag - 1] ||
							  !same_flag(columns[Anum_follow_index_flag - 1], flag))))
			continue;
		term.roles = isnull[Anum_follow_index_actor_only - 1] ||
			DatumGetBool(columns[Anum_follow_index_actor_only - 1]) ?
			ROLE_BIT(ACTION_BY_ACTOR) : ALL_ROLES;
		term.since = DatumGetTimestampTz(columns[Anum_follow_index_started - 1]);
		term.verbs = verbs_of(set, columns[Anum_follow_index_verbs - 1],
							  isnull[Anum_follow_index_verbs - 1]);
		followee = DatumGetRefPP(columns[Anum_follow_index_followee - 1]);
		SourceSetAddNext(set, followee, &term);
		/* long keys are compressed in the index */
		if ((Pointer) followee != DatumGetPointer(columns[Anum_follow_index_followee - 1]))
			pfree(followee);
	}
	IndexCursorClose(cursor);
}

/* Hide all actions of an object in these roles, or only those with some verbs. */
static void
hide(SourceSet *hidden, Ref *object, RoleSet roles, const VerbList *verbs)
{
	SourceTerm	term = {.roles = roles, .since = DT_NOBEGIN, .verbs = verbs};

	SourceSetAdd(hidden, object, &term);
}

/*
 * Is the mute with that expiry in force?  If so, lowers "until" to the expiry.
 */
static bool
is_in_force(Datum expiry, bool isnull, TimestampTz now, TimestampTz *until)
{
	if (isnull)
		return true;
	if (DatumGetTimestampTz(expiry) <= now)
		return false;
	*until = Min(*until, DatumGetTimestampTz(expiry));
	return true;
}

/*
 * MutedSourcesRead
 *		Add what the mutes hide from the follower to a set that is empty: all that the
 *		follower has muted, and what is done by those who have blocked the follower.
 *
 * "indexes" are those of MuteIndexesFind().  Returns until when the result holds.
 */
TimestampTz
MutedSourcesRead(SourceSet *hidden, Relation mutes, const Oid indexes[NUM_MUTE_INDEXES],
				 Snapshot snapshot, Ref *follower, TimestampTz now)
{
	TimestampTz until = DT_NOEND;
	IndexCursor *cursor;
	Datum		columns[Natts_mute_index];
	bool		isnull[Natts_mute_index];

	cursor = open_entries(mutes, indexes[MUTE_BY_MUTER], snapshot, follower);
	while (IndexCursorNextVisible(cursor, ForwardScanDirection))
	{
		CHECK_FOR_INTERRUPTS();
		IndexCursorColumns(cursor, columns, isnull);
		if (!isnull[Anum_mute_index_other - 1] &&
			is_in_force(columns[Anum_mute_index_until - 1], isnull[Anum_mute_index_until - 1],
						now, &until))
			hide(hidden, DatumGetRefPP(columns[Anum_mute_index_other - 1]), ALL_ROLES,
				 verbs_of(hidden, columns[Anum_mute_index_verbs - 1],
						  isnull[Anum_mute_index_verbs - 1]));
	}
	IndexCursorClose(cursor);

	cursor = open_entries(mutes, indexes[MUTE_BY_MUTED], snapshot, follower);
	while (IndexCursorNextVisible(cursor, ForwardScanDirection))
	{
		CHECK_FOR_INTERRUPTS();
		IndexCursorColumns(cursor, columns, isnull);
		if (!isnull[Anum_mute_index_other - 1] && !isnull[Anum_mute_index_block - 1] &&
			DatumGetBool(columns[Anum_mute_index_block - 1]) &&
			is_in_force(columns[Anum_mute_index_until - 1], isnull[Anum_mute_index_until - 1],
						now, &until))
			hide(hidden, DatumGetRefPP(columns[Anum_mute_index_other - 1]),
				 ROLE_BIT(ACTION_BY_ACTOR), NULL);
	}
	IndexCursorClose(cursor);
	return until;
}

/* What to do with the columns of a record. */
typedef void (*TakeRecord) (SourceSet *set, const Datum *values, const bool *isnull,
							const void *arg);

static bool
has_types(TupleDesc tupdesc, const Oid *types, int n)
{
	if (tupdesc->natts != n)
		return false;
	for (int i = 0; i < n; i++)
	{
		if (TupleDescAttr(tupdesc, i)->atttypid != (types[i] == REF ? RefTypeId() : types[i]))
			return false;
	}
	return true;
}

/*
 * Call "take" for the records of an array that have columns of these types.  Others, which
 * our queries do not make, are skipped, for the condition of a stream raises no errors.
 */
static void
take_records(SourceSet *set, ArrayType *records, const Oid *types, int ncolumns,
			 TakeRecord take, const void *arg)
{
	ArrayIterator iterator = array_create_iterator(records, 0, NULL);
	TupleDesc	tupdesc = NULL;
	Datum		record;
	bool		isnull;

	Assert(ncolumns <= MAX_RECORD_COLUMNS);
	while (array_iterate(iterator, &record, &isnull))
	{
		Datum		values[MAX_RECORD_COLUMNS];
		bool		nulls[MAX_RECORD_COLUMNS];
		HeapTupleData tuple = {0};

		CHECK_FOR_INTERRUPTS();
		if (isnull)
			continue;
		tuple.t_data = DatumGetHeapTupleHeader(record);
		tuple.t_len = HeapTupleHeaderGetDatumLength(tuple.t_data);
		/* normally all records are of one type */
		if (tupdesc != NULL && (HeapTupleHeaderGetTypeId(tuple.t_data) != tupdesc->tdtypeid ||
								HeapTupleHeaderGetTypMod(tuple.t_data) != tupdesc->tdtypmod))
		{
			ReleaseTupleDesc(tupdesc);
			tupdesc = NULL;
		}
		if (tupdesc == NULL)
			tupdesc = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(tuple.t_data),
											 HeapTupleHeaderGetTypMod(tuple.t_data));
		if (!has_types(tupdesc, types, ncolumns))
			continue;
		heap_deform_tuple(&tuple, tupdesc, values, nulls);
		take(set, values, nulls, arg);
	}
	if (tupdesc != NULL)
		ReleaseTupleDesc(tupdesc);
	array_free_iterator(iterator);
}

/* TakeRecord: add a follow. */
static void
take_follow(SourceSet *set, const Datum *values, const bool *isnull, const void *arg)
{
	SourceTerm	term = {0};

	if (isnull[FOLLOW_FOLLOWEE] || isnull[FOLLOW_ACTOR_ONLY] || isnull[FOLLOW_STARTED])
		return;
	term.roles = DatumGetBool(values[FOLLOW_ACTOR_ONLY]) ? ROLE_BIT(ACTION_BY_ACTOR) : ALL_ROLES;
	term.since = DatumGetTimestampTz(values[FOLLOW_STARTED]);
	term.verbs = verbs_of(set, values[FOLLOW_VERBS], isnull[FOLLOW_VERBS]);
	SourceSetAdd(set, DatumGetRefPP(values[FOLLOW_FOLLOWEE]), &term);
}

/*
 * FollowedSourcesFromRows
 *		The same as FollowedSourcesRead() from an array of records (see FollowRecord), in any
 *		order.
 */
void
FollowedSourcesFromRows(SourceSet *set, ArrayType *follows)
{
	static const Oid types[FOLLOW_NCOLUMNS] = {REF, BOOLOID, TIMESTAMPTZOID, TEXTARRAYOID};

	Assert(set->n == 0);
	take_records(set, follows, types, FOLLOW_NCOLUMNS, take_follow, NULL);
}

/* TakeRecord: add a mute that is in force, of the follower "arg" or a block of that. */
static void
take_mute(SourceSet *hidden, const Datum *values, const bool *isnull, const void *arg)
{
	if (isnull[MUTE_MUTER] || isnull[MUTE_MUTED])
		return;
	if (RefCompare(DatumGetRefPP(values[MUTE_MUTER]), arg) == 0)
		hide(hidden, DatumGetRefPP(values[MUTE_MUTED]), ALL_ROLES,
			 verbs_of(hidden, values[MUTE_VERBS], isnull[MUTE_VERBS]));
	else if (!isnull[MUTE_BLOCK] && DatumGetBool(values[MUTE_BLOCK]))
		hide(hidden, DatumGetRefPP(values[MUTE_MUTER]), ROLE_BIT(ACTION_BY_ACTOR), NULL);
}

/*
 * MutedSourcesFromRows
 *		The same as MutedSourcesRead() from an array of records (see MuteRecord), in any
 *		order.
 */
void
MutedSourcesFromRows(SourceSet *hidden, ArrayType *mutes, const Ref *follower)
{
	static const Oid types[MUTE_NCOLUMNS] = {REF, REF, TEXTARRAYOID, BOOLOID};

	take_records(hidden, mutes, types, MUTE_NCOLUMNS, take_mute, follower);
}
