/*
 * source_set.c
 *		The objects whose actions a stream shows.
 */
#include "postgres.h"

#include "base/compat.h"
#include "reader/source_set.h"
#include "recency/recency_map.h"
#include "ref/ref_ops.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "port.h"
#include "port/pg_bitutils.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* References are allocated in blocks, as they are small, and freed together. */
#define SPACE_BLOCK_SIZE	8192

#define FIRST_CAPACITY		64

/*
 * SourceSetCreate
 *		Make an empty set, in the current memory context.
 */
SourceSet *
SourceSetCreate(bool with_since)
{
	SourceSet  *set = palloc0(sizeof(SourceSet));

	set->context = CurrentMemoryContext;
	set->with_since = with_since;
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

/* Make room for more sources. */
static void
enlarge_all(SourceSet *set)
{
	int			before = set->capacity;

	set->capacity = Max(set->capacity * 2, FIRST_CAPACITY);
	set->sources = enlarge(set, set->sources, set->capacity * sizeof(Source));
	if (set->with_since)
		set->since = enlarge(set, set->since, set->capacity * sizeof(SourceSince));
	if (set->terms == NULL)
		return;
	set->terms = enlarge(set, set->terms, set->capacity * sizeof(SourceTerm *));
	memset(set->terms + before, 0, (set->capacity - before) * sizeof(SourceTerm *));
}

/* Append a source, without looking for its object; returns its place. */
static int
append(SourceSet *set, Ref *object)
{
	if (set->n == set->capacity)
		enlarge_all(set);
	set->sources[set->n].object = copy_ref(set, object);
	set->sources[set->n].roles = 0;
	if (set->with_since)
		set->since[set->n].actor = set->since[set->n].other = DT_NOEND;
	return set->n++;
}

/* Add a term to those of a source. */
static void
push_term(SourceSet *set, int source, RoleSet roles, TimestampTz since, const VerbList *verbs)
{
	SourceTerm *term;

	if (roles == 0)
		return;
	term = MemoryContextAlloc(set->context, sizeof(SourceTerm));
	term->roles = roles;
	term->since = since;
	term->verbs = verbs;
	term->next = set->terms[source];
	set->terms[source] = term;
}

/*
 * Note a term that roles and times do not express, or one besides such a term.  The first
 * one of a source comes after those that its roles and times express.
 */
static void
add_term(SourceSet *set, int source, const SourceTerm *term)
{
	RoleSet		roles = set->sources[source].roles;

	if (set->terms == NULL)
		set->terms = MemoryContextAllocExtended(set->context,
												set->capacity * sizeof(SourceTerm *),
												MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	if (set->terms[source] == NULL)
	{
		push_term(set, source, roles & ROLE_BIT(ACTION_BY_ACTOR),
				  set->with_since ? set->since[source].actor : DT_NOBEGIN, NULL);
		push_term(set, source, roles & ~ROLE_BIT(ACTION_BY_ACTOR),
				  set->with_since ? set->since[source].other : DT_NOBEGIN, NULL);
	}
	push_term(set, source, term->roles, set->with_since ? term->since : DT_NOBEGIN, term->verbs);
}

/* Show a source on a further term. */
static void
widen(SourceSet *set, int source, const SourceTerm *term)
{
	if (term->verbs != NULL || (set->terms != NULL && set->terms[source] != NULL))
		add_term(set, source, term);
	set->sources[source].roles |= term->roles;
	if (!set->with_since)
		return;
	if (term->roles & ROLE_BIT(ACTION_BY_ACTOR))
		set->since[source].actor = Min(set->since[source].actor, term->since);
	if (term->roles & ~ROLE_BIT(ACTION_BY_ACTOR))
		set->since[source].other = Min(set->since[source].other, term->since);
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

/* Move the last element of an array with "n" of them to a place before it. */
static void
move_last_element(void *array, Size size, int n, int place)
{
	char	   *target = (char *) array + place * size;
	char		last[sizeof(SourceSince)];

	Assert(size <= sizeof(last));
	memcpy(last, (char *) array + (n - 1) * size, size);
	memmove(target + size, target, (n - 1 - place) * size);
	memcpy(target, last, size);
}

/* Move the last source to a place before it. */
static void
move_last(SourceSet *set, int place)
{
	if (place == set->n - 1)
		return;
	move_last_element(set->sources, sizeof(Source), set->n, place);
	if (set->with_since)
		move_last_element(set->since, sizeof(SourceSince), set->n, place);
	if (set->terms != NULL)
		move_last_element(set->terms, sizeof(SourceTerm *), set->n, place);
}

/*
 * SourceSetAdd
 *		Show actions of the object, on this term.  Copies the object, but not the verbs.
 *
 * This is fast if objects come in order.
 */
void
SourceSetAdd(SourceSet *set, Ref *object, const SourceTerm *term)
{
	int			place = set->n;
	int			order = place == 0 ? -1 : RefCompare(set->sources[place - 1].object, object);

	if (order >= 0)
	{
		place = order == 0 ? place - 1 : lower_bound(set, object);
		if (RefCompare(set->sources[place].object, object) == 0)
		{
			widen(set, place, term);
			return;
		}
	}
	(void) append(set, object);
	move_last(set, place);
	widen(set, place, term);
}

/*
 * SourceSetAddNext
 *		The same for an object that is not less than those before.
 */
void
SourceSetAddNext(SourceSet *set, Ref *object, const SourceTerm *term)
{
	int			source = set->n - 1;

	if (source < 0 || RefCompare(set->sources[source].object, object) != 0)
		source = append(set, object);
	widen(set, source, term);
}

/*
 * VerbCompare
 *		Less than, equal to, or greater than zero: the order of verbs in a list.
 */
int
VerbCompare(const text *a, const text *b)
{
	int			a_len = VARSIZE_ANY_EXHDR(a);
	int			b_len = VARSIZE_ANY_EXHDR(b);
	int			order = memcmp(VARDATA_ANY(a), VARDATA_ANY(b), Min(a_len, b_len));

	return order != 0 ? order : a_len - b_len;
}

static int
compare_verbs(const void *a, const void *b, void *arg)
{
	return VerbCompare(*(const text *const *) a, *(const text *const *) b);
}

/* Put the verbs in order, each once. */
static void
sort_verbs(VerbList *verbs)
{
	int			kept = 0;

	qsort_interruptible(verbs->verbs, verbs->n, sizeof(text *), compare_verbs, NULL);
	for (int i = 0; i < verbs->n; i++)
	{
		if (kept == 0 || VerbCompare(verbs->verbs[kept - 1], verbs->verbs[i]) != 0)
			verbs->verbs[kept++] = verbs->verbs[i];
	}
	verbs->n = kept;
}

/*
 * VerbListOfArray
 *		The elements of a text[] as verbs, in order, each once, in that memory context.  Nulls are
 *		skipped.
 */
const VerbList *
VerbListOfArray(ArrayType *verbs, MemoryContext context)
{
	Datum	   *elements;
	bool	   *nulls;
	int			n;
	VerbList   *result;

	deconstruct_array(verbs, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &n);
	result = MemoryContextAllocHuge(context, offsetof(VerbList, verbs) + n * sizeof(text *));
	result->n = 0;
	for (int i = 0; i < n; i++)
	{
		text	   *copy;

		if (nulls[i])
			continue;
		copy = MemoryContextAlloc(context, VARSIZE_ANY(DatumGetPointer(elements[i])));
		memcpy(copy, DatumGetPointer(elements[i]), VARSIZE_ANY(DatumGetPointer(elements[i])));
		result->verbs[result->n++] = copy;
	}
	sort_verbs(result);
	return result;
}

/*
 * VerbListIntersect
 *		The verbs that are in both lists, in the current memory context; NULL stands for all.
 */
const VerbList *
VerbListIntersect(const VerbList *a, const VerbList *b)
{
	VerbList   *result;
	int			i = 0;
	int			j = 0;

	if (a == NULL || b == NULL)
		return a == NULL ? b : a;
	result = palloc(offsetof(VerbList, verbs) + Min(a->n, b->n) * sizeof(text *));
	result->n = 0;
	while (i < a->n && j < b->n)
	{
		int			order = VerbCompare(a->verbs[i], b->verbs[j]);

		if (order == 0)
			result->verbs[result->n++] = a->verbs[i];
		i += order <= 0;
		j += order >= 0;
	}
	return result;
}

/* SourceSetVerbs(), without what is kept. */
static const VerbList *
collect_verbs(const SourceSet *set)
{
	VerbList   *result;
	Size		n = 0;

	for (int i = 0; i < set->n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (set->terms == NULL || set->terms[i] == NULL)
			return NULL;
		for (const SourceTerm *term = set->terms[i]; term != NULL; term = term->next)
		{
			if (term->verbs == NULL)
				return NULL;
			n += term->verbs->n;
		}
	}
	if (n == 0)
		return NULL;
	result = MemoryContextAllocHuge(set->context, offsetof(VerbList, verbs) + n * sizeof(text *));
	result->n = 0;
	for (int i = 0; i < set->n; i++)
	{
		for (const SourceTerm *term = set->terms[i]; term != NULL; term = term->next)
		{
			memcpy(&result->verbs[result->n], term->verbs->verbs, term->verbs->n * sizeof(text *));
			result->n += term->verbs->n;
		}
	}
	sort_verbs(result);
	return repalloc_huge(result, offsetof(VerbList, verbs) + result->n * sizeof(text *));
}

/*
 * SourceSetVerbs
 *		All verbs that the set, which must not change any more, shows, in order, each once; NULL if
 *		it shows some source with any verb, or if there are no sources.
 */
const VerbList *
SourceSetVerbs(SourceSet *set)
{
	if (!set->knows_verbs)
		set->verbs = collect_verbs(set);
	set->knows_verbs = true;
	return set->verbs;
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
	const SourceTerm term = {.roles = roles, .since = DT_NOBEGIN};
	ArrayIterator iterator = array_create_iterator(objects, 0, NULL);
	Datum		object;
	bool		isnull;
	int			kept = 0;

	Assert(set->n == 0);
	while (array_iterate(iterator, &object, &isnull))
	{
		CHECK_FOR_INTERRUPTS();
		if (!isnull)
			widen(set, append(set, DatumGetRefPP(object)), &term);
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
	if (!set->with_since)
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
