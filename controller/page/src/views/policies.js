// SPDX-License-Identifier: Apache-2.0
//
// Policies in the order of evaluation: tiers as lanes, from top to bottom,
// with the place of quarantines.  A single policy: its rules with their
// counters.

import { at, get, list } from "../api.js";
import { badge, empty, errorBox, facts, h, panel, plainTable, replace }
  from "../dom.js";
import { ago, number, plural, short } from "../format.js";
import * as live from "../live-events.js";
import { nameInput } from "../name-input.js";
import { receiptNodes } from "../plan.js";
import { promotePolicy } from "../policy-promote.js";
import { cutOff, releaseFrom } from "../quarantine.js";
import { ruleText } from "./reachability.js";

export const path = "policies";
export const title = "Policies";

const POLICIES_MAX = 10000;
const LANE_MAX = 120;           // Cards of a lane; a search finds the others.
const SHOWN = 200;              // Quarantines that are listed.

/* Quarantine holds behind the rules of this tier. */
const BEFORE_QUARANTINE = "emergency";

/* Hits that hosts have not told yet are no hits that never were. */
const hits = (count) => count?.packets
  ? `${short(count.packets)} packets, ${ago(count.last)}`
  : count?.unread_hosts ? "hits not known yet" : "no rule hit";

/* What 'shown' makes of the count, if that is known. */
const known = (status, count, shown) => !count?.packets && status.unread_hosts
  ? "not known yet" : shown(count);

// Lanes.  -------------------------------------------------------------------

function card(policy, chosen) {
  const { spec, status, name } = policy;
  const shadow = spec.mode === "shadow";

  return h("button", { type: "button",
    class: `policy ${shadow ? "shadow" : ""} `
      + (name === chosen ? "chosen" : ""), "data-policy": name,
  "aria-pressed": String(name === chosen) },
  h("span", { class: "name" }, name,
    shadow ? badge("wait", "shadow") : null),
  h("span", { class: "faint" }, `priority ${spec.priority}, `
    + `${plural(spec.rules?.length ?? 0, "rule")}, for `
    + spec.applies_to.join(", ")),
  h("span", { class: "faint" }, hits(status)));
}

function lane(tier, policies, chosen) {
  const kept = tier.status.retained;

  return h("section", { class: "lane", "aria-label": `Tier ${tier.name}` },
    h("header", {}, h("h3", {}, tier.name),
      h("p", { class: "faint" }, tier.spec.description ?? ""),
      kept?.packets ? h("p", { class: "faint" },
        `keeps ${short(kept.packets)} packets`) : null),
    h("div", { class: "cards" }, policies.length
      ? policies.slice(0, LANE_MAX).map((p) => card(p, chosen))
      : h("p", { class: "faint" }, "No policies."),
    policies.length > LANE_MAX ? h("p", { class: "hint" },
      `and ${number(policies.length - LANE_MAX)} more: search by name`)
      : null));
}

function quarantineLane(found, release) {
  return h("section", { class: "lane held", "aria-label": "Quarantine" },
    h("header", {}, h("h3", {}, "quarantine"),
      h("p", { class: "faint" }, "Cut off, open connections included")),
    h("div", { class: "cards" }, found.length ? found.slice(0, SHOWN).map(
      (q) => h("div", { class: "policy" },
        h("span", { class: "name" }, q.name, badge("wait", plural(
          q.status.n_members, "port"))),
        h("span", { class: "faint" }, q.spec.ports?.join(", ")
          ?? `ports with ${q.spec.selector || "any label"}`),
        q.spec.allow?.length ? h("span", { class: "faint" },
          `allows ${plural(q.spec.allow.length, "thing")}: ${hits(q.status)}`)
          : null,
        h("span", {}, h("button", { type: "button",
          onclick: () => release(q.name) }, "Release"))))
      : h("p", { class: "faint" }, "Nobody is in quarantine.")));
}

// One policy.  --------------------------------------------------------------

function rulesTable(policy) {
  const { spec, status } = policy;

  return plainTable("Rules", ["#", "Rule", { title: "Hits", right: true },
    "Last"], (spec.rules ?? []).map((rule, i) => [i, [ruleText(rule),
    rule.log ? [" ", h("span", { class: "faint" }, "(logged)")] : "",
    status.rules?.[i]?.outside
      ? [" ", h("span", { class: "faint" }, "(not now)")] : ""],
  known(status, status.rules?.[i], (count) => short(count?.packets ?? 0)),
  h("span", { class: "time" }, known(status, status.rules?.[i], (count) =>
    ago(count?.last)))]));
}

/* What no rule let through, by this policy or others that share the flows. */
function isolationPart({ status }) {
  const { isolated, counted } = status;

  return isolated ? h("p", {}, "By isolation, with other policies that "
    + "isolate ports of the same routing domains: ", h("strong", {},
    known(status, isolated, (count) => plural(count.packets, "packet"))),
  isolated.last ? `, the last ${ago(isolated.last)}` : "",
  counted ? `, as read ${ago(counted)}.` : ".") : null;
}

function shadowPart(policy, promote) {
  const would = policy.status.would_isolate;
  const denied = (policy.spec.rules ?? []).reduce((n, rule, i) =>
    n + (["deny", "reject"].includes(rule.action)
      ? policy.status.rules?.[i]?.packets ?? 0 : 0), 0);

  return [h("h3", {}, "Shadow"),
    h("p", {}, "It decides nothing yet. Until now it would have denied ",
      h("strong", {}, plural(denied, "packet")),
      " by its rules, and isolated ",
      h("strong", {}, plural(would?.packets ?? 0, "packet")),
      would?.last ? `, the last ${ago(would.last)}.` : ".",
      policy.status.unread_hosts ? ` ${plural(policy.status.unread_hosts,
        "host")} not read yet since vmnd started.` : ""),
    h("p", {}, h("button", { type: "button", class: "main",
      onclick: promote }, "Promote"))];
}

