-- Samples: a round asks for each page of each follower by every method, in an
-- order that changes, and compares what they answer.
--
-- It asks twice in a row.  The first time finds the processor's caches as another
-- method has left them, the second finds them warm, and is what is reported.

CREATE TABLE bench.sample (
    round int, page text, kind text, followees int, account bigint, method text, warm boolean, microseconds float8
);
CREATE INDEX ON bench.sample (account, page, method) INCLUDE (microseconds);

-- read: one round, by some of the methods, or by all.  A method that has taken more
-- seconds for one page of one follower than "budget" rests there.
CREATE PROCEDURE bench.read(round int, budget float8, methods text[] DEFAULT NULL) LANGUAGE plpgsql AS $$
DECLARE
    p bench.page;
    s bench.statement;
    r record;
    warm boolean;
BEGIN
    FOR p IN SELECT * FROM bench.page ORDER BY kind, followees, account, number LOOP
        FOR s IN
            SELECT * FROM bench.statement
            WHERE page = p.page AND (methods IS NULL OR method = ANY (methods))
            ORDER BY hashtext(format('%s %s %s', round, p.account, name))
        LOOP
            CONTINUE WHEN budget * 1e6 < (
                SELECT sum(microseconds) FROM bench.sample
                WHERE (account, page, method) = (p.account, p.page, s.method));
            PERFORM set_config('actstream.enable_recency_map', s.aided::text, false),
                    set_config('actstream.follow_cache_size', CASE WHEN s.aided THEN '8MB' ELSE '0' END, false);
            FOREACH warm IN ARRAY '{false,true}'::boolean[] LOOP
                EXECUTE format('SELECT * FROM bench.%I($1, $2, $3, $4)', s.name) INTO r
                USING actstream.ref('user', p.account), p.account, p.below_timestamp, p.below_id;
                PERFORM bench.insist(r.ids = p.ids OR s.method = 'floor',
                                     format('page %s of follower %s is the same by %s as in the inbox',
                                            p.number, p.account, s.method));
                INSERT INTO bench.sample
                VALUES (round, p.page, p.kind, p.followees, p.account, s.method, warm, r.microseconds);
                -- a transaction that has written something is not like one that reads a page
                COMMIT;
            END LOOP;
        END LOOP;
    END LOOP;
END
$$;
