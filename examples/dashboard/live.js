// The live feed: tells all viewers what changes in their streams, over one connection to
// the database.
//
// Each subscriber has a position: what it has been told.  A round reads, in one snapshot,
// what each subscriber lacks, and leaves all of them at the position of that snapshot.
// Subscribers at the same position share a query, which usually means that there is one
// query for all.  A subscriber that joins, with the position of the page that its browser
// has loaded, or with the one that it kept while it was away, is asked for separately in
// its first round, and then stands where the others stand.  So there is no step from
// catching up to being live, in which a change could be lost or told twice.
//
// Positions are not ordered, so a later one cannot be told by comparison; two of them
// cover the same changes only if they are of the same snapshot.
//
// If the connection breaks, the next round begins where each subscriber was left.  If this
// process ends, the browsers have the positions.

import pg from "pg";
import { entryColumns } from "./entries.js";
import { inSnapshot } from "./snapshot.js";

const MAX_ROWS = 1000; // of a query
const MAX_QUERIES = 100; // of a round
const PATROL = 30_000; // milliseconds after which there is a round, whether the bell has rung or not
const INVALID_POSITION = ["24000", "22023"]; // refused, or made up by a browser

// The changes, with sentences made once for each action, whoever is shown it.
const changesSince = `
    WITH changes AS MATERIALIZED (
        SELECT * FROM actstream.changes_since($1, $2::actstream.ref[], $3)
               WITH ORDINALITY AS c (position, viewer, operation, action, n)),
    told AS MATERIALIZED (
        SELECT ${entryColumns}
        FROM actstream.sentences(ARRAY(
                 SELECT DISTINCT ON ((c.action).id) c.action FROM changes c WHERE c.operation <> 'delete')) s)
    SELECT c.position, c.viewer::text, c.operation, (c.action).id::text, to_jsonb(t) AS entry
    FROM changes c LEFT JOIN told t ON t.id = (c.action).id::text AND c.operation <> 'delete'
    ORDER BY c.n`;

const unreadCounts = `
    SELECT v::text AS viewer, actstream.unread_count(v) AS unread
    FROM unnest($1::actstream.ref[]) v`;

// Items by what key(item) returns.
function groupBy(items, key) {
    const groups = new Map();
    for (const item of items)
        groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
    return groups;
}

// Something to wait for: a ring while nobody waits is not lost, and several are one.
class Bell {
    #rung = false;
    #answer = () => {};

    ring() {
        this.#rung = true;
        this.#answer();
    }

    async wait() {
        await new Promise((resolve) => {
            this.#answer = resolve;
            if (this.#rung)
                resolve();
        });
        this.#rung = false;
    }
}

export class LiveFeed {
    #config;
    #subscribers = new Set();
    #readers = new Set(); // viewers whose number of unread actions may have changed
    #bell = new Bell();
    #connected = false;

    // config: of the connection, as pg takes it
    constructor(config) {
        this.#config = config;
    }

    // A subscriber has a viewer, a position, and send(event, data, position), of which each
    // may be missing.  Returns a function that ends the subscription.
    join(subscriber) {
        this.#subscribers.add(subscriber);
        this.#readers.add(subscriber.viewer);
        subscriber.send("database", this.#connected);
        this.#bell.ring();
        return () => this.#subscribers.delete(subscriber);
    }

    // Runs for ever.
    async run() {
        setInterval(() => this.#keepAlive(), PATROL);
        for (;;) {
            const client = new pg.Client({ ...this.#config, keepAlive: true, connectionTimeoutMillis: 5000, query_timeout: PATROL });
            try {
                await this.#serve(client);
            } catch (error) {
                console.error(`live feed: ${error.message}`, error.hint ?? "");
            }
            this.#tellConnected(false);
            client.end().catch(() => {});
            await new Promise((resolve) => setTimeout(resolve, 500 + 500 * Math.random()));
        }
    }

    // Makes rounds until the connection breaks, and then throws.
    async #serve(client) {
        const broken = new Promise((_, reject) => {
            client.on("error", reject);
            client.on("end", () => reject(new Error("the connection has ended")));
        });
        broken.catch(() => {}); // it may break while nobody waits for it
        client.on("notification", ({ channel, payload }) => this.#notified(channel, payload));
        await client.connect();
        await client.query("LISTEN actstream; LISTEN dashboard_follows; LISTEN dashboard_read");
        for (;;) {
            while (await this.#round(client)) {
                // there is more to read
            }
            this.#tellConnected(true);
            await Promise.race([broken, this.#bell.wait()]);
        }
    }

    // The channel "actstream" rings after changes of actions.  The others tell what a viewer
    // has changed, in any browser, by any gateway.
    #notified(channel, viewer) {
        if (channel === "dashboard_follows")
            for (const subscriber of this.#subscribers)
                if (subscriber.viewer === viewer)
                    subscriber.send("reload");
        if (channel === "dashboard_read")
            this.#readers.add(viewer);
        this.#bell.ring();
    }

    // Tells what has changed since the round before; returns whether there is more.
    #round(client) {
        if (this.#subscribers.size === 0)
            return false;
        return inSnapshot(client, async (query) => {
            const [{ now }] = await query("SELECT actstream.stream_position() AS now");
            const groups = [...groupBy(this.#subscribers, (subscriber) => subscriber.position)];
            let more = groups.length > MAX_QUERIES;

            for (const [position, members] of groups.slice(0, MAX_QUERIES)) {
                if (position === now)
                    continue;
                const byViewer = groupBy(members, (member) => member.viewer);
                let rows;
                try {
                    rows = await query(changesSince, position, [...byViewer.keys()], MAX_ROWS);
                } catch (error) {
                    if (!INVALID_POSITION.includes(error.code))
                        throw error;
                    this.#expel(members);
                    return true; // the transaction has failed
                }
                this.#tell(byViewer, rows);
                const done = rows.length === 0; // else the next round asks again
                for (const member of members)
                    member.position = done ? now : rows.at(-1).position;
                more ||= !done;
            }
            await this.#tellUnread(query);
            return more;
        });
    }

    // Sends each change to those whom it concerns.
    #tell(byViewer, rows) {
        for (const { position, viewer, operation, id, entry } of rows) {
            if (operation === null)
                continue; // what has changed concerns nobody
            for (const member of byViewer.get(viewer)) {
                member.position = position;
                member.send("change", { operation, id, entry }, position);
            }
            this.#readers.add(viewer);
        }
    }

    async #tellUnread(query) {
        const readers = [...this.#readers];
        if (readers.length === 0)
            return;
        this.#readers.clear();
        const unread = new Map((await query(unreadCounts, readers)).map((row) => [row.viewer, row.unread]));
        for (const subscriber of this.#subscribers)
            if (unread.has(subscriber.viewer))
                subscriber.send("unread", unread.get(subscriber.viewer));
    }

    // The position is too old, or of another database: the browser has to load the page again.
    #expel(members) {
        for (const member of members) {
            this.#subscribers.delete(member);
            member.send("reset");
        }
    }

    // Keeps what is between here and the browsers from closing silent connections, and
    // positions from becoming too old.
    #keepAlive() {
        for (const subscriber of this.#subscribers)
            subscriber.send(undefined, undefined, subscriber.position);
        this.#bell.ring();
    }

    #tellConnected(connected) {
        if (this.#connected === connected)
            return;
        this.#connected = connected;
        for (const subscriber of this.#subscribers)
            subscriber.send("database", connected);
    }
}
