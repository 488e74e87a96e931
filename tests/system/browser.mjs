// SPDX-License-Identifier: Apache-2.0
//
// Opens pages in a headless Chromium, with the certificate store of $HOME, and
// evaluates an expression in each.  test_attacks_api.py starts it.
//
// usage: node browser.mjs MODULES <STEPS
//
// MODULES is what build-aux/page-modules prints.  STEPS is a JSON array of
// {"open": URL, "run": EXPRESSION}; what each expression, or its promise,
// comes to is printed as a JSON array.
//
// Chromium ends requests when it finds that the machine's addresses have
// changed, which it may find as late as some seconds after its start.  A step
// to which that happens is done once more.

import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [modules] = process.argv.slice(2);
const require = createRequire(join(modules, "package.json"));
const { chromium } = require("playwright-core");
const executablePath = ["/usr/bin/chromium", "/usr/bin/chromium-browser"]
  .find(existsSync);
const steps = JSON.parse(readFileSync(0, "utf8"));

// Names under .test are this machine.
const context = await chromium.launchPersistentContext(
  join(process.env.HOME, "profile"), { executablePath,
    args: ["--host-resolver-rules=MAP *.test 127.0.0.1",
      ...process.getuid() === 0 ? ["--no-sandbox"] : []] });
const results = [];
const CHANGED = "net::ERR_NETWORK_CHANGED";
const TRIES_MAX = 5;

/* Returns what the step comes to, in a page of its own, and if it is to be
 * done again. */
async function tryStep({ open, run }) {
  const page = await context.newPage();
  let again = false, result = null;

  page.setDefaultTimeout(30000);
  page.on("requestfailed", (request) => {
    again ||= request.failure().errorText === CHANGED;
  });
  try {
    await page.goto(open);
    result = await page.evaluate(run);
  } catch (error) {
    if (!String(error).includes(CHANGED)) {
      throw error;
    }
    again = true;
  }
  await page.close();
  return { again, result };
}

for (const step of steps) {
  let done = await tryStep(step);

  for (let tries = 1; done.again && tries < TRIES_MAX; tries++) {
    done = await tryStep(step);
  }
  results.push(done.result);
}
await context.close();
console.log(JSON.stringify(results));
