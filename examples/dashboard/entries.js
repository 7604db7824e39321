// What the browser is given of an action.

// Columns of rows "s" of actstream.sentences().  "place" and "id" order entries as the
// stream does; the cursor is for the next page; "objects" are for the buttons.
export const entryColumns = `
    (s.action).id::text, extract(epoch FROM (s.action)."timestamp") * 1000000 AS place,
    actstream.stream_cursor(s.action) AS cursor, s.html, (s.action).description,
    jsonb_path_query_array(s.parts, '$[*] ? (exists(@.role))') AS objects`;
