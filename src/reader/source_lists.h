/*
 * source_lists.h
 *		The lists of a stream's sources, opened as far as a page needs them.
 */
#ifndef ACTSTREAM_SOURCE_LISTS_H
#define ACTSTREAM_SOURCE_LISTS_H

#include "reader/merge.h"
#include "reader/source_bounds.h"

/*
 * Where it was better to do without bounds, it is likely to be so for the next as many
 * streams of the same kept list of follows.
 */
#define SKIPPED_BOUNDS	15

/* What a call of the reader has to do with lists; read by the reader, too. */
typedef struct SourceLists
{
	StreamMerge *merge;
	ReadCounters *counters;
	SourceSet  *sources;		/* NULL if the stream is not about objects */
	int			n;				/* how many lists they have */
	ActionPlace newest;			/* where the call begins */
	ActionPlace oldest;			/* and ends */
	double		page;			/* rows that the query wants, at a guess */
	SourceBounds *bounds;		/* of the sources; NULL: not used */
	SourceBounds bounds_space;	/* what it points to */
	bool		merging;		/* have the lists been begun? */
	int			most_misled;	/* bounds that may be too high in this turn */
	int			wider;
	int64		opened_before;	/* what was counted before they were begun */
	int64		false_opens_before;
	int64		skipped_before;	/* in earlier calls */
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
