// SPDX-License-Identifier: Apache-2.0
//
// Hosts, networks and what joins these as three views of one diagram: VMs are
// grouped by the host that they run on, by their network, or by a label below
// networks, routers and gateways.  Beside it is a search, and one object.

import { makeAsker } from "../asker.js";
import { badge, empty, h, panel, replace } from "../dom.js";
import { number, rate, short } from "../format.js";
import * as live from "../live-events.js";
import { HOST_KIND, isType, WORDS } from "../object.js";
import { showObject } from "../object-panel.js";
import { table } from "../table.js";
import { coloured, COLOURS, drawnFrom, load, PATHS }
  from "../topology/cards.js";
import { drawLogical } from "../topology/draw-logical.js";
import { draw } from "../topology/draw.js";
import { makeExtras } from "../topology/extras.js";
import { makeFilter } from "../topology/filter.js";
import { SMALL } from "../topology/layout.js";
import { isSampled, loadLogical } from "../topology/logical.js";
import { makePicture } from "../topology/picture.js";
import { find, resultTable } from "../topology/search.js";

export const path = "topology";
export const title = "Topology";

const ZOOM_STEP = 1.3;
const VIEWS = { hosts: "By host", networks: "By network",
  logical: "Logical" };
const HEADINGS = { hosts: "Hosts", networks: "Networks",
  logical: "Logical network" };

/** The view that an address asks for by no more than its name, or undefined.
 */
const viewOf = (words) => words.length === 1 && words[0] in VIEWS ? words[0]
  : undefined;

function legend(data, by, size) {
  const { names, more } = coloured(data, by);

  if (size === SMALL) {
    return h("p", { class: "faint" }, "A card is as its state is; its bar is "
      + "what goes through. Larger shows names; one opens by a click."
      + (by === "networks" ? " Routers are in the logical view." : ""));
  }
  if (!names.length) {
    return null;
  }
  return h("ul", { class: "legend", "aria-label": by === "hosts"
    ? "Networks by their colour" : "Hosts by their colour" },
  names.map((name, i) => h("li", {}, h("span", { class: `dot c${i}` }),
    h("a", { href: `#/topology/${by === "hosts" ? "networks" : "hosts"}/`
      + encodeURIComponent(name) }, name))),
  more ? h("li", {}, h("span", { class: `dot c${COLOURS}` }),
    `${number(more)} more`) : null);
}

/** Cards with problems come first. */
const trouble = (card) => (card.state && card.state !== "synced" ? 2 : 0)
  + (card.rest || card.trouble.length ? 1 : 0);

const columnsOf = {
  hosts: (traffic) => [
    { title: "Host", width: "minmax(56px, 1fr)", cell: (c) => c.name },
    { title: "State", width: "92px", cell: (c) =>
      badge(HOST_KIND[c.state], c.state, c.reason) }, portsUp, traffic],
  networks: (traffic) => [
    { title: "Network", width: "minmax(56px, 1fr)", cell: (c) => c.name },
    portsUp, traffic],
  logical: (traffic) => [
    { title: "What", width: "72px", cell: (c) => c.chips ? "Ports"
      : c.type === "floating-ips" ? "Floating" : WORDS[c.type] },
    { title: "Name", width: "minmax(90px, 1fr)", cell: (c) => c.chips
      ? `${c.title} in ${c.network}` : c.name },
    traffic,
    { title: "Dropped", width: "88px", right: true, cell: (c) => c.drops
      ? `${short(c.drops)} ${isSampled(c) ? "sampled" : "in all"}` : "0" }],
};

const portsUp = { title: "Ports up", width: "62px", right: true,
  cell: (c) => c.rest ? `${number(c.up)}/${number(c.ports)}`
    : number(c.up) };

/** The cards as a table, for keyboard users. */
function cardTable(by, open) {
  return table({
    label: HEADINGS[by], most: 22, key: (c) => `${c.type}/${c.name}/${
      c.network ?? ""}`,
    open: (c) => open(c.type, c.name),
    columns: columnsOf[by]({ title: "Traffic", width: "80px", right: true,
      cell: (c) => rate(c.rate) }),
  });
}

// The view.  ----------------------------------------------------------------

