// Reads a page of Activity Streams 2.0 from a file into objects, and
// prints what is in them.  Contexts are those that come with the library.
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
for await (const item of page.getItems(options)) {
    items.push({
        type: item.constructor.name, id: item.id.href, url: item.url?.href, summary: item.summary?.toString(),
        content: item.content?.toString(), mediaType: item.mediaType, published: item.published?.toString(),
        actor: show(await item.getActor(options)), object: show(await item.getObject(options)),
        target: show(await item.getTarget(options)),
    });
}
console.log(JSON.stringify({
    type: page.constructor.name, id: page.id.href, name: page.name.toString(), partOf: page.partOfId?.href,
    next: page.nextId?.href, prev: page.prevId?.href, items,
}));
