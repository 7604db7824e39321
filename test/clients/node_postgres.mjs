// node-postgres: parameters without a type; timestamps become a Date, of milliseconds.
import pg from "pg";

const [ANN, BEN] = ["person:acme,1", "person:acme,2"];
const POSTS = [1, 2, 3].map((n) => `00000000-0000-4000-8000-00000000000${n}`);

const owner = new pg.Pool({ user: "app" });
const { rows: [type] } = await owner.query("SELECT label FROM actstream.register($1, name_template => $2)", ["post", "{title}"]);
console.log("register:", type.label);

const pool = new pg.Pool({ user: "acme" });

// example
async function send(actor, verb, post, page) {
    const { rows } = await pool.query(
        "SELECT * FROM actstream.act_send($1, $2, actstream.ref('post', $3), actstream.ref('page', $4))",
        [actor, verb, post, page]);
    return rows[0];
}

async function readPage(reader, before = null, limit = 2) {
    const { rows } = await pool.query(
        `SELECT a.*, actstream.stream_cursor(a) AS cursor
         FROM actstream.user_stream($1, before => $2) a LIMIT $3`, [reader, before, limit]);
    return rows;
}
// end

let sent;
for (const post of POSTS)
    sent = await send(BEN, "wrote", post, 1);
console.log("send:", sent.actor, sent.verb, sent.action_object, sent.target);

const { rows: [follow] } = await pool.query("SELECT * FROM actstream.follow($1, $2)", [ANN, BEN]);
console.log("follow:", follow.follower, follow.followee);

const page = await readPage(ANN);
console.log("page:", ...page.map((action) => action.action_object));
console.log("next page:", ...(await readPage(ANN, page.at(-1).cursor)).map((action) => action.action_object));

const { rows: [{ objects }] } = await pool.query(
    "SELECT array_agg(action_object ORDER BY action_object)::text[] AS objects FROM actstream.stream_of($1, $2)",
    [POSTS.map((post) => `post:${post}`), ["action_object"]]);
console.log("array:", ...objects);

const { rows: [action] } = await pool.query(
    "SELECT * FROM actstream.act_send($1, 'published', target => $2, data => $3)", [BEN, "page:2", { lines: 3 }]);
console.log("action:", action.actor, action.verb, action.target, action.data.lines, action.timestamp.getFullYear() > 2000);

const count = async (condition, ...parameters) =>
    (await pool.query(`SELECT count(*) FROM actstream.actions WHERE ${condition}`, parameters)).rows[0].count;
console.log("filter:", await count("actor = $1", BEN), await count("actor IN ($1, $2)", ANN, BEN),
    await count("actor = ANY ($1)", [ANN, BEN]));

try {
    await send("person:umbra,1", "wrote", POSTS[0], 1);
} catch (error) {
    console.log("policy:", await count("actor = $1", "person:umbra,1"), error.code);
}

// Pages of many actions of one instant, and of one statement, whose timestamps are less
// than a millisecond apart: each is seen once.
const MANY = 100000;
const many = {
    instant: `'2026-03-01 09:00'::timestamptz`,
    statement: "clock_timestamp()",
};
for (const [name, timestamp] of process.argv.includes("many") ? Object.entries(many) : []) {
    await pool.query("DELETE FROM actstream.actions");
    await pool.query(
        `INSERT INTO actstream.actions (actor, verb, target, "timestamp")
         SELECT $1, 'saw', 'page:1', ${timestamp} FROM generate_series(1, $2)`, [BEN, MANY]);
    const seen = new Set();
    let read = 0, pages = 0;
    for (let rows = await readPage(ANN, null, 1000); rows.length > 0; rows = await readPage(ANN, rows.at(-1).cursor, 1000)) {
        rows.forEach((row) => seen.add(row.id));
        read += rows.length;
        pages++;
    }
    console.log(`pages of one ${name}:`, read, seen.size, pages);
}

await owner.end();
await pool.end();
