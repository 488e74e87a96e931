// SPDX-License-Identifier: Apache-2.0
//
// Uses the page as an operator would, in a headless Chromium.  test_page.py
// and tests/bench/page start it.
//
// usage: node page.mjs MODULES URL TOKEN SCREENSHOTS [SCENE...]
//
// MODULES is what build-aux/page-modules prints.  For each scene it prints a
// line of JSON: {"scene", "error" (null, or what was wrong), "ms", "figures"
// (what the scene has measured)}.

import assert from "node:assert/strict";
import { existsSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { scenes } from "./page-scenes.mjs";

const [modules, url, token, shots, ...chosen] = process.argv.slice(2);
const { chromium } = createRequire(join(modules, "package.json"))(
  "playwright-core");
const executablePath = ["/usr/bin/chromium", "/usr/bin/chromium-browser"]
  .find(existsSync);

/** The API, for what a scene prepares and looks up. */
async function api(method, path, body) {
  const response = await fetch(`${url}/v1/${path}`, { method, headers: {
    Authorization: `Bearer ${token}`,
    ...(body ? { "Content-Type": "application/json" } : {}) },
  body: body && JSON.stringify(body) });

  assert(response.ok, `${method} ${path}: ${response.status} `
    + await response.clone().text());
  return response.json();
}

async function play(browser, name, scene) {
  const context = await browser.newContext({
    viewport: { width: 1400, height: 900 },
    colorScheme: scene.dark ? "dark" : "light" });
  const complaints = [];

  if (!scene.stranger) {
    await context.addInitScript((t) =>
      sessionStorage.setItem("vmn-token", t), token);
  }
  const page = await context.newPage();

  page.setDefaultTimeout(15000);
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) {
      complaints.push(message.text());
    }
  });
  page.on("pageerror", (error) => complaints.push(String(error.stack)));
  page.on("request", (request) => {
    if (!request.url().startsWith(url)) {
      complaints.push(`a request to ${request.url()}`);
    }
  });
  const shoot = (what) => page.screenshot({ path: shoot.path(what) });

  shoot.path = (what) => join(shots, what ? `${name}-${what}.png`
    : `${name}.png`);

  try {
    const figures = await scene.play({ page, url, token, api, shoot,
      context, go: (hash) => page.goto(`${url}/#/${hash}`) });
    await shoot();
    const bad = complaints.filter((text) => !scene.allows?.test(text));

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
  args: process.getuid() === 0 ? ["--no-sandbox"] : [] });

for (const [name, scene] of Object.entries(scenes)) {
  if (chosen.length ? chosen.includes(name) : !scene.bench) {
    const start = Date.now();
    const [figures, error] = await play(browser, name, scene).then(
      (f) => [f, null], (e) => [null, String(e.message)]);

    console.log(JSON.stringify({ scene: name, error, figures,
      ms: Date.now() - start }));
  }
}
await browser.close();
