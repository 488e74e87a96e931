// SPDX-License-Identifier: Apache-2.0
//
// The plan of a change, and the receipt of one that was made.

import { badge, h, plainTable } from "./dom.js";
import { installedOn, number, plural } from "./format.js";

const HOSTS_MAX = 30;

const FIELDS_MAX = 30;

function valueText(value) {
  return value === undefined ? "(none)" : typeof value === "string" ? value
    : Array.isArray(value) && value.every((v) => typeof v !== "object")
      ? value.join(", ") || "(empty)" : JSON.stringify(value);
}

/** What becomes of one field: "mode: enforce → shadow". */
function fieldText(field) {
  const path = field.path.replace(/^\/spec\//, "").slice(
    field.path.startsWith("/spec/") ? 0 : 1).replaceAll("/", ".")
    .replaceAll("~1", "/").replaceAll("~0", "~");

  if (field.left_out) {
    return `${path}: differs (${field.left_out === "secret"
      ? "secret" : "too long to show"})`;
  }
  if (field.added) {
    return `${path}: ${[...field.added.map((v) => `+${valueText(v)}`),
      ...field.removed.map((v) => `−${valueText(v)}`)].join(" ")}`;
  }
  return `${path}: ${valueText(field.before)} → ${valueText(field.after)}`;
}

/** The fields of an object that differ, of a plan or of a change. */
export function fieldNodes(object) {
  const fields = object.fields ?? [];
  const more = (object.more_fields ?? 0)
    + Math.max(fields.length - FIELDS_MAX, 0);

  return fields.length ? h("ul", { class: "plain" },
    fields.slice(0, FIELDS_MAX).map((f) => h("li", {}, fieldText(f))),
    more ? h("li", {}, `and ${plural(more, "more field")}`) : null) : null;
}

const warningText = (one) => one.more
  ? `and ${plural(one.more, "more warning")}`
  : one.type ? `${one.type}/${one.name}: ${one.text}` : one.text;

/** Returns the warnings of a plan or reply: first of access that it opens,
 * then of likely mistakes. */
function warningNodes({ warnings }) {
  const all = warnings ?? [];
  const loosens = all.filter((one) => one.loosens);

  return [
    loosens.length ? h("div", { class: "loosens" }, h("h3", {}, "Loosens"),
      h("ul", { class: "plain" }, loosens.map((one) =>
        h("li", {}, badge("bad", one.loosens), " ", one.text)))) : null,
    all.filter((one) => !one.loosens).map((one) =>
      h("p", {}, badge("wait", "warning"), " ", warningText(one)))];
}

/** A reply to ?dry_run=plan. */
export function planNodes(plan) {
  const { hosts, apps } = plan.flows;
  const row = (name, f) => [name, ...[f.added, f.changed, f.removed]
    .map(number)];

  if (!plan.changed) {
    return [h("p", { class: "faint" }, "Nothing would change."),
      warningNodes(plan)];
  }
  return [
    h("p", {}, plan.objects.filter((o) => o.op !== "unchanged").map((o, i) =>
      [i ? ", " : "", h("strong", {}, o.op), ` ${o.type}/${o.name}`])),
    plan.objects.map(fieldNodes),
    hosts.length ? plainTable("Flows", ["Flows",
      ...["Added", "Changed", "Removed"].map((t) => ({ title: t,
        right: true }))], [...apps.map((f) => row(`app ${f.app}`, f)),
      ...hosts.slice(0, HOSTS_MAX).map((f) => row(`host ${f.host}`, f))])
      : h("p", { class: "faint" }, "No flow would change."),
    hosts.length > HOSTS_MAX ? h("p", { class: "hint" },
      `and ${plural(hosts.length - HOSTS_MAX, "more host")}`) : null,
    plan.restarts.length ? h("p", {}, badge("wait", "connections start over"),
      ` in ${plan.restarts.join(", ")}`) : null,
    plan.problems.map((p) => h("p", {}, badge("bad", p.kind), " ", p.detail)),
    warningNodes(plan)];
}

/** The receipt of a change that was waited for. */
export function receiptNodes(answer) {
  const { receipt } = answer;
  const missing = receipt?.hosts.filter((one) => one.state !== "confirmed");

  return [h("p", { role: "status" }, !receipt || receipt.installed
    ? badge("ok", `revision ${number(answer.revision)}`
      + (receipt ? `: ${installedOn(receipt.hosts.length)}` : ", installed"))
    : [badge("wait", `revision ${number(receipt.revision)} is stored, not yet `
      + "installed on "),
    missing.slice(0, 5).map((one) => one.host).join(", "),
    missing.length > 5 ? ` and ${missing.length - 5} more` : ""], " ",
  h("a", { href: `#/changes/${answer.revision}` }, "details")),
  warningNodes(answer)];
}