// The view.  ----------------------------------------------------------------

export function mount(root, { signal, words }) {
  let chosen = words[0] ?? null;
  let data = null;
  const failed = h("div", {});
  const said = h("div", { class: "said" });
  const lanes = h("div", { class: "lanes" },
    h("p", { class: "loading" }, "Loading …"));
  const side = h("div", {}, empty("Choose a policy."));
  const sideTitle = h("span", {}, "Policy");
  const search = h("input", { type: "search", "aria-label": "Search",
    placeholder: "policy or group …  /", oninput: () => draw() });
  const victim = nameInput("Port", { signal, placeholder: "a port" });

  async function attempt(work) {
    try {
      await work();
    } catch (error) {
      if (!signal.aborted) {
        replace(said, errorBox(error));
      }
    }
    refresh();
  }

  function release(name) {
    return attempt(async () => {
      const answer = await releaseFrom(name, signal);

      replace(said, h("p", {}, `${name} is released.`), receiptNodes(answer));
    });
  }

  function quarantine(port) {
    return attempt(async () => {
      const answer = await cutOff(port, signal);

      replace(said, h("p", {}, `${port} is cut off. `, h("button", {
        type: "button", onclick: () => release(port) }, "Undo")),
      receiptNodes(answer));
    });
  }

  async function promote(name) {
    await attempt(async () => {
      const answer = await promotePolicy(name, signal);

      if (answer) {
        replace(said, h("p", {}, `${name} decides now.`),
          receiptNodes(answer));
      }
    });
  }

  async function showPolicy() {
    const name = chosen;

    if (!name) {
      return;
    }
    if (data && !data.policies.some((policy) => policy.name === name)) {
      replace(sideTitle, "Policy");
      replace(side, empty(`There is no policy ${name}.`,
        h("a", { href: `#/reachability/edit/${encodeURIComponent(name)}` },
          "Make it")));
      return;
    }
    try {
      const policy = await get(at("policies", name), {}, signal);
      const { spec } = policy;

      if (name !== chosen) {
        return;
      }
      replace(sideTitle, `Policy ${name}`);
      replace(side, facts([["Tier", spec.tier], ["Priority", spec.priority],
        ["Applies to", spec.applies_to.join(", ")],
        ["Isolates", spec.directions?.join(" and ")],
        ["Mode", spec.mode], ["On change", spec.on_change],
        ["Description", spec.description],
        ["Changed", h("a", { href: `#/changes/${policy.metadata.revision}` },
          `revision ${number(policy.metadata.revision)}`)]]),
      h("h3", {}, "Rules, the first that matches decides"),
      spec.rules?.length ? rulesTable(policy) : h("p", { class: "faint" },
        "None: it only isolates."),
      isolationPart(policy),
      spec.mode === "shadow" ? shadowPart(policy, () => promote(name)) : null,
      h("p", { class: "more" }, h("a", { href: "#/reachability/edit/"
        + encodeURIComponent(name) }, "Edit, and see what would change"), ", ",
      h("a", { href: `#/objects/policies/${encodeURIComponent(name)}` },
        "history")));
    } catch (error) {
      if (!signal.aborted) {
        replace(side, errorBox(error));
      }
    }
  }

  function draw() {
    const text = search.value.trim().toLowerCase();
    const has = (policy) => !text || policy.name.includes(text)
      || policy.spec.applies_to.some((group) => group.includes(text));
    const byTier = new Map(data.tiers.map((tier) => [tier.name, []]));
    const focused = lanes.contains(document.activeElement)
      ? document.activeElement.dataset.policy : null;

    for (const policy of data.policies.filter(has)) {
      byTier.get(policy.spec.tier)?.push(policy);
    }
    replace(lanes, data.tiers.map((tier) => [lane(tier, byTier.get(tier.name)
      .sort((a, b) => a.spec.priority - b.spec.priority
        || (a.name < b.name ? -1 : 1)), chosen),
    tier.name === BEFORE_QUARANTINE
      ? quarantineLane(data.quarantines, release) : null]));
    if (focused) {
      lanes.querySelector(`[data-policy="${CSS.escape(focused)}"]`)?.focus();
    }
  }

  lanes.addEventListener("click", (event) => {
    const name = event.target.closest("[data-policy]")?.dataset.policy;

    if (name) {
      location.hash = `#/policies/${encodeURIComponent(name)}`;
    }
  });
  replace(root, failed, h("div", { class: "split" },
    panel("Tiers, in their order", { actions: [search] }, lanes),
    h("div", { class: "stack sticky" },
      panel("Cut a port off", {}, h("form", { class: "question",
        onsubmit(event) {
          event.preventDefault();
          quarantine(victim.input.value.trim());
        } }, victim.nodes, h("button", { class: "danger" }, "Cut off")), said),
      panel(sideTitle, {}, side))));

  const refresh = live.calmly(async () => {
    try {
      const [tiers, policies, quarantines] = await Promise.all([
        list("tiers", { signal }), list("policies", { signal,
          most: POLICIES_MAX }), list("quarantines", { signal })]);

      data = { tiers: tiers.items.sort((a, b) =>
        a.spec.position - b.spec.position), policies: policies.items,
      quarantines: quarantines.items };
      replace(failed);
      draw();
      showPolicy();
    } catch (error) {
      if (!signal.aborted) {
        replace(failed, errorBox(error, refresh));
      }
    }
  });

  live.on(["tick", "reset", "revision"], refresh, signal);
  refresh();
  return (next) => {
    chosen = next[0] ?? null;
    if (data) {
      draw();
    }
    showPolicy();
  };
}
