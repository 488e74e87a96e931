// SPDX-License-Identifier: Apache-2.0
//
// Elements.  Text is always added as a text node, here and in all other files,
// so that markup in a name or a description is shown as it is, and not
// interpreted.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) {
      continue;
    }
    if (name.startsWith("on")) {
      element.addEventListener(name.slice(2), value);
    } else if (name === "style") {
      // One by one: the content security policy forbids style attributes.
      for (const [property, to] of Object.entries(value)) {
        element.style.setProperty(property, to);
      }
    } else if (name === "value" || name === "checked") {
      element[name] = value;
    } else {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...children.flat(Infinity).filter((child) =>
    child !== null && child !== undefined && child !== false && child !== "")
    .map((child) => child instanceof Node ? child : String(child)));
  return element;
}

/** h("a", {href, onclick, style: {...}}, children...) */
export function h(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same of SVG. */
export function s(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

export function replace(element, ...children) {
  element.replaceChildren();
  fill(element, null, children);
  return element;
}

/** Makes the contents of 'element' what replace() would make them, by as few
 * changes as that takes: what is the same stays, with its focus, its scroll
 * position and what is selected in it.  Not for elements that listen. */
export function renew(element, ...children) {
  patch(element, fill(document.createDocumentFragment(), null, children));
}

function patch(old, next) {
  const before = [...old.childNodes];
  const after = [...next.childNodes];
  const isSame = (i) => before.at(i)?.isEqualNode(after.at(i) ?? null);

  // Those in the middle are what has changed.
  while (isSame(0)) {
    before.shift();
    after.shift();
  }
  let end = null;

  while (isSame(-1)) {
    end = before.pop();
    after.pop();
  }
  after.forEach((now, i) => {
    const was = before[i];

    if (!was) {
      old.insertBefore(now, end);
    } else if (was.nodeName !== now.nodeName) {
      was.replaceWith(now);
    } else if (was instanceof Element) {
      patchAttributes(was, now);
      patch(was, now);
    } else if (was.data !== now.data) {
      was.data = now.data;
    }
  });
  before.slice(after.length).forEach((was) => was.remove());
}

function patchAttributes(was, now) {
  for (const { name } of [...was.attributes]) {
    if (!now.hasAttribute(name)) {
      was.removeAttribute(name);
    }
  }
  for (const { name, value } of now.attributes) {
    if (was.getAttribute(name) !== value) {
      was.setAttribute(name, value);
    }
  }
}

let lastId = 0;

/** An id that no other element has. */
export function newId() {
  return `x${++lastId}`;
}

/** A state as text, with a symbol whose shape means the same as its colour. */
export function badge(kind, text, title) {
  return h("span", { class: `badge ${kind}`, title }, text);
}

/** A heading with a description, and with actions at its right. */
export function panel(title, { actions, id, classes } = {}, ...children) {
  const name = id ?? newId();

  return h("section", { class: `panel ${classes ?? ""}`,
    "aria-labelledby": name },
  h("header", {}, h("h2", { id: name }, title),
    actions ? h("div", { class: "actions" }, actions) : null),
  children);
}

/** Has the entry of a menu that is shown now be in sight, where the menu
 * scrolls sideways. */
export function scrollToCurrent(root) {
  const entry = root.querySelector("nav [aria-current]");
  const menu = entry?.parentElement;

  if (menu) {
    menu.scrollLeft = entry.offsetLeft - menu.offsetLeft
      - (menu.clientWidth - entry.offsetWidth) / 2;
  }
}

/** A placeholder for an empty list, with what to do about it. */
export function empty(text, ...more) {
  return h("div", { class: "empty" }, h("p", {}, text),
    more.length ? h("p", { class: "hint" }, more) : null);
}

/** Text of a program; lines are broken after its commas. */
export function code(text) {
  return h("code", {}, String(text ?? "").split(/(?<=,)/).map((part, i) =>
    [i ? h("wbr") : null, part]));
}

/** A table of few rows, as it is; it scrolls sideways where it is too wide.
 * 'titles' are texts, or { title, right }; 'rows' lists of cells. */
export function plainTable(label, titles, rows) {
  const columns = titles.map((one) => typeof one === "string"
    ? { title: one } : one);

  return h("div", { class: "scrolls", role: "group", "aria-label": label,
    tabindex: "0" }, h("table", { class: "plain" },
  h("thead", {}, h("tr", {}, columns.map((c) => h("th", { scope: "col",
    class: c.right ? "right" : null }, c.title)))),
  h("tbody", {}, rows.map((cells) => h("tr", {}, cells.map((cell, i) =>
    h("td", { class: columns[i].right ? "right" : null }, cell)))))));
}

/** An error of the API as text, with all of its details. */
export function errorBox(error, retry) {
  return h("div", { class: "error", role: "alert" },
    h("p", {}, h("strong", {}, error.title ?? "Something went wrong"), " ",
      error.message),
    error.errors?.length ? h("ul", {}, error.errors.map((one) => h("li", {},
      one.pointer ? [code(one.pointer), " "] : null,
      one.parameter ? [code(one.parameter), " "] : null, one.detail))) : null,
    error.hint ? h("p", { class: "hint" }, error.hint) : null,
    retry ? h("button", { type: "button", onclick: retry }, "Try again")
      : null);
}

/** A definition list of [[term, value], ...], without empty values. */
export function facts(pairs) {
  return h("dl", { class: "facts" }, pairs.filter(([, value]) =>
    value !== null && value !== undefined && value !== "").map(
    ([term, value]) => h("div", {}, h("dt", {}, term),
      h("dd", {}, value))));
}
