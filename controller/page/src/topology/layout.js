// SPDX-License-Identifier: Apache-2.0
//
// Where the cards of the diagram are, and how large: with the names of ports
// where there is room for these, with a square for each port where there is
// less, and as small as can be where there are hundreds of cards.

/* Sizes of cards.  'wide': so many fit side by side at full size. */
export const NAMED = { kind: "named", head: 30, foot: 24, step: 20, gapX: 20,
  gapY: 36, least: 170, most: 420, rows: 14, name: 118 };
export const LARGE = { kind: "large", width: 196, head: 30, foot: 20, chip: 13,
  step: 17, columns: 10, rows: 4, gapX: 20, gapY: 40, wide: 4 };
export const SMALL = { kind: "small", width: 64, head: 18, foot: 0, gapX: 8,
  gapY: 10, wide: 14 };
export const LARGE_MAX = 150;
/* Names are legible when the diagram is not made smaller than this. */
const LEGIBLE = 0.85;
export const MARGIN = 40;              // Of the frame: 20 on each side.

export const ROUTER = { width: 150, height: 30, gap: 16 };

/* The underlay is to the left of hosts and above them; above networks is what
 * topFor() says. */
const LEFT = 30;
const ABOVE = 44;

/** The number of columns with which the whole diagram is as large as possible
 * in a frame of this ratio, which has room for some cards at full size. */
export function bestColumns(n, size, top, height, ratio) {
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

/** The height of what is above the networks: 'n' routers, and their lines. */
function topFor(n, width) {
  const columns = Math.max(1, Math.floor((width + ROUTER.gap)
    / (ROUTER.width + ROUTER.gap)));

  return n ? Math.ceil(n / columns) * (ROUTER.height + 12) + 50 : 0;
}

function place(cards, grid) {
  const { size, columns, height } = grid;

  cards.forEach((card, i) => {
    card.column = i % columns;
    card.row = Math.floor(i / columns);
    card.x = card.column * (size.width + size.gapX);
    card.y = grid.top + card.row * (height + size.gapY);
    card.width = size.width;
    card.height = height;
  });
  grid.rows = Math.ceil(cards.length / columns);
  grid.width = columns * (size.width + size.gapX) - size.gapX;
  grid.box = { x: -LEFT, y: grid.top ? 0 : -ABOVE,
    width: grid.width + LEFT + 6,
    height: grid.top + grid.rows * (height + size.gapY) - size.gapY
      + (grid.top ? 0 : ABOVE) };
  return grid;
}

/** The scale at which a box fits into a frame. */
export const scaleIn = (frame, box) => Math.min(
  (frame.width - MARGIN) / box.width, (frame.height - MARGIN) / box.height);

/** Cards with the names of their ports; null if these would not be legible. */
function named(cards, n_routers, frame) {
  const room = frame.width - MARGIN - LEFT - 6;
  const most = Math.max(0, ...cards.map((card) => card.chips.length));
  const longest = Math.max(0, ...cards.map((card) => Math.max(0,
    ...card.chips.map((chip) => chip.name.length))));
  const fits = Math.floor((room + NAMED.gapX) / (NAMED.least + NAMED.gapX));
  const columns = Math.max(1, Math.min(cards.length, fits));
  const width = Math.min(NAMED.most, Math.max(NAMED.least,
    Math.floor((room + NAMED.gapX) / columns) - NAMED.gapX));
  // Names side by side, unless they are long ones.
  const side = Math.max(1, Math.floor((width - 24)
    / Math.max(NAMED.name, 24 + 7 * longest)));
  const rows = Math.min(NAMED.rows, Math.ceil(most / side));
  const size = { ...NAMED, width, columns: side, rows };
  const grid = place(cards, { size, columns,
    height: size.head + size.foot + Math.max(1, rows) * size.step,
    top: topFor(n_routers, columns * (width + size.gapX) - size.gapX) });

  return scaleIn(frame, grid.box) >= LEGIBLE ? grid : null;
}

function squares(cards, n_routers, frame) {
  const size = cards.length > LARGE_MAX ? SMALL : LARGE;
  const ratio = frame.width / frame.height;
  const most = Math.max(0, ...cards.map((card) => card.chips.length));
  const rows = size.rows ? Math.min(size.rows, Math.ceil(most / size.columns))
    : 0;
  const height = size.head + size.foot + (rows ? rows * size.step + 4
    : size === LARGE ? 16 : 10);
  const guess = bestColumns(cards.length, size, 0, height, ratio);
  const top = topFor(n_routers, guess * (size.width + size.gapX) - size.gapX);

  return place(cards, { size, top, height,
    columns: bestColumns(cards.length, size, top, height, ratio) });
}

/** Gives each card its place, for a frame of { width, height } pixels.
 * 'withNames' is whether the names of ports are known. */
export function layout(cards, n_routers, frame, withNames) {
  return (withNames && cards.length <= LARGE_MAX
    && named(cards, n_routers, frame))
    || squares(cards, n_routers, frame);
}

/** The scale at which the diagram fits into the frame, and the height that it
 * then takes. */
export function fitting(grid, frame) {
  const scale = Math.min(1.25, scaleIn(frame, grid.box));

  return { scale, height: Math.min(frame.height,
    Math.ceil(scale * grid.box.height) + MARGIN) };
}
