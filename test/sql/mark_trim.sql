-- What trim_changes() and trim_marks() delete: in partitions, and where policies hide rows.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS actstream CASCADE;
DROP ROLE IF EXISTS trim_owner;
CREATE EXTENSION actstream;
RESET client_min_messages;
\set SHOW_CONTEXT never
CREATE ROLE trim_owner;
GRANT USAGE, CREATE ON SCHEMA actstream TO trim_owner;
SET ROLE trim_owner;
CREATE TABLE actstream.changes OF actstream.change PARTITION BY LIST (operation);
CREATE TABLE actstream.changes_i PARTITION OF actstream.changes FOR VALUES IN ('I');
CREATE TABLE actstream.changes_u PARTITION OF actstream.changes FOR VALUES IN ('U');
CREATE TABLE actstream.mark_exceptions OF actstream.mark_exception PARTITION BY LIST (feed);
CREATE TABLE actstream.mark_exceptions_a PARTITION OF actstream.mark_exceptions FOR VALUES IN ('a');
CREATE TABLE actstream.mark_exceptions_b PARTITION OF actstream.mark_exceptions FOR VALUES IN ('b');
DO 'BEGIN PERFORM actstream.create_tables(); END';
SELECT label FROM actstream.register_external('o');

-- the same place in two partitions: one row is old, the other one is not
INSERT INTO actstream.changes
SELECT (100 + n)::text::xid8, n, now(), now() - CASE operation WHEN 'I' THEN interval '2 days' ELSE '0' END, 1, '[,]', operation, true
FROM generate_series(1, 3) AS n, unnest('{I,U}'::"char"[]) AS operation;
SELECT actstream.trim_changes(max_rows => 2);
SELECT operation, array_agg(action_id ORDER BY action_id) FROM actstream.changes GROUP BY 1 ORDER BY 1;
SELECT actstream.trim_changes(), actstream.trim_changes();
SELECT operation, array_agg(action_id ORDER BY action_id) FROM actstream.changes GROUP BY 1 ORDER BY 1;
-- no more than wanted, where both could go
SELECT actstream.trim_changes('-1 hour', 1), actstream.trim_changes('-1 hour', NULL);

-- the same with exceptions whose actions are gone, or not
SELECT actstream.follow('o:1', 'o:2', send_action => false) IS NOT NULL AS followed;
SELECT verb FROM actstream.act_send('o:2', 'stayed');
SELECT verb FROM actstream.act_send('o:2', 'went');
SELECT actstream.archive('o:1', ARRAY[id], CASE verb WHEN 'went' THEN 'a' ELSE 'b' END) FROM actstream.actions;
SELECT x.tableoid::regclass, x.ctid, a.verb FROM actstream.mark_exceptions x JOIN actstream.actions a ON a.id = x.action_id ORDER BY 3;
DELETE FROM actstream.actions WHERE verb = 'went';
SELECT actstream.trim_marks(), actstream.trim_marks();
SELECT a.verb FROM actstream.mark_exceptions x LEFT JOIN actstream.actions a ON a.id = x.action_id;

-- an action that is hidden is not gone
ALTER TABLE actstream.actions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY none ON actstream.actions USING (false);
SELECT actstream.trim_marks();
SELECT count(*) FROM actstream.mark_exceptions;

RESET ROLE;
SET client_min_messages = warning;
DROP EXTENSION actstream CASCADE;
DROP OWNED BY trim_owner;
DROP ROLE trim_owner;
