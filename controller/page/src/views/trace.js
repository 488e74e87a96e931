// SPDX-License-Identifier: Apache-2.0
//
// The trace of a packet: its way through hosts and stages, the rule that
// decides, and the reason of a drop.  Live, the packet is sent as well.

import { call } from "../api.js";
import { badge, code, empty, facts, h, newId, panel, plainTable, replace }
  from "../dom.js";
import { showErrors } from "../form-errors.js";
import { livePanel } from "../live-trace.js";
import { link, policyLink, reference } from "../object.js";
import { nameInput } from "../name-input.js";

export const path = "trace";
export const title = "Trace";

const PROTOCOLS = ["tcp", "udp", "sctp", "icmp", "icmpv6"];
const VERDICT_KIND = { delivered: "ok", dropped: "bad", unreachable: "bad",
  unknown: "wait", mixed: "wait" };

/* Reason of a drop: what it means, and what one can do. */
const REASONS = {
  isolated: ["A policy of the tier application selects the port in this "
    + "direction, and none of its rules allows this.",
  "Add a rule that allows it, or see in Reachability who may."],
  "denied by rule": ["The first rule that matches denies it.",
    "Change that rule, or allow it in a tier before."],
  "rejected by rule": ["The first rule that matches rejects it: the sender "
    + "is told at once.", "Change that rule, or allow it in a tier before."],
  quarantined: ["The port is cut off.",
    "Delete the quarantine that holds it; Policies shows them."],
  "invalid state": ["The switch's connection tracking knows no connection "
    + "that this belongs to, or its checksum is wrong.", "Trace its first "
    + "packet: TCP flags SYN. Where the host's datapath is netdev, a VM that "
    + "leaves checksums to its host is a likely cause."],
  "no backend": ["No backend of the balancer serves.",
    "Its backends must be enabled, on a host, and of a weight above 0."],
  "no route": ["No route of the router leads there.",
    "Add a route, or a network with that subnet to the router."],
  "blackhole route": ["A route of the router ends there, as it was told.",
    "Change or delete that route."],
  "larger than the MTU": ["The packet is larger than what the next network "
    + "takes.", "Look at the MTU of both networks."],
  "no gateway": ["No host is the router's gateway now.",
    "A host in its external.gateways must be synced, with a bridge to the "
    + "physical network."],
  "no router at its gateway": ["The sender's gateway is no router's "
    + "address.", "Give a router an interface in the sender's network."],
};

// The verdict.  -------------------------------------------------------------

/* A port that is ours to see; else the API has "@PHYSICAL", or, for accounts
 * with a scope, that it is out of that. */
const receiver = (port) => /^[a-z0-9]/.test(port ?? "") ? link("ports", port)
  : code(port ?? "unknown");

const deciderOf = (at) => [at.object ? [reference(at.object),
  at.rule === undefined ? "" : `, rule ${at.rule}`, " "] : "",
at.owner ? code(at.owner) : ""];

/** It is sent to a physical network, so nobody knows who gets it. */
const isOutside = ({ verdict, at }) => verdict === "delivered"
  && at?.where === "outside";

function sentence(outcome) {
  const { at } = outcome;

  if (!at) {
    return "";
  }
  const on = at.host ? [" on ", link("hosts", at.host)] : "";

  if (isOutside(outcome)) {
    return [outcome.packet === "reply" ? "its answer leaves " : "leaves ",
      at.host ? ["by ", link("hosts", at.host), " "] : "",
      "for physical network ", code(at.port.slice(1)),
      ": what is beyond is not known"];
  }
  if (at.kind === "delivered" || at.port) {
    return [`${outcome.packet === "reply" ? "its answer, too, " : ""}arrives `
      + "at ", receiver(at.port), on];
  }
  return [outcome.packet === "reply" ? "its answer " : "", "ends", on,
    at.stage ? [" in ", code(at.stage)] : "", ": ",
    h("strong", {}, at.reason ?? "no reason is given")];
}

function explain(at) {
  const [means, todo] = REASONS[at?.reason] ?? [];

  return means ? [h("p", {}, means), h("p", { class: "hint" }, todo)] : null;
}

/** The policies that isolate the port, if that is the reason. */
const isolating = ({ at }) => at?.isolated_by?.length
  ? h("p", {}, `Isolated in ${at.direction} by `, at.isolated_by.map(
    (name, i) => [i ? ", " : "", /^[a-z0-9]/.test(name) ? policyLink(name)
      : code(name)])) : null;

