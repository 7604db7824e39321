/*
 * stream_scan.h
 *		The plan node that scans a stream.
 */
#ifndef ACTSTREAM_STREAM_SCAN_H
#define ACTSTREAM_STREAM_SCAN_H

#include "nodes/extensible.h"

/* All extensions of a server share the names of such nodes. */
#define STREAM_SCAN_NAME	"actstream Stream"

/*
 * Members of custom_private, in order.  custom_exprs holds the call of the
 * function, and after it the clauses that limit the scan.
 */
enum StreamScanPrivate
{
	STREAM_SCAN_KIND,			/* Integer: StreamKind */
	STREAM_SCAN_PAGE,			/* Integer: rows that are wanted, at a guess */
	STREAM_SCAN_WHOLE_ROW		/* Boolean: is the last column of
								 * custom_scan_tlist the whole row? */
};

extern const CustomScanMethods stream_scan_methods;

extern void StreamPlanInit(void);

#endif							/* ACTSTREAM_STREAM_SCAN_H */
