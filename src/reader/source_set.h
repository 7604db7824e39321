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
	int			nlists;			/* 0 until counted */
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

extern SourceSet *SourceSetCreate(void);
extern void SourceSetAdd(SourceSet *set, Ref *object, RoleSet roles);
extern void SourceSetAddArray(SourceSet *set, ArrayType *objects, RoleSet roles);
extern void SourceSetAddFollows(SourceSet *set, Relation follow, Oid index,
								Snapshot snapshot, Ref *follower,
								const text *flag, bool since_follow);
extern void SourceSetAddFollowRows(SourceSet *set, ArrayType *follows, bool since_follow);
extern int	SourceSetCountLists(SourceSet *set);
extern TimestampTz SourceSetSince(const SourceSet *set, int source, ActionIndex role);
extern void SourceSetHash(SourceSet *set, bool used_again);
extern void SourceSetIndex(SourceSet *set);
extern bool SourceSetShows(const SourceSet *set, const ActionRefs *action);

#endif							/* ACTSTREAM_SOURCE_SET_H */
