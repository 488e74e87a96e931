// SPDX-License-Identifier: Apache-2.0
//
// Input fields for a value, made from its schema.  Each has { node, read() };
// read() returns the value, or undefined where there is none, and throws an
// error that a user understands.  A field that was not touched returns what it
// was given, so an empty list stays one.

import { h, newId, replace } from "./dom.js";
import { FieldError } from "./form-errors.js";
import { nameInput } from "./name-input.js";

const SHORT = 80;               // Characters of a text on one line.

/** A label, the field, and what it is for. */
function labelled(label, input, { description, needed }, more) {
  const hint = description ? newId() : null;

  input.id = newId();
  if (hint) {
    input.setAttribute("aria-describedby", hint);
  }
  if (needed) {
    input.setAttribute("required", "");
  }
  return h("div", { class: "entry" },
    h("label", { for: input.id }, label, needed ? " (required)" : ""), input,
    more, hint ? h("p", { class: "hint", id: hint }, description) : null);
}

/** A field whose value follows from its text. */
function textual(input, given, parse) {
  const before = input.value;

  return () => input.value === before && given !== undefined ? given
    : input.value.trim() === "" ? undefined : parse(input.value);
}

function number(label, schema, value) {
  const input = h("input", { type: "number", min: schema.minimum,
    max: schema.maximum, step: schema.type === "integer" ? 1 : "any",
    placeholder: schema.default, value: value ?? "" });

  return { node: labelled(label, input, schema),
    read: textual(input, value, Number) };
}

function string(label, schema, value, ctx) {
  const type = schema.names;
  const long = !type && (schema.maxLength ?? 0) > SHORT;

  if (type) {
    const { input, nodes } = nameInput(label, { types: [type],
      signal: ctx.signal, value });
    const list = nodes.querySelector("datalist");

    input.required = false;
    return { node: labelled(label, input, schema, list),
      read: textual(input, value, (text) => text.trim()) };
  }
  const input = h(long ? "textarea" : "input", { value: value ?? "",
    rows: long ? 2 : null, maxlength: schema.maxLength, spellcheck: "false",
    autocomplete: "off", placeholder: schema.default });

  return { node: labelled(label, input, schema),
    read: textual(input, value, (text) => text.trim()) };
}

/** One of a few; 'values' are [[word, value], ...]. */
function choice(label, schema, value, values) {
  const input = h("select", {}, schema.needed ? null
    : h("option", { value: "" }, schema.default === undefined ? "–"
      : `as it is by default (${schema.default})`),
  values.map(([word], i) => h("option", { value: String(i) }, word)));
  const at = values.findIndex(([, one]) => one === value);

  input.value = at >= 0 ? String(at) : schema.needed ? "0" : "";
  return { node: labelled(label, input, schema),
    read: () => values[input.value === "" ? -1 : input.value]?.[1] };
}

const YES_NO = [["yes", true], ["no", false]];

/** A list of texts or numbers: one on each line. */
function lines(label, schema, value, items) {
  const input = h("textarea", { rows: Math.min(8, (value?.length ?? 0) + 1),
    spellcheck: "false", value: (value ?? []).join("\n") });
  const numeric = ["integer", "number"].includes(items.type);
  const description = [schema.description, "One on each line",
    items.enum ? `of ${items.enum.join(", ")}` : null].filter(Boolean)
    .join(" ");

  return { node: labelled(label, input, { ...schema, description }),
    read: textual(input, value, (text) => text.split("\n").map((one) =>
      one.trim()).filter(Boolean).map((one) => numeric ? Number(one) : one)) };
}

/** Keys and values: KEY=VALUE on each line. */
function pairs(label, schema, value) {
  const input = h("textarea", { rows: 2, spellcheck: "false",
    value: Object.entries(value ?? {}).map(([k, v]) => `${k}=${v}`)
      .join("\n") });
  const description = `${schema.description ?? ""} KEY=VALUE on each line`;

  return { node: labelled(label, input, { ...schema, description }),
    read: textual(input, value, (text) => Object.fromEntries(text.split("\n")
      .filter((one) => one.trim()).map((one) => {
        const [key, ...rest] = one.split("=");

        if (!rest.length) {
          throw new FieldError(`"${one}" is no KEY=VALUE.`, input);
        }
        return [key.trim(), rest.join("=").trim()];
      }))) };
}

