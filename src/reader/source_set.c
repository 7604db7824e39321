/*
 * source_set.c
 *		The objects whose actions a stream shows.
 */
#include "postgres.h"

#include "base/compat.h"
#include "reader/source_set.h"
#include "recency/recency_map.h"
#include "ref/ref_ops.h"
#include "tables/index_cursor.h"
#include "tables/own_tables.h"

#include "access/htup_details.h"
#include "access/stratnum.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "port.h"
#include "port/pg_bitutils.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

/* References are allocated in blocks, as they are small, and freed together. */
#define SPACE_BLOCK_SIZE	8192

#define FIRST_CAPACITY		64

/*
 * SourceSetCreate
 *		Make an empty set, in the current memory context.
 */
SourceSet *
SourceSetCreate(void)
{
	SourceSet  *set = palloc0(sizeof(SourceSet));

	set->context = CurrentMemoryContext;
	return set;
}

static Ref *
copy_ref(SourceSet *set, Ref *ref)
{
	Size		size = VARSIZE_ANY(ref);
	Ref		   *result;

	/* a reference with a long header has to be aligned */
	if (MAXALIGN(size) > set->space_left)
	{
		set->space_left = Max(MAXALIGN(size), SPACE_BLOCK_SIZE);
		set->space = MemoryContextAlloc(set->context, set->space_left);
	}
	result = (Ref *) set->space;
	memcpy(result, ref, size);
	set->space += MAXALIGN(size);
	set->space_left -= MAXALIGN(size);
	return result;
}

static void *
enlarge(SourceSet *set, void *array, Size size)
{
	return array == NULL ?
		MemoryContextAllocHuge(set->context, size) : repalloc_huge(array, size);
}

/* Append a source, without looking for its object; returns its place. */
static int
append(SourceSet *set, Ref *object, bool with_since)
{
	if (set->n == set->capacity)
	{
		set->capacity = Max(set->capacity * 2, FIRST_CAPACITY);
		set->sources = enlarge(set, set->sources, set->capacity * sizeof(Source));
		if (with_since)
			set->since = enlarge(set, set->since, set->capacity * sizeof(SourceSince));
	}
	set->sources[set->n].object = copy_ref(set, object);
	set->sources[set->n].roles = 0;
	if (with_since)
		set->since[set->n].actor = set->since[set->n].other = DT_NOEND;
	return set->n++;
}

/* Show a source in more roles, or from an earlier time on. */
static void
widen(SourceSet *set, int source, RoleSet roles, TimestampTz since)
{
	set->sources[source].roles |= roles;
	if (set->since == NULL)
		return;
	if (roles & ROLE_BIT(ACTION_BY_ACTOR))
		set->since[source].actor = Min(set->since[source].actor, since);
	if (roles & ~ROLE_BIT(ACTION_BY_ACTOR))
		set->since[source].other = Min(set->since[source].other, since);
}

