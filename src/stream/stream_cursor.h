/*
 * stream_cursor.h
 *		Positions in streams, as clients keep them.
 */
#ifndef ACTSTREAM_STREAM_CURSOR_H
#define ACTSTREAM_STREAM_CURSOR_H

#include "nodes/pathnodes.h"

extern List *StreamCursorPrune(PlannerInfo *root, List *conditions);

#endif							/* ACTSTREAM_STREAM_CURSOR_H */
