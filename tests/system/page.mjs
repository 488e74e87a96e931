// SPDX-License-Identifier: Apache-2.0
//
// Uses the page as an operator would, in a headless Chromium.  test_page.py
// and tests/bench/page start it.
//
// usage: node page.mjs MODULES URL TOKEN SCREENSHOTS [SCENE...]
//
// MODULES is what build-aux/page-modules prints.  For each scene it prints a
// line of JSON: {"scene", "error" (null, or what was wrong), "ms", "figures"
// (what the scene has measured)}.  A scene that fails while Chromium ends a
// request since addresses have changed is played once more (see chromium.mjs).

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { CHANGED, executablePath, sandbox, undisturbed }
  from "./chromium.mjs";
import { LIMIT } from "./page-helpers.mjs";
import { scenes as main } from "./page-scenes.mjs";
import { scenes as forms } from "./page-scenes-forms.mjs";
import { scenes as loads } from "./page-scenes-loads.mjs";
import { scenes as looks } from "./page-scenes-looks.mjs";
import { scenes as objects } from "./page-scenes-objects.mjs";
import { scenes as picture } from "./page-scenes-picture.mjs";

const [modules, url, token, shots, ...chosen] = process.argv.slice(2);
const scenes = { ...main, ...objects, ...forms, ...picture,
  ...looks, ...loads };
const require = createRequire(join(modules, "package.json"));
const { chromium } = require("playwright-core");
const axe = require.resolve("axe-core/axe.min.js");

// The paths of what scenes have deleted, of types those of their objects.
const gone = [];

/** The API, for what a scene prepares and looks up. */
async function api(method, path, body) {
  if (method === "DELETE") {
    gone.push(`${url}/v1/${path.replace(/\?.*/, "")
      .replace(/^types\/|\/code$/g, "")}`);
  }
  const response = await fetch(`${url}/v1/${path}`, { method, headers: {
    Authorization: `Bearer ${token}`,
    ...(body ? { "Content-Type": "application/json" } : {}) },
  body: body && JSON.stringify(body) });

  assert(response.ok, `${method} ${path}: ${response.status} `
    + await response.clone().text());
  return response.json();
}

/** Whether the console tells that what a scene has deleted is not there: the
 * page may have been about to ask for it. */
function isOfGone(message) {
  return message.text().includes("status of 404")
    && gone.some((path) => message.location().url.startsWith(path));
}

/** What is wrong with names, contrast, order and so on of what is shown now,
 * by the rules of WCAG 2.1 (A and AA) that a program can check.  What fades in
 * or changes its colour has no contrast yet, so that is waited for; what goes
 * round for ever is not. */
async function barriers(page) {
  await page.waitForFunction(() => document.getAnimations().every((one) =>
    one.playState !== "running"
    || one.effect.getComputedTiming().endTime === Infinity));
  const { violations } = await page.evaluate(() => window.axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"],
    resultTypes: ["violations"] }));

  return violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(
    (node) => `${node.html.slice(0, 160)} ${node.any[0]?.message ?? ""}`)
    .join("; ")}`);
}

async function play(browser, name, scene, watch) {
  const context = await browser.newContext({
    viewport: { width: 1400, height: 900 },
    colorScheme: scene.dark ? "dark" : "light" });
  const complaints = [];

  watch(context);
  if (!scene.stranger) {
    await context.addInitScript((t) =>
      sessionStorage.setItem("vmn-token", t), token);
  }
  const page = await context.newPage();

  await page.addInitScript({ path: axe });
  page.setDefaultTimeout(LIMIT);
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())
        && !isOfGone(message)) {
      complaints.push(`${message.text()} ${message.location().url}`);
    }
  });
  page.on("pageerror", (error) => complaints.push(String(error.stack)));
  page.on("request", (request) => {
    if (!scene.elsewhere && !request.url().startsWith(url)) {
      complaints.push(`a request to ${request.url()}`);
    }
  });
  const shoot = (what) => page.screenshot({ path: shoot.path(what) });

  shoot.path = (what) => join(shots, what ? `${name}-${what}.png`
    : `${name}.png`);

  try {
    const figures = await scene.play({ page, url, token, api, shoot,
      context, barriers, go: (hash) => page.goto(`${url}/#/${hash}`) });
    await shoot();
    if (!scene.bench && !scene.elsewhere) {
      assert.deepEqual(await barriers(page), [], "it is accessible");
    }
    const bad = complaints.filter((text) => !scene.allows?.test(text)
      && !text.includes(CHANGED));

    assert.deepEqual(bad, [], "the console has nothing to complain of");
    return figures;
  } catch (error) {
    await shoot("failed").catch(() => {});
    throw new Error(`${error.message}\nconsole: ${complaints.join("\n")}`,
      { cause: error });
  } finally {
    await context.close();
  }
}

mkdirSync(shots, { recursive: true });
const browser = await chromium.launch({ executablePath,
  args: sandbox });

async function tell(name) {
  const start = Date.now();
  const [figures, error] = await undisturbed((watch) =>
    play(browser, name, scenes[name], watch)).then(
    (f) => [f, null], (e) => [null, String(e.message)]);

  console.log(JSON.stringify({ scene: name, error, figures,
    ms: Date.now() - start }));
}

for (const name of Object.keys(scenes)) {
  if (chosen.length ? chosen.includes(name) : !scenes[name].bench) {
    await tell(name);
  }
}
await browser.close();
