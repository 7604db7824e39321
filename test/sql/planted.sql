-- Nothing that somebody has put in its way becomes a part of the extension.
--
-- Each member, as pg_depend lists them, is made by a stranger before CREATE
-- EXTENSION: in a schema of his own, and in one that a superuser has taken over
-- from him since.  Both end in an error, and leave what was there to its owner.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS actstream CASCADE;
DROP SCHEMA IF EXISTS actstream, plant CASCADE;
DROP ROLE IF EXISTS plant_stranger;
CREATE EXTENSION actstream;
CREATE ROLE plant_stranger;
CREATE SCHEMA plant;

-- How each member would be made; of what has no such line, a superuser alone
-- has the right.
CREATE TABLE plant.member AS
SELECT i.type AS kind, i.identity,
       CASE i.type
           WHEN 'schema' THEN 'SELECT'
           WHEN 'function' THEN format('CREATE FUNCTION actstream.%I(%s) RETURNS %s LANGUAGE plpgsql AS ''BEGIN END''', p.proname,
                                       pg_get_function_identity_arguments(p.oid),
                                       CASE WHEN p.prorettype IN ('trigger'::regtype, 'event_trigger'::regtype) THEN p.prorettype::regtype ELSE 'integer' END)
           WHEN 'aggregate' THEN format('CREATE AGGREGATE actstream.%I(%s) (SFUNC = array_append, STYPE = int[])', p.proname, 'integer')
           WHEN 'type' THEN format('CREATE TYPE %s AS (i integer)', i.identity)
           WHEN 'operator' THEN format('CREATE OPERATOR actstream.%s (FUNCTION = int4eq, LEFTARG = integer, RIGHTARG = integer)', o.oprname)
           WHEN 'operator family' THEN format('CREATE OPERATOR FAMILY %s', i.identity)
           WHEN 'operator class' THEN format('CREATE OPERATOR CLASS actstream.%I FOR TYPE integer USING btree AS STORAGE integer', c.opcname)
           WHEN 'access method' THEN format('CREATE ACCESS METHOD %s TYPE INDEX HANDLER bthandler', i.identity)
           WHEN 'event trigger' THEN format('CREATE EVENT TRIGGER %s ON sql_drop EXECUTE FUNCTION plant.nothing()', i.identity)
           WHEN 'cast' THEN 'CREATE CAST (text AS actstream.ref) WITHOUT FUNCTION'
       END AS ddl
FROM pg_depend d
CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, d.objsubid) i
LEFT JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
LEFT JOIN pg_operator o ON d.classid = 'pg_operator'::regclass AND o.oid = d.objid
LEFT JOIN pg_opclass c ON d.classid = 'pg_opclass'::regclass AND c.oid = d.objid
WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
  AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'actstream')
  AND i.identity NOT LIKE '%[]';        -- which come with their types
SELECT kind FROM plant.member WHERE ddl IS NULL;
DROP EXTENSION actstream;
GRANT USAGE ON SCHEMA plant TO plant_stranger;
CREATE FUNCTION plant.nothing() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';

-- What comes of it: the SQLSTATE of the planting, or that of CREATE EXTENSION.
CREATE FUNCTION plant.attempt(ddl text, taken_over boolean, planter text DEFAULT 'plant_stranger') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    -- all is rolled back
    BEGIN
        IF ddl !~ '^CREATE (ACCESS METHOD|EVENT TRIGGER)' THEN
            EXECUTE format('CREATE SCHEMA actstream AUTHORIZATION %I', planter);
        END IF;
        EXECUTE format('SET LOCAL ROLE %I', planter);
        BEGIN
            -- what references, actions and follows are in the arguments of functions
            IF ddl LIKE 'CREATE FUNCTION%' OR ddl LIKE 'CREATE CAST%' THEN
                CREATE DOMAIN actstream.ref AS text;
                CREATE DOMAIN actstream.action AS text;
                CREATE DOMAIN actstream.action_group AS text;
                CREATE DOMAIN actstream.follow AS text;
                CREATE DOMAIN actstream.object_type AS text;
            END IF;
            EXECUTE ddl;
        EXCEPTION WHEN others THEN
            result := 'cannot be planted: ' || SQLSTATE;
        END;
        RESET ROLE;
        IF result IS NULL THEN
            IF taken_over AND to_regnamespace('actstream') IS NOT NULL THEN
                EXECUTE format('ALTER SCHEMA actstream OWNER TO %I', current_user);
            END IF;
            BEGIN
                CREATE EXTENSION actstream;
                result := 'MADE';
            EXCEPTION WHEN others THEN
                result := 'refused: ' || SQLSTATE;
            END;
        END IF;
        RAISE EXCEPTION 'that was it';
    EXCEPTION WHEN raise_exception THEN NULL;
    END;
    RETURN result;
END
$$;

-- functions with internal arguments are in C, for which a superuser is needed
SET client_min_messages = error;
SELECT DISTINCT kind, taken_over, result
FROM plant.member, (VALUES (false), (true)) t (taken_over), LATERAL plant.attempt(ddl, taken_over) result
ORDER BY kind, taken_over, result;
RESET client_min_messages;
-- what has no schema could be a superuser's
SELECT kind, identity, plant.attempt(ddl, true, current_user) AS result
FROM plant.member WHERE kind IN ('access method', 'event trigger') ORDER BY identity;
-- a schema that is empty
CREATE SCHEMA actstream;
CREATE EXTENSION actstream;
DROP SCHEMA actstream;
CREATE EXTENSION actstream;
-- nobody else can put anything in it afterwards, nor make what was there a member
SELECT has_schema_privilege('plant_stranger', 'actstream', 'CREATE') AS may_create;
SET ROLE plant_stranger;
CREATE FUNCTION actstream.ref(boolean) RETURNS integer LANGUAGE sql RETURN 1;
ALTER EXTENSION actstream UPDATE;
ALTER EXTENSION actstream DROP FUNCTION actstream.timesince(timestamptz, timestamptz, text);
RESET ROLE;

DROP EXTENSION actstream;
SET client_min_messages = warning;
DROP SCHEMA plant CASCADE;
DROP ROLE plant_stranger;
