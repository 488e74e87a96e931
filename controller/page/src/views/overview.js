// SPDX-License-Identifier: Apache-2.0
//
// The overview: counts, problems that need attention, and drops and changes of
// the last hour.

import { scaleLinear } from "d3-scale";
import { get } from "../api.js";
import { clusterPanel } from "../cluster.js";
import { badge, empty, errorBox, h, newId, panel, replace, s }
  from "../dom.js";
import { ago, changes, duration, number, plural, sentTo, short, when,
  WHEN_WIDTH } from "../format.js";
import * as live from "../live-events.js";
import { notUp, objectLink } from "../object.js";
import { table } from "../table.js";

export const path = "overview";
export const title = "Overview";

const HOUR = 3600 * 1000;
const MINUTES = 60;

// Tiles.  -------------------------------------------------------------------

function tile(name, kind, big, ...lines) {
  const id = newId();

  return h("section", { class: `tile ${kind}`, "aria-labelledby": id },
    h("h2", { id }, name), h("div", { class: "big" }, big),
    h("ul", {},
      lines.flat().filter(Boolean).map((line) => h("li", {}, line))));
}

function some(n, kind, word) {
  return n ? badge(kind, `${number(n)} ${word}`) : null;
}

const STATE_KIND = { synced: "ok", reconciling: "wait", connecting: "wait",
  offline: "bad", diverged: "bad", rejected: "bad", unheard: "bad",
  lost: "off" };

const HEALTH_KIND = { ok: "ok", degraded: "wait", failing: "bad" };

function hostTile(hosts) {
  const by = {};

  for (const host of hosts) {
    by[host.state] = (by[host.state] ?? 0) + 1;
  }
  const behind = hosts.filter((host) => host.state === "synced"
    && host.lag).length;
  const bad = hosts.some((host) => STATE_KIND[host.state] === "bad");
  const well = (by.synced ?? 0) + (by.lost ?? 0);

  return tile("Hosts", !hosts.length ? "" : bad ? "bad"
    : well === hosts.length ? "ok" : "wait", number(hosts.length),
  Object.keys(STATE_KIND).map((state) =>
    some(by[state], STATE_KIND[state], state)),
  some(behind, "wait", "behind"));
}

function portTile(ports) {
  const total = ports.up + ports.pending + ports.down + ports.unknown
    + ports.unbound + ports.external;

  return tile("Ports", ports.down || ports.unknown ? "bad"
    : ports.pending ? "wait" : total ? "ok" : "",
  number(total), some(ports.up, "ok", "up"),
  some(ports.pending, "wait", "pending"), some(ports.down, "bad", "down"),
  some(ports.unknown, "bad", "unknown"),
  some(ports.unbound, "off", "unbound"), some(ports.external, "", "external"),
  some(ports.quarantined, "wait", "quarantined"),
  some(ports.disabled, "off", "disabled"));
}

function tiles({ status, summary }) {
  const o = status.objects;
  const b = summary.balancers;
  const { health } = status;

  return [
    tile("Health", HEALTH_KIND[health.state] ?? "bad", health.state,
      health.reasons.map((r) => badge(HEALTH_KIND[r.state] ?? "bad",
        r.reason, r.detail)),
      `up ${duration(status.uptime_s)}`, `version ${status.version}`),
    hostTile(summary.hosts),
    portTile(summary.ports),
    tile("Networks", "", number(o.networks), plural(o.routers, "router"),
      o["floating-ips"] ? plural(o["floating-ips"], "floating address",
        "floating addresses") : null),
    tile("Policies", "", number(o.policies), plural(o.groups, "group"),
      some(o.quarantines, "wait", o.quarantines === 1 ? "quarantine"
        : "quarantines")),
    tile("Balancers", b.idle ? "bad" : b.partial ? "wait"
      : b.total ? "ok" : "", number(b.total),
      some(b.total - b.idle - b.partial, "ok", "serve"),
      some(b.partial, "wait", "degraded"), some(b.idle, "bad", "idle")),
  ];
}

// Issues.  ------------------------------------------------------------------

const ISSUES_MAX = 40;

