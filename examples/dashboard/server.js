// The gateway: serves the application, answers its requests, and holds the connections
// of its live updates.
//
//   HOST, PORT    where to listen; 127.0.0.1 and 8080 unless said
//   PGHOST, ...   the database

import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import express from "express";
import helmet from "helmet";
import pg from "pg";
import { entryColumns } from "./entries.js";
import { LiveFeed } from "./live.js";
import { inSnapshot } from "./snapshot.js";

const { HOST = "127.0.0.1", PORT = "8080" } = process.env;
const MAX_ENTRIES = 100; // of a request
const MAX_UNSENT = 1 << 20; // bytes that a slow browser may leave unread
const MAX_HEADERS = 1 << 16; // bytes; a position names the transactions that were running

const pool = new pg.Pool({ application_name: "dashboard pages", max: 4, connectionTimeoutMillis: 5000, statement_timeout: 10_000 });
pool.on("error", (error) => console.error(`idle connection: ${error.message}`));

const live = new LiveFeed({ application_name: "dashboard live", statement_timeout: 20_000 });
live.run();

// Calls work(query) for a page, in one snapshot.
async function withSnapshot(work) {
    const client = await pool.connect();
    let failed = true;
    try {
        const result = await inSnapshot(client, work);
        failed = false;
        return result;
    } finally {
        client.release(failed);
    }
}

const query = async (text, ...values) => (await pool.query(text, values)).rows;

// How many entries a request wants, at most.
function limitOf(request) {
    return Math.min(Math.max(parseInt(request.query.limit ?? 20, 10) || 0, 1), MAX_ENTRIES);
}

// The rows that were asked for, of which one more was read to know whether there are more.
function firstOf(rows, limit) {
    return { rows: rows.slice(0, limit), more: rows.length > limit };
}

async function entries(query, viewer, limit, before) {
    return firstOf(await query(`
        SELECT ${entryColumns}
        FROM actstream.sentences(ARRAY(SELECT a FROM actstream.user_stream($1, before => $2) a LIMIT $3)) s`,
        viewer, before, limit + 1), limit);
}

async function groups(query, viewer, limit, before) {
    return firstOf(await query(`
        SELECT (s.action_group).cursor, (s.action_group).actions::int, s.html
        FROM actstream.group_sentences(ARRAY(
                 SELECT g FROM actstream.user_groups($1, '{actor,verb}', '30 days', before => $2) g LIMIT $3)) s`,
        viewer, before, limit + 1), limit);
}

// Objects with the state of their buttons.
async function objects(query, viewer, references) {
    return query(`
        SELECT d.object::text, d.name, d.url,
               d.object IN (SELECT actstream.which_followed($1, $2)) AS followed,
               d.object IN (SELECT m.muted FROM actstream.mutes m
                            WHERE m.muter = $1 AND (m.until IS NULL OR m.until > now())) AS muted
        FROM actstream.display_all($2) d`,
        viewer, references);
}

// What the viewer follows and mutes, and who has been busy lately.
async function suggestions(query, viewer) {
    const [{ references }] = await query(`
        SELECT ARRAY((SELECT followee FROM actstream.follows WHERE follower = $1 GROUP BY followee ORDER BY max(started) DESC, followee LIMIT 30)
                     UNION SELECT muted FROM actstream.mutes WHERE muter = $1
                     UNION (SELECT actor FROM (SELECT actor FROM actstream.public_stream() LIMIT 500) a
                            WHERE actor <> $1 GROUP BY actor ORDER BY count(*) DESC, actor LIMIT 8))::text[] AS references`,
        viewer);
    return objects(query, viewer, references);
}

const app = express();
app.use(helmet({
    contentSecurityPolicy: {
        useDefaults: false,
        directives: {
            defaultSrc: ["'none'"], scriptSrc: ["'self'"], styleSrc: ["'self'"], imgSrc: ["'self'"], connectSrc: ["'self'"],
            baseUri: ["'none'"], formAction: ["'none'"], frameAncestors: ["'none'"],
        },
    },
    strictTransportSecurity: false, // it is served without TLS
}));
app.use(express.static(fileURLToPath(new URL("public", import.meta.url))));
app.use(express.json());

