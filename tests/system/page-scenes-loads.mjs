// SPDX-License-Identifier: Apache-2.0
//
// The page with many hosts and ports (tests/bench/vmnbench/crowd.py): how long
// its views take, for how long they do not answer, and what is to be read.
// tests/bench/page plays it with a thousand hosts, test_page.py with few.

import assert from "node:assert/strict";
import { field, misfits, rows, section, until } from "./page-helpers.mjs";

const n = new Intl.NumberFormat("en");
const FEW = 500;                // Hosts: below, it is a test of what is shown.
/* A picture follows every five seconds; others when something happens. */
const REFRESHED_MS = 1500;
const FOLLOWED_MS = 6000;
const REDRAWN_MS = 400;         // For another size; for pictures alone.

/* Looked at in all of these, where a picture has to be read. */
const LOOKS = [["light", 1280, 800, "light"], ["dark", 1280, 800, "dark"],
  ["phone", 390, 844, "light"], ["phone-dark", 390, 844, "dark"]];

/* Labels and a network that the logical view is asked for. */
const LABELS = "topology/logical, by a label";
const NETWORK = "topology/logical, by a network";

const picture = (p) => p.getByRole("group", { name: "The picture" });
const map = (p) => p.getByRole("group", { name: "Who sends to whom" });

