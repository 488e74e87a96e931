// SPDX-License-Identifier: Apache-2.0
//
// An object to make, to change or to delete: a form, the plan of what that
// would do, and only then the change itself.

import { at, call, get } from "./api.js";
import { confirm } from "./dialog.js";
import { code, h, newId, replace } from "./dom.js";
import { fieldAt, specForm } from "./form.js";
import { FieldError, showErrors, tokensOf } from "./form-errors.js";
import { planNodes, receiptNodes } from "./plan.js";
import { specSchema } from "./schema.js";

/** Plan and Apply for 'request()', which returns [method, path, options].
 * 'done' is called with the reply and the nodes that show it.  Apply submits
 * the last planned request alone.  Errors are shown at the field that
 * find(JSON pointer, fault) returns. */
export function planAndApply(request, signal, find, done) {
  const out = h("div", { class: "said", "aria-live": "polite" });
  const applier = h("button", { type: "button", class: "main", disabled: true,
    onclick: () => attempt(apply) }, "Apply");
  const planner = h("button", { type: "button",
    onclick: () => attempt(plan) }, "Plan");
  const comment = h("input", { id: newId(), autocomplete: "off",
    maxlength: 200 });
  let planned = null;

  function stale() {
    planned = null;
    applier.disabled = true;
  }

  async function attempt(work) {
    const form = out.closest("form");
    let wrong = null;

    planner.disabled = applier.disabled = true;
    try {
      await work();
    } catch (error) {
      wrong = error;
    }
    planner.disabled = false;
    if (!signal.aborted) {
      planned = wrong ? null : planned;
      showErrors(form, out, wrong, find);
    }
    applier.disabled = planned === null;
  }

  async function plan() {
    const [method, path, options] = await request();
    const found = await call(method, path, { ...options, signal,
      query: { dry_run: "plan" } });

    planned = found.changed ? [method, path, options] : null;
    replace(out, h("h3", {}, "Plan"), planNodes(found));
  }

  async function apply() {
    const [method, path, options] = planned;
    const why = comment.value.trim();
    const answer = await call(method, path, { ...options, signal,
      query: { wait: "installed", timeout: "10s",
        ...why ? { comment: why } : {} } });

    const said = [receiptNodes(answer), answer.secret ? h("p", {},
      "The secret, which is told this once: ", code(answer.secret)) : null];

    planned = null;
    comment.value = "";
    replace(out, said);
    done(answer, said);
  }

  return { stale, nodes: [h("p", {}, h("label", { for: comment.id },
    "Comment"), comment), h("div", { class: "buttons" }, planner, applier),
  out] };
}

/** The form of an object; 'name' is undefined for a new one.  'done' is called
 * with the name and the nodes of the receipt once the object is applied. */
export async function objectForm(type, name, signal, done) {
  const [described, found] = await Promise.all([specSchema(type),
    name === undefined ? null : get(at(type, name), {}, signal)]);
  const etag = found?.metadata.etag; // undefined: it is not there yet.
  const naming = h("input", { id: newId(), autocomplete: "off",
    spellcheck: "false", required: true });
  const body = h("div", {});
  let form = null;
  let text = null;              // While the spec is shown as JSON.

  function spec() {
    try {
      return text ? JSON.parse(text.value) : form.read();
    } catch (error) {
      throw text ? new FieldError(`That is no JSON: ${error.message}`, text)
        : error;
    }
  }

  /* The name is in the path, of which errors have an empty pointer. */
  const find = (pointer, { code: kind }) => {
    const [part, ...tokens] = tokensOf(pointer);

    return part === "spec" ? text ?? fieldAt(form.node, tokens)
      : pointer === "" && !found && kind === "invalid" ? naming : null;
  };
  const asForm = (value) => {
    form = specForm(described, value, signal);
    text = null;
    replace(body, form.node);
  };
  const asText = (value) => {
    text = h("textarea", { rows: 16, spellcheck: "false",
      "aria-label": "The spec, as JSON", value: JSON.stringify(value, null,
        2) });
    replace(body, h("div", { class: "entry" }, text));
  };
  const { stale, nodes } = planAndApply(request, signal, find,
    (answer, said) => done(answer.name, said));
  const other = h("button", { type: "button", class: "quiet", onclick() {
    try {
      const value = spec();

      (text ? asForm : asText)(value);
      replace(other, text ? "As a form" : "As JSON");
      showErrors(body.closest("form"), wrong, null);
    } catch (error) {
      showErrors(body.closest("form"), wrong, error, find);
    }
  } }, "As JSON");
  const wrong = h("div", {});

  /** The change; a new object must not replace one that is there. */
  async function request() {
    const of = name ?? naming.value.trim();
    const headers = etag === undefined ? {} : { "If-Match": `"${etag}"` };

    if (!of) {
      throw new FieldError("It needs a name.", naming);
    }
    if (etag === undefined) {
      const there = await get(at(type, of), {}, signal).catch((error) => {
        if (error.status !== 404) {
          throw error;
        }
        return null;
      });

      if (there) {
        throw new FieldError(`There is ${type}/${of} already.`, naming);
      }
    }
    return ["PUT", at(type, of), { headers, body: { spec: spec() } }];
  }

  asForm(found?.spec ?? {});
  return h("form", { class: "object-form", oninput: stale, onclick(event) {
    if (event.target.closest(".object-form > .fields button")) {
      stale();
    }
  }, onsubmit: (event) => event.preventDefault() },
  found ? null : h("div", { class: "entry" },
    h("label", { for: naming.id }, "name (required)"), naming),
  h("div", { class: "fields" }, body), wrong,
  h("p", {}, other), nodes);
}

/** Deletes an object, after its plan is agreed to.  'done' is called with what
 * is to be said then. */
export async function deleteObject(type, name, signal, done) {
  const plan = await call("DELETE", at(type, name), { signal,
    query: { dry_run: "plan" } });

  if (await confirm(`Delete ${type}/${name}`, [h("p", {},
    "That would do:"), planNodes(plan)], "Delete")) {
    const answer = await call("DELETE", at(type, name), { signal,
      query: { wait: "installed", timeout: "10s" } });

    done([h("p", {}, `${type}/${name} is deleted.`), receiptNodes(answer)]);
  }
}
