-- Removing references fires the owner's AFTER triggers on our tables as a foreign key
-- fires those on its own: as the user whose statement it is, or from PostgreSQL 18 on as
-- the owner, as whom the statement on our table runs.
\i test/lib/fresh.sql
SET client_min_messages = warning;
CREATE ROLE cascade_owner;
CREATE ROLE cascade_tenant;
CREATE SCHEMA cascade_app AUTHORIZATION cascade_owner;
CREATE SCHEMA cascade_own AUTHORIZATION cascade_tenant;
ALTER TABLE actstream.actions OWNER TO cascade_owner;
ALTER TABLE actstream.follows OWNER TO cascade_owner;
ALTER TABLE actstream.object_types OWNER TO cascade_owner;
ALTER TABLE actstream.phrases OWNER TO cascade_owner;
GRANT USAGE ON SCHEMA actstream TO cascade_owner, cascade_tenant;
GRANT ALL ON actstream.actions, actstream.follows, actstream.mutes, actstream.object_types TO cascade_tenant;
GRANT USAGE ON SCHEMA cascade_app TO PUBLIC;
RESET client_min_messages;
-- what a careless owner audits with: a name that is looked up wherever the session says
SET ROLE cascade_owner;
CREATE TABLE cascade_app.audit (what text, by_role name);
GRANT INSERT ON cascade_app.audit TO PUBLIC;
CREATE FUNCTION cascade_app.audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit VALUES (TG_OP, current_user);
    RETURN NULL;
END
$$;
CREATE TRIGGER audit AFTER UPDATE OR DELETE ON actstream.actions FOR EACH ROW EXECUTE FUNCTION cascade_app.audit();
CREATE TRIGGER audit AFTER UPDATE OR DELETE ON actstream.follows FOR EACH ROW EXECUTE FUNCTION cascade_app.audit();
-- the tenant's own table of that name, which tells as whom its trigger runs
SET ROLE cascade_tenant;
CREATE TABLE cascade_own.audit (what text, by_role name);
CREATE FUNCTION cascade_own.tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE '% as %', NEW.what, current_user;
    RETURN NULL;
END
$$;
CREATE TRIGGER tell BEFORE INSERT ON cascade_own.audit FOR EACH ROW EXECUTE FUNCTION cascade_own.tell();
GRANT USAGE ON SCHEMA cascade_own TO PUBLIC;
GRANT INSERT ON cascade_own.audit TO PUBLIC;
CREATE TABLE cascade_own.thing (id int PRIMARY KEY);
INSERT INTO cascade_own.thing SELECT generate_series(1, 6);
SELECT label FROM actstream.register('cascade_own.thing');
INSERT INTO actstream.actions (actor, verb) SELECT format('thing:%s', i)::actstream.ref, 'stood' FROM generate_series(1, 6) AS i;
INSERT INTO actstream.follows (follower, followee) VALUES ('thing:1', 'thing:2'), ('thing:3', 'thing:4');
SET search_path = cascade_own;
DELETE FROM cascade_own.thing WHERE id = 1;
UPDATE cascade_own.thing SET id = id + 10 WHERE id IN (2, 3);
TRUNCATE cascade_own.thing;
SELECT count(*) FROM actstream.actions;
SELECT * FROM actstream.follows;
RESET ROLE;
RESET search_path;
SELECT * FROM actstream.integrity_check();
SET client_min_messages = warning;
DO 'BEGIN PERFORM actstream.drop_tables(); END';
DROP OWNED BY cascade_owner, cascade_tenant CASCADE;
DROP ROLE cascade_owner, cascade_tenant;
