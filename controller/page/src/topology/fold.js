// SPDX-License-Identifier: Apache-2.0
//
// The logical network where it has more nodes than can be read: of each layer
// those in trouble and those with most ports, with what they are joined with,
// and one node that stands for all others.  Rates do not matter for that:
// nodes would come and go all the time.

import { number } from "../format.js";
import { isLegible } from "./layers.js";
import { LARGE_MAX } from "./layout.js";
import { BEST, LAYERS } from "./logical.js";

/* Numbers of nodes: the first of them that is legible. */
const TRIED = [150, 120, 90, 70, 50, 35];
/* Others are of interest where they are joined with the former. */
const ORDER = ["networks", "routers", "virtual IPs", "ports",
  "floating addresses", "gateways", "outside"].map((layer) =>
  LAYERS.indexOf(layer));

/* hv2 before hv10. */
const inOrder = new Intl.Collator("en", { numeric: true });

const isTrouble = (node) => ["bad", "wait"].includes(node.kind)
  || node.rest > 0 || node.drops > 0;

/** Who comes first; 'joined' has how many of its neighbours are shown. */
const rank = (joined) => (a, b) => isTrouble(b) - isTrouble(a)
  || joined.get(b) - joined.get(a) || (b.ports ?? 0) - (a.ports ?? 0)
  || inOrder.compare(a.title, b.title);

/** How many of each layer there may be, 'most' in all: those with few have
 * all of theirs, and the others the same number. */
function shares(layers, most) {
  const found = new Map();
  let left = most;

  [...layers].sort((a, b) => a[1].length - b[1].length)
    .forEach(([layer, nodes], i) => {
      const share = Math.min(nodes.length, Math.max(2,
        Math.floor(left / (layers.size - i))));

      found.set(layer, share);
      left -= share;
    });
  return found;
}

/** The nodes that keep their own cards. */
function chosen({ nodes, edges }, layers, most) {
  const beside = new Map(nodes.map((node) => [node, []]));
  const share = shares(layers, most);
  const kept = new Set();

  edges.forEach(({ from, to }) => {
    beside.get(from).push(to);
    beside.get(to).push(from);
  });
  for (const layer of ORDER.filter((one) => layers.has(one))) {
    const all = layers.get(layer);
    const joined = new Map(all.map((node) => [node,
      beside.get(node).filter((other) => kept.has(other)).length]));

    // One is the card of those that are left.
    (share.get(layer) >= all.length ? all : [...all].sort(rank(joined))
      .slice(0, share.get(layer) - 1)).forEach((node) => kept.add(node));
  }
  return kept;
}

/** The node that stands for 'nodes' of a layer. */
function standIn(layer, nodes) {
  const [{ type, chips }] = nodes;
  const sum = (what) => nodes.reduce((n, node) => n + node[what], 0);
  const known = nodes.some(({ rate }) => rate !== null);
  const bad = nodes.filter(isTrouble).length;

  return { id: `more/${layer}`, layer, type: chips ? "ports" : type, name: "",
    title: `${number(nodes.length)} more`, more: nodes.length,
    kind: bad ? "wait" : "", note: bad ? `${number(bad)} in trouble` : "",
    rate: known ? sum("rate") : null, drops: sum("drops"), rest: 0 };
}

/** The lines between what is shown: one for each two, as the best of them. */
function linesOf(edges, shownAs) {
  const found = new Map();

  for (const edge of edges) {
    const [from, to] = [shownAs(edge.from), shownAs(edge.to)];
    const key = JSON.stringify([from.id, to.id]);
    const had = found.get(key);
    const known = [had?.rate, edge.rate].filter((rate) => rate != null);

    // A line of several says nothing of one of them.
    found.set(key, !had ? { ...edge, from, to } : { ...had, said: undefined,
      kind: BEST[Math.min(BEST.indexOf(had.kind), BEST.indexOf(edge.kind))],
      rate: known.length ? known.reduce((n, rate) => n + rate, 0) : null });
  }
  return [...found.values()];
}

/** The graph with about 'most' nodes. */
export function fold(graph, most) {
  const layers = new Map([...new Set(graph.nodes.map((node) => node.layer))]
    .map((layer) => [layer, graph.nodes.filter((node) =>
      node.layer === layer)]));
  const kept = chosen(graph, layers, most);
  const others = new Map([...layers].map(([layer, nodes]) => [layer,
    nodes.filter((node) => !kept.has(node))]).filter(([, left]) =>
    left.length).map(([layer, left]) => [layer, standIn(layer, left)]));

  return { nodes: [...kept, ...others.values()], edges: linesOf(graph.edges,
    (node) => kept.has(node) ? node : others.get(node.layer)) };
}

/** The graph, or one with as many nodes as are legible in a frame of { width,
 * height }.  'places' is the caller's, {} at first: how many these were. */
export function foldTo(graph, frame, places) {
  if (graph.nodes.length <= LARGE_MAX) {
    return graph;
  }
  const shape = `${frame.width} ${frame.height} ${graph.nodes.length}`;
  let folded = null;

  for (const most of places.foldShape === shape ? [places.most] : TRIED) {
    folded = fold(graph, most);
    places.most = most;
    if (isLegible(folded, frame)) {
      break;
    }
  }
  places.foldShape = shape;
  return folded;
}
