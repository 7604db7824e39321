/*
 * source_filter.c
 *		Which actions a set of sources shows.
 */
#include "postgres.h"

#include "base/compat.h"
#include "reader/source_filter.h"
#include "ref/ref_ops.h"

#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "port/pg_bswap.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

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
				set->runs = set->runs == NULL ?
					MemoryContextAllocHuge(set->context, capacity * sizeof(SourceRun)) :
					repalloc_huge(set->runs, capacity * sizeof(SourceRun));
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

/* Search the runs for the object's source, as look_up() does. */
static int
search_runs(const SourceSet *set, const Ref *object)
{
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
 * look_up
 *		The place of the object's source in an indexed set, or -1 if it has none.
 */
static inline int
look_up(const SourceSet *set, const Ref *object)
{
	uint64		bit = filter_bit(set, object);

	return (set->filter[bit / 64] & (UINT64CONST(1) << (bit % 64))) == 0 ? -1 :
		search_runs(set, object);
}

static bool
has_verb(const VerbList *list, const text *verb)
{
	for (int i = 0; i < list->n && verb != NULL; i++)
	{
		if (VARSIZE_ANY_EXHDR(list->verbs[i]) == VARSIZE_ANY_EXHDR(verb) &&
			memcmp(VARDATA_ANY(list->verbs[i]), VARDATA_ANY(verb), VARSIZE_ANY_EXHDR(verb)) == 0)
			return true;
	}
	return false;
}

/* Does one of the terms show the action, in which the source plays the role? */
static bool
term_shows(const SourceTerm *term, ActionIndex role, const ActionRefs *action)
{
	for (; term != NULL; term = term->next)
	{
		if ((term->roles & ROLE_BIT(role)) != 0 && action->timestamp >= term->since &&
			(term->verbs == NULL || has_verb(term->verbs, action->verb)))
			return true;
	}
	return false;
}

/* Does one of the sources show the action? */
static bool
shows(const SourceSet *set, const ActionRefs *action)
{
	for (ActionIndex role = 0; role < NUM_ACTION_ROLES; role++)
	{
		const Ref  *object = action->objects[role];
		int			source = object == NULL ? -1 : look_up(set, object);

		if (source < 0 || (set->sources[source].roles & ROLE_BIT(role)) == 0)
			continue;
		if (set->terms != NULL && set->terms[source] != NULL ?
			term_shows(set->terms[source], role, action) :
			action->timestamp >= SourceSetSince(set, source, role))
			return true;
	}
	return false;
}

/*
 * SourceSetShows
 *		Does the set, which has been indexed, show the action?
 */
bool
SourceSetShows(const SourceSet *set, const ActionRefs *action)
{
	return shows(set, action) && (set->hidden == NULL || !shows(set->hidden, action));
}

/* The roles in which no action of a source is shown. */
static RoleSet
hidden_roles(const SourceSet *hidden, const Ref *object)
{
	int			source = look_up(hidden, object);
	RoleSet		result = 0;

	if (source < 0)
		return 0;
	if (hidden->terms == NULL || hidden->terms[source] == NULL)
		return hidden->sources[source].roles;
	for (const SourceTerm *term = hidden->terms[source]; term != NULL; term = term->next)
	{
		if (term->verbs == NULL)
			result |= term->roles;
	}
	return result;
}

/*
 * SourceSetHide
 *		Show no actions that "hidden" shows, which has no times, and must not change any
 *		more.
 *
 * Drops the sources of which nothing is left to show.
 */
void
SourceSetHide(SourceSet *set, SourceSet *hidden)
{
	int			kept = 0;

	if (hidden->n == 0)
		return;
	SourceSetIndex(hidden);
	set->hidden = hidden;
	for (int i = 0; i < set->n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		set->sources[i].roles &= ~hidden_roles(hidden, set->sources[i].object);
		if (set->sources[i].roles == 0)
			continue;
		set->sources[kept] = set->sources[i];
		if (set->with_since)
			set->since[kept] = set->since[i];
		if (set->terms != NULL)
			set->terms[kept] = set->terms[i];
		kept++;
	}
	set->n = kept;
}
