// The application in the browser: one reader's stream, kept up to date by the live feed.
//
// The page comes with a position, at which the feed begins, so nothing falls between the
// two. A change is applied by id: an entry takes its place, or is replaced, or goes. Applying
// one again, or after a newer page, does no harm.

const RETRY = 2000; // milliseconds
const byId = (id) => document.getElementById(id);

let viewer; // the reference of the reader
let source; // the live feed
let position; // the last that is known of it
let during; // the changes that came while a page is being asked for

// Asks the gateway; returns what it answers.
async function ask(path, options) {
    const response = await fetch(`/viewers/${encodeURIComponent(viewer)}/${path}`, options);
    if (!response.ok)
        throw new Error((await response.json()).error);
    return response.status === 204 ? undefined : response.json();
}

function order(what, text) {
    return ask(what, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ what: text }) });
}

// Runs what a button does, and shows what goes wrong.
async function attempt(work) {
    try {
        await work();
        byId("error").hidden = true;
    } catch (error) {
        byId("error").textContent = `That did not work: ${error.message}.`;
        byId("error").hidden = false;
    }
}

//
// Parts of the page.  Sentences are HTML, which the database has made safe; all else is
// set as text.
//

function fromTemplate(name) {
    return byId(`${name}-template`).content.firstElementChild.cloneNode(true);
}

// A circle in one of eight colors, with the first letters of the first and last word.
function fillAvatar(element, { object, name }) {
    const words = name.match(/[\p{L}\p{N}][^\s]*/gu) ?? ["#"];
    const initials = [words[0], words.length > 1 ? words.at(-1) : ""].map((word) => [...word].slice(0, 1).join(""));
    element.textContent = initials.join("").toUpperCase();
    element.classList.add(`c${[...object].reduce((sum, c) => (sum * 31 + c.codePointAt(0)) % 8, 0)}`);
}

function entryElement(entry) {
    const element = fromTemplate("entry");
    element.dataset.id = entry.id;
    element.dataset.place = entry.place;
    element.dataset.cursor = entry.cursor;
    fillAvatar(element.querySelector(".avatar"), entry.objects.find(({ role }) => role === "actor"));
    element.querySelector(".sentence").innerHTML = entry.html;
    element.querySelector("blockquote").hidden = !entry.description;
    element.querySelector("blockquote bdi").textContent = entry.description ?? "";
    element.querySelector(".menu").addEventListener("toggle", (event) => attempt(() => fillMenu(event.target, entry.objects)));
    return element;
}

function groupElement({ html, actions }) {
    const element = fromTemplate("group");
    element.querySelector(".sentence").innerHTML = html;
    element.querySelector(".count").textContent = actions > 1 ? `${actions} actions` : "";
    return element;
}

// An object with its buttons.
function objectElement({ object, name, url, followed, muted }) {
    const element = fromTemplate("object");
    const states = { follow: [followed, "Following"], mute: [muted, "Muted"] };
    element.dataset.object = object;
    element.querySelector("bdi").textContent = name;
    for (const button of element.querySelectorAll("button")) {
        const [on, word] = states[button.dataset.on];
        if (on)
            button.textContent = word;
        button.setAttribute("aria-label", `${button.textContent} ${name}`);
        button.setAttribute("aria-pressed", on);
        button.addEventListener("click", () => attempt(async () => {
            await order(on ? button.dataset.off : button.dataset.on, object);
            if (source.readyState !== EventSource.OPEN)
                await load(); // else the feed says so, to all windows of the reader
        }));
    }
    return element;
}

// The button that has the focus keeps it, though it is made anew.
function showObjects(objects) {
    const { dataset: { on } = {}, parentElement } = document.activeElement;
    const { object } = parentElement?.dataset ?? {};
    byId("objects").replaceChildren(...objects.map(objectElement));
    if (on && object)
        [...byId("objects").children].find((element) => element.dataset.object === object)?.querySelector(`[data-on=${on}]`).focus();
}

async function fillMenu(menu, objects) {
    if (!menu.open)
        return;
    const others = new URLSearchParams(objects.filter(({ object }) => object !== viewer).map(({ object }) => ["object", object]));
    menu.querySelector("ul").replaceChildren(...(await ask(`objects?${others}`)).map(objectElement));
}

function showUnread(unread) {
    byId("badge").textContent = `${unread < 100 ? unread : "99+"} new`;
    byId("badge").hidden = byId("read").hidden = unread === 0;
}

function showState(text, live) {
    byId("state").textContent = text;
    byId("state").classList.toggle("live", live);
}

// Sentences say how long ago it was when they were made; those of today are kept right.
function showAges() {
    const unit = (n, name) => `${n} ${name}${n === 1 ? "" : "s"}`;
    for (const time of document.querySelectorAll("time")) {
        const minutes = Math.floor((Date.now() - Date.parse(time.dateTime)) / 60000);
        const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
        if (minutes >= 1 && hours < 24)
            time.textContent = [hours > 0 && unit(hours, "hour"), rest > 0 && unit(rest, "minute")].filter(Boolean).join(", ") + " ago";
    }
}
setInterval(showAges, 30_000);

//
// The stream
//

