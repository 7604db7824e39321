/*
 * stream_scan.h
 *		The plan node that scans a stream.
 */
#ifndef ACTSTREAM_STREAM_SCAN_H
#define ACTSTREAM_STREAM_SCAN_H

/* The name of the path and the plan node, unique among all extensions. */
#define STREAM_SCAN_NAME	"actstream Stream"

/* Members of custom_private, in order. */
enum StreamScanPrivate
{
	STREAM_SCAN_KIND,			/* Integer: StreamKind */
	STREAM_SCAN_PAGES,			/* List of integers: rows to prepare for at first, and if
								 * more are wanted */
	STREAM_SCAN_INDEXES			/* List of OIDs: see StreamTablesOpen() */
};

/* Members of custom_exprs, in order. */
enum StreamScanExprs
{
	STREAM_SCAN_CONDITIONS,		/* List: what the reader enforces; the last is the
								 * condition that identifies the stream */
	STREAM_SCAN_BOUNDS,			/* List: conditions that limit the scan */
	STREAM_SCAN_VERBS			/* List: a condition that restricts it to some verbs, or
								 * none */
};

#endif							/* ACTSTREAM_STREAM_SCAN_H */
