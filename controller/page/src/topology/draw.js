// SPDX-License-Identifier: Apache-2.0
//
// The diagram as SVG.  Lines are connections: the underlay between hosts,
// routers between networks; their width grows with the traffic.

import { scaleSqrt } from "d3-scale";
import { linkVertical } from "d3-shape";
import { s } from "../dom.js";
import { number, plural, rate } from "../format.js";
import { troubleText } from "../host-paths.js";
import { HOST_KIND, WORDS } from "../object.js";
import { sortedCards } from "./cards.js";
import { LARGE, LARGE_MAX, layout, ROUTER, SMALL } from "./layout.js";

const LETTER = 7;               // The width of one of a port's name, about.

/** 'text', or its first letters where it has more than 'n'. */
export const clip = (text, n) => text.length > n
  ? `${text.slice(0, n - 1)}…` : text;

const chipTitle = (chip) => `port ${chip.name}, ${chip.state}`
  + (chip.held ? ", quarantined" : "")
  + (chip.other ? ` (${chip.other})` : "");

const chipAttributes = (chip) => ({ "data-type": "ports",
  "data-name": chip.name, "data-other": chip.other });

const chipClass = (chip) => `chip c${chip.colour} ${chip.state} `
  + (chip.held ? "held" : "");

// What is in a card.  -------------------------------------------------------

/** The names of a card's ports, each with a square of its colour. */
export function names(card, size) {
  const room = size.columns * Math.max(1, size.rows);
  const shown = card.chips.length > room ? card.chips.slice(0, room - 1)
    : card.chips;
  const width = (card.width - 24) / size.columns;
  const letters = Math.floor((width - 20) / LETTER);
  const at = (i) => [12 + i % size.columns * width,
    size.head + Math.floor(i / size.columns) * size.step];

  return [shown.map((chip, i) => {
    const [x, y] = at(i);

    return s("g", { class: `vm ${chip.state}`, ...chipAttributes(chip) },
      s("rect", { class: chipClass(chip), x: x + 1, y: y + 3, width: 10,
        height: 10, rx: 2 }),
      s("text", { x: x + 17, y: y + 12 }, clip(chip.name, letters)),
      s("title", {}, chipTitle(chip)));
  }), shown.length < card.chips.length ? s("text", { class: "note",
    x: at(room - 1)[0] + 17, y: at(room - 1)[1] + 12 },
  `and ${number(card.chips.length - shown.length)} more`) : null];
}

/** A square for each of its ports, or a bar where these are too many. */
export function squares(card, size) {
  if (card.chips.length > size.columns * size.rows || !card.chips.length) {
    return bar(card);
  }
  return card.chips.map((chip, i) => s("rect", { class: chipClass(chip),
    ...chipAttributes(chip), x: 12 + i % size.columns * size.step,
    y: size.head + Math.floor(i / size.columns) * size.step,
    width: size.chip, height: size.chip, rx: 3,
  }, s("title", {}, chipTitle(chip))));
}

