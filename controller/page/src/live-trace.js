// SPDX-License-Identifier: Apache-2.0
//
// A packet that was sent through the switches: what became of it, beside what
// the simulator had predicted, stage by stage.  Not for the prediction itself,
// which views/trace.js shows.

import { badge, code, empty, facts, h, panel } from "./dom.js";
import { link } from "./object.js";

const isSame = (stage) => stage?.result === "same";

/** A host's first and last stage, those that change the packet, those that
 * differ and the one before: as vmnctl trace --live prints them. */
function isRelevant(before, stage, after) {
  return before?.host !== stage.host || after?.host !== stage.host
    || stage.changes?.length > 0 || stage.result === "differs"
    || (isSame(stage) && !isSame(after)) || stage.result !== before?.result;
}

const PREDICTED = { unexpected: "no" };
const SEEN = { missing: ["bad", "no"], differs: ["bad", "differs"],
  unexpected: ["bad", "yes"], same: ["ok", "yes"] };

function row(stage, quiet, isFirst) {
  const [kind, text] = SEEN[stage.result] ?? ["wait", stage.result];
  const what = stage.differences?.length ? stage.differences
    : stage.changes ?? [];

  return h("tr", { class: `${quiet ? "quiet" : ""} ${isSame(stage) ? ""
    : "differs"}` },
  h("td", {}, link("hosts", stage.host)), h("td", {}, code(stage.stage ?? "")),
  h("td", { class: "right" }, stage.table),
  h("td", {}, PREDICTED[stage.result] ?? "yes"),
  h("td", {}, badge(kind, text)),
  h("td", {}, isFirst ? h("strong", {}, "The first difference. ") : null,
    what.map((one) => h("div", {}, code(one)))));
}

function stageTable(stages) {
  const first = stages.findIndex((stage) => !isSame(stage));

  return h("div", { class: "scrolls", role: "group", tabindex: "0",
    "aria-label": "Stages, predicted and seen" },
  h("table", { class: "plain compared" },
    h("thead", {}, h("tr", {}, ["Host", "Stage", "Table", "Predicted", "Seen",
      "What it changed, or how it differs"].map((title, i) => h("th",
      { scope: "col", class: i === 2 ? "right" : null }, title)))),
    h("tbody", {}, stages.map((stage, i) => row(stage,
      !isRelevant(stages[i - 1], stage, stages[i + 1]), i === first)))));
}

/** "dropped on h2: isolated, by firewall.isolated/...", or "leaves for outside
 * by @dc on h2 as 192.0.2.1:33000 -> 198.51.100.1:53" */
const endText = (end) => [end.where ? "leaves for outside" : end.verdict,
  end.port ? end.where ? [" by ", code(end.port)]
    : [" to ", link("ports", end.port)] : "",
  end.host ? [" on ", link("hosts", end.host)] : "",
  end.leaves_as ? [" as ", code(end.leaves_as)] : "",
  end.reason ? `: ${end.reason}` : "",
  end.owner ? [", by ", code(end.owner)] : ""];

/** The panel for a reply of POST /v1/live-trace. */
export function livePanel(found) {
  const { agrees, changing, seen, stages = [] } = found;
  const stopped = seen.verdict === "delivered" && !found.delivered;

  return panel("Sent", { classes: "live" },
    h("div", { class: `verdict ${agrees ? "ok" : "bad"}`, role: "status" },
      h("p", { class: "said" }, badge(agrees ? "ok" : "bad",
        agrees ? "as predicted" : "not as predicted"),
      found.difference ? [" ", found.difference] : ""),
      !agrees && changing ? h("p", {}, "Something was changed just then, or "
        + "a host has not confirmed its flows yet: that may be why.") : null,
      facts([["Predicted", endText(found.predicted)],
        ["Seen", [endText(seen), !stopped ? "" : seen.where
          ? ", where it was stopped: it is not sent there"
          : ", where it was stopped: the guest does not get it"]]])),
    (found.warnings ?? []).map((text) => h("p", {}, badge("wait", "warning"),
      " ", text)),
    stages.length ? stageTable(stages) : empty("No stage is told: an account "
      + "with a scope is told how the packet ended, and not where."),
    found.packet ? h("p", { class: "faint" }, code(found.packet)) : null);
}
