// Reads a page of groups in Activity Streams 2.0 from a file into objects, and prints what is
// in them.  Contexts are those that come with the library.
import { getDocumentLoader, OrderedCollectionPage } from "@fedify/fedify";
import { readFileSync } from "node:fs";

const bundled = getDocumentLoader();
const options = {
    documentLoader: async (url) => { throw new Error(`asks for ${url}`); },
    contextLoader: async (url) => {
        if (url !== "https://www.w3.org/ns/activitystreams")
            throw new Error(`asks for the context ${url}`);
        return await bundled(url);
    },
};

const page = await OrderedCollectionPage.fromJsonLd(JSON.parse(readFileSync(process.argv[2], "utf8")), options);
const show = (object) => object && {
    type: object.constructor.name, id: object.id.href, name: object.name?.toString(), url: object.url?.href,
};
const items = [];
for await (const group of page.getItems(options)) {
    const actions = [];
    for await (const action of group.getItems(options))
        actions.push({
            type: action.constructor.name, id: action.id.href, object: show(await action.getObject(options)),
        });
    const actors = [];
    for await (const actor of group.getAttributions(options))
        actors.push(show(actor));
    items.push({
        type: group.constructor.name, id: group.id.href, summary: group.summary?.toString(), totalItems: group.totalItems,
        published: group.published?.toString(), updated: group.updated?.toString(), actors, items: actions,
    });
}
console.log(JSON.stringify({
    type: page.constructor.name, id: page.id.href, name: page.name.toString(), partOf: page.partOfId?.href,
    next: page.nextId?.href, items,
}));
