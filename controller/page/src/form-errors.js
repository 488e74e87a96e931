// SPDX-License-Identifier: Apache-2.0
//
// Errors of a form at their fields: what vmnd refuses is named by a JSON
// pointer, what the page itself refuses by the input.

import { errorBox, h, newId, replace } from "./dom.js";

/** Something that is wrong in an input. */
export class FieldError extends Error {
  constructor(message, input) {
    super(message);
    this.input = input;
  }
}

const INPUTS = "input, textarea, select, button";

/** Shows an error at a field until its value changes; 'node' is the input, or
 * an element that holds the field's inputs.  Returns the input. */
function mark(node, text) {
  const input = node.matches(INPUTS) ? node : node.querySelector(INPUTS);
  const id = newId();
  const box = h("p", { class: "error at-field", id, role: "alert" }, text);
  const before = input.getAttribute("aria-describedby");

  (node.closest(".entry, fieldset, .field") ?? node.parentElement)
    .append(box);
  input.setAttribute("aria-invalid", "true");
  input.setAttribute("aria-describedby", [before, id].filter(Boolean)
    .join(" "));
  box.clear = () => {
    box.remove();
    input.removeAttribute("aria-invalid");
    if (before) {
      input.setAttribute("aria-describedby", before);
    } else {
      input.removeAttribute("aria-describedby");
    }
  };
  input.addEventListener("input", box.clear, { once: true });
  return input;
}

function clear(root) {
  // In reverse: each restores the description from before it was shown.
  [...root.querySelectorAll(".at-field")].reverse().forEach((box) =>
    box.clear?.());
}

/** Returns an error's text, with its place in a field of several lines. */
const textOf = ({ pointer, detail }, node) =>
  node?.matches("textarea") || node?.querySelector("textarea")
    ? `${pointer.replace(/^\/spec\//, "")}: ${detail}` : detail;

/* Each fault of an error: [text, its input or what holds it, or null]. */
const faultsOf = (error, find) => error instanceof FieldError
  ? [[error.message, error.input]]
  : (error.faults ?? []).map((one) => {
    const node = find(one.pointer, one) ?? null;

    return [textOf(one, node), node];
  });

/** Shows 'error', or null that there is none: at the fields of 'form' that
 * find(JSON pointer, fault) returns, and what has none in 'out'.  The first of
 * them is in sight, and has the focus. */
export function showErrors(form, out, error, find) {
  clear(form);
  if (!error) {
    return;
  }
  const faults = faultsOf(error, find);
  const inputs = faults.filter(([, node]) => node?.isConnected).map(
    ([text, node]) => mark(node, text));

  if (inputs.length && inputs.length === faults.length) {
    replace(out);
  } else {
    replace(out, errorBox(error.status === undefined
      ? { title: "That cannot be sent.", message: error.message } : error));
    out.scrollIntoView({ block: "nearest" });
  }
  const [first] = inputs.sort((a, b) =>
    a.compareDocumentPosition(b) & Node.DOCUMENT_POSITION_PRECEDING ? 1 : -1);

  first?.focus({ preventScroll: true });
  first?.scrollIntoView({ block: "center" });
}

/** The tokens of a JSON pointer (RFC 6901, section 4). */
export const tokensOf = (pointer) => pointer.split("/").slice(1).map((one) =>
  one.replaceAll("~1", "/").replaceAll("~0", "~"));
