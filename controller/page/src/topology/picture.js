// SPDX-License-Identifier: Apache-2.0
//
// The diagram on the page: it keeps the position that the user has moved it
// to, and the arrow keys go from one card to the next.

import { select } from "d3-selection";
import { zoom, zoomIdentity } from "d3-zoom";
import { replace, s } from "../dom.js";
import { fitting, SMALL } from "./layout.js";

/* On a narrow screen cards are below each other, and the page is scrolled. */
const NARROW = 600;
const AROUND = 190;             // Pixels of the page above and below.
const LEAST = 380;
/* Below this scale the names in small cards are not legible. */
const FAR = 0.7;

/** Whether the diagram takes the event: a wheel or a mouse, and two fingers;
 * one finger scrolls the page. */
function isOurs(event) {
  return event.touches ? event.touches.length > 1
    : !event.button && !(event.ctrlKey && event.type !== "wheel");
}

/** What a card is known by when it is drawn anew. */
const keyOf = ({ key, type, name }) => key ?? `${type}/${name}`;

/** @param onOpen (type, name) => called for what is clicked */
export function makePicture(onOpen) {
  const svg = s("svg", { class: "picture", role: "group",
    "aria-label": "The picture; arrow keys go from one to the next, Enter "
    + "opens" });
  const moved = zoom().scaleExtent([0.03, 3]).filter(isOurs)
    .on("zoom", ({ transform }) => {
      svg.firstChild?.setAttribute("transform", transform);
      svg.classList.toggle("far", drawn?.grid.size === SMALL
        && transform.k < FAR);
    });
  const selection = select(svg).call(moved).on("dblclick.zoom", null);
  let drawn = null;
  let key = "";
  let focused = null;

  svg.style.setProperty("touch-action", "pan-x pan-y");

  const focusable = () => [...svg.querySelectorAll(".card")];

  /** The room that there is for it. */
  function frame() {
    const width = Math.max(240, svg.clientWidth);
    const height = window.innerHeight;

    return { width, height: width < NARROW ? Math.max(LEAST, 2 * height)
      : Math.max(LEAST, height - AROUND) };
  }

  function fit() {
    if (!drawn || !svg.clientWidth) {
      return;
    }
    // Computed, since measuring is slower.
    const { box } = drawn.grid;
    const { scale, height } = fitting(drawn.grid, frame());

    svg.style.setProperty("height", `${height}px`);
    selection.call(moved.transform, zoomIdentity
      .translate((svg.clientWidth - scale * box.width) / 2 - scale * box.x,
        (height - scale * box.height) / 2 - scale * box.y).scale(scale));
  }

  function set(next, nextKey) {
    const had = svg.contains(document.activeElement)
      ? document.activeElement.dataset : null;
    const transform = svg.firstChild?.getAttribute("transform");
    const { width, height } = next.grid.box;
    const shape = `${nextKey} ${width} ${height}`;

    drawn = next;
    replace(svg, next.node);
    if (shape !== key) {
      key = shape;
      fit();
    } else if (transform) {
      next.node.setAttribute("transform", transform);
    }
    const cards = focusable();
    const like = had ?? focused?.dataset;

    focused = cards.find((card) => like && keyOf(card.dataset)
      === keyOf(like)) ?? cards[0] ?? null;
    focused?.setAttribute("tabindex", "0");
    if (had) {
      focused?.focus({ preventScroll: true });
    }
  }

  function move(event) {
    const cards = focusable();
    const i = cards.indexOf(document.activeElement);
    const { columns } = drawn.grid;
    const to = { ArrowRight: i + 1, ArrowLeft: i - 1,
      ArrowDown: drawn.below?.(i, 1) ?? i + columns,
      ArrowUp: drawn.below?.(i, -1) ?? i - columns,
      Home: 0, End: cards.length - 1 }[event.key];

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
  return { svg, set, fit, frame,
    by: (k) => selection.call(moved.scaleBy, k),
    /** Marks what is 'name', and what belongs to it. */
    mark(type, name) {
      svg.classList.toggle("picks", Boolean(type));
      for (const one of svg.querySelectorAll("[data-name], [data-other]")) {
        one.classList.toggle("picked", (one.dataset.type === type
          && one.dataset.name === name)
          || (name !== undefined && one.dataset.other === name));
      }
      for (const line of svg.querySelectorAll("[data-ends]")) {
        line.classList.toggle("picked", Boolean(type)
          && line.dataset.ends.split(" ").includes(`${type}/${name}`));
      }
    } };
}
