/*
 * group_span.c
 *		The groups of one span of time.
 *
 * The actions come newest first, so groups are met in the order of their newest actions, and
 * the actors and actions met first are the newest.  All that is kept of the actions is in one
 * memory context, which is reset for the next span.
 */
#include "postgres.h"

#include "base/compat.h"
#include "group/group_span.h"

#include "common/hashfn.h"
#include "lib/stringinfo.h"
#include "utils/memutils.h"

/* A string of bytes that stands for a group, or for an actor of a group. */
typedef struct SpanKey
{
	uint64		hash;
	int			len;
	const char *bytes;
} SpanKey;

typedef struct SpanEntry
{
	SpanKey		key;
	SpanGroup  *group;			/* NULL for an actor */
	char		status;			/* for simplehash.h */
} SpanEntry;

static inline bool
keys_are_equal(const SpanKey *a, const SpanKey *b)
{
	return a->hash == b->hash && a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

#define SH_PREFIX		entries
#define SH_ELEMENT_TYPE	SpanEntry
#define SH_KEY_TYPE		SpanKey
#define SH_KEY			key
#define SH_HASH_KEY(tb, k)	((uint32) (k).hash)
#define SH_EQUAL(tb, a, b)	keys_are_equal(&(a), &(b))
#define SH_SCOPE		static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

struct GroupSpan
{
	MemoryContext context;		/* holds what is below "key" */
	const GroupOptions *options;
	const ActionPlace *as_of;
	TimestampTz begin;
	StringInfoData key;			/* of what is looked up */
	entries_hash *entries;
	int			ngroups;
	int			size;			/* number of groups that there is room for */
	SpanGroup **groups;			/* in the order in which they were met */
	int			nplaced;
	SpanGroup **placed;			/* those with a place, in the order of these */
};

/*
 * GroupSpanCreate
 *		Memory for spans, to be reset before it is used; it belongs to "parent".
 */
GroupSpan *
GroupSpanCreate(MemoryContext parent)
{
	MemoryContext caller = MemoryContextSwitchTo(parent);
	GroupSpan  *span = palloc0(sizeof(GroupSpan));

	span->context = AllocSetContextCreate(parent, "actstream groups", ALLOCSET_DEFAULT_SIZES);
	initStringInfo(&span->key);
	MemoryContextSwitchTo(caller);
	return span;
}

/*
 * GroupSpanReset
 *		Begin a span, without groups.  "options" and "as_of" must live as long as the span.
 */
void
GroupSpanReset(GroupSpan *span, const GroupOptions *options, const ActionPlace *as_of,
			   TimestampTz begin)
{
	MemoryContextReset(span->context);
	span->options = options;
	span->as_of = as_of;
	span->begin = begin;
	span->entries = entries_create(span->context, 32, NULL);
	span->ngroups = span->nplaced = 0;
	span->size = 16;
	span->groups = MemoryContextAlloc(span->context, sizeof(SpanGroup *) * span->size);
	span->placed = MemoryContextAlloc(span->context, sizeof(SpanGroup *) * span->size);
}

/*
 * GroupSpanBeginning
 *		When the span begins.
 */
TimestampTz
GroupSpanBeginning(const GroupSpan *span)
{
	return span->begin;
}

static void
append_column(StringInfo key, const struct varlena *column)
{
	uint32		len = column == NULL ? PG_UINT32_MAX : VARSIZE_ANY_EXHDR(column);

	appendBinaryStringInfo(key, (const char *) &len, sizeof(len));
	if (column != NULL)
		appendBinaryStringInfo(key, VARDATA_ANY(column), len);
}

/* Find what is in span->key, or enter it. */
static SpanEntry *
find_entry(GroupSpan *span, bool *found)
{
	SpanKey		key = {.len = span->key.len, .bytes = span->key.data};
	SpanEntry  *entry;

	key.hash = hash_bytes_extended((const unsigned char *) key.bytes, key.len, 0);
	entry = entries_insert(span->entries, key, found);
	if (!*found)
	{
		char	   *bytes = MemoryContextAlloc(span->context, key.len);

		entry->key.bytes = memcpy(bytes, key.bytes, key.len);
		entry->group = NULL;
	}
	return entry;
}

static struct varlena *
copy_column(GroupSpan *span, const struct varlena *column)
{
	return column == NULL ? NULL :
		memcpy(MemoryContextAlloc(span->context, VARSIZE_ANY(column)), column, VARSIZE_ANY(column));
}

/* The group of an action, which is made if the action is its first. */
static SpanGroup *
find_group(GroupSpan *span, const GroupedAction *action)
{
	SpanEntry  *entry;
	SpanGroup  *group;
	bool		found;

	resetStringInfo(&span->key);
	for (int i = 0; i < NUM_GROUP_COLUMNS; i++)
	{
		if (span->options->by & GROUP_COLUMN_BIT(i))
			append_column(&span->key, action->columns[i]);
	}
	entry = find_entry(span, &found);
	if (found)
		return entry->group;

	group = MemoryContextAllocZero(span->context, sizeof(SpanGroup));
	entry->group = group;
	group->hash = entry->key.hash;
	group->number = span->ngroups;
	group->newest = action->place.timestamp;
	for (int i = 0; i < NUM_GROUP_COLUMNS; i++)
		group->columns[i] = copy_column(span, action->columns[i]);
	if (span->ngroups == span->size)
	{
		span->size *= 2;
		span->groups = repalloc_huge(span->groups, sizeof(SpanGroup *) * span->size);
		span->placed = repalloc_huge(span->placed, sizeof(SpanGroup *) * span->size);
	}
	span->groups[span->ngroups++] = group;
	return group;
}

/* Append to a sample of "n" values, unless it is complete. */
static Datum *
append_sample(GroupSpan *span, Datum *sample, int n)
{
	if (n == 0)
		return MemoryContextAlloc(span->context, sizeof(Datum) * Min(span->options->sample, 4));
	/* doubled at 4, 8, 16, ... */
	if (n >= 4 && (n & (n - 1)) == 0)
		return repalloc_huge(sample, sizeof(Datum) * n * 2);
	return sample;
}

static void
count_actor(GroupSpan *span, SpanGroup *group, const struct varlena *actor)
{
	bool		found;

	if (group->actors > 0 && (span->options->by & GROUP_COLUMN_BIT(GROUP_BY_ACTOR)))
		return;
	resetStringInfo(&span->key);
	/* no column of a group has this length */
	appendBinaryStringInfo(&span->key, "actor", 5);
	appendBinaryStringInfo(&span->key, (const char *) &group->number, sizeof(group->number));
	appendBinaryStringInfo(&span->key, VARDATA_ANY(actor), VARSIZE_ANY_EXHDR(actor));
	find_entry(span, &found);
	if (found)
		return;
	group->actors++;
	if (group->nactors < span->options->sample)
	{
		group->actor_sample = append_sample(span, group->actor_sample, group->nactors);
		group->actor_sample[group->nactors++] = PointerGetDatum(copy_column(span, actor));
	}
}

static bool
columns_are_equal(const struct varlena *a, const struct varlena *b)
{
	return a == NULL || b == NULL ? a == b :
		VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) &&
		memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0;
}