/** Many ports, as bars by the host or network of the others. */
function bar(card) {
  const width = card.width - 24;
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

// Cards.  -------------------------------------------------------------------

function cardLabel(card) {
  return [`${WORDS[card.type].toLowerCase()} ${card.name}`, card.state,
    plural(card.ports, "port"), card.rest ? `${card.rest} not up` : null,
    rate(card.rate), troubleText(card.trouble),
    ...card.tags.map((tag) => `balancer ${tag}`)]
    .filter(Boolean).join(", ");
}

/** A small card, if there are many: its state, and its traffic. */
function drawSmall(card, most) {
  const kind = card.state ? HOST_KIND[card.state] : "";
  const share = Math.sqrt(card.rate / Math.max(125000, most));

  return s("g", { class: `card small ${kind} ${card.rest
    || card.trouble.length ? "some" : ""}`,
    transform: `translate(${card.x},${card.y})`, role: "button",
    tabindex: "-1", "aria-label": cardLabel(card), "data-type": card.type,
    "data-name": card.name },
  s("rect", { class: "ground", width: card.width, height: card.height,
    rx: 4 }),
  s("text", { class: "name", x: 6, y: 15 }, clip(card.name, 9)),
  s("rect", { class: "load", x: 6, y: card.height - 8, height: 3,
    width: Math.max(1, share * (card.width - 12)) }),
  s("title", {}, cardLabel(card)));
}

const mark = (kind) => s("path", { class: `mark ${kind}`, d: kind === "ok"
  ? "M12,15a4,4 0 1,0 8,0a4,4 0 1,0 -8,0"
  : kind === "wait" ? "M16,10l5,5l-5,5l-5,-5z" : "M16,10l5,9h-10z" });

/** The balancers of a network, beside its name. */
const tag = (card) => s("text", { class: "tag", x: card.width - 12, y: 20,
  "text-anchor": "end", "data-type": "loadbalancers",
  "data-name": card.tags[0] }, `◆ ${clip(card.tags[0], 9)}`
  + (card.tags.length > 1 ? ` +${card.tags.length - 1}` : ""),
s("title", {}, `balancers: ${card.tags.join(", ")}`));

/** What is wrong with it, at its upper right. */
export function corner(card, text) {
  const width = 12 + 6 * text.length;

  return text ? s("g", { class: "drops", transform: `translate(${card.width
    - width + 6},-9)` }, s("rect", { width, height: 17, rx: 8 }),
  s("text", { x: width / 2, y: 12.5, "text-anchor": "middle" }, text)) : null;
}

function drawCard(card, size) {
  const kind = card.state ? HOST_KIND[card.state] : "";
  const letters = Math.floor((card.width - (card.tags.length ? 120 : 40)) / 8);

  return s("g", { class: `card ${kind} ${card.outside ? "outside" : ""}`,
    transform: `translate(${card.x},${card.y})`, role: "button",
    tabindex: "-1", "aria-label": cardLabel(card), "data-type": card.type,
    "data-name": card.name },
  s("rect", { class: "ground", width: card.width, height: card.height,
    rx: 8 }),
  card.state ? mark(kind) : null,
  s("text", { class: "name", x: card.state ? 27 : 12, y: 20 },
    clip(card.name, letters), s("title", {}, card.name)),
  size.kind === "named" ? names(card, size) : squares(card, size),
  s("text", { class: "foot", x: 12, y: card.height - 8 },
    plural(card.ports, "port"), card.rest
      ? s("tspan", { class: "wait" }, ` · ${number(card.rest)} not up`)
      : null),
  s("text", { class: "foot rate", x: card.width - 12, y: card.height - 8,
    "text-anchor": "end" }, rate(card.rate)),
  card.tags.length ? tag(card) : null,
  corner(card, troubleText(card.trouble)));
}

// Lines.  -------------------------------------------------------------------

/** The largest of 'values', which may be more than a call takes arguments, and
 * 'least'. */
const largest = (values, least = 0) => values.reduce((a, b) =>
  Math.max(a, b ?? 0), least);

/** A scale for lines, by the bytes per second that go through; what is not
 * known (null) is as nothing. */
export function widths(values) {
  // Full width is at least one megabit per second.
  return scaleSqrt([0, largest(values, 125000)], [1.2, 9]);
}

/** The underlay: a line above each row of hosts, and one that joins these. */
function underlay(cards, grid) {
  const { size } = grid;
  const large = size !== SMALL;
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
          target: [card.x + card.width / 2, card.y] }) },
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
      "text-anchor": "middle" }, `⇄ ${clip(router.name, 15)}`),
    s("title", {}, router.name)));
  });
  return { lines, nodes };
}

// All of it.  ---------------------------------------------------------------

/** The diagram for a frame of { width, height }: { cards, grid, node }. */
export function draw(data, by, frame) {
  const hosts = by === "hosts";
  const cards = sortedCards(data, by);
  // Between hundreds of small cards lines are one area.
  const routers = hosts || cards.length > LARGE_MAX ? [] : data.routers;
  const grid = layout(cards, routers.length, frame, data.ports !== null);
  const { lines, nodes } = hosts
    ? { lines: cards.length ? underlay(cards, grid) : [], nodes: [] }
    : routersAbove(cards, routers, grid);
  const most = largest(cards.map((card) => card.rate));

  return { cards, grid, node: s("g", { class: "all" },
    s("g", { class: "lines" }, lines), nodes, cards.map((card) =>
      grid.size === SMALL ? drawSmall(card, most)
        : drawCard(card, grid.size))) };
}
