// postgres.js: asks the server for the types of parameters and of arrays.
import postgres from "postgres";

const [ANN, BEN] = ["person:acme,1", "person:acme,2"];
const POSTS = [1, 2, 3].map((n) => `00000000-0000-4000-8000-00000000000${n}`);
const connect = (user) => postgres({ host: process.env.PGHOST, user });

const owner = connect("app");
const [{ label }] = await owner`SELECT label FROM actstream.register(${"post"}, name_template => ${"{title}"})`;
console.log("register:", label);

const sql = connect("acme");

// example
async function send(actor, verb, post, page) {
    const [action] = await sql`
        SELECT * FROM actstream.act_send(${actor}, ${verb}, actstream.ref('post', ${post}), actstream.ref('page', ${page}))`;
    return action;
}

const readPage = (reader, before = null) => sql`
    SELECT a.*, actstream.stream_cursor(a) AS cursor
    FROM actstream.user_stream(${reader}, before => ${before}) a LIMIT 2`;
// end

let sent;
for (const post of POSTS)
    sent = await send(BEN, "wrote", post, 1);
console.log("send:", sent.actor, sent.verb, sent.action_object, sent.target);

const [follow] = await sql`SELECT * FROM actstream.follow(${ANN}, ${BEN})`;
console.log("follow:", follow.follower, follow.followee);

const page = await readPage(ANN);
console.log("page:", ...page.map((action) => action.action_object));
console.log("next page:", ...(await readPage(ANN, page.at(-1).cursor)).map((action) => action.action_object));

// it reads an array of references by itself
const [{ objects }] = await sql`
    SELECT array_agg(action_object ORDER BY action_object) AS objects
    FROM actstream.stream_of(${POSTS.map((post) => `post:${post}`)}, ${["action_object"]})`;
console.log("array:", ...objects);

const [action] = await sql`
    SELECT * FROM actstream.act_send(${BEN}, 'published', target => ${"page:2"}, data => ${{ lines: 3 }})`;
console.log("action:", action.actor, action.verb, action.target, action.data.lines, action.timestamp.getFullYear() > 2000);

const count = async (condition) => (await sql`SELECT count(*) FROM actstream.actions WHERE ${condition}`)[0].count;
console.log("filter:", await count(sql`actor = ${BEN}`), await count(sql`actor IN ${sql([ANN, BEN])}`),
    await count(sql`actor = ANY (${[ANN, BEN]})`));

try {
    await send("person:umbra,1", "wrote", POSTS[0], 1);
} catch (error) {
    console.log("policy:", await count(sql`actor = ${"person:umbra,1"}`), error.code);
}

await owner.end();
await sql.end();
