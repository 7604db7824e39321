-- What the clients act on: see client.py.
CREATE EXTENSION actstream;
DO 'BEGIN PERFORM actstream.create_tables(); END';
CREATE TABLE actor (id integer PRIMARY KEY);
CREATE TABLE reader (id integer PRIMARY KEY);
CREATE TABLE thing (id integer PRIMARY KEY);
INSERT INTO actor SELECT generate_series(1, :actors);
INSERT INTO reader SELECT generate_series(1, :readers);
INSERT INTO thing SELECT generate_series(1, :things);
SELECT actstream.register(t) FROM unnest('{actor,reader,thing}'::regclass[]) t;
VACUUM ANALYZE actor, reader, thing;
