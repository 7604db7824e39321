/*
 * stream_exec.h
 *		Executing a scan of a stream.
 */
#ifndef ACTSTREAM_STREAM_EXEC_H
#define ACTSTREAM_STREAM_EXEC_H

#include "nodes/extensible.h"

extern const CustomScanMethods stream_scan_methods;

#endif							/* ACTSTREAM_STREAM_EXEC_H */