/* The place of the first source whose object is not less. */
static int
lower_bound(const SourceSet *set, const Ref *object)
{
	int			low = 0;
	int			high = set->n;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (RefCompare(set->sources[middle].object, object) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Move the last source to a place before it. */
static void
move_last(SourceSet *set, int place)
{
	Source		source = set->sources[set->n - 1];
	int			nafter = set->n - 1 - place;

	memmove(&set->sources[place + 1], &set->sources[place], nafter * sizeof(Source));
	set->sources[place] = source;
	if (set->since != NULL)
	{
		SourceSince since = set->since[set->n - 1];

		memmove(&set->since[place + 1], &set->since[place], nafter * sizeof(SourceSince));
		set->since[place] = since;
	}
}

/*
 * The place of the source of an object, which is added if there is none.  This is fast
 * if objects come in order.
 */
static int
find_or_add(SourceSet *set, Ref *object, bool with_since)
{
	int			place = set->n;
	int			order = place == 0 ? -1 : RefCompare(set->sources[place - 1].object, object);

	if (order >= 0)
	{
		place = order == 0 ? place - 1 : lower_bound(set, object);
		if (RefCompare(set->sources[place].object, object) == 0)
			return place;
	}
	(void) append(set, object, with_since);
	move_last(set, place);
	return place;
}

/*
 * SourceSetAdd
 *		Show all actions in which the object plays one of the roles.
 */
void
SourceSetAdd(SourceSet *set, Ref *object, RoleSet roles)
{
	widen(set, find_or_add(set, object, set->since != NULL), roles, DT_NOBEGIN);
}

/*
 * RolesFromArray
 *		The roles that a text[] names; raises an error if one of them is null or not a
 *		role.
 */
RoleSet
RolesFromArray(ArrayType *roles)
{
	RoleSet		result = 0;
	Datum	   *elems;
	bool	   *nulls;
	int			n;

	deconstruct_array(roles, TEXTOID, -1, false, TYPALIGN_INT, &elems, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		char	   *role;

		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("role must not be null")));
		role = TextDatumGetCString(elems[i]);
		if (strcmp(role, "actor") == 0)
			result |= ROLE_BIT(ACTION_BY_ACTOR);
		else if (strcmp(role, "target") == 0)
			result |= ROLE_BIT(ACTION_BY_TARGET);
		else if (strcmp(role, "action_object") == 0)
			result |= ROLE_BIT(ACTION_BY_ACTION_OBJECT);
		else
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("unrecognized role: \"%s\"", role),
					 errhint("Roles are \"actor\", \"action_object\" and \"target\".")));
	}
	return result;
}

static int
compare_sources(const void *a, const void *b, void *arg)
{
	return RefCompare(((const Source *) a)->object, ((const Source *) b)->object);
}

/*
 * SourceSetAddArray
 *		Show all actions in which an element plays one of the roles, in a set that was
 *		empty.  Nulls are skipped.
 */
void
SourceSetAddArray(SourceSet *set, ArrayType *objects, RoleSet roles)
{
	ArrayIterator iterator = array_create_iterator(objects, 0, NULL);
	Datum		object;
	bool		isnull;
	int			kept = 0;

	Assert(set->n == 0);
	while (array_iterate(iterator, &object, &isnull))
	{
		CHECK_FOR_INTERRUPTS();
		if (!isnull)
			widen(set, append(set, DatumGetRefPP(object), false), roles, DT_NOBEGIN);
	}
	array_free_iterator(iterator);

	qsort_interruptible(set->sources, set->n, sizeof(Source), compare_sources, NULL);
	for (int i = 0; i < set->n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (kept == 0 || RefCompare(set->sources[kept - 1].object, set->sources[i].object) != 0)
			set->sources[kept++] = set->sources[i];
	}
	set->n = kept;
}

static bool
same_flag(Datum value, const text *flag)
{
	text	   *other = DatumGetTextPP(value);

	return VARSIZE_ANY_EXHDR(other) == VARSIZE_ANY_EXHDR(flag) &&
		memcmp(VARDATA_ANY(other), VARDATA_ANY(flag), VARSIZE_ANY_EXHDR(flag)) == 0;
}

static bool
is_empty(Datum value)
{
	return VARSIZE_ANY_EXHDR(DatumGetTextPP(value)) == 0;
}

/*
 * SourceSetAddFollows
 *		Show what the follower follows with the flag, or with any flag if it is NULL, in
 *		a set that was empty; with "since_follow" only actions since the follow began.
 *
 * "index" is that of FollowIndexFind().  It returns follows in the order of their
 * followees, so those of one followee are adjacent.
 */
