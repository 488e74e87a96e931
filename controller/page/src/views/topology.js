// SPDX-License-Identifier: Apache-2.0
//
// Hosts and networks as two views of one diagram: VMs are grouped by the host
// that they run on, or by their network.  Beside it is a search, and one
// object.

import { badge, empty, errorBox, h, panel, replace } from "../dom.js";
import { number, rate } from "../format.js";
import * as live from "../live-events.js";
import { HOST_KIND, isType, showObject, WORDS } from "../object.js";
import { table } from "../table.js";
import { coloured, COLOURS, load } from "../topology/cards.js";
import { draw } from "../topology/draw.js";
import { SMALL } from "../topology/layout.js";
import { makePicture } from "../topology/picture.js";
import { find, resultTable } from "../topology/search.js";

export const path = "topology";
export const title = "Topology";

const ZOOM_STEP = 1.3;

function legend(data, by, size) {
  const { names, more } = coloured(data, by);

  if (size === SMALL) {
    return h("p", { class: "faint" }, "A card is as its state is; its bar is "
      + "what goes through. Larger shows names; one opens by a click.");
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
  + (card.rest ? 1 : 0);

/** The cards as a table, for keyboard users. */
function cardTable(by) {
  return table({
    label: by === "hosts" ? "Hosts" : "Networks", most: 22,
    key: (c) => c.name,
    open: (c) => { location.hash =
      `#/topology/${c.type}/${encodeURIComponent(c.name)}`; },
    columns: [
      { title: by === "hosts" ? "Host" : "Network", width: "minmax(56px, 1fr)",
        cell: (c) => c.name },
      ...by === "hosts" ? [{ title: "State", width: "92px", cell: (c) =>
        badge(HOST_KIND[c.state], c.state, c.reason) }] : [],
      { title: "Ports up", width: "62px", right: true, cell: (c) => c.rest
        ? `${number(c.up)}/${number(c.ports)}` : number(c.up) },
      { title: "Traffic", width: "80px", right: true,
        cell: (c) => rate(c.rate) },
    ],
  });
}

// The view.  ----------------------------------------------------------------

export function mount(root, { signal, words }) {
  let by = sessionStorage.getItem("vmn-topology") ?? "hosts";
  let data = null;
  let last = "";                // What was drawn, in large networks.
  let showing = null;           // Ends when something else is to be shown.
  let chosen = null;
  const failed = h("div", {});
  const key = h("div", {});
  const side = h("div", {});
  const sideTitle = h("span", {});
  const none = h("div", {}, h("p", { class: "loading" }, "Loading …"));
  const picture = makePicture((type, name) => {
    location.hash = `#/topology/${type}/${encodeURIComponent(name)}`;
  });
  const results = resultTable();
  let cards = cardTable(by);
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
  const toggles = ["hosts", "networks"].map((which) => h("button", {
    type: "button", "aria-pressed": String(which === by),
    onclick() {
      by = which;
      sessionStorage.setItem("vmn-topology", which);
      toggles.forEach((button, i) => button.setAttribute("aria-pressed",
        String(["hosts", "networks"][i] === which)));
      cards = cardTable(by);
      redraw();
      showSide();
    } }, which === "hosts" ? "By host" : "By network"));
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
      button("Fit", "⤢", () => picture.fit())] }, key, none),
    panel(sideTitle, { classes: "detail", actions: [closer] },
      side)));

  /** 'next' are the words of the address: a type and a name, or none. */
  function choose(next) {
    chosen = next.length ? next : null;
    closer.hidden = !chosen;
  }

  function redraw() {
    const things = by === "hosts" ? data.summary.hosts
      : data.summary.networks;

    if (!things.length) {
      replace(none, by === "hosts"
        ? empty("There are no hosts yet.", "A hypervisor joins by vmnctl "
          + "apply of an object of type hosts.")
        : empty("There are no networks yet.", "vmnctl apply of an object of "
          + "type networks makes one."));
      return;
    }
    if (!none.contains(picture.svg)) {
      replace(none, picture.svg);
    }
    const drawn = draw(data, by, picture.frame());

    replace(key, legend(data, by, drawn.grid.size), by === "networks"
      && data.summary.n_networks > things.length ? h("p", { class: "hint" },
        `The ${number(things.length)} networks with most ports, of `
        + `${number(data.summary.n_networks)}; search finds the others.`)
      : null);
    picture.set(drawn, `${by} ${drawn.cards.length}`);
    picture.mark(...chosen ?? []);
    cards.set([...drawn.cards].sort((a, b) => trouble(b) - trouble(a)));
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
      replace(side, h("p", { class: "loading" }, "Loading …"));
      showObject(side, ...chosen, showing.signal);
    } else if (data) {
      replace(sideTitle, by === "hosts" ? "Hosts" : "Networks");
      replace(side, cards.root);
      redraw();
    } else {
      replace(side);            // refresh() shows it when there is data.
    }
  }

  const refresh = live.calmly(async () => {
    try {
      const next = await load(signal);
      const same = JSON.stringify({ ...next.summary, revision: 0 });

      replace(failed);
      data = next;
      if (same !== last || next.ports) {
        last = same;
        redraw();
      }
      if (!chosen && !side.hasChildNodes()) {
        showSide();
      }
    } catch (error) {
      if (error.status === 403) {
        replace(none, empty("The topology is of the whole network, and this "
          + "account sees its own scope.",
        h("a", { href: "#/objects" }, "The objects of its scope")));
        if (!chosen) {
          replace(side);
        }
      } else if (!signal.aborted) {
        replace(failed, errorBox(error, refresh));
      }
    }
  });

  window.addEventListener("resize", live.calmly(async () => {
    if (data) {
      redraw();
      picture.fit();
    }
  }), { signal });
  live.on(["tick", "reset", "revision", "host", "binding", "ports",
    "installed"], refresh, signal);
  choose(words);
  refresh();
  if (chosen) {
    showSide();
  }
  return (next) => {
    choose(next);
    search.value = "";
    showSide();
    picture.mark(...chosen ?? []);
  };
}