function issues({ status, summary }) {
  const found = status.problems.map((p) => ["bad", p.kind,
    [p.detail, p.units?.length ? ` (${p.units.join(", ")})` : "",
      p.packet ? [" – for instance ", h("code", {}, p.packet)] : ""]]);

  for (const w of status.warnings ?? []) {
    found.push(["wait", "warning", w.more ? `and ${number(w.more)} more`
      : w.type ? [objectLink(w.type, w.name), `: ${w.text}`] : w.text]);
  }
  for (const r of status.health.reasons) {
    if (r.reason === "starting") {      // What else there is has lines below.
      found.push(["bad", r.reason, r.detail]);
    }
  }
  for (const host of summary.hosts) {
    if (host.state === "lost") {
      continue;
    }
    if (host.state !== "synced" || host.reason) {
      found.push([STATE_KIND[host.state] === "ok" ? "wait"
        : STATE_KIND[host.state] ?? "wait", host.state,
      [`host ${host.name}`, host.reason ? `: ${host.reason}` : "",
        host.ports ? ` (${plural(host.ports, "port")}`
          + `${host.unknown ? ", unknown whether up" : ""})` : ""]]);
    } else if (host.lag) {
      found.push(["wait", "behind", `host ${host.name} has not acknowledged `
        + plural(host.lag, "revision")]);
    }
  }
  for (const lb of summary.balancers.degraded) {
    found.push([lb.serving ? "wait" : "bad", lb.serving ? "degraded" : "idle",
      lb.backends ? `balancer ${lb.name}: ${lb.serving} of `
        + `${plural(lb.backends, "backend")} serve`
        + (lb.unknown ? `, ${lb.unknown} of them unknown` : "")
        + (lb.drained ? `, ${lb.drained} drained` : "")
        + (lb.standby ? `, ${lb.standby} on standby` : "")
        : `balancer ${lb.name} has no backends`]);
  }
  for (const network of summary.networks) {
    const rest = notUp(network);

    if (rest && found.length < ISSUES_MAX) {
      found.push([network.unknown ? "bad" : "off", "not up",
        `network ${network.name}: ${number(rest)} of `
        + plural(network.ports, "port") + (network.unknown
          ? `, ${number(network.unknown)} unknown` : "")]);
    }
  }
  return found;
}

function attention(data) {
  const found = issues(data);

  if (!data.summary.hosts.length) {
    return empty("There are no hosts yet.", "A hypervisor joins by ",
      h("code", {}, "vmnctl apply"), " of {type: hosts, name: hv1, spec: "
      + "{ovsdb: \"tcp:ADDRESS:6640\", tunnel_ip: ADDRESS}}.");
  }
  if (!found.length) {
    return empty("All hosts hold all that they are to hold, every port that "
      + "is enabled is up, and every balancer serves.");
  }
  return [h("ul", { class: "issues" }, found.slice(0, ISSUES_MAX).map(
    ([kind, word, text]) => h("li", {}, badge(kind, word),
      h("span", { class: "what" }, text)))),
  found.length > ISSUES_MAX ? h("p", { class: "hint" },
    `and ${found.length - ISSUES_MAX} more`) : null];
}

// The last hour.  -----------------------------------------------------------

/** A histogram of 'times' over the minutes of the last hour. */
function histogram(times, label) {
  const now = Date.now();
  const bins = new Array(MINUTES).fill(0);

  for (const time of times) {
    const minute = Math.floor((now - new Date(time)) / 60000);

    if (minute >= 0 && minute < MINUTES) {
      bins[MINUTES - 1 - minute]++;
    }
  }
  const most = Math.max(...bins);
  const y = scaleLinear([0, Math.max(1, most)], [0, 38]);

  return s("svg", { class: "histogram", viewBox: "0 0 600 54",
    preserveAspectRatio: "none", role: "img",
    "aria-label": `${label}: ${times.length}; the most in a minute: ${most}` },
  s("line", { class: "axis", x1: 0, x2: 600, y1: 40.5, y2: 40.5 }),
  bins.map((n, i) => n ? s("rect", { x: i * 10 + 1, width: 8,
    y: 40 - y(n), height: y(n) }, s("title", {},
    `${MINUTES - 1 - i} min ago: ${n}`)) : null));
}

const owner = (drop) => drop.object ? `${drop.object.type}/${drop.object.name}`
  + (drop.rule === undefined ? "" : ` rule ${drop.rule}`) : drop.owner ?? "–";

const end = (side) => side?.port ?? side?.ip ?? side?.mac ?? "?";

function makeDrops() {
  return table({
    label: "Why packets were dropped in the last hour", most: 9,
    key: (d) => `${d.host} ${d.owner} ${d.reason} ${d.rule}`,
    columns: [
      { title: "Reason", width: "1.1fr", cell: (d) => d.reason },
      { title: "By", width: "1.3fr", cell: (d) => owner(d) },
      { title: "Host", width: "90px", cell: (d) => d.host },
      { title: "Packets", width: "80px", right: true,
        cell: (d) => short(d.packets) },
      { title: "Last", width: "80px", right: true, cell: (d) => ago(d.last) },
    ],
  });
}

