// SPDX-License-Identifier: Apache-2.0
//
// The history of an object: its revisions, what each of them changed, and the
// way back.

import { call, get } from "./api.js";
import { confirm } from "./dialog.js";
import { empty, errorBox, h, replace } from "./dom.js";
import { number, when } from "./format.js";
import { fieldNodes, planNodes, receiptNodes } from "./plan.js";

const PAGE = 10;
const PARTS = 20;               // Of the log that are read at once.

/** Takes revision 'n' of the object back, after its plan is agreed to. */
async function undo({ type, name }, n, out, signal, done) {
  const path = `revisions/${n}/undo`;
  const query = { type, name };

  async function attempt(force) {
    try {
      const plan = await call("POST", path, { signal, query: { ...query, force,
        dry_run: "plan" } });

      if (await confirm(`Undo revision ${number(n)} of ${type}/${name}`,
        [h("p", {}, "That would do:"), planNodes(plan)], "Undo")) {
        const answer = await call("POST", path, { signal, query: { ...query,
          force, wait: "installed", timeout: "10s" } });

        done([h("p", {}, `Revision ${number(n)} is undone.`),
          receiptNodes(answer)]);
      }
    } catch (error) {
      if (!signal.aborted) {
        replace(out, errorBox(error), error.status === 409 && !force
          ? h("p", {}, h("button", { type: "button", onclick: () =>
            attempt(true) }, "Undo it all the same")) : null);
      }
    }
  }

  await attempt(undefined);
}

/** What one revision made of the object; loaded when it is opened. */
function entry(object, item, out, signal, done) {
  const { type, name } = object;
  const ops = item.changes.filter((c) => c.type === type && c.name === name)
    .map((c) => c.by ? `${c.op} by ${c.by}` : c.op);
  const effect = item.changes.find((c) => c.type === type && c.name === name
    && c.by)?.by;
  const body = h("div", {});
  const details = h("details", { ontoggle: () => load() },
    h("summary", {}, `${ops.join(", ") || "change"} `,
      h("span", { class: "faint" }, `${when(item.time)}, ${item.who ?? "–"}`,
        item.undoes ? `, undo of ${number(item.undoes)}` : null,
        item.restored_over
          ? `, taken back by ${number(item.restored_over)}` : null,
        item.comment ? `: ${item.comment}` : null)),
    body);

  async function load() {
    if (!details.open || body.hasChildNodes()) {
      return;
    }
    replace(body, h("p", { class: "loading" }, "Loading …"));
    try {
      const found = await get(`revisions/${item.revision}`,
        { contents: true }, signal);
      const mine = found.contents?.find((o) => o.type === type
        && o.name === name);

      replace(body, mine ? fieldNodes(mine) ?? h("p", { class: "faint" },
        "No field was changed.") : h("p", { class: "faint" }, effect
        ? `It followed from a change of ${effect}.`
        : "What it changed is not kept."),
      h("p", { class: "buttons start" },
        h("a", { href: `#/changes/${item.revision}` },
          `revision ${number(item.revision)}`),
        mine && !item.restored_over ? h("button", { type: "button",
          onclick: () => undo(object, item.revision, out, signal, done) },
        "Undo") : null));
    } catch (error) {
      if (!signal.aborted) {
        replace(body, errorBox(error));
      }
    }
  }
  return h("li", {}, details);
}

/** The history: { nodes, refresh }, the newest revision first.  refresh() adds
 * what is newer than those that are there.  'done' is called after an undo,
 * with what is to be said of it. */
export function historyOf(type, name, signal, done) {
  const object = { type, name };
  const list = h("ol", { class: "history", reversed: true });
  const out = h("div", {});
  const more = h("p", {});
  let newest = 0;               // The revision of the first entry.
  let loading = false;
  let before;

  const entries = (items) => items.reverse().map((item) => entry(object, item,
    out, signal, (said) => {
      replace(out);
      done(said);
    }));

  /** A page of it, and where it goes on. */
  async function ask(from) {
    let page;

    // Each call reads a part of the log, which may have none of it.
    for (let parts = 0; parts < PARTS && !page?.items.length
         && (parts === 0 || from !== undefined); parts++) {
      page = await get("revisions", { type, name, before: from, limit: PAGE },
        signal);
      from = page.next;
    }
    return [page.items, from];
  }

  async function load() {
    replace(more);
    loading = true;
    try {
      const [items, next] = await ask(before);

      before = next;
      newest = Math.max(newest, items.at(-1)?.revision ?? 0);
      list.append(...entries(items));
      if (before !== undefined) {
        replace(more, h("button", { type: "button", onclick: load }, "Older"));
      } else if (!list.hasChildNodes()) {
        replace(more, empty(
          "No revision of it is kept that this account may see."));
      }
    } catch (error) {
      if (!signal.aborted) {
        replace(more, error.status === 403 ? h("p", { class: "faint" },
          "This account sees no history.") : errorBox(error));
      }
    } finally {
      loading = false;
    }
  }

  async function refresh() {
    if (!newest) {
      if (!loading) {
        await load();
      }
      return;
    }
    const added = [];
    let items = [];
    let from;

    do {
      [items, from] = await ask(from);
      added.unshift(...items.filter((item) => item.revision > newest));
    } while (from !== undefined && items[0]?.revision > newest);
    // Another refresh may have been quicker.
    const missing = added.filter((item) => item.revision > newest);

    newest = missing.at(-1)?.revision ?? newest;
    list.prepend(...entries(missing));
  }

  load();
  return { nodes: [h("h3", {}, "History"), out, list, more], refresh };
}
