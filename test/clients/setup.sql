-- What each client finds: the application's tables, some rows, and two tenants.  The role
-- app owns the tables; acme and umbra are told apart by policies, as docs/security.md has
-- it.  What umbra has sent must not be seen by acme, as which the clients read and write.
CREATE EXTENSION actstream;
GRANT USAGE, CREATE ON SCHEMA actstream TO app;
GRANT CREATE ON SCHEMA public TO app;
GRANT USAGE ON SCHEMA actstream TO acme, umbra;

SET ROLE app;
SELECT actstream.create_tables();
CREATE TABLE person (tenant name, id bigint, name text NOT NULL, PRIMARY KEY (tenant, id));
CREATE TABLE page (id bigint PRIMARY KEY, title text NOT NULL);
CREATE TABLE post (id uuid PRIMARY KEY, title text NOT NULL);
INSERT INTO person VALUES ('acme', 1, 'Ann'), ('acme', 2, 'Ben'), ('umbra', 1, 'Uma');
INSERT INTO page VALUES (1, 'Home'), (2, 'About');
INSERT INTO post VALUES
    ('00000000-0000-4000-8000-000000000001', 'One'),
    ('00000000-0000-4000-8000-000000000002', 'Two'),
    ('00000000-0000-4000-8000-000000000003', 'Three');
SELECT actstream.register('person', name_template => '{name}'),
       actstream.register('page', name_template => '{title}');

CREATE FUNCTION is_own(object actstream.ref) RETURNS boolean STABLE
RETURN split_part(actstream.ref_key(object), ',', 1) = current_user;
ALTER TABLE person ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON person USING (tenant = current_user);
ALTER TABLE actstream.actions ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON actstream.actions USING (is_own(actor));
ALTER TABLE actstream.follows ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON actstream.follows USING (is_own(follower));
GRANT SELECT, INSERT, UPDATE, DELETE ON person, page, post, actstream.actions, actstream.follows, actstream.mutes TO acme, umbra;
GRANT SELECT ON actstream.object_types, actstream.phrases TO acme, umbra;

SET ROLE umbra;
SELECT actstream.act_send('person:umbra,1', 'saw', target => 'page:1'),
       actstream.act_send('person:umbra,1', 'saw', target => 'page:2');
RESET ROLE;