/*
 * GroupSpanAdd
 *		Add an action of the span, which is older than all before.
 */
void
GroupSpanAdd(GroupSpan *span, const GroupedAction *action)
{
	SpanGroup  *group = find_group(span, action);

	group->actions++;
	group->oldest = action->place.timestamp;
	if (!group->has_place && ActionPlaceCompare(&action->place, span->as_of) <= 0)
	{
		group->has_place = true;
		group->place = action->place;
		span->placed[span->nplaced++] = group;
	}
	for (int i = 0; i < NUM_GROUP_COLUMNS; i++)
	{
		/* once actions differ, the column stays null, which no group has in common */
		if (group->columns[i] != NULL && !columns_are_equal(group->columns[i], action->columns[i]))
			group->columns[i] = NULL;
	}
	count_actor(span, group, action->columns[GROUP_BY_ACTOR]);
	if (group->nids < span->options->sample)
	{
		group->action_sample = append_sample(span, group->action_sample, group->nids);
		group->action_sample[group->nids++] = Int64GetDatum(action->place.id);
	}
}

/*
 * GroupSpanFinish
 *		The groups of the span, in order: by the newest action not above "as_of", and then those
 *		that have only newer ones.  Returns their number.
 */
int
GroupSpanFinish(GroupSpan *span, SpanGroup ***groups)
{
	int			n = span->nplaced;

	for (int i = 0; i < span->ngroups && n < span->ngroups; i++)
	{
		if (!span->groups[i]->has_place)
			span->placed[n++] = span->groups[i];
	}
	*groups = span->placed;
	return span->ngroups;
}