/** What has no field of its own, as JSON. */
function json(label, schema, value) {
  const input = h("textarea", { rows: 3, spellcheck: "false",
    value: value === undefined ? "" : JSON.stringify(value) });
  const description = `${schema.description ?? ""} As JSON`;

  return { node: labelled(label, input, { ...schema, description }),
    read: textual(input, value, (text) => {
      try {
        return JSON.parse(text);
      } catch (error) {
        throw new FieldError(`That is no JSON: ${error.message}`, input);
      }
    }) };
}

/** The members of an object, side by side. */
function members(schema, value, ctx) {
  const fields = Object.entries(schema.properties).map(([key, one]) => [key,
    field(key, one, value?.[key], ctx, schema.required?.includes(key))]);

  fields.forEach(([key, made]) => { made.node.dataset.key = key; });
  return { nodes: fields.map(([, made]) => made.node), read: () =>
    Object.fromEntries(fields.map(([key, made]) => [key, made.read()])
      .filter(([, one]) => one !== undefined)) };
}

const button = (label, name, onclick) => h("button", { type: "button",
  "aria-label": name, onclick }, label);

/** An object that may be absent. */
function optional(label, schema, value, ctx) {
  const body = h("div", { class: "entries" });
  let made = null;

  function set(next) {
    made = next === undefined ? null : members(schema, next, ctx);
    replace(body, made ? [made.nodes, button("Remove", `Remove ${label}`,
      () => set(undefined))] : button("Add", `Add ${label}`, () => set({})));
  }

  set(value ?? (schema.needed ? {} : undefined));
  return { node: group(label, schema, body), read: () => made?.read() };
}

/** A list of objects. */
function several(label, schema, value, items, ctx) {
  const body = h("div", { class: "entries" });
  const adder = button("Add", `Add to ${label}`, () => add({}));
  const made = new Set();

  function add(one) {
    const { nodes, read } = members(items, one, ctx);
    const entry = { read };
    const node = h("div", { class: "entries one" }, nodes,
      button("Remove", `Remove from ${label}`, () => {
        made.delete(entry);
        node.remove();
      }));

    made.add(entry);
    adder.before(node);
  }

  replace(body, adder);
  (value ?? []).forEach(add);
  return { node: group(label, schema, body), read: () => made.size
    ? [...made].map((one) => one.read())
    : value?.length === 0 ? value : undefined };
}

const group = (label, { description, needed }, body) => h("fieldset", {},
  h("legend", {}, label, needed ? " (required)" : ""),
  description ? h("p", { class: "hint" }, description) : null, body);

const isText = (schema) => schema.type === "string" && !schema.enum;

/** The field of a member: the kind that its schema asks for. */
function field(key, raw, value, ctx, needed) {
  const schema = { ...ctx.resolve(raw), names: ctx.typeOf(raw), needed };
  const label = key.replaceAll("_", " ");

  if (schema.enum) {
    return choice(label, schema, value, schema.enum.map((one) => [one, one]));
  }
  if (schema.anyOf?.every((one) => isText(ctx.resolve(one)))
      || isText(schema)) {
    return string(label, schema, value, ctx);
  }
  if (schema.type === "boolean") {
    return choice(label, { ...schema, default: schema.default === undefined
      ? undefined : schema.default ? "yes" : "no" }, value, YES_NO);
  }
  if (["integer", "number"].includes(schema.type)) {
    return number(label, schema, value);
  }
  if (schema.type === "array") {
    const items = ctx.resolve(schema.items);

    return items.properties ? several(label, schema, value, items, ctx)
      : items.type === "array" || items.type === "object"
        ? json(label, schema, value) : lines(label, schema, value, items);
  }
  return schema.properties ? optional(label, schema, value, ctx)
    : schema.type === "object" && schema.additionalProperties
      ? pairs(label, schema, value) : json(label, schema, value);
}

/** What holds the inputs of the field that 'tokens' lead to from 'root', or of
 * the one that contains it; null: there is none. */
export function fieldAt(root, tokens) {
  let found = root;

  for (const token of tokens) {
    const next = found.querySelectorAll(":scope > .entries > .one")[token]
      ?? [...found.querySelectorAll("[data-key]")].find((one) =>
        one.dataset.key === token
        && (one.parentElement.closest("[data-key], .one") ?? root) === found);

    if (!next) {
      break;
    }
    found = next;
  }
  return found === root ? null : found;
}

/** A form for a spec: { node, read }.  'described' is what specSchema()
 * returns. */
export function specForm(described, value, signal) {
  const { nodes, read } = members(described.spec, value,
    { ...described, signal });

  return { node: h("div", { class: "entries" }, nodes), read };
}