/** Views by their addresses, and what is to be seen of each. */
const viewsOf = ({ ports }) => ({
  overview: (p) => section(p, "Ports").getByText(`${n.format(ports.up)} up`),
  topology: (p) => p.getByRole("button", { name: /^host hv0, synced/ }),
  "topology/logical": (p) => p.getByRole("button",
    { name: /^[\d,]+ more networks/ }),
  "topology/ports/p0": (p) => section(p, "Port p0").getByText(
    /installed on|concerns no host's flows|too old/),
  "topology/hosts/hv0": (p) => rows(section(p, "Host hv0"))
    .filter({ hasText: "p0" }).first(),
  "traffic/host": (p) => map(p).getByRole("link", { name: /^hv\d/ }).first(),
  "traffic/network": (p) => map(p).getByRole("link", { name: /^n\d/ })
    .first(),
  "traffic/label/group": (p) => map(p).locator("text.name").getByText(
    /^g\d/).first(),
  "traffic/port": (p) => map(p).getByRole("link", { name: /^p\d/ }).first(),
  policies: (p) => section(p, "Tier application").getByText("g0").first(),
  changes: (p) => rows(section(p, "Revisions")).first(),
  trace: (p) => p.getByRole("button", { name: "Trace" }),
  "trace/p0/p5/tcp/8000": (p) => p.getByRole("status").getByText(
    /dropped|delivered/),
  reachability: (p) => p.getByText("Which network?").or(
    p.getByText("from \\ to")),
});

/* What is not as in the demonstration. */
const ALWAYS = ["overview", "topology", "topology/logical",
  "topology/hosts/hv0", "traffic/host", "traffic/port", "reachability"];
const PICTURES = /^(topology\/logical|traffic)/;

/** A page of its own that notes its longest stall. */
async function open(context) {
  const view = await context.newPage();

  await view.addInitScript(() => {
    window.stall = 0;
    new PerformanceObserver((all) => all.getEntries().forEach((one) => {
      window.stall = Math.max(window.stall, one.duration);
    })).observe({ type: "longtask", buffered: true });
  });
  return view;
}

/** [name, ms until 'done', longest stall]: then, and while it is refreshed. */
async function measure(view, name, isLarge, act, done) {
  const start = performance.now();

  await act();
  await done.waitFor();
  const ms = performance.now() - start;

  await view.waitForTimeout(!isLarge ? 100 : PICTURES.test(name)
    ? FOLLOWED_MS : REFRESHED_MS);
  return [name, Math.round(ms),
    Math.round(await view.evaluate(() => window.stall))];
}

/** That it fits on all screens; pictures of those that are to be read. */
async function look(view, name, shoot) {
  const file = name.replaceAll(/[^a-z\d]+/g, "-");

  for (const [width, height] of [[1280, 800], [390, 844], [1920, 1080]]) {
    await view.setViewportSize({ width, height });
    assert.deepEqual(await misfits(view), [], `${name}, ${width} pixels wide`);
  }
  await view.waitForTimeout(REDRAWN_MS);
  await view.screenshot({ path: shoot.path(file) });
  for (const [what, width, height, colorScheme] of PICTURES.test(name)
    ? LOOKS : []) {
    await view.setViewportSize({ width, height });
    await view.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await view.waitForTimeout(REDRAWN_MS);
    await view.screenshot({ path: shoot.path(`${file}-${what}`),
      fullPage: width < 600 });
  }
  await view.setViewportSize({ width: 1400, height: 900 });
  await view.emulateMedia({ colorScheme: "light" });
}

/** Ports come where labels ask for them, and below their networks. */
async function filter(view, isLarge, figures, shoot) {
  const type = (name, text) => async () => {
    await view.evaluate(() => {
      window.stall = 0;
    });
    await field(view, name).fill(text);
    await view.keyboard.press("Enter");
  };
  const ports = (name) => view.getByRole("button", { name });

  await view.getByText(/^There are .* ports: a label or/).waitFor();
  figures.push(await measure(view, LABELS, isLarge,
    type("Labels of ports", "group=g1"), ports(/^ports group=g1 of n/)
      .first()));
  await look(view, LABELS, shoot);
  figures.push(await measure(view, NETWORK, isLarge, type("Network", "n0"),
    ports(/^ports group=g1 of n0, \d+ port/)));
  // What routers lead to is there, however many networks have more ports.
  await picture(view).getByRole("button", { name: /^network outside/ })
    .waitFor();
  await until("one network and its ports", async () => await picture(view)
    .getByRole("button", { name: /^network n\d/ }).count() === 1);
  assert.equal(await view.getByText(/ more networks/).count(), 0);
  // And what it hangs on: a router, its gateways, what is outside.
  await picture(view).getByRole("button", { name: /^router r0/ }).waitFor();
  await look(view, NETWORK, shoot);
}

/** Does 'act' while a view that was just opened waits for the summary. */
async function early(page, act) {
  let answer = null;
  const due = new Promise((done) => {
    answer = done;
  });

  await page.route("**/v1/summary*", async (route) => {
    await due;
    await route.continue();
  });
  await act();
  answer();
}

/** A network for the matrix; whoever types elsewhere meanwhile goes on. */
async function reach({ page, url, shoot }, isAsked) {
  const port = field(page, "Port");

  await early(page, async () => {
    await page.goto(`${url}/#/reachability`);
    await port.fill("80");
  });
  if (isAsked) {
    await page.getByText("Which network?").waitFor();
    assert(await port.evaluate((e) => e === document.activeElement));
  }
  await page.unroute("**/v1/summary*");
  await port.fill("8000");
  await field(page, "Network").fill("n0");
  await page.getByRole("button", { name: "Show" }).click();
  await page.getByRole("button", { name: /^p\d.* to p\d.*: yes/ }).first()
    .waitFor();
  await shoot("reachability-n0");
}

/** As many cards as hosts, and bars in them instead of ports. */
async function sum({ page, url, shoot }, { hosts, n_networks }) {
  const label = "Labels of ports";

  await page.goto(`${url}/#/topology`);
  await until("all hosts", async () => await page.locator(".card.ok")
    .count() === hosts.length);
  assert.equal(await page.locator("rect.chip").count(), 0);
  assert(await page.locator("rect.bar, rect.load").count() >= hosts.length);
  await shoot("hosts");
  await page.getByRole("button", { name: "By network" }).click();
  await until("a card for each network", async () =>
    await page.locator(".card").count() === Math.min(n_networks, 1000));
  await shoot("networks");
  // Without a filter the logical view is as it was before it: names can be
  // read, and one card of each layer stands for those that have no room.
  await page.getByRole("button", { name: "Logical" }).click();
  const others = picture(page).getByRole("button",
    { name: /^[\d,]+ more networks/ });
  const all = async () => await others.count() === 1
    && await picture(page).getByRole("button", { name: /^network n/ })
      .count() > 5;

  await until("networks", all);
  assert(await picture(page).locator(".card").count() <= 150);
  const letters = await picture(page).locator(".card .name").first()
    .evaluate((e) => e.getBoundingClientRect().height);

  assert(letters > 8, `names are ${letters} pixels high`);
  await field(page, label).fill("group=g1");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: /^ports group=g1 of n/ }).first()
    .waitFor();
  await field(page, label).fill("");
  await page.keyboard.press("Enter");
  await page.getByText(/^There are .* ports: a label or/).waitFor();
  await until("networks again", all);
  // Which these are the table has, and a list.
  assert(Number(await section(page, "Logical network").getByRole("grid")
    .getAttribute("aria-rowcount")) > Math.min(n_networks, 1000));
  await others.click();
  await section(page, "Networks").waitFor();
  // A search finds ports by the beginning of their names, also if they are
  // typed before there is a picture.
  await early(page, async () => {
    await page.goto(`${url}/#/topology/hosts`);
    await page.getByRole("searchbox", { name: "Search" }).fill("p17");
  });
  for (const found of [/^Portp17$/, /^Portp170$/]) {
    await rows(section(page, "Found")).filter({ hasText: found }).waitFor();
  }
}

export const scenes = {
  loads: {
    bench: true,
    async play(stage) {
      const { context, url, api, shoot } = stage;
      const summary = await api("GET", "summary");
      const isLarge = summary.hosts.length >= FEW;
      const figures = [];

      for (const [hash, what] of Object.entries(viewsOf(summary))) {
        if (!isLarge && !ALWAYS.includes(hash)) {
          continue;
        }
        const view = await open(context);

        figures.push(await measure(view, hash, isLarge, () =>
          view.goto(`${url}/#/${hash}`), what(view)));
        await look(view, hash, shoot);
        if (hash === "topology/logical" && summary.ports.up > 1000) {
          await filter(view, isLarge, figures, shoot);
        }
        await view.close();
      }
      await reach(stage, summary.ports.up > 1000);
      if (summary.ports.up > 1000) {
        await sum(stage, summary);
      }
      return figures;
    },
  },
};
