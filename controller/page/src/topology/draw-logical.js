// SPDX-License-Identifier: Apache-2.0
//
// The logical network as SVG: nodes in layers, and lines between those that
// are joined, the wider the more goes through.

import { linkVertical } from "d3-shape";
import { s } from "../dom.js";
import { number, plural, rate, short } from "../format.js";
import { clip, corner, names, squares, widths } from "./draw.js";
import { foldTo } from "./fold.js";
import { placeAgain } from "./layers.js";
import { cutEdges, graphOf, isSampled, LAYERS } from "./logical.js";

const LETTER = 7.4;             // The width of one of a name, about.
/* Lines: more would be seen as one area. */
const LINES_MAX = 4000;
const UNKNOWN = 1.5;            // The width of one of unknown traffic.

const KINDS = { hosts: "gateway host", networks: "network",
  routers: "router", loadbalancers: "balancer", labels: "ports",
  "floating-ips": "floating address" };

/** Whether the node is ports, and none of its own. */
const isGroup = (node) => Boolean(node.chips);

/** "3 packets dropped since vmnd started". */
const dropText = (node) => node.drops ? `${plural(node.drops, "packet")} `
  + `dropped ${isSampled(node) ? "(sampled)" : "since vmnd started"}` : null;

function labelOf(node) {
  const what = node.more ? `${node.title} ${node.type === "ports"
    ? "groups of ports" : LAYERS[node.layer]}`
    : isGroup(node) ? `ports ${node.title} of ${node.network}`
    : `${KINDS[node.type]} ${node.name}`;

  return [what, node.note, node.ports === undefined ? null
    : plural(node.ports, "port"), node.rest ? `${number(node.rest)} not up`
    : null, node.rate ? rate(node.rate) : null, dropText(node)]
    .filter(Boolean).join(", ");
}

const stateOf = (node) => node.kind === "ok" && node.type !== "loadbalancers"
  ? "" : node.kind || (node.rest ? "some" : "");

const frameOf = (node, ...children) => s("g", {
  class: `card ${stateOf(node)} ${node.type} ${isGroup(node) ? "group"
    : node.more ? "more" : ""}`,
  transform: `translate(${node.x},${node.y})`, role: "button",
  tabindex: "-1", "aria-label": labelOf(node), "data-type": node.type,
  "data-name": node.name, "data-key": node.id },
s("rect", { class: "ground", width: node.width, height: node.height,
  rx: node.type === "routers" ? 20 : 8 }), children,
s("title", {}, labelOf(node)));

/** How many packets were dropped there. */
const dropMark = (node) => corner(node, node.drops
  ? isSampled(node) ? `${node.drops === 1 ? "1 drop" : `${short(node.drops)} `
    + "drops"} sampled` : `${short(node.drops)} dropped` : "");

function drawGroup(node, size) {
  return frameOf(node, s("text", { class: "name", x: 12, y: 20 },
    clip(node.title, Math.floor((node.width - 20) / LETTER))),
  size.kind === "named" ? names(node, size) : squares(node, size),
  foot(node, node.height - 8, node.rest ? s("tspan", { class: "wait" },
    `${number(node.rest)} not up`) : node.network), dropMark(node));
}

/** What is said of it at the left, and its traffic at the right. */
function foot(node, y, says) {
  const told = node.rate ? rate(node.rate) : "";
  const room = Math.floor((node.width - 24) / 6) - told.length;

  return [s("text", { class: "foot", x: 12, y }, typeof says === "string"
    ? clip(says, room) : says),
  s("text", { class: "foot rate", x: node.width - 12, y,
    "text-anchor": "end" }, told)];
}

function drawNode(node) {
  const mark = { routers: "⇄ ", loadbalancers: "◆ ", "floating-ips": "⇅ ",
    hosts: "▣ " }[node.type] ?? "";
  const says = node.note || (node.ports === undefined ? ""
    : node.rest ? s("tspan", { class: "wait" }, `${number(node.rest)} not up`)
      : plural(node.ports, "port"));

  return frameOf(node, s("text", { class: "name", x: 12, y: 20 },
    clip(`${mark}${node.title}`, Math.floor((node.width - 20) / LETTER))),
  foot(node, 37, says), dropMark(node));
}

// Lines.  -------------------------------------------------------------------

function lines(edges) {
  const width = widths(edges.map((edge) => edge.rate));
  const curve = linkVertical();

  return edges.map(({ from, to, rate: n, kind, said }) => {
    // An interface in a network outside leads up.
    const [upper, lower] = from.y < to.y ? [from, to] : [to, from];

    return s("path", { class: `wire ${kind}`,
      "data-ends": `${from.type}/${from.name} ${to.type}/${to.name}`,
      "stroke-width": n === null ? UNKNOWN : width(n), d: curve({
        source: [upper.x + upper.width / 2, upper.y + upper.height],
        target: [lower.x + lower.width / 2, lower.y] }) },
    s("title", {}, [`${from.title} to ${to.title}`, said, n ? rate(n) : ""]
      .filter(Boolean).join(", ")));
  });
}

/* hv2 before hv10. */
const inOrder = new Intl.Collator("en", { numeric: true });

/** All nodes, a layer after the other. */
const inLayers = (nodes) => [...nodes].sort((a, b) => a.layer - b.layer
  || inOrder.compare(a.title, b.title));

/** The node that is above (-1) or below (1) another one, and nearest. */
const beside = (nodes) => (i, down) => {
  const from = nodes[i];
  const middle = from.x + from.width / 2;
  let best = -1;
  let least = Infinity;

  nodes.forEach((node, at) => {
    const y = down * (node.y - from.y);
    const far = 1000 * y + Math.abs(node.x + node.width / 2 - middle);

    if (y > 0 && far < least) {
      best = at;
      least = far;
    }
  });
  return best;
};

/** The picture for a frame of { width, height }, with ports by label 'key':
 * { all (the nodes that there are), cards (those that are drawn), grid, node,
 * below, undrawn (how many lines are not) }.  'places' is the caller's, {} at
 * first: where nodes were the last time. */
export function drawLogical(data, key, frame, places) {
  const whole = graphOf(data, key);
  const graph = foldTo(whole, frame, places);
  const grid = placeAgain(graph, frame, places);
  const cards = grid.layers.flatMap((layer) => layer.nodes);
  const drawn = cutEdges(graph.edges, LINES_MAX);

  return { all: graph === whole ? cards : inLayers(whole.nodes), cards, grid,
    undrawn: graph.edges.length - drawn.length,
    below: beside(cards), node: s("g", { class: "all logical" },
      s("g", { class: "lines" }, lines(drawn)),
      grid.layers.map(({ title, y }) => s("text", { class: "note layer",
        x: 0, y }, title)),
      cards.map((node) => isGroup(node) ? drawGroup(node, grid.size)
        : drawNode(node))) };
}