function verdictBox(outcome, n) {
  const kind = VERDICT_KIND[outcome.verdict];
  const at = outcome.at ?? {};

  return h("div", { class: `verdict ${kind}`, role: "status" },
    h("p", { class: "said" }, badge(kind, isOutside(outcome)
      ? "sent outside" : outcome.verdict),
      n > 1 && outcome.share !== null ? h("span", { class: "faint" },
        ` ${(100 * outcome.share).toFixed(0)} % of connections`) : null,
      " ", sentence(outcome)),
    outcome.verdict === "delivered" ? outcome.answer
      ? facts([["An app sends", outcome.answer.message]]) : null : [
      facts([["Decided by", deciderOf(at)],
        ["Table", at.table === undefined ? null : at.table],
        ["Sender gets", outcome.answer?.message]]),
      explain(at), isolating(outcome)]);
}

// The way.  -----------------------------------------------------------------

/** Steps, grouped by host, and within a host by stage. */
function hops(leg) {
  const found = [];

  for (const step of leg.steps) {
    const last = found.at(-1);

    if (["tunnel", "provider", "function"].includes(step.kind)) {
      found.push({ way: step.kind, to: step.to });
    } else if (!last || last.way || last.host !== step.host) {
      found.push({ host: step.host, stages: [] });
    }
    const hop = found.at(-1);

    if (!hop.way) {
      const stage = hop.stages.at(-1);

      if (stage?.name === step.stage) {
        stage.steps.push(step);
      } else {
        hop.stages.push({ name: step.stage, steps: [step] });
      }
    }
  }
  return found;
}

const passesBy = (step) => step.kind === "lookup"
  && step.owner === "vmn.pipeline/";

/** The objects that the stage's flows are for; not what is in shadow mode, nor
 * rules that leave it to others. */
function deciders(stage) {
  const found = new Map();

  for (const step of stage.steps) {
    if (step.object && !step.shadow && step.rule_action !== "pass"
      && ["policies", "quarantines", "loadbalancers",
      "floating-ips"].includes(step.object.type)) {
      found.set(`${step.object.type}/${step.object.name}/${step.rule}`, step);
    }
  }
  return [...found.values()];
}

function stepText(step) {
  switch (step.kind) {
    case "conntrack":
      return [`conntrack: ${step.state}`, step.commit ? ", remembered" : ""];
    case "group":
      return `group ${step.group}, bucket ${step.bucket}`;
    default:
      return step.actions;
  }
}

function stageItem(stage, isEnd, at) {
  const decided = deciders(stage);
  const quiet = stage.steps.every(passesBy);
  const bad = isEnd && at?.kind === "dropped";

  return h("li", { class: `${quiet ? "quiet" : ""} ${decided.length
    ? "decided" : ""} ${bad ? "bad" : ""}` },
  h("details", {},
    h("summary", {}, h("span", { class: "stage" }, stage.name),
      decided.map((step) => h("span", { class: "by" },
        `${step.object.name}${step.rule === undefined ? ""
          : ` rule ${step.rule}`}`)),
      bad ? h("span", { class: "by drop" }, at.reason) : null),
    plainTable(stage.name, [{ title: "Table", right: true }, "Owner", "Match",
      "Actions"], stage.steps.map((step) => [step.table, code(step.owner),
      code(step.match), code([stepText(step)].flat().join(""))]))));
}

function endNode(leg, at) {
  return leg.ends.map((end) => end.kind === "delivered"
    ? h("div", { class: "node ok" }, h("span", { class: "faint" },
      end.where === "outside" ? "is sent outside to" : "arrives at"),
    receiver(end.port))
    : h("div", { class: `node ${end.kind === "dropped" ? "bad" : "wait"}` },
      h("span", { class: "faint" }, end.kind),
      end.reason ?? at?.reason ?? ""));
}

const arrow = (text, label) => h("div", { class: "arrow", role: "img",
  "aria-label": label }, h("span", {}, text));

function legWay(leg, outcome, from) {
  const found = hops(leg);
  const last = found.filter((hop) => !hop.way).at(-1);
  const isLast = leg === outcome.legs.at(-1);

  return h("div", { class: "leg" },
    h("h3", {}, leg.kind),
    h("div", { class: "way" },
      h("div", { class: "node" }, h("span", { class: "faint" }, "from"),
        leg.kind === "request"
          ? from ? link("ports", from) : code("outside")
          : code(outcome.legs[0].ends[0]?.port ?? "")),
      arrow("", "then"),
      found.map((hop) => hop.way
        ? hop.way === "function"
          ? arrow(hop.to, `through the guest of port ${hop.to}`)
          : arrow(hop.way, `by ${hop.way} to ${hop.to ?? "the wire"}`)
        : h("div", { class: "hop" }, h("h4", {}, link("hosts", hop.host)),
          h("ol", { class: "stages" }, hop.stages.map((stage) =>
            stageItem(stage, hop === last && isLast
              && stage === hop.stages.at(-1), outcome.at))))),
      arrow("", "then"), endNode(leg, outcome.at)),
    h("p", { class: "faint" }, code(leg.packet)));
}

