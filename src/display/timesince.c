/*
 * timesince.c
 *		How long ago something was, in words: "3 hours, 5 minutes".
 *
 * Years, months, weeks and days follow the calendar of the session's time zone, as
 * "+ interval" does.  A month has passed since T at T + interval '1 month', on the last
 * day if the month is too short.  A day has passed at the same time of the next day, even
 * if that day had 23 or 25 hours.  The rest is measured in hours and minutes of real
 * time.
 */
#include "postgres.h"

#include "base/compat.h"
#include "display/language.h"
#include "display/timesince.h"

#include "access/xact.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(actstream_timesince);

/*
 * Add months, ending on the last day of a month that is too short, and then days, as
 * timestamptz_pl_interval() does; false if the result is out of range.
 */
static bool
calendar_step(TimestampTz from, int months, int days, TimestampTz *result)
{
	struct pg_tm tm;
	fsec_t		fsec;
	int			tz;

	if (timestamp2tm(from, &tz, &tm, &fsec, NULL, NULL) != 0)
		return false;

	months += tm.tm_mon - 1;
	tm.tm_year += months / MONTHS_PER_YEAR;
	tm.tm_mon = months % MONTHS_PER_YEAR + 1;
	tm.tm_mday = Min(tm.tm_mday, day_tab[isleap(tm.tm_year)][tm.tm_mon - 1]);
	if (days > 0)
		j2date(date2j(tm.tm_year, tm.tm_mon, tm.tm_mday) + days,
			   &tm.tm_year, &tm.tm_mon, &tm.tm_mday);

	tz = DetermineTimeZoneOffset(&tm, session_timezone);
	return tm2timestamp(&tm, fsec, &tz, result) == 0;
}

/*
 * The number of calendar months and of days between two instants, considering only their
 * dates.
 */
static void
date_difference(TimestampTz from, TimestampTz to, int *months, int *days)
{
	struct pg_tm a;
	struct pg_tm b;
	fsec_t		fsec;
	int			tz;

	if (timestamp2tm(from, &tz, &a, &fsec, NULL, NULL) != 0 ||
		timestamp2tm(to, &tz, &b, &fsec, NULL, NULL) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("timestamp out of range")));
	*months = (b.tm_year - a.tm_year) * MONTHS_PER_YEAR + b.tm_mon - a.tm_mon;
	*days = date2j(b.tm_year, b.tm_mon, b.tm_mday) - date2j(a.tm_year, a.tm_mon, a.tm_mday);
}

/* How many of each unit fit between two instants, the largest unit first. */
static void
measure(TimestampTz since, TimestampTz now, int64 *counts)
{
	TimestampTz reached = since;
	TimestampTz next;
	int			months;
	int			days;
	int			ignored;

	date_difference(since, now, &months, &ignored);
	for (; months > 0; months--)
	{
		if (calendar_step(since, months, 0, &next) && next <= now)
		{
			reached = next;
			break;
		}
	}
	counts[UNIT_YEAR] = Max(months, 0) / MONTHS_PER_YEAR;
	counts[UNIT_MONTH] = Max(months, 0) % MONTHS_PER_YEAR;

	date_difference(reached, now, &ignored, &days);
	for (; days > 0; days--)
	{
		if (calendar_step(reached, 0, days, &next) && next <= now)
		{
			reached = next;
			break;
		}
	}
	counts[UNIT_WEEK] = Max(days, 0) / 7;
	counts[UNIT_DAY] = Max(days, 0) % 7;

	counts[UNIT_HOUR] = (now - reached) / USECS_PER_HOUR;
	counts[UNIT_MINUTE] = (now - reached) % USECS_PER_HOUR / USECS_PER_MINUTE;
}

static void
append_count(StringInfo text, const Language *language, TimeCase grammatical_case,
			 int64 count, TimeUnit unit)
{
	appendStringInfo(text, INT64_FORMAT " %s", count,
					 LanguageUnit(language, unit, grammatical_case, count));
}

/*
 * TimeSince
 *		How long ago "since" was at "now": the largest unit that fits, and the next
 *		smaller one if that fits, too; in the current memory context.
 *
 * "0 minutes" for times in the future or less than a minute ago.  NULL if "since" is
 * before "now" and one of them is infinite.
 */
char *
TimeSince(TimestampTz since, TimestampTz now, const Language *language,
		  TimeCase grammatical_case)
{
	int64		counts[NUM_TIME_UNITS] = {0};
	StringInfoData text;
	int			unit = UNIT_YEAR;

	if (since < now)
	{
		if (TIMESTAMP_NOT_FINITE(since) || TIMESTAMP_NOT_FINITE(now))
			return NULL;
		measure(since, now, counts);
	}
	while (unit < UNIT_MINUTE && counts[unit] == 0)
		unit++;

	initStringInfo(&text);
	append_count(&text, language, grammatical_case, counts[unit], unit);
	if (unit < UNIT_MINUTE && counts[unit + 1] > 0)
	{
		appendStringInfoString(&text, ", ");
		append_count(&text, language, grammatical_case, counts[unit + 1], unit + 1);
	}
	return text.data;
}

/*
 * TimeIsJustNow
 *		Is it less than a minute ago, or in the future?
 */
bool
TimeIsJustNow(TimestampTz since, TimestampTz now)
{
	if (since >= now)
		return true;
	return !TIMESTAMP_NOT_FINITE(since) && !TIMESTAMP_NOT_FINITE(now) &&
		now - since < USECS_PER_MINUTE;
}

/*
 * NowArg
 *		The argument of a function that says what time it is; null, as some clients send for what is not
 *		set, means the start of the transaction, as by default.
 */
TimestampTz
NowArg(FunctionCallInfo fcinfo, int arg)
{
	return PG_ARGISNULL(arg) ? GetCurrentTransactionStartTimestamp() : PG_GETARG_TIMESTAMPTZ(arg);
}

/*
 * timesince
 *		How long ago something was, in words.
 */
Datum
actstream_timesince(PG_FUNCTION_ARGS)
{
	char	   *text;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	text = TimeSince(PG_GETARG_TIMESTAMPTZ(0), NowArg(fcinfo, 1),
					 LanguageFind(LanguageArg(fcinfo, 2)), CASE_ALONE);
	if (text == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(text));
}
