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

for (const { open, run } of steps) {
  const page = await context.newPage();

  page.setDefaultTimeout(30000);
  await page.goto(open);
  results.push(await page.evaluate(run));
  await page.close();
}
await context.close();
console.log(JSON.stringify(results));
