// SPDX-License-Identifier: Apache-2.0
//
// An object of any type as it is: the fields of its spec and of its status.

import { h } from "./dom.js";

const LINES_MAX = 200;          // Of a list.

/** A value in a line: "network: a, addresses: 10.0.0.1". */
function line(value) {
  return value === null ? "none" : Array.isArray(value)
    ? value.map(line).join(", ") || "none"
    : typeof value === "object" ? Object.entries(value).map(([key, one]) =>
      `${key}: ${line(one)}`).join(", ") || "none"
      : typeof value === "boolean" ? (value ? "yes" : "no") : String(value);
}

/** A list of objects takes a line for each of them. */
function cell(value) {
  if (!Array.isArray(value) || !value.some((one) => typeof one === "object")) {
    return line(value);
  }
  return [value.slice(0, LINES_MAX).map((one) => h("div", {}, line(one))),
    value.length > LINES_MAX ? h("div", {},
      `and ${value.length - LINES_MAX} more`) : null];
}

/** [[term, value], ...] for facts(), without what 'but' names. */
export const fieldFacts = (fields, but = []) => Object.entries(fields ?? {})
  .filter(([key]) => !but.includes(key)).map(([key, value]) =>
    [key.replaceAll("_", " "), cell(value)]);
