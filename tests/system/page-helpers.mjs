// SPDX-License-Identifier: Apache-2.0
//
// What scenes of the page have in common: where something is shown, to wait
// for it, and whether what is shown fits and can be reached.

import assert from "node:assert/strict";

/** What a view shows as its rows, as text. */
export const rows = (where) => where.locator("[role=rowgroup] [role=row]");

export const section = (page, name) => page.getByRole("region", { name,
  exact: true });

export const field = (page, name) => page.getByLabel(name, { exact: true });

/* Milliseconds until something has come about, where nobody else is at work;
 * as vmnlab/netns.py has it, a busy machine gets more. */
export const LIMIT = 30000 * (Number(process.env.VMN_LAB_PATIENCE) || 1);

/* For what counters tell: a switch that takes long to show them is left alone
 * a hundred times as long (wait_counted() in conftest.py). */
export const COUNTED = 4 * LIMIT;

/** Until it is so, as expect() would. */
export async function until(what, condition, limit = LIMIT) {
  const end = Date.now() + limit;

  for (;;) {
    const value = await condition();

    if (value) {
      return value;
    }
    assert(Date.now() < end, `${what} did not come about`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

/** Something that would run if it were taken for markup. */
export const MARKUP = "<img src=x onerror=\"document.title='owned'\">";

/** What is wider than the screen or cut off, but for what scrolls, and text
 * that is told in full by its title. */
export function misfits(page) {
  return page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    const found = [];
    const say = (what, e) => found.push(`${what}: ${e.tagName}.${
      e.getAttribute("class") ?? ""} "${e.textContent.slice(0, 60)}"`);

    if (document.documentElement.scrollWidth > width) {
      found.push(`the page has ${document.documentElement.scrollWidth
      } pixels, the screen ${width}`);
    }
    for (const e of document.querySelectorAll("body *")) {
      const box = e.getBoundingClientRect();

      if (!box.width || e.closest(".sr, .skip, svg, datalist, option")) {
        continue;
      }
      const scrolls = e.parentElement.closest(
        ".scroller, .scrolls, .flows, .way, .fold");

      if (!scrolls && box.right > width + 1) {
        say("too wide", e);
      }
      if (getComputedStyle(e).overflowX === "hidden" && !e.title
          && e.scrollWidth > e.clientWidth + 1) {
        say("cut off", e);
      }
    }
    // A word is not broken where it is one: its column would be too narrow.
    for (const cell of document.querySelectorAll("th, .facts dt")) {
      const range = document.createRange();

      range.selectNodeContents(cell);
      if (!cell.firstElementChild && !/\s/.test(cell.textContent.trim())
          && range.getClientRects().length > 1) {
        say("broken", cell);
      }
    }
    return found;
  });
}

/** Presses Tab until it comes to where it has been.  Returns where it was not
 * to be seen that it has the focus. */
async function goAround(page) {
  const wrong = [];

  for (let i = 0; i < 400; i++) {
    await page.keyboard.press("Tab");
    const [again, unseen] = await page.evaluate(() => {
      const e = document.activeElement;
      const style = getComputedStyle(e.querySelector(":scope > .ground") ?? e);
      const seen = e.matches(".card") ? style.strokeWidth === "3px"
        : style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
      // The page's own end is passed, to come to what is before its middle.
      const before = e !== document.body && window.reached.has(e);

      window.reached.add(e);
      return [before, seen || e === document.body ? null
        : `${e.tagName}.${e.getAttribute("class")} ${e.textContent}`];
    });

    if (unseen) {
      wrong.push(`focus is not seen: ${unseen.slice(0, 80)}`);
    }
    if (again) {
      break;
    }
  }
  return wrong;
}

/** What the Tab key does not come to, or where it is not to be seen that it
 * has.  Where the page has drawn something anew meanwhile, since something
 * happened, it is asked once more. */
export async function unreachable(page) {
  for (let i = 0; ; i++) {
    await page.evaluate(() => {
      window.toReach = () => [...document.querySelectorAll("a[href], button, "
        + "input, select, textarea, summary, [tabindex='0']")].filter((e) =>
        e.checkVisibility() && !e.disabled && e.tabIndex >= 0);
      document.activeElement?.blur();
      window.reached = new Set();
      window.asked = new Set(window.toReach());
      window.scrollTo(0, 0);
    });
    const wrong = await goAround(page);
    const [missed, isOfBefore] = await page.evaluate(() => {
      const left = window.toReach().filter((e) => !window.reached.has(e));

      return [left.map((e) => `not reached: ${e.tagName} ${
        (e.getAttribute("aria-label") ?? e.textContent).slice(0, 60)}`),
      left.every((e) => window.asked.has(e))];
    });

    if (isOfBefore || i === 4) {
      return [...wrong, ...missed];
    }
  }
}
