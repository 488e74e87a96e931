// SPDX-License-Identifier: Apache-2.0
//
// A table of any length that renders only the visible rows.  The arrow keys
// move through the rows, Enter opens one.

import { h, replace } from "./dom.js";

const ROW = 28;                 // Pixels; page.css says the same.
const BEYOND = 8;               // Rows that are made outside of the sight.

/* If there is room, a column is as wide as its content, and columns share the
 * rest.  If there is less room, columns shrink to their minimum.  Below that,
 * the table scrolls: each column is as wide as its content again, up to a
 * share of the screen. */
const FR = 76;                  // Pixels that 1fr is at least.
const BETWEEN = 12;             // Columns; page.css says the same.
const BESIDE = 12;              // A row's padding; the same.

const leastOf = ({ width = "1fr" }) => width.endsWith("fr")
  ? Math.round(Math.max(FR, FR * parseFloat(width)))
  : parseFloat(width.replace("minmax(", ""));

/* The share of a column in the remaining width. */
const weightOf = ({ width = "1fr" }) =>
  Number(/([\d.]+)fr/.exec(width)?.[1] ?? 0);

const MOST = 0.6;               // Of the screen, of a table that scrolls.

const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);

/** Pixels of what a cell shows, cut or not. */
function widthOf(cell) {
  const range = document.createRange();

  range.selectNodeContents(cell);
  return Math.ceil(range.getBoundingClientRect().width) + 1;
}

/** [grid-template-columns, min-width] of rows whose columns need 'wants'
 * pixels, where there are 'room'. */
export function layout(columns, wants, room) {
  const inner = room - BESIDE - BETWEEN * (wants.length - 1);
  const left = inner - sum(wants);
  const weights = columns.map(weightOf);
  const shrunk = columns.map((c, i) => Math.min(leastOf(c), wants[i]));
  const least = sum(shrunk) <= inner ? shrunk
    : wants.map((want) => Math.min(want, Math.round(MOST * room)));
  const most = left >= 0 ? wants.map((want, i) => want
    + Math.floor(left * weights[i] / (sum(weights) || 1)))
    : least === shrunk ? wants : least;

  return [most.map((to, i) => left >= 0 ? `${to}px`
    : `minmax(${least[i]}px, ${to}px)`).join(" "),
  `${sum(least) + room - inner}px`];
}

/**
 * @param label   accessible name
 * @param columns [{title, width (of grid-template-columns), cell(row), right}]
 * @param open    (row) => called when a row is clicked, or null
 * @param key     (row) => identifies a row
 * @param most    visible rows before it scrolls
 * @param end     () => called when the last row becomes visible, or null
 */
