// SPDX-License-Identifier: Apache-2.0
//
// Hosts and networks as two views of one diagram: VMs are grouped by the host
// that they run on, or by their network.  Lines are connections: the underlay
// between hosts, routers between networks; their width grows with the traffic.

import { scaleSqrt } from "d3-scale";
import { select } from "d3-selection";
import { linkVertical } from "d3-shape";
import { zoom, zoomIdentity } from "d3-zoom";
import { beginning, get, list } from "../api.js";
import { badge, empty, errorBox, h, panel, replace, s } from "../dom.js";
import { number, plural, rate } from "../format.js";
import * as live from "../live.js";
import { HOST_KIND, isType, showObject, WORDS } from "../object.js";
import { table } from "../table.js";

export const path = "topology";
export const title = "Topology";

/* Above so many ports, each container says how many there are in a bar. */
const PORTS_MAX = 1000;
const NETWORKS_MAX = 1000;
const COLOURS = 8;              // And one for all others; page.css has them.

/* Sizes of cards; and of small ones, where there are many. */
const LARGE = { width: 196, head: 30, foot: 20, chip: 13, step: 17,
  columns: 10, rows: 4, gapX: 20, gapY: 40, wide: 4 };
const SMALL = { width: 64, head: 18, foot: 0, gapX: 8, gapY: 10, wide: 14 };
const LARGE_MAX = 150;

const sizeOf = (n) => n > LARGE_MAX ? SMALL : LARGE;

// Data.  --------------------------------------------------------------------

async function load(signal) {
  const [summary, routers, balancers] = await Promise.all([
    get("summary", { limit: NETWORKS_MAX }, signal),
    list("routers", { signal }), list("loadbalancers", { signal })]);
  const p = summary.ports;
  const total = p.up + p.pending + p.down + p.unknown + p.unbound
    + p.external;
  const ports = total <= PORTS_MAX
    ? (await list("ports", { signal, most: PORTS_MAX })).items : null;

  return { summary, total, ports, routers: routers.items,
    balancers: balancers.items };
}

/** The contents of a view's cards: the same for hosts and networks. */
function cardsOf({ summary, ports, balancers, routers }, by) {
  const hosts = by === "hosts";
  const mine = hosts ? summary.hosts : summary.networks;
  const others = hosts ? summary.networks : summary.hosts;
  const cards = mine.map((one) => ({ type: by, ...one, parts: [], chips: [],
    tags: [], rate: one.bytes_per_s }));
  const byName = new Map(cards.map((card) => [card.name, card]));
  const colour = new Map(others.map((one, i) => [one.name, i]));

  for (const [host, network, n] of summary.placements) {
    const card = cards[hosts ? host : network];
    const other = hosts ? network : host;

    if (card && n) {
      card.parts.push({ n, other: others[other]?.name ?? null,
        colour: other < 0 ? COLOURS : Math.min(other, COLOURS) });
    }
  }
  cards.forEach((card) => card.parts.sort((a, b) => a.colour - b.colour));
  for (const port of ports ?? []) {
    const card = byName.get(hosts ? port.status.host : port.spec.network);
    const other = hosts ? port.spec.network : port.status.host;

    card?.chips.push({ name: port.name, state: port.status.state,
      held: port.spec.quarantined || port.status.quarantines?.length > 0,
      other, colour: Math.min(colour.get(other) ?? COLOURS, COLOURS) });
  }
  if (!hosts) {
    for (const lb of balancers) {
      lb.spec.networks.forEach((n) => byName.get(n)?.tags.push(lb.name));
    }
    for (const router of routers) {
      const outside = byName.get(router.spec.external?.network);

      if (outside) {
        outside.outside = true;
      }
    }
  }
  return cards;
}

/** Networks that a router joins are placed side by side. */
function sortNetworks(cards, routers) {
  const place = new Map();

  routers.forEach((router, i) => [...router.spec.interfaces?.map((one) =>
    one.network) ?? [], router.spec.external?.network].forEach((name) => {
    if (name && !place.has(name)) {
      place.set(name, i);
    }
  }));
  return cards.map((card, i) => [place.get(card.name) ?? routers.length, i,
    card]).sort((a, b) => a[0] - b[0] || a[1] - b[1]).map(([, , card]) => card);
}

