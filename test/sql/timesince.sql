--
-- How long ago something was, in words
--
\i test/lib/fresh.sql
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS timesince CASCADE;
RESET client_min_messages;

SET datestyle = 'ISO';
CREATE SCHEMA timesince;
SET search_path = timesince;

--
-- Worked cases.  Years, months, weeks and days are those of the
-- calendar where the session is; hours and minutes are what is left.
--
CREATE TABLE worked (zone text, since text, now text, expected text, why text);
INSERT INTO worked VALUES
    -- nothing, the future, less than a minute
    ('UTC', '2026-05-10 12:00:00', '2026-05-10 12:00:00', '0 minutes', 'now'),
    ('UTC', '2026-05-10 12:00:00', '2026-05-10 12:00:00.000001', '0 minutes', 'a microsecond'),
    ('UTC', '2026-05-10 12:00:00', '2026-05-10 12:00:59.999999', '0 minutes', 'almost a minute'),
    ('UTC', '2026-05-10 12:00:00.000001', '2026-05-10 12:00:00', '0 minutes', 'a microsecond ahead'),
    ('UTC', '2026-05-10 12:01:00', '2026-05-10 12:00:00', '0 minutes', 'a minute ahead'),
    ('UTC', '2027-05-10 12:00:00', '2026-05-10 12:00:00', '0 minutes', 'a year ahead'),
    -- one and many of each unit
    ('UTC', '2026-05-10 12:00:00', '2026-05-10 12:01:00', '1 minute', ''),
    ('UTC', '2026-05-10 12:00:00', '2026-05-10 12:02:59', '2 minutes', 'seconds are not rounded'),
    ('UTC', '2026-05-10 12:00:00', '2026-05-10 12:59:59', '59 minutes', ''),
    ('UTC', '2026-05-10 12:00:00', '2026-05-10 13:00:00', '1 hour', ''),
    ('UTC', '2026-05-10 12:00:00', '2026-05-10 13:01:00', '1 hour, 1 minute', ''),
    ('UTC', '2026-05-10 12:00:00', '2026-05-10 15:05:30', '3 hours, 5 minutes', ''),
    ('UTC', '2026-05-10 12:00:00', '2026-05-11 11:59:00', '23 hours, 59 minutes', 'another date is not a day'),
    ('UTC', '2026-05-10 12:00:00', '2026-05-11 12:00:00', '1 day', ''),
    ('UTC', '2026-05-10 12:00:00', '2026-05-11 12:59:00', '1 day', 'minutes are not next to days'),
    ('UTC', '2026-05-10 12:00:00', '2026-05-11 13:59:00', '1 day, 1 hour', 'two units at most'),
    ('UTC', '2026-05-10 12:00:00', '2026-05-16 14:30:00', '6 days, 2 hours', ''),
    ('UTC', '2026-05-10 12:00:00', '2026-05-17 11:59:59', '6 days, 23 hours', ''),
    ('UTC', '2026-05-10 12:00:00', '2026-05-17 12:00:00', '1 week', ''),
    ('UTC', '2026-05-10 12:00:00', '2026-05-17 23:00:00', '1 week', 'hours are not next to weeks'),
    ('UTC', '2026-05-10 12:00:00', '2026-05-18 23:00:00', '1 week, 1 day', ''),
    ('UTC', '2026-05-10 12:00:00', '2026-06-09 12:00:00', '4 weeks, 2 days', 'a month of 31 days is not over'),
    ('UTC', '2026-05-10 12:00:00', '2026-06-10 11:59:59', '4 weeks, 2 days', 'nor a second before'),
    ('UTC', '2026-05-10 12:00:00', '2026-06-10 12:00:00', '1 month', ''),
    ('UTC', '2026-05-10 12:00:00', '2026-06-15 12:00:00', '1 month', 'days are not next to months'),
    ('UTC', '2026-05-10 12:00:00', '2026-06-17 12:00:00', '1 month, 1 week', ''),
    ('UTC', '2026-05-10 12:00:00', '2026-07-31 12:00:00', '2 months, 3 weeks', ''),
    ('UTC', '2026-05-10 12:00:00', '2027-05-10 11:59:59', '11 months, 4 weeks', ''),
    ('UTC', '2026-05-10 12:00:00', '2027-05-10 12:00:00', '1 year', ''),
    ('UTC', '2026-05-10 12:00:00', '2027-06-09 12:00:00', '1 year', 'weeks are not next to years'),
    ('UTC', '2026-05-10 12:00:00', '2027-06-10 12:00:00', '1 year, 1 month', ''),
    ('UTC', '2026-05-10 12:00:00', '2031-04-09 12:00:00', '4 years, 10 months', ''),
    ('UTC', '1999-12-31 23:59:59', '2000-01-01 00:00:00', '0 minutes', 'a second over a millennium'),
    ('UTC', '1900-01-01 00:00:00', '2026-01-01 00:00:00', '126 years', ''),
    -- months of unequal length: a month is over on the last day of a shorter one
    ('UTC', '2026-01-31 10:00:00', '2026-02-28 09:59:59', '3 weeks, 6 days', ''),
    ('UTC', '2026-01-31 10:00:00', '2026-02-28 10:00:00', '1 month', ''),
    ('UTC', '2026-01-31 10:00:00', '2026-03-01 10:00:00', '1 month', ''),
    ('UTC', '2026-01-31 10:00:00', '2026-03-30 10:00:00', '1 month, 4 weeks', ''),
    ('UTC', '2026-01-31 10:00:00', '2026-03-31 10:00:00', '2 months', ''),
    ('UTC', '2026-01-29 10:00:00', '2026-02-28 10:00:00', '1 month', ''),
    ('UTC', '2026-02-28 10:00:00', '2026-03-28 10:00:00', '1 month', 'a month of 28 days'),
    ('UTC', '2026-02-28 10:00:00', '2026-03-31 10:00:00', '1 month', ''),
    ('UTC', '2026-03-31 10:00:00', '2026-04-30 10:00:00', '1 month', ''),
    ('UTC', '2026-08-31 10:00:00', '2026-12-31 10:00:00', '4 months', ''),
    ('UTC', '2026-12-15 10:00:00', '2027-01-15 10:00:00', '1 month', 'over the new year'),
    ('UTC', '2026-12-15 10:00:00', '2027-01-14 10:00:00', '4 weeks, 2 days', ''),
    -- leap days
    ('UTC', '2024-02-28 10:00:00', '2024-02-29 10:00:00', '1 day', ''),
    ('UTC', '2024-02-28 10:00:00', '2024-03-01 10:00:00', '2 days', ''),
    ('UTC', '2025-02-28 10:00:00', '2025-03-01 10:00:00', '1 day', ''),
    ('UTC', '2024-01-31 10:00:00', '2024-02-28 10:00:00', '4 weeks', ''),
    ('UTC', '2024-01-31 10:00:00', '2024-02-29 10:00:00', '1 month', ''),
    ('UTC', '2024-02-29 10:00:00', '2025-02-28 09:59:59', '11 months, 4 weeks', ''),
    ('UTC', '2024-02-29 10:00:00', '2025-02-28 10:00:00', '1 year', ''),
    ('UTC', '2024-02-29 10:00:00', '2025-03-29 10:00:00', '1 year, 1 month', ''),
    ('UTC', '2024-02-29 10:00:00', '2028-02-28 10:00:00', '3 years, 11 months', ''),
    ('UTC', '2024-02-29 10:00:00', '2028-02-29 10:00:00', '4 years', ''),
    ('UTC', '2023-02-28 10:00:00', '2024-02-28 10:00:00', '1 year', ''),
    ('UTC', '1896-02-29 00:00:00', '1900-02-28 00:00:00', '4 years', '1900 had none'),
    ('UTC', '2000-02-28 00:00:00', '2000-03-01 00:00:00', '2 days', '2000 had one'),
    -- clocks are put forward, 2026-03-29 02:00 to 03:00
    ('Europe/Berlin', '2026-03-28 12:00:00', '2026-03-29 12:00:00', '1 day', 'of 23 hours'),
    ('Europe/Berlin', '2026-03-28 12:00:00', '2026-03-29 11:59:00', '22 hours, 59 minutes', ''),
    ('Europe/Berlin', '2026-03-29 01:59:00', '2026-03-29 03:00:00', '1 minute', ''),
    ('Europe/Berlin', '2026-03-29 00:00:00', '2026-03-30 00:00:00', '1 day', ''),
    ('Europe/Berlin', '2026-03-28 02:30:00', '2026-03-29 03:30:00', '1 day', 'the next 02:30 is 03:30'),
    ('Europe/Berlin', '2026-03-28 02:30:00', '2026-03-29 03:29:00', '23 hours, 59 minutes', ''),
    ('Europe/Berlin', '2026-02-28 12:00:00', '2026-03-28 12:00:00', '1 month', ''),
    ('Europe/Berlin', '2026-03-01 12:00:00', '2026-04-01 12:00:00', '1 month', 'an hour short'),
    ('Europe/Berlin', '2026-03-22 12:00:00', '2026-03-29 12:00:00', '1 week', 'an hour short'),
    ('UTC', '2026-03-01 11:00:00', '2026-04-01 10:00:00', '4 weeks, 2 days', 'the same two instants elsewhere'),
    -- clocks are put back, 2026-10-25 03:00 to 02:00
    ('Europe/Berlin', '2026-10-24 12:00:00', '2026-10-25 12:00:00', '1 day', 'of 25 hours'),
    ('Europe/Berlin', '2026-10-24 12:00:00', '2026-10-25 11:30:00', '24 hours, 30 minutes', 'a day is not over yet'),
    ('Europe/Berlin', '2026-10-25 02:30:00+02', '2026-10-25 02:30:00+01', '1 hour', 'one time of day, twice'),
    ('Europe/Berlin', '2026-10-25 02:30:00+02', '2026-10-25 02:29:00+01', '59 minutes', ''),
    ('Europe/Berlin', '2026-10-01 12:00:00', '2026-11-01 12:00:00', '1 month', 'an hour more'),
    ('Europe/Berlin', '2026-10-18 12:00:00', '2026-10-25 13:00:00', '1 week', ''),
    -- other zones
    ('America/New_York', '2026-03-07 23:00:00', '2026-03-08 23:00:00', '1 day', 'of 23 hours'),
    ('Australia/Lord_Howe', '2026-04-04 12:00:00', '2026-04-05 12:00:00', '1 day', 'of 24 hours and a half'),
    ('Pacific/Apia', '2011-12-29 12:00:00', '2011-12-31 12:00:00', '2 days', 'of 24 hours: there was no 30th'),
    ('Asia/Kathmandu', '2026-01-31 00:00:00', '2026-02-28 00:00:00', '1 month', ''),
    ('Pacific/Kiritimati', '2026-01-01 00:00:00', '2026-12-31 23:59:00', '11 months, 4 weeks', ''),
    -- far away
    ('UTC', '0001-12-31 00:00:00 BC', '0001-01-01 00:00:00', '1 day', 'there was no year 0'),
    ('UTC', '4713-01-01 00:00:00 BC', '2026-01-01 00:00:00', '6738 years', ''),
    ('UTC', '4714-11-24 00:00:00 BC', '294276-12-31 23:59:59', '298989 years, 1 month', 'from the first to the last'),
    ('UTC', '2026-01-01', '294276-12-31 23:59:59.999999', '292250 years, 11 months', ''),
    ('UTC', '2026-12-31 23:59:59.999999', '294276-12-31 23:59:59', '292249 years, 11 months', 'where the next month is out of range'),
    ('UTC', '-infinity', '2026-01-01', NULL, 'no number of years'),
    ('UTC', '2026-01-01', 'infinity', NULL, 'no number of years'),
    ('UTC', '-infinity', 'infinity', NULL, 'no number of years'),
    ('UTC', 'infinity', '2026-01-01', '0 minutes', 'ahead'),
    ('UTC', '2026-01-01', '-infinity', '0 minutes', 'ahead'),
    ('UTC', 'infinity', 'infinity', '0 minutes', 'now'),
    ('UTC', NULL, '2026-01-01', NULL, '');