void
SourceSetAddFollows(SourceSet *set, Relation follow, Oid index,
					Snapshot snapshot, Ref *follower,
					const text *flag, bool since_follow)
{
	IndexCursor *cursor = IndexCursorOpen(follow, index, 1, snapshot);

	Assert(set->n == 0);
	IndexCursorInitKey(cursor, 0, Anum_follow_index_follower, BTEqualStrategyNumber);
	IndexCursorSetKey(cursor, 0, PointerGetDatum(follower));
	IndexCursorSeek(cursor);
	while (IndexCursorNextVisible(cursor, ForwardScanDirection))
	{
		Datum		columns[Natts_follow_index];
		bool		isnull[Natts_follow_index];
		Ref		   *followee;
		int			source = set->n - 1;

		CHECK_FOR_INTERRUPTS();
		IndexCursorColumns(cursor, columns, isnull);
		/* any can be null if the table's owner has dropped constraints */
		if (isnull[Anum_follow_index_followee - 1] ||
			(since_follow && isnull[Anum_follow_index_started - 1]) ||
			(flag != NULL && (isnull[Anum_follow_index_flag - 1] ||
							  !same_flag(columns[Anum_follow_index_flag - 1], flag))))
			continue;
		followee = DatumGetRefPP(columns[Anum_follow_index_followee - 1]);
		/* a follow without a flag is the first of its followee, as flags are in order */
		if (source < 0 ||
			(!isnull[Anum_follow_index_flag - 1] && is_empty(columns[Anum_follow_index_flag - 1])) ||
			RefCompare(set->sources[source].object, followee) != 0)
			source = append(set, followee, since_follow);
		widen(set, source,
			  isnull[Anum_follow_index_actor_only - 1] ||
			  DatumGetBool(columns[Anum_follow_index_actor_only - 1]) ?
			  ROLE_BIT(ACTION_BY_ACTOR) : ALL_ROLES,
			  DatumGetTimestampTz(columns[Anum_follow_index_started - 1]));
		/* long keys are compressed in the index */
		if ((Pointer) followee != DatumGetPointer(columns[Anum_follow_index_followee - 1]))
			pfree(followee);
	}
	IndexCursorClose(cursor);
}

/* Does a row have the columns that SourceSetAddFollowRows() expects? */
static bool
is_follow_row(TupleDesc tupdesc)
{
	return tupdesc->natts == 3 &&
		TupleDescAttr(tupdesc, 0)->atttypid == RefTypeId() &&
		TupleDescAttr(tupdesc, 1)->atttypid == BOOLOID &&
		TupleDescAttr(tupdesc, 2)->atttypid == TIMESTAMPTZOID;
}

/* Add the source of one row.  Rows of another type, or with nulls, are skipped. */
static void
add_follow_row(SourceSet *set, HeapTupleHeader row, TupleDesc tupdesc, bool since_follow)
{
	HeapTupleData tuple = {.t_len = HeapTupleHeaderGetDatumLength(row), .t_data = row};
	Datum		values[3];
	bool		isnull[3];

	if (!is_follow_row(tupdesc))
		return;
	heap_deform_tuple(&tuple, tupdesc, values, isnull);
	if (!isnull[0] && !isnull[1] && !isnull[2])
		widen(set, find_or_add(set, DatumGetRefPP(values[0]), since_follow),
			  DatumGetBool(values[1]) ? ROLE_BIT(ACTION_BY_ACTOR) : ALL_ROLES,
			  DatumGetTimestampTz(values[2]));
}

/*
 * SourceSetAddFollowRows
 *		The same from an array of rows with the columns followee, actor_only and started
 *		of follows.  The rows may be in any order.
 */
