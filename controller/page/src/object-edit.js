// SPDX-License-Identifier: Apache-2.0
//
// An object to make, to change or to delete: a form, the plan of what that
// would do, and only then the change itself.

import { at, call, get } from "./api.js";
import { confirm } from "./dialog.js";
import { code, errorBox, h, newId, replace } from "./dom.js";
import { specForm } from "./form.js";
import { planNodes, receiptNodes } from "./plan.js";
import { specSchema } from "./schema.js";

const complaint = (error) => errorBox(error.status === undefined
  ? { title: "That cannot be sent.", message: error.message } : error);

/** Plan and Apply for 'request()', which returns [method, path, options].
 * 'done' is called with the reply.  Nothing is applied but what was planned
 * last. */
export function planAndApply(request, signal, done) {
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
    planner.disabled = applier.disabled = true;
    try {
      await work();
    } catch (error) {
      if (!signal.aborted) {
        planned = null;
        replace(out, complaint(error));
      }
    } finally {
      planner.disabled = false;
      applier.disabled = planned === null;
    }
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

    planned = null;
    comment.value = "";
    replace(out, receiptNodes(answer), answer.secret ? h("p", {},
      "The secret, which is told this once: ", code(answer.secret)) : null);
    done(answer);
  }

  return { stale, nodes: [h("p", {}, h("label", { for: comment.id },
    "Comment"), comment), h("div", { class: "buttons" }, planner, applier),
  out] };
}

/** The form of an object; 'name' is undefined for a new one. */
export async function objectForm(type, name, signal, done) {
  const [described, found] = await Promise.all([specSchema(type),
    name === undefined ? null : get(at(type, name), {}, signal)]);
  let etag = found?.metadata.etag; // undefined: it is not there yet.
  const naming = h("input", { id: newId(), autocomplete: "off",
    spellcheck: "false", required: true });
  const body = h("div", {});
  let form = null;
  let text = null;              // While the spec is shown as JSON.

  const spec = () => text ? JSON.parse(text.value) : form.read();
  const asForm = (value) => {
    form = specForm(described, value, signal);
    text = null;
    replace(body, form.node);
  };
  const asText = (value) => {
    text = h("textarea", { rows: 16, spellcheck: "false",
      "aria-label": "The spec, as JSON", value: JSON.stringify(value, null,
        2) });
    replace(body, text);
  };
  const { stale, nodes } = planAndApply(request, signal, (answer) => {
    etag = answer.metadata.etag;
    naming.disabled = true;
    done();
  });
  const other = h("button", { type: "button", class: "quiet", onclick() {
    try {
      const value = spec();

      (text ? asForm : asText)(value);
      replace(other, text ? "As a form" : "As JSON");
    } catch (error) {
      replace(wrong, complaint(error));
      return;
    }
    replace(wrong);
  } }, "As JSON");
  const wrong = h("div", {});

  /** The change; a new object must not replace one that is there. */
  async function request() {
    const of = name ?? naming.value.trim();
    const headers = etag === undefined ? {} : { "If-Match": `"${etag}"` };

    if (!of) {
      naming.focus();
      throw new Error("It needs a name.");
    }
    if (etag === undefined) {
      const there = await get(at(type, of), {}, signal).catch((error) => {
        if (error.status !== 404) {
          throw error;
        }
        return null;
      });

      if (there) {
        throw new Error(`There is ${type}/${of} already.`);
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
    h("label", { for: naming.id }, "name (needed)"), naming),
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
