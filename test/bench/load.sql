-- The load: the same actions into both designs, and what each takes of log and
-- disk.

CREATE TABLE bench.design (
    name   text PRIMARY KEY,
    action regclass,
    bulk   text                 -- inserts the actions from number $1 to number $2
);
INSERT INTO bench.design VALUES ('actstream', 'actstream.actions', $$
INSERT INTO actstream.actions ("timestamp", public, actor, verb, action_object, target)
SELECT "timestamp", public, actor, verb, action_object, target
FROM bench.action WHERE number BETWEEN $1 AND $2 ORDER BY number$$),
('common', 'common_design.action', $$
INSERT INTO common_design.action (actor_type, actor_id, verb, target_type, target_id,
                                  action_object_type, action_object_id, "timestamp", public)
SELECT actor_type, actor_id, verb, target_type, target_id,
       action_object_type, action_object_id, "timestamp", public
FROM bench.action WHERE number BETWEEN $1 AND $2 ORDER BY number$$);

CREATE TABLE bench.size (design text, what text, bytes_per_action float8);

CREATE PROCEDURE bench.load(name text, actions bigint) LANGUAGE plpgsql AS $$
DECLARE
    d bench.design := d FROM bench.design d WHERE d.name = load.name;
    before pg_lsn := pg_current_wal_insert_lsn();
BEGIN
    EXECUTE d.bulk USING 1::bigint, actions;
    INSERT INTO bench.size
    SELECT d.name, what, bytes / actions
    FROM (SELECT 'log', pg_current_wal_insert_lsn() - before
          UNION ALL
          SELECT 'disk', pg_total_relation_size(d.action)
          UNION ALL
          SELECT 'disk: table', pg_table_size(d.action)
          UNION ALL
          SELECT 'disk: ' || indexrelid::regclass, pg_relation_size(indexrelid)
          FROM pg_index WHERE indrelid = d.action) AS size (what, bytes);
END
$$;

-- with the foreign keys left to write.sql
SET session_replication_role = replica;
CALL bench.load('common', :n);
RESET session_replication_role;
CALL bench.load('actstream', :n);
