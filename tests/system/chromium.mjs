// SPDX-License-Identifier: Apache-2.0
//
// What browser.mjs and page.mjs know of Chromium: where it is, and that it
// ends requests when it finds that the machine's addresses have changed, which
// it may find as late as some seconds after its start.

import { existsSync } from "node:fs";

export const executablePath = ["/usr/bin/chromium",
  "/usr/bin/chromium-browser"].find(existsSync);

export const sandbox = process.getuid() === 0 ? ["--no-sandbox"] : [];

export const CHANGED = "net::ERR_NETWORK_CHANGED";

const TRIES_MAX = 5;

/** Returns what 'attempt' comes to.  One that fails is made once more where
 * Chromium has ended a request for that reason; it is given a function that
 * is to be called for its page, or context, and returns one that says whether
 * it has. */
export async function undisturbed(attempt) {
  for (let tries = 1; ; tries++) {
    let changed = false;

    try {
      return await attempt((where) => {
        where.on("requestfailed", (request) => {
          changed ||= request.failure().errorText === CHANGED;
        });
        return () => changed;
      });
    } catch (error) {
      if (tries === TRIES_MAX || !(changed || String(error).includes(
        CHANGED))) {
        throw error;
      }
    }
  }
}
