/*
 * iso_time.c
 *		Dates and times in ISO 8601 form, whatever the settings.
 *
 * The form is that of to_json(): 2026-03-01, 2026-03-01T09:00:00.5, and in UTC
 * 2026-03-01T09:00:00.5Z.  Fractions of a second have no trailing zeros, years have at
 * least four digits, dates before the year 1 end in " BC", and the infinite values are
 * "infinity" and "-infinity".
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/iso_time.h"

#include "utils/datetime.h"
#include "utils/timestamp.h"

#define INFINITY_TEXT		"infinity"
#define NO_BEGIN_TEXT		"-infinity"
#define BC_TEXT				" BC"

static int
year_as_written(int year)
{
	return year > 0 ? year : 1 - year;
}

static const char *
era(int year)
{
	return year > 0 ? "" : BC_TEXT;
}

/*
 * IsoDate
 *		The text of a date, such as 2026-03-01.
 */
char *
IsoDate(DateADT date)
{
	int			year;
	int			month;
	int			day;

	if (DATE_NOT_FINITE(date))
		return pstrdup(DATE_IS_NOBEGIN(date) ? NO_BEGIN_TEXT : INFINITY_TEXT);
	j2date(date + POSTGRES_EPOCH_JDATE, &year, &month, &day);
	return psprintf("%04d-%02d-%02d%s", year_as_written(year), month, day, era(year));
}

/*
 * IsoTimestamp
 *		The text of a timestamp, such as 2026-03-01T09:00:00.5; with "utc" it is a
 *		timestamp with time zone, and "Z" is appended.
 */
char *
IsoTimestamp(Timestamp timestamp, bool utc)
{
	struct pg_tm tm;
	fsec_t		fsec;
	char		fraction[8] = "";

	if (TIMESTAMP_NOT_FINITE(timestamp))
		return pstrdup(TIMESTAMP_IS_NOBEGIN(timestamp) ? NO_BEGIN_TEXT : INFINITY_TEXT);
	if (timestamp2tm(timestamp, NULL, &tm, &fsec, NULL, NULL) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("timestamp out of range")));
	if (fsec != 0)
	{
		int			len = snprintf(fraction, sizeof(fraction), ".%06d", (int) fsec);

		while (fraction[len - 1] == '0')
			fraction[--len] = '\0';
	}
	return psprintf("%04d-%02d-%02dT%02d:%02d:%02d%s%s%s",
					year_as_written(tm.tm_year), tm.tm_mon, tm.tm_mday,
					tm.tm_hour, tm.tm_min, tm.tm_sec, fraction, utc ? "Z" : "",
					era(tm.tm_year));
}

static int
year_as_counted(int year, const char *text)
{
	size_t		len = strlen(text);
	size_t		era_len = strlen(BC_TEXT);

	return len > era_len && strcmp(text + len - era_len, BC_TEXT) == 0 ? 1 - year : year;
}

/*
 * IsoParseDate
 *		Parse a date in exactly the form of IsoDate(); false if the text is not one.
 */
bool
IsoParseDate(const char *text, DateADT *date)
{
	int			year;
	int			month;
	int			day;

	if (strcmp(text, INFINITY_TEXT) == 0)
		DATE_NOEND(*date);
	else if (strcmp(text, NO_BEGIN_TEXT) == 0)
		DATE_NOBEGIN(*date);
	else
	{
		if (sscanf(text, "%7d-%2d-%2d", &year, &month, &day) != 3)
			return false;
		year = year_as_counted(year, text);
		if (!IS_VALID_JULIAN(year, month, day))
			return false;
		*date = date2j(year, month, day) - POSTGRES_EPOCH_JDATE;
		if (!IS_VALID_DATE(*date))
			return false;
	}
	/* reject whatever else sscanf() accepts */
	return strcmp(IsoDate(*date), text) == 0;
}

/* Microseconds, from the digits after the decimal point. */
static fsec_t
parse_fraction(const char *digits)
{
	fsec_t		fsec = 0;
	int			weight = USECS_PER_SEC / 10;

	for (; *digits >= '0' && *digits <= '9' && weight > 0; digits++, weight /= 10)
		fsec += (*digits - '0') * weight;
	return fsec;
}

/*
 * IsoParseTimestamp
 *		Parse a timestamp in exactly the form of IsoTimestamp(); false if the text is
 *		not one.
 */
bool
IsoParseTimestamp(const char *text, bool utc, Timestamp *timestamp)
{
	struct pg_tm tm = {0};
	const char *point = strchr(text, '.');

	if (strcmp(text, INFINITY_TEXT) == 0)
		TIMESTAMP_NOEND(*timestamp);
	else if (strcmp(text, NO_BEGIN_TEXT) == 0)
		TIMESTAMP_NOBEGIN(*timestamp);
	else
	{
		if (sscanf(text, "%7d-%2d-%2dT%2d:%2d:%2d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
				   &tm.tm_hour, &tm.tm_min, &tm.tm_sec) != 6)
			return false;
		tm.tm_year = year_as_counted(tm.tm_year, text);
		if (tm2timestamp(&tm, point == NULL ? 0 : parse_fraction(point + 1), NULL,
						 timestamp) != 0)
			return false;
	}
	/* reject whatever else sscanf() accepts */
	return strcmp(IsoTimestamp(*timestamp, utc), text) == 0;
}
