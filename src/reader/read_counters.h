/*
 * read_counters.h
 *		Counters of the work of reading a stream.
 */
#ifndef ACTSTREAM_READ_COUNTERS_H
#define ACTSTREAM_READ_COUNTERS_H

/*
 * What the parts of a reader count, as totals over its life.  ReaderCounters of
 * stream_reader.h has these, and what concerns the reader as a whole.
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

#endif							/* ACTSTREAM_READ_COUNTERS_H */
