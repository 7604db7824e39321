/*
 * read_counters.h
 *		Counters of the work of reading a stream.
 */
#ifndef ACTSTREAM_READ_COUNTERS_H
#define ACTSTREAM_READ_COUNTERS_H

/*
 * What the parts of a reader count, as totals over its life.
 */
typedef struct ReadCounters
{
	int64		lists_opened;
	int64		false_opens;	/* lists whose bound turned out to be too high */
	int64		newest_found;	/* first actions of lists, found by the recency map */
	int64		searches;		/* index descents to open or continue a list */
	int64		entries_read;	/* index entries */
	int64		time_line_rows; /* of entries_read, those of the time line */
	int64		heap_fetches;	/* fetches that found a visible row */
	int64		heap_skips;		/* fetches that found none */
} ReadCounters;

typedef enum ReaderStrategy
{
	READ_NOTHING,				/* not begun, or nothing to read */
	READ_TIME_LINE,				/* only the time line so far */
	READ_LISTS,					/* only lists */
	READ_BOTH					/* lists, after trying the time line */
} ReaderStrategy;

/* The same with what concerns the reader as a whole. */
typedef struct ReaderCounters
{
	ReaderStrategy strategy;	/* of the latest call */
	bool		by_verb;		/* is its time line one of some verbs only? */
	bool		by_turns;		/* and has it been read again after lists? */
	int64		sources;		/* objects that the stream is about */
	bool		recency_map;	/* was it used by the latest call? */
	int64		lists_skipped;	/* lists not opened owing to their bounds */
	int64		rows_filtered;	/* rows fetched that the stream does not show */
	ReadCounters read;
} ReaderCounters;

#endif							/* ACTSTREAM_READ_COUNTERS_H */
