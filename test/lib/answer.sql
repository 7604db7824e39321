\set ECHO none
-- answer(query): the array of ids that is the query's one value.
CREATE FUNCTION answer(query text) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
    result bigint[];
BEGIN
    EXECUTE query INTO result;
    RETURN result;
END
$$;
\set ECHO all