export function table({ label, columns, open, key, most = 12, end }) {
  const body = h("div", { class: "rows", role: "rowgroup" });
  const space = h("div", { class: "space", role: "presentation" }, body);
  const wants = columns.map(() => 0); // Pixels that were shown in each.
  // Rows that can be opened take the focus; otherwise the scrolling element.
  const scroller = h("div", { class: `scroller ${open ? "opens" : ""}`,
    role: open ? "grid" : "table", "aria-label": label,
    tabindex: open ? "-1" : "0" },
    h("div", { class: "row head", role: "row" },
      columns.map((c) => h("span", { role: "columnheader",
        class: c.right ? "right" : null }, c.title))),
    space);
  const root = h("div", { class: "table" }, scroller);
  let rows = [];
  let focused = 0;              // Index of the row that Tab comes to.
  let chosen = null;            // Key of the row that is open.
  let shown = "";

  function makeRow(row, i) {
    return h("div", {
      class: `row ${key && key(row) === chosen ? "chosen" : ""}`,
      role: "row", "aria-rowindex": i + 2, "data-index": i,
      "aria-selected": open && key ? String(key(row) === chosen) : null,
      tabindex: open ? (i === focused ? "0" : "-1") : null,
      style: { transform: `translateY(${i * ROW}px)` },
    }, columns.map((c) => {
      const text = c.cell(row);

      // What is too long for its column is told in full, too.
      return h("span", { role: open ? "gridcell" : "cell",
        class: c.right ? "right" : null,
        title: typeof text === "string" ? text : null }, text);
    }));
  }

  /** Makes the columns as wide as is needed and possible. */
  function fit() {
    const room = scroller.clientWidth;

    if (!room) {
      return;                   // It is not shown yet.
    }
    for (const row of scroller.querySelectorAll(".row")) {
      [...row.children].forEach((cell, i) => {
        wants[i] = Math.max(wants[i], widthOf(cell));
      });
    }
    const [tracks, least] = layout(columns, wants, room);

    scroller.style.setProperty("--tracks", tracks);
    scroller.style.setProperty("--least", least);
  }

  function draw(force) {
    const top = scroller.scrollTop;
    const height = scroller.clientHeight || most * ROW;
    const first = Math.max(0, Math.floor(top / ROW) - BEYOND);
    const last = Math.min(rows.length,
      Math.ceil((top + height) / ROW) + BEYOND);
    const now = `${first} ${last}`;

    if (end && rows.length && last === rows.length) {
      end();
    }
    if (now === shown && !force) {
      return;
    }
    const had = hasFocus();
    const link = had ? document.activeElement.getAttribute("href") : null;

    shown = now;
    replace(body, rows.slice(first, last).map((row, i) =>
      makeRow(row, first + i)));
    fit();
    if (link) {
      [...body.querySelectorAll("a")].find((one) =>
        one.getAttribute("href") === link)?.focus({ preventScroll: true });
    } else if (had) {
      body.querySelector(`[data-index="${focused}"]`)?.focus(
        { preventScroll: true });
    }
  }

  function focusRow(i) {
    focused = Math.max(0, Math.min(rows.length - 1, i));
    const top = focused * ROW;

    if (top < scroller.scrollTop) {
      scroller.scrollTop = top;
    } else if (top + 2 * ROW > scroller.scrollTop + scroller.clientHeight) {
      scroller.scrollTop = top + 2 * ROW - scroller.clientHeight;
    }
    draw(true);
    body.querySelector(`[data-index="${focused}"]`)?.focus(
      { preventScroll: true });
  }

  function hasFocus() {
    return body.contains(document.activeElement);
  }

  function indexOf(event) {
    const row = event.target.closest("[data-index]");

    return row ? Number(row.dataset.index) : -1;
  }

  scroller.addEventListener("scroll", () => draw(false), { passive: true });
  new ResizeObserver(fit).observe(scroller);
  if (open) {
    body.addEventListener("click", (event) => {
      const i = indexOf(event);

      if (i >= 0 && !event.target.closest("button, a, input")) {
        focused = i;
        open(rows[i]);
      }
    });
    body.addEventListener("keydown", (event) => {
      const i = indexOf(event);
      const page = Math.max(1, Math.floor(scroller.clientHeight / ROW) - 2);
      const to = {
        ArrowDown: i + 1, ArrowUp: i - 1, Home: 0, End: rows.length - 1,
        PageDown: i + page, PageUp: i - page,
      }[event.key];

      if (i < 0 || event.target.closest("button, a, input")) {
        return;
      }
      if (to !== undefined) {
        event.preventDefault();
        focusRow(to);
      } else if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        open(rows[i]);
      }
    });
  }

  return {
    root,
    set(next) {
      // The focused row may have moved.
      const held = key && rows.length && (focused > 0 || hasFocus())
        ? key(rows[focused]) : undefined;
      const i = held === undefined ? -1
        : next.findIndex((row) => key(row) === held);

      rows = next;
      focused = i >= 0 ? i : Math.min(focused, Math.max(0, rows.length - 1));
      space.style.setProperty("height", `${rows.length * ROW}px`);
      scroller.style.setProperty("max-height", `${(most + 1) * ROW + 2}px`);
      scroller.setAttribute("aria-rowcount", rows.length + 1);
      draw(true);
    },
    choose(k) {
      chosen = k;
      draw(true);
    },
    get length() {
      return rows.length;
    },
  };
}

/** Shows a table with 'rows' in 'root', between 'head' and 'tail', or what is
 * said 'instead' if there are none.  A table that is shown stays. */
export function setRows(root, made, rows, instead, head = [], tail = []) {
  if (!rows.length) {
    replace(root, head, instead);
  } else {
    if (!root.contains(made.root)) {
      replace(root, head, made.root, tail);
    }
    made.set(rows);
  }
}
