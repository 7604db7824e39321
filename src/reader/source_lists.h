/*
 * source_lists.h
 *		The lists of a stream's sources, opened as far as a page needs them.
 */
#ifndef ACTSTREAM_SOURCE_LISTS_H
#define ACTSTREAM_SOURCE_LISTS_H

#include "reader/merge.h"
#include "reader/source_bounds.h"

/*
 * After bounds were of no use for a stream, they are not used for this many further
 * streams of the same kept list of follows.
 */
#define SKIPPED_BOUNDS	15

/*
 * The lists that a call of the reader merges.  stream_turns.c also reads these members,
 * but for bounds_space, most_misled, wider and opened_before.
 */
typedef struct SourceLists
{
	StreamMerge *merge;
	ReadCounters *counters;
	SourceSet  *sources;		/* NULL if the stream is not about objects */
	int			n;				/* number of lists that they have */
	ActionPlace newest;			/* where the call begins */
	ActionPlace oldest;			/* where it ends */
	double		page;			/* estimate of how many rows the query wants */
	SourceBounds *bounds;		/* of the sources; NULL if not used */
	SourceBounds bounds_space;	/* what it points to */
	bool		merging;		/* have the lists been begun? */
	int			most_misled;	/* bounds that may be too high before the time line has
								 * a turn */
	int			wider;			/* how many times as many lists are kept as at first */
	int64		opened_before;	/* counters before they were begun */
	int64		false_opens_before;
	int64		skipped_before;	/* lists skipped in earlier calls */
} SourceLists;

extern void SourceListsBegin(SourceLists *lists, SourceSet *sources, ActionPlace newest,
							 ActionPlace oldest, double page);
extern void SourceListsUseBounds(SourceLists *lists, const RecencyMap *map);
extern void SourceListsEndBounds(SourceLists *lists);
extern void SourceListsMerge(SourceLists *lists, ActionPlace below, int wider);
extern void SourceListsWiden(SourceLists *lists, ActionPlace below);
extern double SourceListsDoubtBounds(SourceLists *lists);
extern bool SourceListsRefuted(const SourceLists *lists, TimestampTz time, int64 found);
extern double SourceListsCost(const SourceLists *lists);
extern double SourceListsCostOfNewer(const SourceLists *lists, TimestampTz newest);
extern int64 SourceListsSkipped(const SourceLists *lists);

#endif							/* ACTSTREAM_SOURCE_LISTS_H */