// Layout.  ------------------------------------------------------------------

/** The number of columns with which the whole diagram is as large as possible
 * in a frame of this ratio, which has room for some cards at full size. */
function bestColumns(n, size, top, height, ratio) {
  const wide = size.wide * (size.width + size.gapX);
  let best = 1;
  let scale = 0;

  for (let columns = 1; columns <= n; columns++) {
    const k = Math.min(1, wide / (columns * (size.width + size.gapX)),
      wide / ratio / (top + Math.ceil(n / columns) * (height + size.gapY)));

    if (k >= scale) {
      best = columns;
      scale = k;
    }
  }
  return best;
}

function layout(cards, top, ratio) {
  const size = sizeOf(cards.length);
  const most = Math.max(0, ...cards.map((card) => card.chips.length));
  const rows = size.rows ? Math.min(size.rows, Math.ceil(most / size.columns))
    : 0;
  const height = size.head + size.foot + (rows ? rows * size.step + 4
    : size === LARGE ? 16 : 10);
  const columns = bestColumns(cards.length, size, top, height, ratio);

  cards.forEach((card, i) => {
    card.column = i % columns;
    card.row = Math.floor(i / columns);
    card.x = card.column * (size.width + size.gapX);
    card.y = top + card.row * (height + size.gapY);
    card.height = height;
  });
  return { size, top, columns, height,
    rows: Math.ceil(cards.length / columns),
    width: columns * (size.width + size.gapX) - size.gapX };
}

const clip = (text, n) => text.length > n ? `${text.slice(0, n - 1)}…` : text;

// Drawing.  -----------------------------------------------------------------

function chips(card) {
  const room = LARGE.columns * LARGE.rows;

  if (card.chips.length > room || !card.chips.length) {
    return bar(card);
  }
  return card.chips.map((chip, i) => s("rect", {
    class: `chip c${chip.colour} ${chip.state} ${chip.held ? "held" : ""}`,
    "data-type": "ports", "data-name": chip.name, "data-other": chip.other,
    x: 12 + i % LARGE.columns * LARGE.step,
    y: LARGE.head + Math.floor(i / LARGE.columns) * LARGE.step,
    width: LARGE.chip, height: LARGE.chip, rx: 3,
  }, s("title", {}, `port ${chip.name}, ${chip.state}`
    + `${chip.held ? ", quarantined" : ""}`
    + `${chip.other ? ` (${chip.other})` : ""}`)));
}

/** Many ports, as bars by the host or network of the others. */
function bar(card) {
  const width = LARGE.width - 24;
  let x = 12;

  return card.parts.map((part) => {
    const w = width * part.n / Math.max(1, card.ports);
    const made = s("rect", { class: `bar c${part.colour}`,
      "data-other": part.other, x, y: LARGE.head + 1,
      width: Math.max(w - 0.6, 0.6), height: 11 },
    s("title", {}, `${part.other ?? "on no host"}: ${plural(part.n,
      "port")}`));

    x += w;
    return made;
  });
}

/** A small card, if there are many: its state, and its traffic. */
function drawSmall(card, most) {
  const kind = card.state ? HOST_KIND[card.state] : "";
  const share = Math.sqrt(card.rate / Math.max(125000, most));

  return s("g", { class: `card small ${kind} ${rest(card) ? "lacks" : ""}`,
    transform: `translate(${card.x},${card.y})`, role: "button",
    tabindex: "-1", "aria-label": cardLabel(card), "data-type": card.type,
    "data-name": card.name },
  s("rect", { class: "ground", width: SMALL.width, height: card.height,
    rx: 4 }),
  s("text", { class: "name", x: 6, y: 15 }, clip(card.name, 9)),
  s("rect", { class: "load", x: 6, y: card.height - 8, height: 3,
    width: Math.max(1, share * (SMALL.width - 12)) }),
  s("title", {}, cardLabel(card)));
}

const rest = (card) => card.ports - card.up;

