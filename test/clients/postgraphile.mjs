// PostGraphile: the schema actstream in GraphQL, as it is generated.
import { createPostGraphileSchema, withPostGraphileContext } from "postgraphile";
import { graphql } from "graphql";
import pg from "pg";

const [ANN, BEN] = ["person:acme,1", "person:acme,2"];
const POSTS = [1, 2, 3].map((n) => `post:00000000-0000-4000-8000-00000000000${n}`);

// example
const schemas = ["actstream", "public"];
const options = { includeExtensionResources: true, dynamicJson: true };
// end

// What it says while it makes a schema is a fault of ours, two things with one name; but it
// takes a row type for an object with an id of its own, which it has not.
const complaints = [];
const complain = (...words) => complaints.push(words.join(" "));
console.warn = console.error = complain;

const owner = new pg.Pool({ user: "app" });
const pool = new pg.Pool({ user: "acme" });
const schema = await createPostGraphileSchema(pool, schemas, options);
const tables = await createPostGraphileSchema(pool, schemas);

async function ask(source, variables, pgPool = pool) {
    const { data, errors } = await withPostGraphileContext({ pgPool }, (context) =>
        graphql(schema, source, null, { ...context }, variables));
    if (errors)
        throw errors[0].originalError ?? errors[0];
    return data;
}

const { register } = await ask(
    `mutation { register(input: { relation: "post", nameTemplate: "{title}" }) { objectTypeRow { label } } }`, {}, owner);
console.log("register:", register.objectTypeRow.label);

// example
const send = (action) => ask(`
    mutation ($action: ActSendInput!) {
        actSend(input: $action) { actionRow { actor verb actionObject target data timestamp } }
    }`, { action });

const readPage = (reader, before) => ask(`
    query ($reader: String!, $before: String) {
        userStreamList(follower: $reader, before: $before, first: 2) { id timestamp actionObject }
    }`, { reader, before });

const cursor = ({ id, timestamp }) => ask(`
    query ($action: ActionRowInput!) { streamCursor(action: $action) }`, { action: { id, timestamp } });
// end

let sent;
for (const post of POSTS)
    sent = (await send({ actor: BEN, verb: "wrote", actionObject: post, target: "page:1" })).actSend.actionRow;
console.log("send:", sent.actor, sent.verb, sent.actionObject, sent.target);

const { follow: { followRow } } = await ask(
    `mutation { follow(input: { follower: "${ANN}", followee: "${BEN}" }) { followRow { follower followee } } }`);
console.log("follow:", followRow.follower, followRow.followee);

const { userStreamList: page } = await readPage(ANN);
console.log("page:", ...page.map((action) => action.actionObject));
const { streamCursor } = await cursor(page.at(-1));
const { userStreamList: next } = await readPage(ANN, streamCursor);
console.log("next page:", ...next.map((action) => action.actionObject));

const { streamOfList } = await ask(
    `query ($objects: [String]!) { streamOfList(objects: $objects, roles: ["action_object"]) { actionObject } }`, { objects: POSTS });
console.log("array:", ...streamOfList.map((action) => action.actionObject).sort());

const { actSend: { actionRow: action } } = await send({ actor: BEN, verb: "published", target: "page:2", data: { lines: 3 } });
console.log("action:", action.actor, action.verb, action.target, action.data.lines, new Date(action.timestamp).getFullYear() > 2000);

const count = async (...actors) => {
    const counts = await Promise.all(actors.map((actor) =>
        ask(`query ($actor: String!) { allActions(condition: { actor: $actor }) { totalCount } }`, { actor })));
    return counts.reduce((sum, data) => sum + data.allActions.totalCount, 0);
};
// it has no condition but equality
console.log("filter:", await count(BEN), await count(ANN, BEN), await count(ANN, BEN));

try {
    await send({ actor: "person:umbra,1", verb: "wrote" });
} catch (error) {
    console.log("policy:", await count("person:umbra,1"), error.code);
}

// Of each function that people are to call there is a field, unless it is overloaded or an
// aggregate; of no other one.
const fields = (type) => Object.keys(type.getFields());
const offered = new Set([...fields(schema.getQueryType()), ...fields(schema.getMutationType())].map((name) => name.replace(/List$/, "")));
const namesOf = async (namespace) => (await owner.query(
    "SELECT proname FROM pg_proc WHERE pronamespace = $1::regnamespace AND prokind = 'f' GROUP BY proname HAVING count(*) = 1 ORDER BY 1",
    [namespace])).rows.map(({ proname }) => proname.replace(/_(.)/g, (_, letter) => letter.toUpperCase()));
console.log("not offered:", ...(await namesOf("actstream")).filter((name) => !offered.has(name)));
console.log("internal:", ...(await namesOf("actstream_internal")).filter((name) => offered.has(name)));
console.log("tables alone:", ...fields(tables.getQueryType()).filter((name) => /^all/.test(name)).sort());
console.log("complaints:", ...complaints.filter((text) => !/^SERIOUS WARNING: two GraphQL types \(\w+Row and /.test(text)));

await owner.end();
await pool.end();
