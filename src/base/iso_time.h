/*
 * iso_time.h
 *		Dates and times in ISO 8601 form, whatever the settings.
 */
#ifndef ACTSTREAM_ISO_TIME_H
#define ACTSTREAM_ISO_TIME_H

#include "datatype/timestamp.h"
#include "utils/date.h"

extern char *IsoDate(DateADT date);
extern char *IsoTimestamp(Timestamp timestamp, bool utc);
extern bool IsoParseDate(const char *text, DateADT *date);
extern bool IsoParseTimestamp(const char *text, bool utc, Timestamp *timestamp);

#endif							/* ACTSTREAM_ISO_TIME_H */
