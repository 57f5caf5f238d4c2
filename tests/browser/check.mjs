// Opens reports in headless Chromium and holds them to what a reader may expect:
//
//     tests/browser/run REPORT.html...          (installs what it needs, then calls this)
//
// no message on the console, no request that leaves the page, nothing that axe-core finds serious, nothing wider than the screen, the
// read-out, the choice of clients and the keyboard at work, and the same page whole without its script. SCREENSHOTS=DIR keeps pictures.
import { readFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const pictures = process.env.SCREENSHOTS;
const views = [
  { name: "desktop", viewport: { width: 1280, height: 900 }, colorScheme: "light" },
  { name: "dark", viewport: { width: 1280, height: 900 }, colorScheme: "dark" },
  { name: "phone", viewport: { width: 390, height: 844 }, colorScheme: "light" },
];
const flags = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];
const wrong = [];

const profile = mkdtempSync(join(tmpdir(), "pollcost-browser-"));
const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const open = (options) => chromium.launchPersistentContext(mkdtempSync(join(profile, "view-")), {
  executablePath, args: flags, bypassCSP: true, ...options,
});

for (const report of process.argv.slice(2)) {
  const url = pathToFileURL(resolve(report)).href;
  const stem = basename(dirname(resolve(report)));
  for (const { name, ...options } of views) {
    const context = await open(options);
    const page = context.pages()[0] ?? await context.newPage();
    const fault = (what) => wrong.push(`${report}, ${name}: ${what}`);
    page.on("console", (message) => fault(`console says ${message.text()}`));
    page.on("pageerror", (error) => fault(`the script fails: ${error.message}`));
    page.on("request", (request) => { if (request.url() !== url) { fault(`asks for ${request.url()}`); } });
    await page.goto(url);
    const sticksOut = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (sticksOut > 0) { fault(`the page is ${sticksOut} px wider than the screen`); }
    if (pictures) { await page.screenshot({ path: join(pictures, `${stem}-${name}.png`), fullPage: true }); }
    await page.evaluate(axe);
    const found = await page.evaluate(() => globalThis.axe.run());
    for (const one of found.violations.filter((v) => ["serious", "critical"].includes(v.impact))) {
      fault(`axe: ${one.id} (${one.impact}): ${one.nodes.slice(0, 3).map((n) => n.target.join(" ")).join("; ")}`);
    }
    // Before a client is hidden: paper shows all of them.
    if (pictures && name === "desktop") { await page.pdf({ path: join(pictures, `${stem}-print.pdf`), format: "A4" }); }
    if (name === "desktop") { await byKeyboard(page, fault); }
    await atWork(page, fault);
    await context.close();
  }
  const bare = await open({ javaScriptEnabled: false, viewport: { width: 1280, height: 900 } });
  const page = bare.pages()[0] ?? await bare.newPage();
  await page.goto(url);
  if (await page.locator("figure svg").count() === 0) { wrong.push(`${report}: without its script it has no figures`); }
  if (await page.locator("fieldset.choice").count() > 0) { wrong.push(`${report}: without its script it offers a choice`); }
  await bare.close();
}

// Tab goes from the skip link through everything that can be used, in the order of the page, and one sees where it is.
async function byKeyboard(page, fault) {
  await page.evaluate(() => { globalThis.earlier = null; document.activeElement.blur(); scrollTo(0, 0); });
  for (let step = 0; step < 40; step++) {
    await page.keyboard.press("Tab");
    const told = await page.evaluate(() => {
      const at = document.activeElement, before = globalThis.earlier;
      if (at === document.body) { return { over: true }; }
      globalThis.earlier = at;
      const box = at.getBoundingClientRect(), style = getComputedStyle(at);
      return {
        name: `${at.tagName.toLowerCase()} "${at.textContent.trim().slice(0, 30)}"`,
        first: at.matches(".skip"),
        backward: before !== null && !(before.compareDocumentPosition(at) & Node.DOCUMENT_POSITION_FOLLOWING),
        seen: box.width > 0 && box.right > 0 && box.bottom > 0 && box.left < innerWidth && box.top < innerHeight,
        outlined: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
      };
    });
    if (told.over) { return; }
    if (step === 0 && !told.first) { fault(`Tab begins at ${told.name}, not at the skip link`); }
    if (told.backward) { fault(`Tab goes backward to ${told.name}`); }
    if (!told.seen) { fault(`${told.name} has the focus and is not on the screen`); }
    if (!told.outlined) { fault(`one does not see that ${told.name} has the focus`); }
  }
}

// The read-out tells a client's value under the pointer; the choice hides a client everywhere.
async function atWork(page, fault) {
  const group = page.locator("svg g[data-client][data-at]:visible").first();
  if (await group.count() > 0) {
    await group.scrollIntoViewIfNeeded();
    const spot = await group.evaluate((g) => {
      const [x, y] = g.dataset.at.split(" ").map(Number);
      const at = new DOMPoint(x, y).matrixTransform(g.ownerSVGElement.getScreenCTM());
      return [at.x, at.y];
    });
    await page.mouse.move(...spot);
    const told = await group.evaluate((g) => g.closest(".plot").nextElementSibling.textContent);
    if (!/^.+: .*\d/.test(told)) { fault(`the read-out over a point says "${told}"`); }
  }
  const box = page.locator("fieldset.choice input").first();
  if (await box.count() === 0) { return; }
  const shown = () => page.evaluate(() => [...document.querySelectorAll('[data-client="0"]')].filter((e) => e.style.display !== "none").length);
  const before = await shown();
  await box.focus();
  await page.keyboard.press("Space");
  const after = await shown();
  if (before === 0 || after !== 0) { fault(`the choice leaves ${after} of ${before} parts of the first client`); }
  const all = page.locator("fieldset.choice button");
  if (await all.count() === 0) { return; }
  const checked = () => page.locator("fieldset.choice input:checked").count();
  await all.nth(1).click();
  if (await checked() !== 0 || await shown() !== 0) { fault("not every client is hidden by None"); }
  await all.nth(0).click();
  if (await checked() === 0 || await shown() !== before) { fault("not every client is back by All"); }
}

rmSync(profile, { recursive: true, force: true });
for (const line of wrong) { console.error(`browser: ${line}`); }
if (wrong.length > 0) { process.exit(1); }
console.log(`browser: ${process.argv.length - 2} reports, ${views.length} views of each: nothing found`);
