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
#include "utils/snapshot.h"

/* An object, and the roles in which it is shown. */
typedef struct Source
{
	Ref		   *object;
	RoleSet		roles;
} Source;

/* The oldest actions of a source to show. */
typedef struct SourceSince
{
	TimestampTz actor;			/* where it is the actor */
	TimestampTz other;			/* where it is something else */
} SourceSince;

/* The sources from one place to another, whose objects have one label. */
typedef struct SourceRun
{
	const char *label;
	int			label_len;
	int			begin;
	int			end;
} SourceRun;

/* What the last streams of the same sources have met. */
typedef struct SourceHints
{
	int64		visited;		/* rows of the time line, where that was enough */
	int			skip_tries;		/* times that the time line need not be tried */
	int			skip_bounds;	/* times that bounds are not worth looking at */
	double		page;			/* rows of a first page, at a guess; 0: none yet */
	TimestampTz page_end;		/* none of these was older */
} SourceHints;

/*
 * Sources, in the order of their objects, each object once.
 *
 * There can be many, and they are read anew for each page of a stream, so what
 * few streams need is kept apart.
 */
typedef struct SourceSet
{
	MemoryContext context;		/* of all that it points to */
	Source	   *sources;
	SourceSince *since;			/* of each source; NULL if there is no limit */
	RecencyProbe *probes;		/* of each source: see SourceSetHash() */
	KeptBounds *kept_bounds;	/* of each probe, or NULL */
	int			n;
	int			capacity;
	int			nlists;			/* 0 until they were counted */
	char	   *space;			/* for references: what is left of a block */
	Size		space_left;

	/* for look-ups: see SourceSetIndex() */
	uint64	   *prefixes;		/* of the keys of the sources */
	uint64	   *filter;			/* a bit for what a reference hashes to */
	int			filter_shift;	/* of hashes, to get the number of a bit */
	SourceRun  *runs;
	int			nruns;

	SourceHints hints;
} SourceSet;

extern RoleSet RolesFromArray(ArrayType *roles);

extern SourceSet *SourceSetCreate(void);
extern void SourceSetAdd(SourceSet *set, Ref *object, RoleSet roles);
extern void SourceSetAddArray(SourceSet *set, ArrayType *objects, RoleSet roles);
extern void SourceSetAddFollows(SourceSet *set, Relation follow, Oid index,
								Snapshot snapshot, Ref *follower,
								const text *flag, bool since_follow);
extern void SourceSetAddFollowRows(SourceSet *set, ArrayType *follows, bool since_follow);
extern int	SourceSetCountLists(SourceSet *set);
extern TimestampTz SourceSetSince(const SourceSet *set, int source, ActionIndex role);
extern void SourceSetHash(SourceSet *set, bool sorted);
extern void SourceSetIndex(SourceSet *set);
extern bool SourceSetShows(const SourceSet *set, const ActionRefs *action);

#endif							/* ACTSTREAM_SOURCE_SET_H */