void
SourceSetAddFollowRows(SourceSet *set, ArrayType *follows, bool since_follow)
{
	ArrayIterator iterator = array_create_iterator(follows, 0, NULL);
	TupleDesc	tupdesc = NULL;
	Datum		follow;
	bool		isnull;

	Assert(set->n == 0);
	while (array_iterate(iterator, &follow, &isnull))
	{
		HeapTupleHeader row;

		CHECK_FOR_INTERRUPTS();
		if (isnull)
			continue;
		row = DatumGetHeapTupleHeader(follow);
		/* normally all rows are of one type */
		if (tupdesc != NULL && (HeapTupleHeaderGetTypeId(row) != tupdesc->tdtypeid ||
								HeapTupleHeaderGetTypMod(row) != tupdesc->tdtypmod))
		{
			ReleaseTupleDesc(tupdesc);
			tupdesc = NULL;
		}
		if (tupdesc == NULL)
			tupdesc = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(row),
											 HeapTupleHeaderGetTypMod(row));
		add_follow_row(set, row, tupdesc, since_follow);
	}
	if (tupdesc != NULL)
		ReleaseTupleDesc(tupdesc);
	array_free_iterator(iterator);
}

/*
 * SourceSetCountLists
 *		The number of pairs of a source and one of its roles.  The set must not change
 *		any more.
 */
int
SourceSetCountLists(SourceSet *set)
{
	if (set->nlists == 0)
	{
		for (int i = 0; i < set->n; i++)
			set->nlists += pg_number_of_ones[set->sources[i].roles];
	}
	return set->nlists;
}

/*
 * SourceSetSince
 *		The time of the oldest action to show in which the source plays the role.
 */
TimestampTz
SourceSetSince(const SourceSet *set, int source, ActionIndex role)
{
	if (set->since == NULL)
		return DT_NOBEGIN;
	return role == ACTION_BY_ACTOR ? set->since[source].actor : set->since[source].other;
}

static int
compare_probes(const void *a, const void *b, void *arg)
{
	uint64		x = ((const RecencyProbe *) a)->hash;
	uint64		y = ((const RecencyProbe *) b)->hash;

	return (x > y) - (x < y);
}

/*
 * SourceSetHash
 *		Prepare the set, which must not change any more, for the recency map.
 *
 * A set that is used again and again is sorted, so that the map is read from one end to
 * the other, and keeps the bounds that were found.
 */
void
SourceSetHash(SourceSet *set, bool used_again)
{
	if (set->probes != NULL)
		return;
	set->probes = MemoryContextAllocHuge(set->context, Max(set->n, 1) * sizeof(RecencyProbe));
	for (int i = 0; i < set->n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		set->probes[i].hash = RecencyHash(set->sources[i].object);
		set->probes[i].source = i;
		set->probes[i].roles = set->sources[i].roles;
	}
	if (!used_again)
		return;
	qsort_interruptible(set->probes, set->n, sizeof(RecencyProbe), compare_probes, NULL);
	set->kept_bounds = KeptBoundsCreate(set->n);
}

/*
 * The first bytes after the label, as an integer that compares as they do.  Most keys
 * have no more bytes.
 */
static uint64
key_prefix(const Ref *ref, int label_len)
{
	const unsigned char *key = (const unsigned char *) VARDATA_ANY(ref) + label_len;
	int			key_len = VARSIZE_ANY_EXHDR(ref) - label_len;
	uint64		result = 0;

	if (key_len >= (int) sizeof(result))
	{
		memcpy(&result, key, sizeof(result));
		return pg_ntoh64(result);
	}
	for (int i = 0; i < key_len; i++)
		result |= (uint64) key[i] << (56 - 8 * i);
	return result;
}

/*
 * The number of the bit for a reference in the filter: the upper bits of a product of
 * its first and last bytes.
 *
 * No integer is written to memory in halves: the processor would have to wait before it
 * could read the whole.
 */
