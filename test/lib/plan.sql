\set ECHO none
-- plan(query): what EXPLAIN says of it, with one name for all InitPlans, to which majors
-- give different ones.
CREATE FUNCTION plan(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
        line := regexp_replace(line, '[$]0|\(InitPlan \w+\).col1|InitPlan \w+( \(.*\))?$', 'InitPlan', 'g');
        -- a second one after the first
        RETURN NEXT replace(line, 'InitPlan, $1', 'InitPlan, InitPlan');
    END LOOP;
END
$$;
\set ECHO all