const entryElements = () => [...byId("entries").children];

// Is an entry before another one in the stream, which begins with the newest?
function isBefore({ place, id }, other) {
    return Number(place) > Number(other.place) || (Number(place) === Number(other.place) && BigInt(id) > BigInt(other.id));
}

// Puts an entry where it belongs, if that is not on a page that is not shown yet.
function placeEntry(entry, isLast) {
    const next = entryElements().find((element) => isBefore(entry, element.dataset));
    if (!next && !isLast && !byId("more").hidden)
        return undefined;
    const element = entryElement(entry);
    byId("entries").insertBefore(element, next ?? null);
    return element;
}

function removeEntry(id) {
    entryElements().find((element) => element.dataset.id === id)?.remove();
}

function showEmpty() {
    byId("empty").hidden = byId("entries").childElementCount > 0;
    byId("entries").hidden = !byId("empty").hidden;
}

function applyChange({ operation, id, entry }) {
    removeEntry(id);
    if (operation !== "delete") {
        const element = placeEntry(entry);
        element?.classList.add("changed");
        if (element && operation === "insert")
            byId("news").textContent = element.querySelector(".sentence").textContent;
    }
    showEmpty();
}

function showEntries({ rows, more }) {
    for (const entry of rows) {
        removeEntry(entry.id);
        placeEntry(entry, true);
    }
    byId("more").hidden = !more;
    showEmpty();
}

// What the feed tells while older entries are being read may be newer than these.
async function showNextPage() {
    const feed = source;
    during = [];
    try {
        const page = await ask(`entries?before=${entryElements().at(-1).dataset.cursor}`);
        if (source !== feed)
            return; // all has been loaded anew
        showEntries(page);
        during.forEach(applyChange);
    } finally {
        during = undefined;
    }
}

//
// Groups: they are what they are when they are read, so they are read again after changes.
//

function showGroups({ rows, more }) {
    byId("groups").append(...rows.map(groupElement));
    byId("groups").dataset.cursor = rows.at(-1)?.cursor ?? "";
    byId("more-groups").hidden = !more;
}

async function showMoreGroups() {
    showGroups(await ask(`groups?limit=6&before=${byId("groups").dataset.cursor}`));
}

let groupsTimer;

async function refreshGroups() {
    groupsTimer = undefined;
    try {
        const groups = await ask(`groups?limit=${Math.max(byId("groups").childElementCount, 6)}`);
        byId("groups").replaceChildren();
        showGroups(groups);
    } catch {
        groupsTimer ??= setTimeout(refreshGroups, RETRY);
    }
}

//
// The live feed
//

// Goes on from the position. The browser comes back by itself, with the last position,
// unless the gateway's answer was an error.
function listen() {
    source?.close();
    source = new EventSource(`/live/${encodeURIComponent(viewer)}?since=${encodeURIComponent(position)}`);
    source.addEventListener("change", (event) => {
        const change = JSON.parse(event.data);
        position = event.lastEventId;
        during?.push(change);
        applyChange(change);
        groupsTimer ??= setTimeout(refreshGroups, 300);
    });
    source.addEventListener("unread", (event) => showUnread(JSON.parse(event.data)));
    source.addEventListener("database", (event) =>
        JSON.parse(event.data) ? showState("Live", true) : showState("Waiting for the database …", false));
    source.addEventListener("reload", load); // follows or mutes have changed
    source.addEventListener("reset", load); // the position has become useless
    source.addEventListener("error", () => {
        showState("Connecting again …", false);
        if (source.readyState === EventSource.CLOSED)
            setTimeout(listen, RETRY);
    });
}

// Loads the page, with as many entries as are shown, and goes on from there.
async function load() {
    const wanted = viewer;
    source?.close();
    try {
        const page = await ask(`page?limit=${Math.max(entryElements().length, 20)}`);
        if (viewer !== wanted)
            return;
        byId("entries").replaceChildren();
        byId("groups").replaceChildren();
        showEntries(page.entries);
        showGroups(page.groups);
        showObjects(page.objects);
        showUnread(page.unread);
        ({ position } = page);
        listen();
    } catch (error) {
        showState("Waiting for the database …", false);
        setTimeout(load, RETRY);
    }
}

//
// The reader
//

async function chooseReader() {
    const reader = byId("reader");
    viewer = reader.value;
    history.replaceState(null, "", `?${new URLSearchParams({ reader: viewer })}`);
    byId("name").textContent = document.title = `${reader.selectedOptions[0].textContent}’s stream`;
    byId("entries").replaceChildren();
    await load();
}

async function start() {
    const readers = await (await fetch("/viewers")).json();
    const wanted = new URLSearchParams(location.search).get("reader");
    byId("reader").append(...readers.map(({ viewer, name }) => new Option(name, viewer, false, viewer === wanted)));
    await chooseReader();
}

byId("reader").addEventListener("change", chooseReader);
byId("more").addEventListener("click", () => attempt(showNextPage));
byId("more-groups").addEventListener("click", () => attempt(showMoreGroups));
byId("read").addEventListener("click", () => attempt(() => order("read", entryElements()[0]?.dataset.cursor)));
attempt(start);
