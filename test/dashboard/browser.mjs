// The browsers of dashboard.pl, which do what they are told: each line of standard input is
// the body of a function in JavaScript, as JSON; each line of the output is what it returns,
// or the error.
//
// A browser is a process of its own.  Pages have names, and remember in "requests" and
// "complaints" what they have asked for, and what the browser had to say about them.

import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const TIMEOUT = 1000 * (process.env.PG_TEST_TIMEOUT_DEFAULT ?? 180);
const pages = {};

const browser = () => chromium.launch({
    executablePath: process.env.CHROMIUM,
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
});

// Opens an address in a window of its own.
async function open(name, browser, url, options) {
    const page = await (await browser.newContext(options)).newPage();
    page.setDefaultTimeout(TIMEOUT);
    page.requests = [];
    page.complaints = [];
    page.on("request", (request) => page.requests.push(new URL(request.url()).pathname));
    page.on("pageerror", (error) => page.complaints.push(error.message));
    // that nobody answered while the gateway was dead is as it should be
    page.on("console", (message) => message.type() === "error" && !/net::ERR_|status of 503/.test(message.text()) &&
        page.complaints.push(message.text()));
    await page.goto(url);
    await page.locator("#state.live").waitFor();
    pages[name] = page;
}

// What is shown
const look = {
    ids: (page) => page.locator("#entries > li").evaluateAll((all) => all.map((element) => element.dataset.id).join(" ")),
    // the sentence without how long ago, and the description
    entries: (page) => page.locator("#entries > li").evaluateAll((all) => all.map((element) => {
        const told = element.querySelector(".told").cloneNode(true);
        told.querySelector("time")?.remove();
        return [told.querySelector(".sentence"), told.querySelector("blockquote:not([hidden])")]
            .map((part) => part?.textContent.trim()).filter(Boolean).join(": ");
    })),
    groups: (page) => page.locator("#groups .sentence").evaluateAll((all) => all.map((element) => {
        element.querySelector("time")?.remove();
        return element.textContent.trim();
    })),
    badge: (page) => page.locator("#badge").evaluate((element) => (element.hidden ? "" : element.textContent)),
    state: (page) => page.locator("#state").textContent(),
};

// Looks at pages until all show what is expected, or for too long; returns what they show.
async function until(what, expected) {
    const deadline = Date.now() + TIMEOUT;
    for (;;) {
        const shown = {};
        for (const name of Object.keys(expected))
            shown[name] = await look[what](pages[name]);
        if (JSON.stringify(shown) === JSON.stringify(expected) || Date.now() > deadline)
            return shown;
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
}

// How bright a picture is on the whole, from 0 to 255.
async function brightness(browser, png) {
    const page = await browser.newPage();
    return page.evaluate(async (data) => {
        const picture = await (await fetch(`data:image/png;base64,${data}`)).blob();
        const context = new OffscreenCanvas(1, 1).getContext("2d");
        context.drawImage(await createImageBitmap(picture, { resizeWidth: 1, resizeHeight: 1, resizeQuality: "high" }), 0, 0);
        const [red, green, blue] = context.getImageData(0, 0, 1, 1).data;
        return (red + green + blue) / 3;
    }, png.toString("base64"));
}

const told = { pages, browser, open, look, until, brightness, shared: {} };
const AsyncFunction = open.constructor;
for await (const line of createInterface({ input: process.stdin })) {
    let answer;
    try {
        answer = { value: await new AsyncFunction(...Object.keys(told), JSON.parse(line))(...Object.values(told)) };
    } catch (error) {
        answer = { error: error.message };
    }
    console.log(JSON.stringify(answer));
}
process.exit();