static inline uint64
filter_bit(const SourceSet *set, const Ref *ref)
{
	const char *data = VARDATA_ANY(ref);
	int			len = VARSIZE_ANY_EXHDR(ref);
	uint64		first = 0;
	uint64		last = 0;

	if (len >= (int) sizeof(uint64))
	{
		memcpy(&first, data, sizeof(uint64));
		memcpy(&last, data + len - sizeof(uint64), sizeof(uint64));
	}
	else if (len >= (int) sizeof(uint32))
	{
		uint32		half;

		memcpy(&half, data, sizeof(uint32));
		first = half;
		memcpy(&half, data + len - sizeof(uint32), sizeof(uint32));
		last = half;
	}
	else
		memcpy(&first, data, len);
	return ((first * UINT64CONST(0x9E3779B97F4A7C15) ^ last) * UINT64CONST(0xBF58476D1CE4E5B9)) >>
		set->filter_shift;
}

/*
 * Allocate the prefixes, and a filter with at least 16 bits per source, so that at most
 * one in 16 references that are not in the set pass it.
 */
static void
allocate_index(SourceSet *set)
{
	int			bits = pg_ceil_log2_64(Max((uint64) set->n * 16, 64));

	set->prefixes = MemoryContextAllocHuge(set->context, Max(set->n, 1) * sizeof(uint64));
	set->filter = MemoryContextAllocZero(set->context, (UINT64CONST(1) << bits) / 8);
	set->filter_shift = 64 - bits;
}

/*
 * SourceSetIndex
 *		Prepare the set, which must not change any more, for look-ups.
 */
void
SourceSetIndex(SourceSet *set)
{
	SourceRun  *run = NULL;
	int			capacity = 0;

	if (set->prefixes != NULL)
		return;
	allocate_index(set);
	set->nruns = 0;
	for (int i = 0; i < set->n; i++)
	{
		Ref		   *object = set->sources[i].object;
		uint64		bit = filter_bit(set, object);

		CHECK_FOR_INTERRUPTS();
		if (run == NULL || !RefHasLabel(object, run->label, run->label_len))
		{
			if (set->nruns == capacity)
			{
				capacity = Max(capacity * 2, 8);
				set->runs = enlarge(set, set->runs, capacity * sizeof(SourceRun));
			}
			run = &set->runs[set->nruns++];
			run->label = VARDATA_ANY(object);
			run->label_len = RefLabelLength(object);
			run->begin = i;
		}
		run->end = i + 1;
		set->prefixes[i] = key_prefix(object, run->label_len);
		set->filter[bit / 64] |= UINT64CONST(1) << (bit % 64);
	}
}

/*
 * look_up
 *		The place of the object's source in an indexed set, or -1 if it has none.
 */
static int
look_up(const SourceSet *set, const Ref *object)
{
	uint64		bit = filter_bit(set, object);

	if ((set->filter[bit / 64] & (UINT64CONST(1) << (bit % 64))) == 0)
		return -1;
	for (int i = 0; i < set->nruns; i++)
	{
		const SourceRun *run = &set->runs[i];
		int			low = run->begin;
		int			high = run->end;
		uint64		prefix;

		if (!RefHasLabel(object, run->label, run->label_len))
			continue;
		prefix = key_prefix(object, run->label_len);
		while (low < high)
		{
			int			middle = low + (high - low) / 2;
			int			order = (set->prefixes[middle] > prefix) - (set->prefixes[middle] < prefix);

			if (order == 0)
				order = RefCompare(set->sources[middle].object, object);
			if (order == 0)
				return middle;
			if (order < 0)
				low = middle + 1;
			else
				high = middle;
		}
		break;
	}
	return -1;
}

/*
 * SourceSetShows
 *		Does the set, which has been indexed, show the action?
 */
bool
SourceSetShows(const SourceSet *set, const ActionRefs *action)
{
	for (ActionIndex role = 0; role < NUM_ACTION_ROLES; role++)
	{
		const Ref  *object = action->objects[role];
		int			source = object == NULL ? -1 : look_up(set, object);

		if (source >= 0 && (set->sources[source].roles & ROLE_BIT(role)) != 0 &&
			(set->since == NULL || action->timestamp >= SourceSetSince(set, source, role)))
			return true;
	}
	return false;
}
