-- Reading under guard: pages of the method "actstream" by roles that policies apply to, in
-- a transaction that has written something, and planned anew each time; in turns with the
-- same pages of a superuser, prepared.
--
--   :rounds  how many
--
-- All rows pass the policies: what they cost is asked, not what they leave out.

-- what "unaided" did without before
RESET actstream.enable_recency_map;
RESET actstream.follow_cache_size;

CREATE TABLE bench.way (
    place   int GENERATED ALWAYS AS IDENTITY,
    name    text PRIMARY KEY,
    role    name NOT NULL DEFAULT 'none',
    written boolean NOT NULL DEFAULT false,
    planned boolean NOT NULL DEFAULT false
);
INSERT INTO bench.way (name, role, written, planned) VALUES
    ('plain', DEFAULT, false, false), ('constant', 'bench_constant', false, false), ('tenant', 'bench_tenant', false, false),
    ('member', 'bench_member', false, false), ('written', DEFAULT, true, false), ('planned', DEFAULT, false, true),
    ('planned tenant', 'bench_tenant', false, true), ('follows', 'bench_constant', false, false);

CREATE ROLE bench_constant;
CREATE ROLE bench_tenant;
CREATE ROLE bench_member;
CREATE TABLE bench.member (who name, verb text, PRIMARY KEY (who, verb));
INSERT INTO bench.member SELECT 'bench_member', verb FROM actstream.actions GROUP BY verb;
CREATE TABLE bench.written (what int);
ANALYZE bench.member;
GRANT USAGE ON SCHEMA bench, actstream TO PUBLIC;
GRANT SELECT ON actstream.actions, actstream.follows, actstream.mutes, bench.member TO bench_constant, bench_tenant, bench_member;
CREATE POLICY bench_constant ON actstream.actions TO bench_constant USING (public);
CREATE POLICY bench_tenant ON actstream.actions TO bench_tenant
    USING (coalesce(data->>'tenant', '1') = current_setting('bench.tenant'));
CREATE POLICY bench_member ON actstream.actions TO bench_member
    USING (EXISTS (SELECT FROM bench.member m WHERE m.who = current_user AND m.verb = actions.verb));
CREATE POLICY bench_all ON actstream.follows USING (true);
ALTER TABLE actstream.actions ENABLE ROW LEVEL SECURITY;
SET bench.tenant = '1';

-- The same pages, from a text that is planned each time
SELECT format($create$
CREATE FUNCTION bench.%I(actstream.ref, bigint, timestamptz, bigint, OUT microseconds float8, OUT ids bigint[])
LANGUAGE plpgsql AS $function$
DECLARE
    start timestamptz := clock_timestamp();
    rows bigint;
BEGIN
    EXECUTE format('SELECT array_agg(a.id::bigint), count(a) FROM (%%s) AS a', replace(replace(replace(%L,
        '$1', quote_literal($1)), '$3', quote_nullable($3)), '$4', quote_nullable($4))) INTO ids, rows;
    microseconds := extract(epoch FROM clock_timestamp() - start) * 1e6;
END
$function$
$create$, 'planned ' || page, query)
FROM bench.statement WHERE method = 'actstream'
\gexec

CREATE TABLE bench.guard_sample (
    round int, page text, kind text, followees int, account bigint, way text, microseconds float8
);

-- read_guarded: one round, in some of the ways.  The first of two calls plans for the role.
CREATE PROCEDURE bench.read_guarded(round int, VARIADIC ways text[]) LANGUAGE plpgsql AS $$
DECLARE
    p bench.page;
    w bench.way;
    r record;
    warm boolean;
BEGIN
    FOR p IN SELECT * FROM bench.page ORDER BY kind, followees, account, number LOOP
        FOR w IN SELECT * FROM bench.way WHERE name = ANY (ways) ORDER BY hashtext(format('%s %s %s', round, p.account, name)) LOOP
            IF w.written THEN
                INSERT INTO bench.written VALUES (round);
            END IF;
            PERFORM set_config('role', w.role, true);
            FOREACH warm IN ARRAY '{false,true}'::boolean[] LOOP
                EXECUTE format('SELECT * FROM bench.%I($1, $2, $3, $4)',
                               CASE WHEN w.planned THEN 'planned ' ELSE 'actstream ' END || p.page) INTO r
                USING actstream.ref('user', p.account), p.account, p.below_timestamp, p.below_id;
            END LOOP;
            PERFORM set_config('role', 'none', true);
            PERFORM bench.insist(r.ids = p.ids, format('page %s of follower %s is the same if it is read as %s',
                                                       p.number, p.account, w.name));
            INSERT INTO bench.guard_sample VALUES (round, p.page, p.kind, p.followees, p.account, w.name, r.microseconds);
            COMMIT;
        END LOOP;
    END LOOP;
END
$$;

-- the first round warms up; policies on follows, which are then read anew for each page,
-- have a round of their own
CREATE TABLE bench.guard_round AS
SELECT round, command.place, text
FROM generate_series(0, :rounds) AS round
CROSS JOIN LATERAL (VALUES
    (1, format('CALL bench.read_guarded(%s, ''plain'', ''constant'', ''tenant'', ''member'', ''written'', ''planned'', ''planned tenant'')', round)),
    (2, 'ALTER TABLE actstream.follows ENABLE ROW LEVEL SECURITY'),
    (3, format('CALL bench.read_guarded(%s, ''plain'', ''follows'')', round)),
    (4, 'ALTER TABLE actstream.follows DISABLE ROW LEVEL SECURITY')) AS command (place, text);
SELECT text FROM bench.guard_round ORDER BY round, place
\gexec
DELETE FROM bench.guard_sample WHERE round = 0;
ALTER TABLE actstream.actions DISABLE ROW LEVEL SECURITY;

-- Ratios are medians over the samples of one page of one follower, and then over followers.
CREATE VIEW bench.guarding AS
SELECT page, kind, followees, way, percentile_cont(0.5) WITHIN GROUP (ORDER BY median) AS median,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY median / plain) AS ratio, sum(samples) AS samples
FROM (SELECT page, kind, followees, account, way, count(*) AS samples,
             percentile_cont(0.5) WITHIN GROUP (ORDER BY microseconds) AS median
      FROM bench.guard_sample GROUP BY page, kind, followees, account, way) AS a
JOIN (SELECT page, account, percentile_cont(0.5) WITHIN GROUP (ORDER BY microseconds) AS plain
      FROM bench.guard_sample WHERE way = 'plain' GROUP BY page, account) AS p USING (page, account)
GROUP BY page, kind, followees, way;
