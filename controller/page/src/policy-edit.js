// SPDX-License-Identifier: Apache-2.0
//
// The policy editor: the spec as JSON, a preview of what would change in
// reachability and flows, and only then the change itself.

import { at, call, get } from "./api.js";
import { badge, errorBox, h, newId, plainTable, replace } from "./dom.js";
import { FieldError, showErrors } from "./form-errors.js";
import { plural } from "./format.js";
import { planNodes, receiptNodes } from "./plan.js";

const NEW = { applies_to: [], rules: [{ direction: "ingress",
  action: "allow", peers: [], services: [{ protocol: "tcp", ports: [80] }],
}] };
const PORTS_SHOWN = 6;
const CHANGES_SHOWN = 40;

const names = (list) => list.slice(0, PORTS_SHOWN).join(", ")
  + (list.length > PORTS_SHOWN
    ? ` and ${list.length - PORTS_SHOWN} more` : "");

export function verdictBadge(cell) {
  const verdict = cell?.verdict ?? "absent";
  const kind = { delivered: "ok", dropped: "bad", absent: "off" }[verdict]
    ?? "wait";

  return badge(kind, verdict === "delivered" ? "yes"
    : verdict === "dropped" ? `no: ${cell.reason ?? ""}` : verdict);
}

/** Who would reach more or less of whom: changes of reachability. */
export function differences(changes) {
  if (!changes.length) {
    return h("p", { class: "faint" }, "Nobody would reach more or less of "
      + "whom than now, on this service.");
  }
  return [plainTable("What would be different", ["From", "To", "Now", "Then"],
    changes.slice(0, CHANGES_SHOWN).map((c) => [
      h("span", { title: c.from.join(", ") }, names(c.from)),
      h("span", { title: c.to.join(", ") }, names(c.to)),
      verdictBadge(c.before), verdictBadge(c.after)])),
  changes.length > CHANGES_SHOWN ? h("p", { class: "hint" },
    `and ${plural(changes.length - CHANGES_SHOWN, "more difference")}`)
    : null];
}

/**
 * @param query    () => the query of GET /v1/reachability
 * @param compared (changes) => shows what would change, or null
 * @param applied  () => called after the change
 */
export function policyEditor({ signal, query, compared, applied }) {
  const id = newId();
  const text = h("textarea", { id, rows: 16, spellcheck: "false",
    oninput: () => stale() });
  const title = h("h3", {}, "");
  const out = h("div", {});
  const button = (label, name, onclick) => h("button", { type: "button",
    class: name, onclick }, label);
  const compareButton = button("Compare", "main", () => compare());
  const applyButton = button("Apply", "", () => apply());
  const root = h("div", { class: "editor" }, title,
    h("div", { class: "entry" },
      h("label", { for: id }, "Its spec, as JSON"), text),
    h("div", { class: "buttons" }, compareButton, applyButton), out);
  let name = null;
  let etag = null;

  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      compare();
    }
  });

  function stale() {
    applyButton.disabled = true;
    compared(null);
  }

  function spec() {
    try {
      return JSON.parse(text.value);
    } catch (error) {
      throw new FieldError(`That is no JSON: ${error.message}`, text);
    }
  }

  /* Of the plan "/spec/rules/0"; of reachability "/after/0/spec/rules/0". */
  const find = (pointer) => /^(\/after\/0)?\/spec/.test(pointer) ? text : null;

  async function attempt(work) {
    compareButton.disabled = applyButton.disabled = true;
    showErrors(root, out, null);
    try {
      await work();
    } catch (error) {
      if (!signal.aborted) {
        showErrors(root, out, error, find);
      }
    } finally {
      compareButton.disabled = false;
    }
  }

  async function compare() {
    await attempt(async () => {
      const wanted = spec();
      const headers = etag ? { "If-Match": `"${etag}"` } : {};
      const [reach, plan] = await Promise.all([
        call("POST", "reachability", { signal, query: query(), body: {
          after: [{ type: "policies", name, spec: wanted }] } }),
        call("PUT", at("policies", name), { signal, headers,
          query: { dry_run: "plan" }, body: { spec: wanted } })]);

      compared(reach.changes);
      replace(out, h("h3", {}, "What would be different"),
        differences(reach.changes), h("h3", {}, "Plan"), planNodes(plan));
      applyButton.disabled = !plan.changed;
    });
  }

  async function apply() {
    await attempt(async () => {
      const wanted = spec();
      const answer = await call("PUT", at("policies", name), { signal,
        headers: etag ? { "If-Match": `"${etag}"` } : {},
        query: { wait: "installed", timeout: "10s" },
        body: { spec: wanted } });

      etag = answer.metadata.etag;
      compared(null);
      replace(out, receiptNodes(answer));
      applied();
    });
  }

  return { root,
    async open(policy) {
      name = policy;
      etag = null;
      stale();
      replace(out);
      replace(title, `Policy ${policy}`);
      try {
        const found = await get(at("policies", policy), {}, signal);

        etag = found.metadata.etag;
        text.value = JSON.stringify(found.spec, null, 2);
      } catch (error) {
        if (error.status !== 404) {
          replace(out, errorBox(error));
          return;
        }
        replace(title, `New policy ${policy}`);
        text.value = JSON.stringify(NEW, null, 2);
      }
      text.focus({ preventScroll: true });
    } };
}
