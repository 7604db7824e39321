// Takes the picture of the documents: a light window, and a dark and narrow one beside it.
//
//   node picture.js ADDRESS FILE
//
//   CHROMIUM    the browser, /usr/bin/chromium unless said

import { chromium } from "playwright-core";

const [address, path] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });

async function picture(query, width, height, colorScheme, menu) {
    const page = await browser.newPage({ viewport: { width, height }, colorScheme });
    await page.goto(`${address}${query}`);
    await page.locator("#state.live").waitFor();
    if (menu) {
        await page.locator("#entries summary").nth(menu).click();
        await page.locator(".menu button").first().waitFor();
    }
    return `data:image/png;base64,${(await page.screenshot()).toString("base64")}`;
}

const [wide, narrow] = [await picture("", 1120, 800, "light"), await picture("?reader=reader:2", 360, 800, "dark", 2)];
const page = await browser.newPage({ viewport: { width: 1504, height: 800 } });
await page.setContent(`<style>
    body { display: flex; justify-content: space-between; margin: 0; }
    img { border-radius: 12px; }
</style><img src="${wide}"><img src="${narrow}">`);
await page.screenshot({ path });
await browser.close();
