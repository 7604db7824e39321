-- Writing: the same new actions into both designs, one by one and in bulk, with
-- references checked and not.  What the common design can check are the foreign
-- keys of its content types, not that the objects exist.  Commits are not timed:
-- they cost what the disk costs.

CREATE TABLE bench.write_sample (
    round int, what text, checked boolean, design text, microseconds float8, log_bytes float8
);

CREATE PROCEDURE bench.send_by_actstream(first bigint, last bigint) LANGUAGE plpgsql AS $$
DECLARE
    a bench.action;
BEGIN
    FOR a IN SELECT * FROM bench.action WHERE number BETWEEN first AND last LOOP
        PERFORM actstream.act_send(a.actor, a.verb, a.action_object, a.target,
                                   public => a.public, "timestamp" => a."timestamp");
    END LOOP;
END
$$;

CREATE PROCEDURE bench.send_by_common(first bigint, last bigint) LANGUAGE plpgsql AS $$
DECLARE
    a bench.action;
    id int;
BEGIN
    FOR a IN SELECT * FROM bench.action WHERE number BETWEEN first AND last LOOP
        INSERT INTO common_design.action (actor_type, actor_id, verb, target_type, target_id,
                                          action_object_type, action_object_id, "timestamp", public)
        VALUES (a.actor_type, a.actor_id, a.verb, a.target_type, a.target_id,
                a.action_object_type, a.action_object_id, a."timestamp", a.public)
        RETURNING action.id INTO id;
    END LOOP;
END
$$;

-- write: takes one sample of a design, in a transaction of its own.
CREATE PROCEDURE bench.write(round int, what text, checked boolean, design text, first bigint, actions int)
LANGUAGE plpgsql AS $$
DECLARE
    statement text := CASE what WHEN 'bulk' THEN bulk ELSE format('CALL bench.send_by_%s($1, $2)', design) END
                      FROM bench.design d WHERE name = design;
    before pg_lsn;
    start timestamptz;
BEGIN
    CASE design
        WHEN 'actstream' THEN CALL bench.register(checked);
        -- as if there were no foreign keys
        WHEN 'common' THEN PERFORM set_config('session_replication_role',
                                              CASE WHEN checked THEN 'origin' ELSE 'replica' END, true);
    END CASE;
    EXECUTE statement USING first, first + 9;       -- makes the plans anew
    SET CONSTRAINTS ALL IMMEDIATE;
    SET CONSTRAINTS ALL DEFERRED;

    before := pg_current_wal_insert_lsn();
    start := clock_timestamp();
    EXECUTE statement USING first, first + actions - 1;
    SET CONSTRAINTS ALL IMMEDIATE;                  -- as COMMIT would
    INSERT INTO bench.write_sample
    VALUES (round, what, checked, design, extract(epoch FROM clock_timestamp() - start) * 1e6 / actions,
            (pg_current_wal_insert_lsn() - before) / actions);
END
$$;

-- one by one 1,000 in a sample, in bulk 10,000
SELECT format('CALL bench.write(%s, %L, %L, %L, %s, %s)', round, what, checked, name,
              :n + round * 11000 + first, actions)
FROM generate_series(0, 29) AS round, (VALUES ('send', 1, 1000), ('bulk', 1001, 10000)) AS w (what, first, actions),
     unnest('{f,t}'::boolean[]) AS checked, bench.design
ORDER BY round, hashtext(format('%s %s %s %s', round, what, checked, name))
\gexec

-- What an inbox adds to each of that: a row for each follower.
CREATE PROCEDURE bench.fan_out(round int, crowd bench.crowd) LANGUAGE plpgsql AS $$
DECLARE
    before pg_lsn := pg_current_wal_insert_lsn();
    start timestamptz := clock_timestamp();
BEGIN
    INSERT INTO bench.inbox
    SELECT follower, '2030-01-01 00:00+00', 100 * crowd.followers + round FROM common_design.follow
    WHERE object_type = 1 AND object_id = crowd.account::text;
    INSERT INTO bench.write_sample
    VALUES (round, 'fan-out to ' || crowd.followers, NULL, 'inbox', extract(epoch FROM clock_timestamp() - start) * 1e6,
            pg_current_wal_insert_lsn() - before);
END
$$;

SELECT format('CALL bench.fan_out(%s, %L)', round, crowd)
FROM generate_series(0, 30) AS round, bench.crowd ORDER BY round, followers
\gexec
-- the first round makes the plan
DELETE FROM bench.write_sample WHERE design = 'inbox' AND round = 0;
