// SPDX-License-Identifier: Apache-2.0
//
// The objects of a type as a list, and one of them: #/objects/TYPE/NAME, and
// /edit behind that; "+" in place of a name makes a new one.

import { beginning, get } from "../api.js";
import { empty, errorBox, h, panel, replace, scrollToCurrent }
  from "../dom.js";
import { number } from "../format.js";
import * as live from "../live-events.js";
import { deleteObject, objectForm } from "../object-edit.js";
import { showObject } from "../object-panel.js";
import { rejectedHosts } from "../rejected-hosts.js";
import { table } from "../table.js";
import { ownTypes, types } from "../type-columns.js";

export const path = "objects";
export const title = "Objects";

const PAGE = 200;
const REFRESHED_MAX = 1000;     // Objects of a list that are asked for anew.
const FOUND_MAX = 200;
const NEW = "+";                // No object is called that.

const address = (type, name) => `#/objects/${type}`
  + (name === undefined ? "" : `/${encodeURIComponent(name)}`);

/** The menu of types. */
const menu = (all, chosen) => h("nav", { class: "tabs scrolls",
  "aria-label": "Types" }, all.map((one) => h("a", { href: address(one.type),
    "aria-current": one.type === chosen ? "page" : null }, one.title)));

/** The list of 'kind', which is loaded as it is scrolled. */
function makeList(kind, signal) {
  const { type, columns } = kind;
  const search = h("input", { type: "search", "aria-label": "Search",
    placeholder: "beginning of a name, or label=value …  /",
    oninput: () => refresh() });
  const count = h("span", { class: "faint", role: "status" });
  const body = h("div", {}, h("p", { class: "loading" }, "Loading …"));
  const rejected = type === "hosts" ? rejectedHosts(signal) : null;
  const made = table({ label: kind.title, most: 22, columns,
    key: (o) => o.name, end: () => loadMore(),
    open: (o) => { location.hash = address(type, o.name); } });
  let items = [];
  let after;                    // Where the list goes on.
  let loading = false;

  function draw() {
    replace(count, `${number(items.length)}${after === undefined ? ""
      : " and more"}`);
    if (!items.length) {
      replace(body, search.value.trim() ? empty("Nothing is found.",
        "A name is searched by its beginning, labels as role=web.")
        : empty(`There are no objects of type ${type}.`));
      return;
    }
    if (!body.contains(made.root)) {
      replace(body, made.root);
    }
    made.set(items);
  }

  function ask(query) {
    const text = search.value.trim();

    return get(type, { ...query, selector: text.includes("=") ? text
      : undefined }, signal);
  }

  async function loadMore() {
    if (loading || after === undefined) {
      return;
    }
    loading = true;
    try {
      const page = await ask({ after, limit: PAGE });

      items.push(...page.items);
      after = page.next;
      draw();
    } catch {
      after = undefined;        // The next refresh tells what is wrong.
    } finally {
      loading = false;
    }
  }

  const refresh = live.calmly(async () => {
    const text = search.value.trim();

    try {
      if (text && !text.includes("=")) {
        items = await beginning(type, text, FOUND_MAX, signal);
        after = undefined;
      } else {
        const page = await ask({ limit: Math.min(REFRESHED_MAX,
          Math.max(PAGE, items.length)) });

        items = page.items;
        after = page.next;
      }
      draw();
      await rejected?.refresh();
    } catch (error) {
      if (!signal.aborted) {
        replace(body, errorBox(error, refresh));
      }
    }
  });

  live.on(["tick", "reset", "revision", "binding", "ports"], refresh, signal);
  refresh();
  const list = panel(kind.title,
    { actions: [count, h("a", { class: "button", href: `${address(type)}/${
      NEW}` }, `New ${kind.one.toLowerCase()}`),
    type === "networks" ? h("a", { class: "button", href: "#/new-network" },
      "… with a router") : null] }, h("div", { class: "filters" }, search),
      body);

  return { choose: made.choose, refresh, root: rejected
    ? h("div", { class: "stack" }, list, rejected.root) : list };
}

