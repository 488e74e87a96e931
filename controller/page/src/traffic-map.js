// SPDX-License-Identifier: Apache-2.0
//
// Who sends to whom, as a map: those with most on a ring, a line between each
// two, the wider the more they send.  Not for what is counted, which
// views/traffic.js asks for, nor for a thousand ends: beyond those on the ring
// there are the tables.

import { scaleSqrt } from "d3-scale";
import { h, replace, s } from "./dom.js";
import { bytes, number } from "./format.js";
import { clip } from "./topology/draw.js";

const ENDS_MAX = 24;
const ENDS_NARROW = 12;
const NARROW = 600;
const HEIGHT = 440;
const LETTER = 7;               // The width of one of a name, about.
const FOOT = 112;               // That of what is below it, and a gap.
const GAP = 18;                 // Of an end and its name.

/** How an end is called: a port that was deleted is another one than that
 * which has its name now. */
export const endName = (name, deleted) => deleted ? `${name} (deleted)` : name;

/** Ends with what they send and get, those with most first; and pairs with
 * both directions together. */
export function mapOf({ pairs, talkers }, most) {
  const all = (end) => end.sent + end.received;
  const ends = talkers.map((one) => ({ name: one.name, deleted: one.deleted,
    title: endName(one.name, one.deleted), sent: one.sent_bytes,
    received: one.received_bytes })).sort((a, b) => all(b) - all(a))
    .slice(0, most);
  const byTitle = new Map(ends.map((end) => [end.title, end]));
  const lines = new Map();

  for (const pair of pairs) {
    const src = endName(pair.src, pair.src_deleted);
    const [a, b] = [src, endName(pair.dst, pair.dst_deleted)].sort();

    if (byTitle.has(a) && byTitle.has(b)) {
      const key = JSON.stringify([a, b]);
      const line = lines.get(key) ?? { a: byTitle.get(a), b: byTitle.get(b),
        bytes: 0, cross: 0, there: 0, back: 0 };

      line.bytes += pair.bytes;
      line.cross += pair.cross_host_bytes;
      line[src === a ? "there" : "back"] += pair.bytes;
      lines.set(key, line);
    }
  }
  return { ends, lines: [...lines.values()] };
}

function place(ends, width, height, side) {
  const rx = Math.max(40, width / 2 - side);
  const ry = height / 2 - 52;
  // Names are above and below the ends where there is room beside each other,
  // else beside them.
  const upright = rx * Math.sin(2 * Math.PI / ends.length) > FOOT ? 0.6 : 0.25;

  ends.forEach((end, i) => {
    // Two are side by side.
    const angle = 2 * Math.PI * i / ends.length
      - (ends.length === 2 ? Math.PI : Math.PI / 2);

    end.cos = Math.cos(angle);
    end.sin = Math.sin(angle);
    end.side = Math.abs(end.cos) < upright ? "middle" : end.cos > 0 ? "start"
      : "end";
    end.x = width / 2 + rx * end.cos;
    end.y = height / 2 + ry * end.sin;
  });
}

const lineTitle = ({ a, b, there, back, bytes: all, cross }) => a === b
  ? `within ${a.title}: ${bytes(all)}`
  : `${a.title} to ${b.title}: ${bytes(there)}, back ${bytes(back)}; `
    + `${Math.round(100 * cross / Math.max(1, all))} % of it from host to `
    + "host";

function drawLine(line, width, middle) {
  const { a, b } = line;
  const { x, y } = middle;
  const d = a === b ? `M${a.x},${a.y}m-9,0a9,9 0 1,0 18,0a9,9 0 1,0 -18,0`
    : `M${a.x},${a.y}Q${(a.x + b.x) / 4 + x / 2},${(a.y + b.y) / 4 + y / 2} `
      + `${b.x},${b.y}`;

  return s("path", { class: `wire ${2 * line.cross > line.bytes ? "cross"
    : ""}`, d, "stroke-width": width(line.bytes) },
  s("title", {}, lineTitle(line)));
}

function drawEnd(end, address, letters) {
  const { side } = end;
  const x = end.x + (side === "middle" ? 0 : GAP * Math.sign(end.cos));
  const y = end.y + (side === "middle" ? end.sin < 0 ? -34 : 28 : -1);
  const to = address(end.name, end.deleted);
  // Not their sum: what is within a group is in both.
  const said = `${end.title}, sent ${bytes(end.sent)}, received ${
    bytes(end.received)}`;

  return s(to ? "a" : "g", to ? { href: to, "aria-label": said } : {},
    s("circle", { class: "end", cx: end.x, cy: end.y, r: 6 }),
    s("text", { class: "name", x, y, "text-anchor": side },
      clip(end.title, letters)),
    s("text", { class: "foot", x, y: y + 14, "text-anchor": side },
      `↑${bytes(end.sent)} ↓${bytes(end.received)}`), s("title", {}, said));
}

export function makeMap() {
  const svg = s("svg", { class: "picture traffic-map", role: "group",
    "aria-label": "Who sends to whom; the tables have the same as numbers" });
  const hint = h("p", { class: "hint" });

  return {
    root: h("div", {}, svg, hint),
    /** Shows a reply of GET /v1/traffic; address(name, deleted) is that of an
     * end. */
    set(found, address) {
      const width = Math.max(280, svg.clientWidth);
      const isNarrow = width < NARROW;
      const most = isNarrow ? ENDS_NARROW : ENDS_MAX;
      const { ends, lines } = mapOf(found, most);
      const side = isNarrow ? 116 : 150;
      const scale = scaleSqrt([0, Math.max(1, ...lines.map((line) =>
        line.bytes))], [1, 12]);
      const focused = svg.contains(document.activeElement)
        ? document.activeElement.getAttribute("href") : null;

      place(ends, width, HEIGHT, side);
      svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
      replace(svg, s("g", {}, lines.map((line) => drawLine(line, scale,
        { x: width / 2, y: HEIGHT / 2 }))), ends.map((end) => drawEnd(end,
        address, Math.floor((side - GAP) / LETTER))));
      if (focused) {
        [...svg.querySelectorAll("a")].find((one) =>
          one.getAttribute("href") === focused)?.focus(
          { preventScroll: true });
      }
      replace(hint, found.talkers.length > ends.length
        ? `The ${number(ends.length)} with most; the tables have more.` : "");
    },
  };
}
