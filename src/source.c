/*
 * source.c
 *		The objects whose actions a stream shows.
 */
#include "postgres.h"

#include "compat.h"
#include "catalog.h"
#include "index_cursor.h"
#include "source.h"

#include "access/stratnum.h"
#include "miscadmin.h"
#include "port.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* Memory for references comes in blocks: they are small, and die together. */
#define SPACE_BLOCK_SIZE	8192

/*
 * SourceSetInit
 *		Make an empty set, whose memory is of "context".
 */
void
SourceSetInit(SourceSet *set, MemoryContext context)
{
	memset(set, 0, sizeof(SourceSet));
	set->context = context;
}

static Ref *
copy_ref(SourceSet *set, Ref *ref)
{
	Size		size = VARSIZE_ANY(ref);
	Ref		   *result;

	if (size > set->space_left)
	{
		set->space_left = Max(size, SPACE_BLOCK_SIZE);
		set->space = MemoryContextAlloc(set->context, set->space_left);
	}
	result = (Ref *) set->space;
	memcpy(result, ref, size);
	/* a reference with a long header has to be aligned */
	size = Min(MAXALIGN(size), set->space_left);
	set->space += size;
	set->space_left -= size;
	return result;
}

/* Put a source at the end of the array, whatever its object. */
static Source *
append(SourceSet *set, Ref *object)
{
	Source	   *source;

	if (set->n == set->capacity)
	{
		Size		size;

		set->capacity = set->capacity == 0 ? 16 : set->capacity * 2;
		size = set->capacity * sizeof(Source);
		set->sources = set->sources == NULL ?
			MemoryContextAlloc(set->context, size) :
			repalloc_huge(set->sources, size);
	}
	source = &set->sources[set->n++];
	source->object = copy_ref(set, object);
	source->since_actor = source->since_other = DT_NOEND;
	source->roles = 0;
	return source;
}

/* Let the source be shown in more roles, or from an earlier time on. */
static void
widen(Source *source, RoleSet roles, TimestampTz since)
{
	if (roles & ROLE_BIT(ACTION_BY_ACTOR))
		source->since_actor = Min(source->since_actor, since);
	if (roles & ~ROLE_BIT(ACTION_BY_ACTOR))
		source->since_other = Min(source->since_other, since);
	source->roles |= roles;
}

/* The first source whose object is not less, or the end of the array. */
static Source *
lower_bound(const SourceSet *set, const Ref *object)
{
	int			low = 0,
				high = set->n;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (RefCompare(set->sources[middle].object, object) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return set->sources + low;
}

static bool
is_end(const SourceSet *set, const Source *source)
{
	return source == set->sources + set->n;
}

/*
 * SourceSetAdd
 *		Show all actions in which the object plays one of the roles.
 */
void
SourceSetAdd(SourceSet *set, Ref *object, RoleSet roles)
{
	Source	   *place = lower_bound(set, object);

	if (is_end(set, place))
		place = append(set, object);
	else if (RefCompare(place->object, object) != 0)
	{
		ptrdiff_t	i = place - set->sources;
		Source		source = *append(set, object);

		place = set->sources + i;
		memmove(place + 1, place, (set->n - 1 - i) * sizeof(Source));
		*place = source;
	}
	widen(place, roles, DT_NOBEGIN);
}

static int
compare_sources(const void *a, const void *b, void *arg)
{
	return RefCompare(((const Source *) a)->object, ((const Source *) b)->object);
}

/*
 * SourceSetAddArray
 *		Show all actions in which an element plays one of the roles, in a set
 *		that was empty.  Nulls are left out.
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
			widen(append(set, DatumGetRefPP(object)), roles, DT_NOBEGIN);
	}
	array_free_iterator(iterator);

	qsort_interruptible(set->sources, set->n, sizeof(Source),
						compare_sources, NULL);
	for (int i = 0; i < set->n; i++)
	{
		if (kept == 0 || compare_sources(&set->sources[kept - 1], &set->sources[i], NULL) != 0)
			set->sources[kept++] = set->sources[i];
	}
	set->n = kept;
}

/*
 * SourceSetAddFollows
 *		Show what the follower follows, with the flag, or any if that is NULL,
 *		in a set that was empty; with "since_follow" only what happened since.
 *
 * "index" is that of FollowIndexFind().  It yields the follows in the order
 * of their followees, those of one followee together.
 */
void
SourceSetAddFollows(SourceSet *set, Relation follow, Oid index,
					Snapshot snapshot, Ref *follower,
					const text *flag, bool since_follow)
{
	IndexCursor *cursor = IndexCursorOpen(follow, index, 1, snapshot);
	Source	   *last = NULL;

	Assert(set->n == 0);
	IndexCursorInitKey(cursor, 0, Anum_follow_index_follower, BTEqualStrategyNumber);
	IndexCursorSetKey(cursor, 0, PointerGetDatum(follower));
	IndexCursorSeek(cursor);
	while (IndexCursorNextVisible(cursor, ForwardScanDirection))
	{
		Datum		columns[Natts_follow_index];
		Ref		   *followee;

		CHECK_FOR_INTERRUPTS();
		IndexCursorColumns(cursor, columns);
		if (flag != NULL)
		{
			text	   *this = DatumGetTextPP(columns[Anum_follow_index_flag - 1]);

			if (VARSIZE_ANY_EXHDR(this) != VARSIZE_ANY_EXHDR(flag) ||
				memcmp(VARDATA_ANY(this), VARDATA_ANY(flag), VARSIZE_ANY_EXHDR(flag)) != 0)
				continue;
		}
		followee = DatumGetRefPP(columns[Anum_follow_index_followee - 1]);
		if (last == NULL || RefCompare(last->object, followee) != 0)
			last = append(set, followee);
		widen(last,
			  DatumGetBool(columns[Anum_follow_index_actor_only - 1]) ?
			  ROLE_BIT(ACTION_BY_ACTOR) : ALL_ROLES,
			  since_follow ?
			  DatumGetTimestampTz(columns[Anum_follow_index_started - 1]) : DT_NOBEGIN);
	}
	IndexCursorClose(cursor);
}

/*
 * SourceSetCountLists
 *		How many pairs of a source and one of its roles there are.
 */
int
SourceSetCountLists(const SourceSet *set)
{
	int			count = 0;

	for (int i = 0; i < set->n; i++)
		count += pg_number_of_ones[set->sources[i].roles];
	return count;
}

/*
 * SourceSetShows
 *		Whether the action, a row of the table, is one of those to show.
 */
bool
SourceSetShows(const SourceSet *set, TupleTableSlot *action)
{
	bool		isnull;
	TimestampTz timestamp = DatumGetTimestampTz(slot_getattr(action, Anum_action_timestamp, &isnull));

	for (ActionIndex role = 0; role < NUM_ACTION_ROLES; role++)
	{
		Datum		object = slot_getattr(action, ActionRoleColumns[role], &isnull);
		Source	   *source;

		if (isnull)
			continue;
		source = lower_bound(set, DatumGetRefPP(object));
		if (!is_end(set, source) &&
			(source->roles & ROLE_BIT(role)) != 0 &&
			timestamp >= SourceSince(source, role) &&
			RefCompare(source->object, DatumGetRefPP(object)) == 0)
			return true;
	}
	return false;
}
