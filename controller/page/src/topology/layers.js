// SPDX-License-Identifier: Apache-2.0
//
// Where the nodes of the logical network are: a layer below the other, in as
// many rows as it takes; those that belong together are near each other.

import { LARGE, MARGIN, NAMED, scaleIn } from "./layout.js";
import { LAYERS } from "./logical.js";

/* A node with its name, and what is to be said of it. */
const NODE = { height: 46, gapX: 16, gapY: 14, least: 136, most: 190 };
const BETWEEN = 32;             // Layers; their titles are there.
const HEAD = 18;
/* Names are legible when the picture is not made smaller than this. */
const LEGIBLE = 0.75;
const SIDE = 4;

/* hv2 before hv10. */
const inOrder = new Intl.Collator("en", { numeric: true });

// The order.  ----------------------------------------------------------------

/** Numbers what is joined alike: those with a router first, by their names. */
function domains({ nodes, edges }) {
  const up = new Map(nodes.map((node) => [node, node]));
  const rootOf = (node) => {
    let root = node;

    while (up.get(root) !== root) {
      up.set(root, up.get(up.get(root)));
      root = up.get(root);
    }
    return root;
  };

  edges.forEach(({ from, to }) => up.set(rootOf(to), rootOf(from)));
  const routed = new Set(nodes.filter((node) => node.type === "routers")
    .map(rootOf));
  const roots = [...new Set(nodes.map(rootOf))].sort((a, b) =>
    routed.has(b) - routed.has(a) || inOrder.compare(a.name, b.name));
  const number = new Map(roots.map((root, i) => [root, i]));

  return new Map(nodes.map((node) => [node, number.get(rootOf(node))]));
}

/** The nodes of each layer that has some: by what they are joined with, and
 * then as those above them are. */
function sorted({ nodes, edges }) {
  const domain = domains({ nodes, edges });
  const above = new Map(nodes.map((node) => [node, []]));
  const place = new Map();
  const layers = LAYERS.map((title, i) => ({ title,
    nodes: nodes.filter((node) => node.layer === i) })).filter((layer) =>
    layer.nodes.length);

  edges.forEach(({ from, to }) => above.get(to).push(from));
  for (const layer of layers) {
    const mean = new Map(layer.nodes.map((node) => {
      const known = above.get(node).filter((one) => place.has(one));

      return [node, known.length ? known.reduce((n, one) =>
        n + place.get(one), 0) / known.length : 1];
    }));

    // The one that stands for all others is last.
    layer.nodes.sort((a, b) => Boolean(a.more) - Boolean(b.more)
      || domain.get(a) - domain.get(b)
      || mean.get(a) - mean.get(b) || inOrder.compare(a.title, b.title));
    layer.nodes.forEach((node, i) => place.set(node,
      (i + 0.5) / layer.nodes.length));
  }
  return layers;
}

// The places.  ---------------------------------------------------------------

/** Places rows of 'columns' nodes each, in the middle. */
function placeLayer({ nodes }, y, columns, step) {
  let top = y;

  for (let i = 0; i < nodes.length; i += columns) {
    const row = nodes.slice(i, i + columns);
    const left = (columns - row.length) * (step.width + step.gapX) / 2;

    row.forEach((node, at) => {
      node.x = left + at * (step.width + step.gapX);
      node.y = top;
      node.width = step.width;
      node.height = step.heightOf(node);
    });
    top += Math.max(...row.map((node) => node.height)) + step.gapY;
  }
  return top - step.gapY;
}

/** The shape of all layers: 'steps' are the sizes for a layer's nodes. */
function place(layers, columns, size, stepOf) {
  let y = HEAD;
  let width = 0;

  for (const layer of layers) {
    const step = stepOf(layer);

    layer.y = y - 7;
    y = placeLayer(layer, y, columns, step) + size.between;
    width = columns * (step.width + step.gapX) - step.gapX;
  }
  return { size, columns, layers, width,
    box: { x: -SIDE, y: 0, width: width + 2 * SIDE,
      height: y - size.between + 4 } };
}

/** With the names of ports, or a square for each. */
function full(layers, frame, withNames) {
  const room = frame.width - MARGIN - 2 * SIDE;
  const most = Math.max(...layers.map(({ nodes }) => nodes.length));
  const columns = Math.max(1, Math.min(most, Math.floor((room + NODE.gapX)
    / (NODE.least + NODE.gapX))));
  const width = Math.min(NODE.most, Math.max(NODE.least,
    Math.floor((room + NODE.gapX) / columns) - NODE.gapX));
  const size = withNames ? { ...NAMED, columns: 1, rows: NAMED.rows }
    : { ...LARGE, columns: Math.floor((width - 20) / LARGE.step) };
  const foot = size.foot;
  const heightOf = ({ chips }) => chips ? size.head + foot + size.step
    * Math.max(1, Math.min(size.rows, Math.ceil(chips.length / size.columns)))
    : NODE.height;

  return place(layers, columns, { ...size, between: BETWEEN }, () =>
    ({ width, gapX: NODE.gapX, gapY: NODE.gapY, heightOf }));
}

/** Whether names are legible if the picture fits into the frame. */
export const isLegible = (graph, frame) => scaleIn(frame,
  full(sorted(graph), frame, false).box) >= LEGIBLE;

/** Gives each node its place in a frame of { width, height } pixels; layers
 * are { title, y, nodes }. */
export function placeNodes(graph, frame) {
  const layers = sorted(graph);
  const grid = full(layers, frame, true);

  return scaleIn(frame, grid.box) >= LEGIBLE ? grid
    : full(layers, frame, false);
}

/** Does the same, where nodes and edges are those of the last time by looking
 * up 'places', which it keeps for that. */
export function placeAgain(graph, frame, places) {
  const shape = JSON.stringify([frame.width, frame.height,
    graph.nodes.map(({ id, title, layer, chips }) => [id, title, layer,
      chips?.length]),
    graph.edges.map(({ from, to }) => [from.id, to.id])]);

  if (places.shape !== shape) {
    const grid = placeNodes(graph, frame);

    places.shape = shape;
    places.grid = { ...grid, layers: grid.layers.map(({ title, y, nodes }) =>
      ({ title, y, nodes: nodes.map(({ id, x, y: top, width, height }) =>
        ({ id, x, y: top, width, height })) })) };
    return grid;
  }
  const byId = new Map(graph.nodes.map((node) => [node.id, node]));

  return { ...places.grid, layers: places.grid.layers.map((layer) => ({
    ...layer, nodes: layer.nodes.map((place) => Object.assign(
      byId.get(place.id), place)) })) };
}