function cardLabel(card) {
  return [`${WORDS[card.type].toLowerCase()} ${card.name}`, card.state,
    plural(card.ports, "port"), rest(card) ? `${rest(card)} not up` : null,
    rate(card.rate), ...card.tags.map((tag) => `balancer ${tag}`)]
    .filter(Boolean).join(", ");
}

function drawCard(card) {
  const kind = card.state ? HOST_KIND[card.state] : "";

  return s("g", { class: `card ${kind} ${card.outside ? "outside" : ""}`,
    transform: `translate(${card.x},${card.y})`, role: "button",
    tabindex: "-1", "aria-label": cardLabel(card), "data-type": card.type,
    "data-name": card.name },
  s("rect", { class: "ground", width: LARGE.width, height: card.height, rx: 8 }),
  card.state ? s("path", { class: `mark ${kind}`, d: kind === "ok"
    ? "M12,15a4,4 0 1,0 8,0a4,4 0 1,0 -8,0"
    : kind === "wait" ? "M16,10l5,5l-5,5l-5,-5z" : "M16,10l5,9h-10z" }) : null,
  s("text", { class: "name", x: card.state ? 27 : 12, y: 20 },
    clip(card.name, 21), s("title", {}, card.name)),
  chips(card),
  s("text", { class: "foot", x: 12, y: card.height - 8 },
    plural(card.ports, "port"), rest(card)
      ? s("tspan", { class: "wait" }, ` · ${number(rest(card))} not up`)
      : null),
  s("text", { class: "foot rate", x: LARGE.width - 12, y: card.height - 8,
    "text-anchor": "end" }, rate(card.rate)),
  card.tags.length ? s("text", { class: "tag", x: LARGE.width - 12, y: 20,
    "text-anchor": "end", "data-type": "loadbalancers",
    "data-name": card.tags[0] }, `◆ ${clip(card.tags[0], 9)}`
    + (card.tags.length > 1 ? ` +${card.tags.length - 1}` : ""),
  s("title", {}, `balancers: ${card.tags.join(", ")}`)) : null);
}

function widths(values) {
  // Full width is at least one megabit per second.
  return scaleSqrt([0, Math.max(125000, ...values)], [1.2, 9]);
}

/** The underlay: a line above each row of hosts, and one that joins these. */
function underlay(cards, grid) {
  const { size } = grid;
  const large = size === LARGE;
  const width = widths(cards.map((card) => card.tunnel_bytes_per_s));
  const x = large ? -26 : -14;
  const up = large ? 20 : 5;
  const rail = (row) => row * (grid.height + size.gapY) - up;
  const lines = [s("text", { class: "note", x, y: rail(0) - 10 }, "underlay")];

  for (let row = 0; row < grid.rows; row++) {
    const mine = cards.slice(row * grid.columns, (row + 1) * grid.columns);
    const sum = mine.reduce((n, card) => n + card.tunnel_bytes_per_s, 0);

    lines.push(s("path", { class: "rail", d: `M${x},${rail(row)}`
      + `H${mine.at(-1).x + size.width / 2}` },
    s("title", {}, `tunnels of this row: ${rate(sum)}`)));
  }
  lines.push(s("path", { class: "rail", d: `M${x},${rail(0)}`
    + `V${rail(grid.rows - 1)}` }));
  return lines.concat(large ? cards.map((card) => s("path", {
    class: `wire ${HOST_KIND[card.state] === "bad" ? "broken" : ""}`,
    "stroke-width": width(card.tunnel_bytes_per_s),
    d: `M${card.x + size.width / 2},${rail(card.row)}V${card.y}` },
  s("title", {}, `tunnels of ${card.name}: ${rate(card.tunnel_bytes_per_s)}`)))
    : []);
}

const ROUTER = { width: 150, height: 30, gap: 16 };

