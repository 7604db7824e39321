\set ECHO none
-- try(statement): "ok", or the SQLSTATE and the message of the error.
CREATE FUNCTION try(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
    RETURN concat_ws(' ', sqlstate, sqlerrm);
END
$$;
\set ECHO all
