// SPDX-License-Identifier: Apache-2.0
//
// Asks for what a view shows: at once when the user asks, and now and then
// when something happens.  The answer to the last question is shown, whatever
// comes later of those before.  Not for one call after a click.

import { errorBox, replace } from "./dom.js";
import * as live from "./live-events.js";
import { isFinal } from "./topology/extras.js";

/**
 * @param question () => text: what is asked now
 * @param ask      (signal) => Promise of the answer
 * @param show     (answer) => called if nothing else is asked meanwhile
 * @param failed   the element for errors
 * @param refused  (error) => true if it has shown that itself; or nothing
 * @param signal   of the view
 * @param ms       soon() asks at most that often
 *
 * Returns { now, soon, again }: now() for the user, soon() for what happened;
 * again() as soon(), but what was refused may be answered now.
 */
export function makeAsker({ question, ask, show, failed, refused, signal,
  ms }) {
  let going = null;             // The call under way: { text, abort }.
  let final = null;             // The question that was refused for good.
  let isDue = false;            // Something happened meanwhile.

  function tell(error) {
    const box = errorBox(error, now);

    // A box that comes again would be read out again.
    if (!refused?.(error) && failed.textContent !== box.textContent) {
      replace(failed, box);
    }
  }

  async function run() {
    const mine = { text: question(), abort: new AbortController() };
    const end = () => mine.abort.abort();

    going?.abort.abort();
    going = mine;
    isDue = false;
    signal.addEventListener("abort", end);
    try {
      const answer = await ask(mine.abort.signal);

      if (going === mine && !signal.aborted && mine.text === question()) {
        final = null;
        replace(failed);
        show(answer);
      }
    } catch (error) {
      if (going === mine && !signal.aborted) {
        final = isFinal(error) ? mine.text : null;
        tell(error);
      }
    } finally {
      signal.removeEventListener("abort", end);
      if (going === mine) {
        going = null;
      }
    }
  }

  async function now() {
    await run();
    if (isDue) {
      soon();
    }
  }

  const soon = live.calmly(async () => {
    if (document.hidden || going) {
      isDue = true;
    } else if (final !== question()) {
      await run();
    }
    if (isDue && !going && !document.hidden && !signal.aborted) {
      soon();
    }
  }, ms);

  document.addEventListener("visibilitychange", () => {
    if (isDue && !document.hidden) {
      soon();
    }
  }, { signal });
  return { now, soon, again() {
    final = null;
    soon();
  } };
}