/** Routers above the networks, with a line to each that they join. */
function routersAbove(cards, routers, grid) {
  const width = widths(cards.map((card) => card.rate));
  const byName = new Map(cards.map((card) => [card.name, card]));
  const columns = Math.max(1, Math.floor((grid.width + ROUTER.gap)
    / (ROUTER.width + ROUTER.gap)));
  const curve = linkVertical();
  const lines = [];
  const nodes = [];

  routers.forEach((router, i) => {
    const x = i % columns * (ROUTER.width + ROUTER.gap);
    const y = Math.floor(i / columns) * (ROUTER.height + 12);
    const joins = (router.spec.interfaces ?? []).map((one) => one.network);
    const outside = router.spec.external?.network;

    for (const name of [...joins, outside].filter(Boolean)) {
      const card = byName.get(name);

      if (card) {
        lines.push(s("path", { class: `wire ${name === outside
          && !joins.includes(name) ? "out" : ""}`,
        "stroke-width": width(card.rate), d: curve({
          source: [x + ROUTER.width / 2, y + ROUTER.height],
          target: [card.x + grid.size.width / 2, card.y] }) },
        s("title", {}, `${router.name} to ${name}: ${rate(card.rate)}`)));
      }
    }
    nodes.push(s("g", { class: "card router", role: "button", tabindex: "-1",
      "data-type": "routers", "data-name": router.name,
      transform: `translate(${x},${y})`,
      "aria-label": `router ${router.name}, joins ${joins.join(", ")}` },
    s("rect", { class: "ground", width: ROUTER.width, height: ROUTER.height,
      rx: 15 }),
    s("text", { class: "name", x: ROUTER.width / 2, y: 20,
      "text-anchor": "middle" }, `⇄ ${clip(router.name, 15)}`)));
  });
  return { lines, nodes };
}

const routerRows = (n, columns) => Math.ceil(n / columns);

/** The position of the first card below 'n' routers. */
function topFor(n, count, ratio) {
  if (!n) {
    return 0;
  }
  const size = sizeOf(count);
  const guess = bestColumns(count, size, 0, size.head + size.foot + 16, ratio);
  const columns = Math.max(1, Math.floor((guess * (size.width + size.gapX)
    - size.gapX + ROUTER.gap) / (ROUTER.width + ROUTER.gap)));

  return routerRows(n, columns) * (ROUTER.height + 12) + 50;
}

/* hv2 before hv10. */
const inOrder = new Intl.Collator("en", { numeric: true });

function draw(data, by, ratio) {
  const hosts = by === "hosts";
  let cards = cardsOf(data, by).sort((a, b) =>
    inOrder.compare(a.name, b.name));

  if (!hosts) {
    cards = sortNetworks(cards, data.routers);
  }
  const grid = layout(cards, hosts ? 0
    : topFor(data.routers.length, cards.length, ratio), ratio);
  const { lines, nodes } = hosts
    ? { lines: cards.length ? underlay(cards, grid) : [], nodes: [] }
    : routersAbove(cards, data.routers, grid);

  const most = Math.max(0, ...cards.map((card) => card.rate));

  return { cards, grid, node: s("g", { class: "all" },
    s("g", { class: "lines" }, lines), nodes, cards.map((card) =>
      grid.size === SMALL ? drawSmall(card, most) : drawCard(card))) };
}

// Legend.  ------------------------------------------------------------------

function legend({ summary }, by) {
  if ((by === "hosts" ? summary.hosts : summary.networks).length > LARGE_MAX) {
    return h("p", { class: "faint" }, "A card is as its state is; its bar is "
      + "what goes through. Larger shows names; one opens by a click.");
  }

  const others = by === "hosts" ? summary.networks : summary.hosts;
  const used = others.slice(0, COLOURS);

  return h("ul", { class: "legend", "aria-label": by === "hosts"
    ? "Networks by their colour" : "Hosts by their colour" },
  used.map((one, i) => h("li", {}, h("span", { class: `dot c${i}` }),
    h("a", { href: `#/topology/${by === "hosts" ? "networks" : "hosts"}/`
      + encodeURIComponent(one.name) }, one.name))),
  others.length > COLOURS ? h("li", {}, h("span", { class: "dot c8" }),
    `${number(others.length - COLOURS)} more`) : null);
}

// Search.  ------------------------------------------------------------------

const FOUND_MAX = 50;

