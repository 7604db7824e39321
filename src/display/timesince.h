/*
 * timesince.h
 *		How long ago something was, in words.
 */
#ifndef ACTSTREAM_TIMESINCE_H
#define ACTSTREAM_TIMESINCE_H

#include "display/language.h"

#include "datatype/timestamp.h"
#include "fmgr.h"

extern TimestampTz NowArg(FunctionCallInfo fcinfo, int arg);
extern char *TimeSince(TimestampTz since, TimestampTz now, const Language *language,
					   TimeCase grammatical_case);
extern bool TimeIsJustNow(TimestampTz since, TimestampTz now);

#endif							/* ACTSTREAM_TIMESINCE_H */