export function mount(root, { signal, words }) {
  const kept = viewOf(words) ?? sessionStorage.getItem("vmn-topology");
  let by = kept in VIEWS ? kept : "hosts";
  let data = null;
  let last = "";                // What was drawn, in large networks.
  let showing = null;           // Ends when something else is to be shown.
  let chosen = null;
  const failed = h("div", {});
  const key = h("div", {});
  const side = h("div", {});
  const sideTitle = h("span", {});
  const none = h("div", {}, h("p", { class: "loading" }, "Loading …"));
  const lacks = h("p", { class: "hint", role: "status" });
  const extras = makeExtras(signal);
  const asker = makeAsker({ failed, signal, refused,
    question: () => JSON.stringify([by, by === "logical" ? filter.wanted : 0]),
    ask: (call) => by === "logical" ? loadLogical(filter.wanted, extras, call)
      : load(extras, call), show });
  const filter = makeFilter({ onFilter: asker.now, onLabel() {
    if (data?.drops) {
      redraw();
    }
  } }, signal);
  const places = {};            // Of what is drawn, while it is the same.
  const picture = makePicture(open);
  const results = resultTable();
  let cards = cardTable(by, open);
  const search = h("input", { type: "search", "aria-label": "Search",
    placeholder: "name, address or label …  /", oninput: () => showSide(),
    onkeydown(event) {
      const first = results.root.isConnected
        && results.root.querySelector("[role=rowgroup] .row");

      if (event.key === "Enter" && first) {
        first.click();
      } else if (event.key === "ArrowDown" && first) {
        event.preventDefault();
        first.focus();
      }
    } });
  const toggles = Object.keys(VIEWS).map((which) => h("button", {
    type: "button", "aria-pressed": String(which === by),
    onclick() {
      turnTo(which);
      if (!chosen) {
        // The address is that of what is shown; it is no step back.
        history.replaceState(null, "", `#/topology/${which}`);
      }
    } }, VIEWS[which]));
  const button = (label, text, onclick) => h("button", { type: "button",
    class: "quiet", "aria-label": label, title: label, onclick }, text);
  const closer = h("button", { type: "button", class: "quiet",
    onclick() { location.hash = "#/topology"; } }, "Close");

  replace(root, failed, h("div", { class: "split wide" },
    panel("Picture", { classes: "stage", actions: [search,
      h("span", { class: "toggle", role: "group", "aria-label":
        "Put together" }, toggles),
      button("Smaller", "−", () => picture.by(1 / ZOOM_STEP)),
      button("Larger", "+", () => picture.by(ZOOM_STEP)),
      button("Fit", "⤢", () => picture.fit())] }, filter.root, key,
    lacks, none),
    panel(sideTitle, { classes: "detail", actions: [closer] },
      side)));

  /** Shows an object, or the ports with a label; without a name, a list. */
  function open(type, name) {
    if (type === "labels") {
      filter.only(name);
    } else if (!name) {
      location.hash = `#/objects/${type}`;
    } else {
      location.hash = isType(type)
        ? `#/topology/${type}/${encodeURIComponent(name)}`
        : `#/objects/${type}/${encodeURIComponent(name)}`;
    }
  }

  /** Draws another view of it, of data that only that one may need. */
  function turnTo(which) {
    by = which;
    sessionStorage.setItem("vmn-topology", which);
    toggles.forEach((button, i) => button.setAttribute("aria-pressed",
      String(Object.keys(VIEWS)[i] === which)));
    cards = cardTable(by, open);
    filter.root.hidden = by !== "logical";
    tellLacks();
    if (!data || (by === "logical" && !data.drops)) {
      data = null;
      replace(key);
      replace(none, h("p", { class: "loading" }, "Loading …"));
      replace(side);
      asker.now();
    } else {
      redraw();
    }
    showSide();
  }

  /** 'next' are the words of the address: a type and a name, or none. */
  function choose(next) {
    chosen = next.length && !viewOf(next) ? next : null;
    closer.hidden = !chosen;
  }

  /** The words where there is nothing to be drawn; null: there is. */
  function nothing() {
    if (by === "logical" && data.filtered && !data.shown.length
        && !data.network) {
      return empty("No port has these labels.",
        "Others are shown without them.");
    }
    if (by === "hosts" && !data.summary.hosts.length) {
      return empty("There are no hosts yet.", "A hypervisor joins by vmnctl "
        + "apply of an object of type hosts.");
    }
    return by === "hosts" || data.summary.networks.length ? null
      : empty("There are no networks yet.", "vmnctl apply of an object of "
        + "type networks makes one.");
  }

  function redraw() {
    const words = nothing();

    if (words) {
      if (by === "logical") {
        filter.tell(data, 0);
      }
      replace(none, words);
      replace(key);
      cards.set([]);
      return;
    }
    if (!none.contains(picture.svg)) {
      replace(none, picture.svg);
    }
    const drawn = by === "logical" ? drawLogical(data, filter.keyFor(data),
      picture.frame(), places) : draw(data, by, picture.frame());

    if (by === "logical") {
      filter.tell(data, drawn.undrawn, drawn.all !== drawn.cards);
    }

    replace(key, by === "logical" ? null : legend(data, by, drawn.grid.size),
    by === "networks"
      && data.summary.n_networks > data.summary.networks.length ? h("p",
        { class: "hint" }, `The ${number(data.summary.networks.length)} `
        + `networks with most ports, of ${number(data.summary.n_networks)}; `
        + "search finds the others.") : null);
    picture.set(drawn, `${by} ${drawn.cards.length}`);
    picture.mark(...chosen ?? []);
    cards.set(by === "logical" ? drawn.all : [...drawn.cards].sort((a, b) =>
      trouble(b) - trouble(a)));
  }

  const search_ = live.calmly(async () => {
    const text = search.value.trim();

    if (text && data) {
      const found = await find(text, data, signal).catch(() => []);

      if (text === search.value.trim()) {
        replace(side, found.length ? results.root
          : empty("Nothing is called that.", "Ports are found by name, "
            + "address, or a label such as role=web; where there are many, "
            + "by the beginning of their name."));
        results.set(found);
      }
    }
  }, 150);

  function showSide() {
    if (search.value.trim()) {
      replace(sideTitle, "Found");
      search_();
    } else if (chosen) {
      showing?.abort();
      if (!isType(chosen[0]) || !chosen[1]) {
        replace(sideTitle, "Not found");
        replace(side, empty(`The topology has no ${chosen.join("/")}.`,
          `It has ${Object.keys(WORDS).join(", ")}.`));
        return;
      }
      replace(sideTitle, `${WORDS[chosen[0]]} ${chosen[1]}`);
      showing = new AbortController();
      signal.addEventListener("abort", () => showing.abort());
      showObject(side, ...chosen, showing.signal);
    } else if (data) {
      replace(sideTitle, HEADINGS[by]);
      replace(side, cards.root);
    } else {
      replace(sideTitle, HEADINGS[by]);
      replace(side);            // show() fills it when there is data.
    }
  }

  /** What the picture lacks, said once. */
  function tellLacks() {
    const text = extras.missing.filter(([what]) => by === "logical"
      || what === PATHS).map(([what, why]) =>
      `Shown without ${what}: ${why}`).join(" ");

    if (lacks.textContent !== text) {
      replace(lacks, text);
    }
  }

  function show(next) {
    const now = `${by} ${JSON.stringify(filter.wanted)} ${drawnFrom(next)}`;
    const isFirst = !data;

    data = next;
    tellLacks();
    if (now !== last || next.ports || next.shown) {
      last = now;
      redraw();
    }
    // What was typed before there was anything to look through is looked for.
    if (search.value.trim() ? isFirst
      : !chosen && !side.contains(cards.root)) {
      showSide();
    }
    next.later?.then((more) => {
      if (data === next && !signal.aborted) {
        show({ ...next, ...more, later: null });
      }
    });
  }

  /** Shows an error in place of the picture, if that is what it means. */
  function refused(error) {
    if (error.status !== 403) {
      return false;
    }
    data = null;
    replace(failed);
    replace(none, empty("The topology is of the whole network, and this "
      + "account sees its own scope.",
    h("a", { href: "#/objects" }, "The objects of its scope")));
    if (!chosen) {
      replace(side);
    }
    return true;
  }

  window.addEventListener("resize", live.calmly(async () => {
    if (data) {
      redraw();
      picture.fit();
    }
  }), { signal });
  live.on(["revision", "host", "binding", "ports", "installed"], asker.soon,
    signal);
  live.on(["tick"], () => {
    extras.age();
    asker.soon();
  }, signal);
  live.on(["reset"], () => {
    extras.forget();
    asker.again();
  }, signal);
  filter.root.hidden = by !== "logical";
  choose(words);
  asker.now();
  if (chosen) {
    showSide();
  }
  return (next) => {
    const view = viewOf(next);

    choose(next);
    search.value = "";
    if (view && view !== by) {
      turnTo(view);
    }
    showSide();
    picture.mark(...chosen ?? []);
  };
}