async function find(text, data, signal) {
  const has = (one) => one.name.includes(text);
  const rows = (type, items) => items.filter(has).slice(0, FOUND_MAX)
    .map((one) => ({ type, name: one.name }));
  const found = [...rows("hosts", data.summary.hosts),
    ...rows("networks", data.summary.networks),
    ...rows("routers", data.routers),
    ...rows("loadbalancers", data.balancers)];

  if (data.ports) {
    const ports = data.ports.filter((p) => has(p)
      || p.status.ips?.includes(text)
      || Object.entries(p.spec.labels ?? {}).some(([k, v]) =>
        `${k}=${v}` === text));

    return [...found, ...ports.slice(0, FOUND_MAX).map((p) =>
      ({ type: "ports", name: p.name }))];
  }
  // By prefix, as lists can be continued from a name.
  for (const type of ["ports", "networks"]) {
    const some = await beginning(type, text, FOUND_MAX, signal);

    found.push(...some.map(({ name }) => ({ type, name })));
  }
  const seen = new Set();

  return found.filter(({ type, name }) => !seen.has(`${type}/${name}`)
    && seen.add(`${type}/${name}`));
}

function resultTable() {
  return table({
    label: "Found", most: 20, key: (r) => `${r.type}/${r.name}`,
    open: (r) => { location.hash =
      `#/topology/${r.type}/${encodeURIComponent(r.name)}`; },
    columns: [{ title: "Type", width: "100px", cell: (r) => WORDS[r.type] },
      { title: "Name", width: "1fr", cell: (r) => r.name }],
  });
}

/** Cards with problems come first. */
const trouble = (card) => (card.state && card.state !== "synced" ? 2 : 0)
  + (rest(card) ? 1 : 0);

/** The cards as a table, for keyboard users. */
function cardTable(by) {
  return table({
    label: by === "hosts" ? "Hosts" : "Networks", most: 22,
    key: (c) => c.name,
    open: (c) => { location.hash =
      `#/topology/${c.type}/${encodeURIComponent(c.name)}`; },
    columns: [
      { title: by === "hosts" ? "Host" : "Network", width: "minmax(80px, 1fr)",
        cell: (c) => c.name },
      ...by === "hosts" ? [{ title: "State", width: "102px", cell: (c) =>
        badge(HOST_KIND[c.state], c.state, c.reason) }] : [],
      { title: "Ports", width: "46px", right: true,
        cell: (c) => number(c.ports) },
      { title: "Up", width: "46px", right: true, cell: (c) => number(c.up) },
      { title: "Traffic", width: "80px", right: true,
        cell: (c) => rate(c.rate) },
    ],
  });
}

// The view.  ----------------------------------------------------------------

const ZOOM_STEP = 1.3;