/** One type of all: { choose(name) }. */
function mountType(root, all, kind, signal) {
  const list = makeList(kind, signal);
  const side = h("div", {});
  const sideTitle = h("span", {});
  const closer = h("button", { type: "button", class: "quiet",
    onclick() { location.hash = address(kind.type); } }, "Close");
  let showing = null;           // Ends when another one is to be shown.
  let said = [];                // Above what is shown next.

  const changes = h("span", { class: "actions" });

  /** The form in place of the object; undefined is a new one. */
  async function edit(name, one) {
    replace(side, h("p", { class: "loading" }, "Loading …"));
    try {
      replace(side, await objectForm(kind.type, name, one, (of, told) => {
        said = told;
        list.refresh();
        location.hash = address(kind.type, of);
      }));
      side.querySelector("input, textarea, select")?.focus(
        { preventScroll: true });
    } catch (error) {
      if (!one.aborted) {
        replace(side, errorBox(error));
      }
    }
  }

  /** What can be done with an object. */
  const actions = (name, one) => [
    h("a", { class: "button", href: `${address(kind.type, name)}/edit` },
      "Edit"),
    h("button", { type: "button", class: "danger", async onclick() {
      try {
        await deleteObject(kind.type, name, one, (said) =>
          showObject(side, kind.type, name, one, said));
        list.refresh();
      } catch (error) {
        if (!one.aborted) {
          side.prepend(errorBox(error));
        }
      }
    } }, "Delete")];

  const split = h("div", { class: "split even" }, list.root,
    panel(sideTitle, { classes: "detail", actions: [changes, closer] },
      side));

  replace(root, menu(all, kind.type), split);
  scrollToCurrent(root);
  return { choose(name, what) {
    showing?.abort();
    showing = new AbortController();
    signal.addEventListener("abort", () => showing.abort());
    list.choose(name ?? null);
    closer.hidden = name === undefined;
    split.classList.toggle("opened", name !== undefined);
    replace(changes);
    if (name === undefined) {
      replace(sideTitle, kind.one);
      replace(side, empty("Choose one."));
    } else if (name === NEW || what === "edit") {
      replace(sideTitle, name === NEW ? `New ${kind.one.toLowerCase()}`
        : `Edit ${name}`);
      edit(name === NEW ? undefined : name, showing.signal);
    } else {
      replace(sideTitle, `${kind.one} ${name}`);
      replace(changes, actions(name, showing.signal));
      showObject(side, kind.type, name, showing.signal, said);
      split.querySelector(".detail").scrollIntoView({ block: "nearest" });
    }
    said = [];
  } };
}

export function mount(root, { signal, words }) {
  let shown = null;             // { kind, choose, controller }
  let all = types;              // With those of apps, once they are known.
  let asked = words;            // What was to be shown at last.

  async function addOwn() {
    try {
      const own = ownTypes((await get("types", {}, signal)).items);

      if (own.length) {
        all = [...types, ...own];
        if (shown) {            // What is being written stays.
          root.querySelector(".tabs").replaceWith(menu(all, shown.kind.type));
          scrollToCurrent(root);
        } else {
          show(asked);
        }
      }
    } catch {
      // A client that may not ask has those of VMN.
    }
  }

  function show([type = types[0].type, name, what]) {
    const kind = all.find((one) => one.type === type);

    asked = [type, name, what];
    if (shown?.kind !== kind || !kind) {
      shown?.controller.abort();
      shown = null;
    }
    if (!kind) {
      replace(root, menu(all, null), panel("Not found", {}, empty(
        `There are no objects of type ${type}.`, "The types are above.")));
      return;
    }
    if (!shown) {
      const controller = new AbortController();

      signal.addEventListener("abort", () => controller.abort());
      shown = { kind, controller,
        ...mountType(root, all, kind, controller.signal) };
    }
    document.title = `${kind.title} · VMN`;
    shown.choose(name, what);
  }

  show(words);
  addOwn();
  return show;
}