-- the present, if it is not said
SELECT actstream.timesince('2026-01-01', NULL) = actstream.timesince('2026-01-01') AS same;

-- in the zone of the case
CREATE FUNCTION timesince_in(zone text, since text, now text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('timezone', zone, true);
    RETURN actstream.timesince(since::timestamptz, now::timestamptz);
END
$$;
SELECT count(*) AS cases, count(*) FILTER (WHERE expected IS NOT DISTINCT FROM timesince_in(zone, since, now)) AS right_ones FROM worked;
SELECT *, timesince_in(zone, since, now) AS got FROM worked WHERE expected IS DISTINCT FROM timesince_in(zone, since, now);

-- The same from the server's own arithmetic: so many months as can be added, then
-- so many days, then so many minutes.
CREATE FUNCTION timesince_sql(since timestamptz, now timestamptz) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    months integer := 0;
    days integer := 0;
    rest interval;
    counts integer[];
    units text[] := '{year,month,week,day,hour,minute}';
    first integer := 6;
BEGIN
    WHILE since + (months + 12) * interval '1 month' <= now LOOP months := months + 12; END LOOP;
    WHILE since + (months + 1) * interval '1 month' <= now LOOP months := months + 1; END LOOP;
    IF months > 0 THEN since := since + months * interval '1 month'; END IF;
    WHILE since + (days + 1) * interval '1 day' <= now LOOP days := days + 1; END LOOP;
    IF days > 0 THEN since := since + days * interval '1 day'; END IF;
    rest := greatest(make_interval(secs => extract(epoch FROM now) - extract(epoch FROM since)), interval '0');
    counts := ARRAY[months / 12, months % 12, days / 7, days % 7, extract(hour FROM rest), extract(minute FROM rest)];
    FOR i IN REVERSE 6 .. 1 LOOP
        IF counts[i] > 0 THEN first := i; END IF;
    END LOOP;
    RETURN (SELECT string_agg(counts[i] || ' ' || units[i] || CASE WHEN counts[i] = 1 THEN '' ELSE 's' END, ', ' ORDER BY i)
            FROM generate_series(first, least(first + 1, 6)) i WHERE i = first OR counts[i] > 0);
END
$$;
SET timezone = 'UTC';
-- pairs of instants by chance: near and far, at ends of months, around changes of clocks
CREATE FUNCTION dice(n bigint, what text, i integer) RETURNS bigint LANGUAGE sql IMMUTABLE
    RETURN ('x0' || left(encode(sha256(convert_to(what || i, 'UTF8')), 'hex'), 15))::bit(64)::bigint % n;
CREATE TABLE pair AS
SELECT since, since + CASE i % 4
           WHEN 0 THEN dice(200000, 'near', i) * interval '1 second'
           WHEN 1 THEN dice(100, 'day', i) * interval '1 day' + (dice(7, 'hour', i) - 3) * interval '30 minutes'
           WHEN 2 THEN dice(60, 'month', i) * interval '1 month' + (dice(5, 'less', i) - 2) * interval '1 day'
           ELSE dice(500000000, 'far', i) * interval '1 second' END AS now
FROM (SELECT i, CASE i % 3
          WHEN 0 THEN timestamptz '1990-01-01 00:00+00' + dice(1200000000, 'since', i) * interval '1 second'
          WHEN 1 THEN timestamptz '2023-12-31 02:30+00' + dice(40, 'end', i) * interval '1 month' + (dice(5, 'off', i) - 2) * interval '30 minutes'
          ELSE timestamptz '2026-03-26 00:30+00' + dice(300, 'clock', i) * interval '30 minutes' END AS since
      FROM generate_series(1, 900) i) s;
SELECT count(*), count(*) FILTER (WHERE actstream.timesince(since, now) IS DISTINCT FROM timesince_sql(since, now)) AS different FROM pair;
SET timezone = 'Europe/Berlin';
SELECT count(*), count(*) FILTER (WHERE actstream.timesince(since, now) IS DISTINCT FROM timesince_sql(since, now)) AS different FROM pair;
SET timezone = 'America/New_York';
SELECT count(*), count(*) FILTER (WHERE actstream.timesince(since, now) IS DISTINCT FROM timesince_sql(since, now)) AS different FROM pair;
SET timezone = 'Australia/Lord_Howe';
SELECT count(*), count(*) FILTER (WHERE actstream.timesince(since, now) IS DISTINCT FROM timesince_sql(since, now)) AS different FROM pair;

-- now is when the transaction began
SET timezone = 'UTC';
SELECT actstream.timesince(now() - interval '3 hours 5 minutes'), actstream.timesince(clock_timestamp());

-- settings of output do not matter
SET datestyle = 'SQL, DMY';
SET intervalstyle = 'iso_8601';
SELECT actstream.timesince(now() - interval '50 hours');

SET client_min_messages = warning;
DROP SCHEMA timesince CASCADE;
DROP EXTENSION actstream CASCADE;
