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
// A step in which Chromium ends a request since addresses have changed is done
// once more (see chromium.mjs).

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { CHANGED, executablePath, sandbox, undisturbed }
  from "./chromium.mjs";

const [modules] = process.argv.slice(2);
const require = createRequire(join(modules, "package.json"));
const { chromium } = require("playwright-core");
const steps = JSON.parse(readFileSync(0, "utf8"));

// Names under .test are this machine.
const context = await chromium.launchPersistentContext(
  join(process.env.HOME, "profile"), { executablePath, timeout: 120000,
    args: ["--host-resolver-rules=MAP *.test 127.0.0.1",
      ...sandbox] });
const results = [];

/* What the step comes to, in a page of its own. */
async function take({ open, run }, watch) {
  const page = await context.newPage();
  const changed = watch(page);

  page.setDefaultTimeout(60000);
  try {
    await page.goto(open);
    const result = await page.evaluate(run);

    // The script may have made the best of it.
    assert(!changed(), CHANGED);
    return result;
  } finally {
    await page.close();
  }
}

for (const step of steps) {
  results.push(await undisturbed((watch) => take(step, watch)));
}
await context.close();
console.log(JSON.stringify(results));