function makeSamples() {
  return table({
    label: "Packets that were dropped, the newest first", most: 9,
    key: (d) => d.id,
    columns: [
      { title: "Time", width: WHEN_WIDTH, cell: (d) => when(d.time) },
      { title: "From", width: "1fr", cell: (d) => end(d.src) },
      { title: "To", width: "1fr", cell: (d) => end(d.dst) + sentTo(d) },
      { title: "Protocol", width: "90px", cell: (d) => d.protocol
        + (d.dst?.l4_port === undefined ? "" : `/${d.dst.l4_port}`) },
      { title: "Reason", width: "1.2fr", cell: (d) => d.reason },
      { title: "Times", width: "50px", right: true,
        cell: (d) => number(d.count) },
    ],
  });
}

function makeChanges() {
  return table({
    label: "Changes of the last hour, the newest first", most: 9,
    key: (r) => r.revision,
    open: (r) => { location.hash = `#/changes/${r.revision}`; },
    columns: [
      { title: "Revision", width: "70px", right: true,
        cell: (r) => number(r.revision) },
      { title: "Time", width: WHEN_WIDTH, cell: (r) => when(r.time) },
      { title: "Who", width: "minmax(116px, .5fr)", cell: (r) => r.who },
      { title: "Changes", width: "2fr", cell: (r) => changes(r.changes) },
    ],
  });
}

function recentPanel(name, made, note, none) {
  const body = h("div", {});
  const root = panel(name, {}, body);

  return {
    root,
    set(rows, ...above) {
      replace(body, rows.length ? [above, made.root,
        note ? h("p", { class: "hint" }, note) : null] : none());
      if (rows.length) {
        made.set(rows);
      }
    },
  };
}

// The view.  ----------------------------------------------------------------

export function mount(root, { signal }) {
  const top = h("div", { class: "tiles" });
  const needs = h("div", {}, h("p", { class: "loading" }, "Loading …"));
  const drops = recentPanel("Drops of the last hour", makeDrops(), null,
    () => empty("No flow has dropped a packet in the last hour.",
      "Counters are read every few seconds.  Background is left out: what is "
      + "dropped where all is well."));
  const samples = recentPanel("Packets that were dropped", makeSamples(), null,
    () => empty("There are no samples of dropped packets.",
      "They are taken within a budget, and kept until vmnd ends."));
  const log = recentPanel("Changes of the last hour", makeChanges(), null,
    () => empty("Nothing was changed in the last hour.",
      h("a", { href: "#/changes" }, "All changes")));
  const failed = h("div", {});
  let scoped = false;           // The account has a scope.

  replace(root, failed, top, clusterPanel(signal),
    h("div", { class: "columns" },
      h("div", {}, panel("Needs attention", {}, needs), drops.root),
      h("div", {}, log.root, samples.root)));

  const recent = (items, time) => items.filter((one) =>
    new Date(one[time]) >= Date.now() - HOUR);
  const dropped = () => get("drops", { limit: 500 }, signal).then((found) => {
    drops.set(recent(found.counters, "last"));
    samples.set(recent(found.samples, "time").reverse());
  });

  /** What an account with a scope is told: drops of its own ports. */
  function restrict() {
    scoped = true;
    replace(root, failed, panel("Overview", {}, empty("The overview is of "
      + "everything, and this account sees its own scope.",
    h("a", { href: "#/objects" }, "The objects of its scope"))),
    h("div", { class: "columns" }, drops.root, samples.root));
  }

  const refresh = live.calmly(async () => {
    // Each part is shown as soon as it is loaded.
    try {
      await Promise.all(scoped ? [dropped()] : [
        Promise.all([get("status", {}, signal),
          get("summary", { limit: 200 }, signal)]).then(
          ([status, summary]) => {
            replace(top, tiles({ status, summary }));
            replace(needs, attention({ status, summary }));
          }),
        dropped(),
        get("revisions", { limit: 500 }, signal).then((found) => {
          const changed = recent(found.items, "time").reverse();

          log.set(changed, histogram(changed.map((r) => r.time),
            "Changes of the last hour"));
        })]);
      replace(failed);
    } catch (error) {
      if (error.status === 403 && !scoped) {
        restrict();
      } else if (!signal.aborted) {
        replace(failed, errorBox(error, refresh));
      }
    }
  });

  live.on(["tick", "reset", "revision", "host", "binding", "ports", "drop",
    "health", "installed"], refresh, signal);
  refresh();
}
