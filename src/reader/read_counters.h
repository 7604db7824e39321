/*
 * read_counters.h
 *		What reading a stream has taken.
 */
#ifndef ACTSTREAM_READ_COUNTERS_H
#define ACTSTREAM_READ_COUNTERS_H

/* Summed up over the life of a reader. */
typedef struct ReadCounters
{
	int64		lists_opened;
	int64		false_opens;	/* of the lists that were opened */
	int64		newest_found;	/* of the first actions of lists, in the recency map */
	int64		searches;		/* descents of indexes to open, or go on with, a list */
	int64		entries_read;	/* of indexes */
	int64		time_line_rows; /* of them, looked at on the time line */
	int64		heap_fetches;	/* that found a visible row */
	int64		heap_skips;		/* that found none */
} ReadCounters;

#endif							/* ACTSTREAM_READ_COUNTERS_H */
