\set ECHO none
-- The extension as nobody has used it yet, with its tables; errors without the context,
-- which depends on the server's version.  Regress tests begin with
--
--   \i test/lib/fresh.sql
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS actstream CASCADE;
CREATE EXTENSION actstream;
DO 'BEGIN PERFORM actstream.create_tables(); END';
RESET client_min_messages;
\set SHOW_CONTEXT never
\set ECHO all
