/*
 * source_set.h
 *		The objects whose actions a stream shows.
 */
#ifndef ACTSTREAM_SOURCE_SET_H
#define ACTSTREAM_SOURCE_SET_H

#include "reader/action_screen.h"
#include "reader/kept_bounds.h"
#include "ref/ref.h"
#include "tables/table_index.h"

#include "utils/array.h"

/* Some verbs, in order, each once. */
typedef struct VerbList
{
	int			n;
	const text *verbs[FLEXIBLE_ARRAY_MEMBER];
} VerbList;

/* Which actions of an object are shown: if several terms are given, those of any. */
typedef struct SourceTerm
{
	RoleSet		roles;			/* in which it appears */
	TimestampTz since;			/* not older than this */
	const VerbList *verbs;		/* with one of these verbs; NULL: with any */
	struct SourceTerm *next;
} SourceTerm;

/* An object, and the roles in which it is shown. */
typedef struct Source
{
	Ref		   *object;
	RoleSet		roles;
} Source;

/* From which times on actions of a source are shown. */
typedef struct SourceSince
{
	TimestampTz actor;			/* actions in which it is the actor */
	TimestampTz other;			/* actions in which it is something else */
} SourceSince;

/* Adjacent sources whose objects have the same label. */
typedef struct SourceRun
{
	const char *label;
	int			label_len;
	int			begin;
	int			end;
} SourceRun;

/* What was learned from the latest streams of the same sources. */
typedef struct SourceHints
{
	int64		visited;		/* rows of the time line that the latest stream visited for
								 * which that was enough; 0: none so far */
	int			skip_tries;		/* streams for which not to try the time line */
	int			skip_bounds;	/* streams for which not to use bounds */
	double		page;			/* estimate of rows wanted for a first page; 0: no page
								 * read */
	TimestampTz page_end;		/* no row of that page was older */
} SourceHints;

/*
 * Sources, in the order of their objects, each object once.
 *
 * There can be many, and they are all read for each page of a stream.  Therefore rarely
 * used members are in separate arrays.
 *
 * Roles and times say in which lists to look.  If the set "filters", an action found there
 * may still be one that is not shown.
 */
typedef struct SourceSet
{
	MemoryContext context;		/* of all that it points to */
	Source	   *sources;
	bool		with_since;		/* are the times of terms heeded? */
	SourceSince *since;			/* of each source; NULL if there is no limit */
	SourceTerm **terms;			/* of each source, NULL if its roles and times say all; NULL
								 * if there are no terms */
	struct SourceSet *hidden;	/* what this set shows is not shown; indexed; or NULL */
	RecencyProbe *probes;		/* of each source: see SourceSetHash() */
	KeptBounds *kept_bounds;	/* of each probe, or NULL */
	int			n;
	int			capacity;
	int			nlists;			/* 0 until counted */
	bool		knows_verbs;	/* has SourceSetVerbs() been asked? */
	const VerbList *verbs;		/* its answer */
	char	   *space;			/* for references: the rest of a block */
	Size		space_left;

	/* for look-ups: see SourceSetIndex() */
	uint64	   *prefixes;		/* of the sources' keys */
	uint64	   *filter;			/* bits set for the hashes of the sources' references */
	int			filter_shift;	/* right shift of a hash, to get the number of its bit */
	SourceRun  *runs;
	int			nruns;

	SourceHints hints;
} SourceSet;

extern RoleSet RolesFromArray(ArrayType *roles);

extern SourceSet *SourceSetCreate(bool with_since);
extern void SourceSetAdd(SourceSet *set, Ref *object, const SourceTerm *term);
extern void SourceSetAddNext(SourceSet *set, Ref *object, const SourceTerm *term);
extern void SourceSetAddArray(SourceSet *set, ArrayType *objects, RoleSet roles);
extern const VerbList *VerbListOfArray(ArrayType *verbs, MemoryContext context);
extern int	VerbCompare(const text *a, const text *b);
extern const VerbList *VerbListIntersect(const VerbList *a, const VerbList *b);
extern const VerbList *SourceSetVerbs(SourceSet *set);
extern int	SourceSetCountLists(SourceSet *set);
extern TimestampTz SourceSetSince(const SourceSet *set, int source, ActionIndex role);
extern void SourceSetHash(SourceSet *set, bool used_again);

#endif							/* ACTSTREAM_SOURCE_SET_H */