/** The diagram: it keeps the position that the user has scrolled to. */
function makePicture(onOpen) {
  const svg = s("svg", { class: "picture", role: "group",
    "aria-label": "The picture; arrow keys go from one to the next, Enter "
    + "opens" });
  const moved = zoom().scaleExtent([0.03, 3]).on("zoom", ({ transform }) =>
    svg.firstChild?.setAttribute("transform", transform));
  const selection = select(svg).call(moved).on("dblclick.zoom", null);
  let drawn = null;
  let key = "";
  let focused = null;

  const focusable = () => [...svg.querySelectorAll(".card")];

  function fit() {
    const { clientWidth: w, clientHeight: hh } = svg;

    if (drawn && w) {
      // Computed, since measuring is slower; with room for the rails.
      const { grid } = drawn;
      const box = { x: -30, y: grid.top ? 0 : -44, width: grid.width + 36,
        height: grid.top + grid.rows * (grid.height + grid.size.gapY)
          + (grid.top ? 0 : 44) };
      const k = Math.min(1.25, (w - 40) / box.width, (hh - 40) / box.height);

      selection.call(moved.transform, zoomIdentity
        .translate((w - k * box.width) / 2 - k * box.x, Math.max(20,
          (hh - k * box.height) / 2) - k * box.y).scale(k));
    }
  }

  function set(next, nextKey) {
    const had = svg.contains(document.activeElement)
      ? document.activeElement.dataset.name : null;
    const transform = svg.firstChild?.getAttribute("transform");

    drawn = next;
    replace(svg, next.node);
    if (nextKey !== key) {
      key = nextKey;
      fit();
    } else if (transform) {
      next.node.setAttribute("transform", transform);
    }
    const cards = focusable();

    focused = cards.find((card) => card.dataset.name === (had
      ?? focused?.dataset.name)) ?? cards[0] ?? null;
    focused?.setAttribute("tabindex", "0");
    if (had) {
      focused?.focus({ preventScroll: true });
    }
  }

  function move(event) {
    const cards = focusable();
    const i = cards.indexOf(document.activeElement);
    const { columns } = drawn.grid;
    const to = { ArrowRight: i + 1, ArrowLeft: i - 1, ArrowDown: i + columns,
      ArrowUp: i - columns, Home: 0, End: cards.length - 1 }[event.key];

    if (i < 0) {
      return;
    }
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      onOpen(cards[i].dataset.type, cards[i].dataset.name);
    } else if (cards[to]) {
      event.preventDefault();
      focused?.setAttribute("tabindex", "-1");
      focused = cards[to];
      focused.setAttribute("tabindex", "0");
      focused.focus();
    }
  }

  svg.addEventListener("click", (event) => {
    const hit = event.target.closest("[data-type]");

    if (hit && !event.defaultPrevented) {
      onOpen(hit.dataset.type, hit.dataset.name);
    }
  });
  svg.addEventListener("keydown", move);
  return { svg, set, fit, by: (k) => selection.call(moved.scaleBy, k),
    mark(type, name) {
      svg.classList.toggle("picks", Boolean(type));
      for (const one of svg.querySelectorAll("[data-name], [data-other]")) {
        one.classList.toggle("picked", (one.dataset.type === type
          && one.dataset.name === name) || (name !== undefined && one.dataset.other === name));
      }
    } };
}

export function mount(root, { signal, words }) {
  let by = sessionStorage.getItem("vmn-topology") ?? "hosts";
  let data = null;
  let last = "";                // What was drawn, in large networks.
  let showing = null;           // Ends when something else is to be shown.
  let chosen = isType(words[0]) && words[1] ? words : null;
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
    hidden: !chosen, onclick() { location.hash = "#/topology"; } }, "Close");

  replace(root, failed, h("div", { class: "split wide" },
    panel("Picture", { classes: "stage", actions: [search,
      h("span", { class: "toggle", role: "group", "aria-label":
        "Put together" }, toggles),
      button("Smaller", "−", () => picture.by(1 / ZOOM_STEP)),
      button("Larger", "+", () => picture.by(ZOOM_STEP)),
      button("Fit", "⤢", () => picture.fit())] }, key, none),
    panel(sideTitle, { classes: "detail", actions: [closer] },
      side)));

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
    const drawn = draw(data, by, picture.svg.clientWidth
      / Math.max(1, picture.svg.clientHeight) || 1.4);

    replace(key, legend(data, by), by === "networks"
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
      replace(sideTitle, `${WORDS[chosen[0]]} ${chosen[1]}`);
      showing?.abort();
      showing = new AbortController();
      signal.addEventListener("abort", () => showing.abort());
      replace(side, h("p", { class: "loading" }, "Loading …"));
      showObject(side, ...chosen, showing.signal);
    } else if (data) {
      replace(sideTitle, by === "hosts" ? "Hosts" : "Networks");
      replace(side, cards.root);
      redraw();
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
      if (!signal.aborted) {
        replace(failed, errorBox(error, refresh));
      }
    }
  });

  window.addEventListener("resize", () => data && picture.fit(), { signal });
  live.on(["tick", "reset", "revision", "host", "binding", "ports",
    "installed"], refresh, signal);
  refresh();
  if (chosen) {
    showSide();
  }
  return (next) => {
    chosen = isType(next[0]) && next[1] ? next : null;
    closer.hidden = !chosen;
    search.value = "";
    showSide();
    picture.mark(...chosen ?? []);
  };
}