/** What was predicted. */
const result = (found, title) => [
  (found.warnings ?? []).map((text) => h("p", {}, badge("bad", "not heard"),
    " ", text)),
  found.complete ? null : h("p", { class: "hint" },
    "There are more outcomes than these."),
  found.outcomes.some((outcome) => outcome.legs.length) ? null
    : h("p", { class: "hint" }, "This account has a scope: steps are not "
      + "shown, nor what is out of it."),
  found.outcomes.map((outcome) => panel(
    found.outcomes.length > 1 ? `${title}: ${outcome.verdict}` : title, {},
    verdictBox(outcome, found.outcomes.length),
    (outcome.legs ?? []).map((leg) => legWay(leg, outcome,
      found.from.port))))];

// The view.  ----------------------------------------------------------------

/** The trace's request in the address: #/trace/FROM/TO/tcp/80 */
export const address = (from, to, protocol, port) => `#/trace/${[from, to,
  protocol, port].filter((word) => word !== undefined && word !== "")
  .map(encodeURIComponent).join("/")}`;

export function mount(root, { signal, words }) {
  const ids = [newId(), newId(), newId(), newId()];
  const from = nameInput("From", { signal, value: words[0],
    placeholder: "a port" });
  const to = nameInput("To", { signal, value: words[1],
    types: ["ports", "loadbalancers"],
    placeholder: "port, balancer, address" });
  const protocol = h("select", { id: ids[0], onchange: () => tell() },
    PROTOCOLS.map((p) => h("option", { value: p }, p)));
  const number = h("input", { id: ids[1], type: "number", min: 1, max: 65535,
    value: words[3] ?? "80", class: "short" });
  const reply = h("input", { id: ids[2], type: "checkbox", checked: true });
  const all = h("input", { id: ids[3], type: "checkbox", onchange: () =>
    out.firstChild?.classList.toggle("all", all.checked) });
  const button = h("button", { class: "main" }, "Trace");
  const send = h("button", { type: "button", onclick() {
    remember();
    run(true);
  } }, "Live");
  const out = h("div", {}, empty("Which packet? Two ports and a service will "
    + "do.", "It is worked out from the flows that hosts are to hold."));

  if (PROTOCOLS.includes(words[2])) {
    protocol.value = words[2];
  }

  function tell() {
    number.disabled = protocol.value.startsWith("icmp");
  }

  const asked = () => ({ from: from.input.value.trim(),
    to: to.input.value.trim(), protocol: protocol.value,
    ...number.disabled ? {} : { port: Number(number.value) } });

  /** What was predicted; and sent, if it is to be. */
  async function run(isLive) {
    const body = asked();
    const buttons = [button, send];

    buttons.forEach((one) => { one.disabled = true; });
    showErrors(button.form, out, null);
    if (isLive) {
      replace(out, h("p", { class: "loading" }, "A packet is on its way …"));
    }
    try {
      // It is not sent again and again: that it was too much is to be seen.
      const sent = isLive ? await call("POST", "live-trace", { signal, body,
        patience: 0 }) : null;
      const found = await call("POST", "trace", { signal, body: { ...body,
        reply: reply.checked } }).catch((error) => {
        if (sent) {
          return null;          // What was seen is told all the same.
        }
        throw error;
      });

      replace(out, h("div", { class: `result ${all.checked ? "all" : ""}` },
        sent ? livePanel(sent) : null,
        found ? result(found, sent ? "Predicted" : "Outcome") : null));
    } catch (error) {
      if (!signal.aborted) {
        showErrors(button.form, out, error, (pointer) => ({
          "/from": from.input, "/to": to.input, "/protocol": protocol,
          "/port": number })[pointer]);
      }
    } finally {
      buttons.forEach((one) => { one.disabled = false; });
    }
  }

  /** The address follows the question. */
  function remember() {
    const { from: a, to: b, protocol: c, port } = asked();

    history.replaceState(null, "", address(a, b, c, port));
  }

  replace(root, panel("Packet", {}, h("form", { class: "question",
    onsubmit(event) {
      event.preventDefault();
      remember();
      run(false);
    } },
  from.nodes, to.nodes,
  h("span", { class: "field" }, h("label", { for: ids[0] }, "Protocol"),
    protocol),
  h("span", { class: "field" }, h("label", { for: ids[1] }, "Port"), number),
  h("span", { class: "check" }, reply, h("label", { for: ids[2] },
    "and its answer")),
  h("span", { class: "check" }, all, h("label", { for: ids[3] },
    "all stages")), button, send),
  h("p", { class: "hint" }, "Trace asks the simulator, and sends nothing. "
    + "Live sends one packet through the switches as well; neither the guest "
    + "that it is for nor a physical network gets it.")), out);
  tell();
  if (words[1]) {
    run(false);
  } else {
    from.input.focus();
  }
}