app.get("/viewers", async (request, response) => {
    response.json(await query("SELECT actstream.ref_of(r)::text AS viewer, r.name FROM reader r ORDER BY r.id"));
});

// Here a real application would take the viewer from the session of the request.
app.param("viewer", async (request, response, next, viewer) => {
    const known = await query("SELECT FROM reader r WHERE actstream.ref_of(r)::text = $1", viewer);
    return known.length > 0 ? next() : response.status(404).json({ error: "there is no such reader" });
});

// All of the page, and the position from which the live feed goes on.
app.get("/viewers/:viewer/page", async (request, response) => {
    const { viewer } = request.params;
    response.json(await withSnapshot(async (query) => ({
        ...(await query("SELECT actstream.stream_position() AS position, actstream.unread_count($1) AS unread", viewer))[0],
        entries: await entries(query, viewer, limitOf(request)),
        groups: await groups(query, viewer, 6),
        objects: await suggestions(query, viewer),
    })));
});

app.get("/viewers/:viewer/entries", async (request, response) => {
    response.json(await entries(query, request.params.viewer, limitOf(request), request.query.before));
});

app.get("/viewers/:viewer/groups", async (request, response) => {
    response.json(await groups(query, request.params.viewer, limitOf(request), request.query.before));
});

app.get("/viewers/:viewer/objects", async (request, response) => {
    response.json(await objects(query, request.params.viewer, [request.query.object ?? []].flat()));
});

// What the buttons do, and how other windows of the viewer are told.  A package does
// nothing itself, so following it means what is done to it.
const changes = {
    follow: `SELECT actstream.follow($1::text, $2, actor_only => actstream.ref_label($2) <> 'package'), pg_notify('dashboard_follows', $1)`,
    unfollow: `SELECT actstream.unfollow($1::text, $2, flag => NULL), pg_notify('dashboard_follows', $1)`,
    mute: `SELECT actstream.mute($1::text, $2), pg_notify('dashboard_follows', $1)`,
    unmute: `SELECT actstream.unmute($1::text, $2), pg_notify('dashboard_follows', $1)`,
    read: `SELECT actstream.mark_all_read($1::text, up_to => $2), pg_notify('dashboard_read', $1)`,
};
for (const [name, text] of Object.entries(changes)) {
    app.post(`/viewers/:viewer/${name}`, async (request, response) => {
        const what = request.body?.what;
        if (typeof what !== "string")
            return response.status(400).json({ error: "\"what\" has to be a text" });
        await query(text, request.params.viewer, what);
        response.sendStatus(204);
    });
}

// The live feed of a viewer, as server-sent events.  The position is that of the page, or,
// when the browser comes back by itself, that of the last event.
app.get("/live/:viewer", (request, response) => {
    const position = request.get("Last-Event-ID") || request.query.since || "";
    if (typeof position !== "string" || !/^[!-~]+$/.test(position))
        return response.sendStatus(400);
    response.set({ "Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no" });
    response.flushHeaders();
    // not all at the same moment after this process has ended
    response.write(`retry: ${Math.round(500 + 1000 * Math.random())}\n\n`);

    const leave = live.join({
        viewer: request.params.viewer,
        position,
        send(event, data, position) {
            const lines = { id: position, event, data: event && JSON.stringify(data ?? null) };
            response.write(Object.entries(lines).map(([name, value]) => (value === undefined ? "" : `${name}: ${value}\n`)).join("") + "\n");
            if (response.writableLength > MAX_UNSENT)
                response.destroy(); // the browser comes back to where it was
        },
    });
    response.on("close", leave);
});

// What the database says of a request is for its sender; what else goes wrong is not.
const STATUS = { "22023": 400, "22P02": 400, "22021": 400, "42704": 404, "23503": 404, "42501": 403 };
app.use((error, request, response, next) => {
    const status = STATUS[error.code] ?? error.status ?? 503;
    if (status === 503)
        console.error(`${request.method} ${request.path}: ${error.message}`);
    response.status(status).json({ error: status === 503 ? "this does not work now; try again later" : error.message });
});

createServer({ maxHeaderSize: MAX_HEADERS }, app).listen(Number(PORT), HOST, () => console.log(`http://${HOST}:${PORT}/`));
