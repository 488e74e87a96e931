// SPDX-License-Identifier: Apache-2.0
//
// The details of one object: its spec and state, where it is, what applies to
// it, its drops and flows, and on which hosts its last change is installed.
// When they are loaded is decided by object-panel.js.

import { at, get } from "./api.js";
import { badge, code, empty, errorBox, facts, h, plainTable, renew, replace }
  from "./dom.js";
import { ago, installedOn, number, plural, rate, sentTo, when, WHEN_WIDTH }
  from "./format.js";
import { fieldFacts } from "./object-fields.js";
import { pathsPart } from "./host-paths.js";
import { setRows, table } from "./table.js";

export const PORT_KIND = { up: "ok", pending: "wait", down: "bad",
  unknown: "bad", unbound: "off", external: "" };
export const HOST_KIND = { synced: "ok", reconciling: "wait",
  connecting: "wait", offline: "bad", diverged: "bad", rejected: "bad",
  unheard: "bad", lost: "off" };

/** How many ports should be up, and are not. */
export const notUp = (one) => one.ports - one.up - one.external
  - one.disabled;

/** A link to an object in the topology. */
export const link = (type, name) => h("a", {
  href: `#/topology/${type}/${encodeURIComponent(name)}` }, name);

/** The object that a flow is for: a link, with its type if it has one. */
export const reference = ({ type, name }) => type === "policies"
  ? ["policy ", policyLink(name)]
  : isType(type) ? [`${WORDS[type].toLowerCase()} `, link(type, name)]
    : [`${type} `, h("a", { href: objectAddress(type, name) }, name)];

const objectAddress = (type, name) =>
  `#/objects/${type}/${encodeURIComponent(name)}`;

/** A link to an object among those of its type. */
export const objectLink = (type, name) => h("a", {
  href: objectAddress(type, name) }, `${type}/${name}`);

export const policyLink = (name) => h("a", {
  href: `#/policies/${encodeURIComponent(name)}` }, name);

const links = (type, names) => names?.length
  ? names.map((name, i) => [i ? ", " : "", link(type, name)]) : null;

const labels = (object) => Object.entries(object.spec.labels ?? {}).map(
  ([key, value]) => `${key}=${value}`).join(", ");

/** What all types have in common. */
const common = (object) => [
  ["Description", object.spec.description], ["Labels", labels(object)],
  ["Changed", object.metadata.updated ? [when(object.metadata.updated), " ",
    h("a", { href: `#/changes/${object.metadata.revision}` },
      `revision ${number(object.metadata.revision)}`)] : null]];

function part(title, ...children) {
  return [h("h3", {}, title), children];
}

// Tables of several types.  --------------------------------------------------

export const isQuarantined = ({ spec, status }) =>
  Boolean(spec.quarantined || status.quarantined);

/** The state of a port in a list. */
export const portState = (port) => {
  const held = isQuarantined(port);
  const { state, reason, monitor } = port.status;
  const silent = state === "up" && monitor?.state === "down";

  return badge(silent ? "bad" : held && state === "up" ? "wait"
    : PORT_KIND[state], held ? `${state}, quarantined`
    : silent ? `${state}, silent` : state, silent ? monitor.reason : reason);
};

/** 'where' is what all of them have in common, and need not be told. */
export function portTable(label, where = {}) {
  return table({
    label, most: 12, key: (p) => p.name,
    open: (p) => { location.hash =
      `#/topology/ports/${encodeURIComponent(p.name)}`; },
    columns: [
      { title: "Port", width: "1.2fr", cell: (p) => p.name },
      { title: "State", width: "128px", cell: portState },
      ...where.network ? [] : [{ title: "Network", width: "1fr",
        cell: (p) => p.spec.network }],
      ...where.host ? [] : [{ title: "Host", width: "80px",
        cell: (p) => p.status.host ?? "–" }],
      { title: "Traffic", width: "88px", right: true, cell: (p) =>
        p.status.traffic ? rate(p.status.traffic.sent_bytes_per_s
          + p.status.traffic.received_bytes_per_s) : "–" },
    ],
  });
}

// Parts of a panel.  ---------------------------------------------------------
//
// Each is { root, load(object, signal) }: load() asks for what it shows and
// returns a function that shows it, in elements that stay where they are.

/** A part with a title; 'ask' is as load(), of what is to be in it, which must
 * not listen. */
function plainPart(ask) {
  const root = h("div", {});

  return { root, async load(object, signal) {
    const nodes = await ask(object, signal);

    return () => renew(root, nodes);
  } };
}

const PORTS_PAGE = 200;
const PORTS_REFRESHED_MAX = 1000; // Of those that are listed.

/** The ports that 'query' selects, more of them when asked for. */
function portsPart(query, panelSignal) {
  const root = h("div", {});
  const body = h("div", {});
  const made = portTable("Ports", query);
  const failed = h("div", {});
  const more = h("p", {});
  let found = [];
  let after;
  let loading = false;

  function show() {
    setRows(body, made, found, empty("No ports are there."), [],
      [failed, more]);
    if ((after !== undefined) !== more.hasChildNodes()) {
      replace(more, after !== undefined ? h("button", { type: "button",
        onclick: loadMore }, "More") : null);
    }
  }

  async function loadMore() {
    if (loading) {
      return;
    }
    loading = true;
    replace(failed);
    try {
      const page = await get("ports", { ...query, after, limit: PORTS_PAGE },
        panelSignal);

      found.push(...page.items);
      after = page.next;
      show();
    } catch (error) {
      if (!panelSignal.aborted) {
        replace(failed, errorBox(error));
      }
    } finally {
      loading = false;
    }
  }

  replace(root, part("Ports", body));
  return { root, async load(object, signal) {
    const limit = Math.min(PORTS_REFRESHED_MAX, Math.max(PORTS_PAGE,
      found.length));
    const page = await get("ports", { ...query, limit }, signal);

    return () => {
      if (loading) {
        return;                 // The next one has those that are added now.
      }
      const last = found.findIndex((p) => p.name === page.items.at(-1)?.name);

      if (found.length > limit && last >= 0 && page.next !== undefined) {
        found = [...page.items, ...found.slice(last + 1)];
      } else {
        found = page.items;
        after = page.next;
      }
      show();
    };
  } };
}

/** Flows as they are, over as many lines as it takes. */
const flowList = (flows) => h("ol", { class: "flows", "aria-label": "Flows",
  tabindex: "0" }, flows.map((f) => h("li", {}, h("div", {},
  h("span", { class: "faint" }, `table ${f.table}, priority ${f.priority} `),
  code(f.match || "*")), h("div", {}, "→ ", code(f.actions)),
h("div", { class: "faint" }, f.owner))));

const FLOWS_MAX = 200;

/** The flows of a port, on the host that it is on. */
const flowsPart = () => plainPart(async ({ name, status }, signal) => {
  const { host } = status;

  if (!host) {
    return part("Flows", h("p", { class: "faint" }, "It is on no host."));
  }
  const found = await get(`${at("hosts", host)}/flows`,
    { object: name, limit: FLOWS_MAX }, signal);

  return part(`Flows on ${host}`, found.flows.length
    ? [flowList(found.flows),
    found.n_flows > found.flows.length ? h("p", { class: "hint" },
      `The first ${FLOWS_MAX} of ${number(found.n_flows)}.`) : null]
    : h("p", { class: "faint" }, "None."));
});

const dropOwner = (d) => d.object ? `${d.object.type}/${d.object.name}`
  + (d.rule === undefined ? "" : ` rule ${d.rule}`) : d.owner;

function dropsPart(query) {
  const root = h("div", {});
  const body = h("div", {});
  const made = table({
    label: "Packets that were dropped", most: 8, key: (d) => d.id,
    columns: [
      { title: "Time", width: WHEN_WIDTH, cell: (d) => when(d.time) },
      { title: "From", width: "1fr", cell: (d) => d.src?.port ?? d.src?.ip },
      { title: "To", width: "1fr", cell: (d) => d.dst?.port ?? d.dst?.ip },
      { title: "Protocol", width: "86px", cell: (d) => d.protocol
        + (d.dst?.l4_port === undefined ? "" : `/${d.dst.l4_port}`) },
      { title: "Why", width: "1.5fr", cell: (d) => h("span", {
        title: `${d.reason}, by ${dropOwner(d)}${sentTo(d)}` }, d.reason) },
    ],
  });

  replace(root, part("Recent drops", body));
  return { root, async load(object, signal) {
    const { samples, counters } = await get("drops", { ...query, limit: 100 },
      signal);

    return () => setRows(body, made, samples.reverse(),
      h("p", { class: "faint" }, counters.length
        ? `No samples; ${plural(counters.reduce((n, c) =>
          n + c.packets, 0), "packet")} counted, the last ${ago(
          counters[0].last)}.` : "None."));
  } };
}

/** What an account with a scope is not told is left out. */
const ifAllowed = (promise) => promise.catch((error) => {
  if (error.status === 403) {
    return null;
  }
  throw error;
});

const receiptPart = () => plainPart(async ({ metadata }, signal) => {
  const { revision } = metadata;

  if (!revision) {
    return null;
  }
  const { receipt } = await get(`revisions/${revision}`, {}, signal)
    .catch((error) => {
      if (error.status === 403) {
        throw error;            // This account is told of none.
      }
      return {};
    });

  return part("Receipt of its last change", receipt
    ? h("p", {}, receipt.installed
      ? badge("ok", installedOn(receipt.hosts.length))
      : receipt.hosts.filter((one) => one.state !== "confirmed").slice(0, 10)
        .map((one) => h("span", {}, badge(one.state === "pending" ? "wait"
          : "bad", `${one.host} ${one.state}`, one.reason), " ")),
    " ", h("a", { href: `#/changes/${revision}` }, "details"))
    : h("p", { class: "faint" },
      "It is too old to be known, or not this account's to see."));
});

// The types.  ---------------------------------------------------------------

export const MONITOR_KIND = { up: "ok", down: "bad", unknown: "wait" };

/** Whether the guest answers, if anybody asks it. */
const answers = (m) => [badge(MONITOR_KIND[m.state], m.state, m.reason),
  m.reason ? ` ${m.reason}` : "",
  m.since ? [" since ", when(m.since)] : "",
  m.latency_us ? `, in ${(m.latency_us / 1000).toFixed(1)} ms` : ""];

/** What the switch and the controller know of the guest: the addresses that it
 * uses, what DHCP gave it, and since when it answers. */
function guestPart({ seen, leases, monitor }) {
  const nodes = [
    seen?.length && plainTable("Addresses that the guest uses",
      ["Address", { title: "Packets", right: true }, "Last seen"],
      seen.map((s) => [s.ip, number(s.packets), when(s.last)])),
    leases?.length && plainTable("Leases",
      ["Lease", "Given", "Until"],
      leases.map((l) => [l.ip, when(l.given),
        l.until ? when(l.until) : "for ever"])),
    monitor?.history?.length && plainTable("Whether the guest answered",
      ["Answers", "Since", "Why"],
      [...monitor.history].reverse().map((c) => [
        badge(MONITOR_KIND[c.state] ?? "wait", c.state), when(c.time),
        c.reason ?? ""])),
  ].filter((n) => n);

  return part("Guest", nodes.length ? nodes : h("p", { class: "faint" },
    "It has sent nothing that its switch knows of."));
}

async function port(object, signal) {
  const { spec, status, name } = object;
  const held = isQuarantined(object);
  const applied = await ifAllowed(get(`${at("ports", name)}/policies`, {},
    signal));
  const t = status.traffic;

  return [
    facts([
      ["State", [badge(PORT_KIND[status.state], status.state),
        spec.enabled ? "" : " (not enabled)",
        held ? [" ", badge("wait", "quarantined")] : ""]],
      ["Reason", status.reason],
      ["Unknown since", status.since ? when(status.since) : null],
      ["Network", link("networks", spec.network)],
      ["Host", status.host ? link("hosts", status.host) : null],
      ["Interface", status.interface ? `${status.interface}, link `
        + (status.link ?? "not known") : null],
      ["Answers", status.monitor ? answers(status.monitor) : null],
      ["Migration", status.migration ? `from ${status.migration.from} to `
        + `${status.migration.to}: ${status.migration.state}`
        + (status.migration.reason ? ` (${status.migration.reason})` : "")
        : null],
      ["Addresses", (status.ips ?? []).join(", ")], ["MAC", status.mac],
      ["Sends", t ? `${rate(t.sent_bytes_per_s)}, ${number(t.sent_packets)} `
        + "packets" : null],
      ["Receives", t ? `${rate(t.received_bytes_per_s)}, `
        + `${number(t.received_packets)} packets` : null],
      ...common(object)]),
    h("p", {}, h("a", { href: `#/trace/${encodeURIComponent(name)}` },
      "Trace a packet from here")),
    status.host && guestPart(status),
    applied && part("Rules that apply", applied.policies.length
      ? plainTable("Policies that apply",
        ["Policy", "Tier", { title: "Priority", right: true }, "Mode"],
        applied.policies.map((p) => [policyLink(p.name), p.tier, p.priority,
          p.mode]))
      : h("p", { class: "faint" }, "No policy applies to it: it is as open "
        + "as its network."),
    h("p", {}, h("span", { class: "faint" }, "Groups: "),
      applied.groups.join(", ") || "none")),
  ];
}

/** What is left on a host that is in maintenance. */
function maintenance({ state, routers, ports, migrating, draining }) {
  const left = [ports && plural(ports, "port"),
    migrating && `${plural(migrating, "port")} on the way`,
    routers.length && `the gateway of ${routers.join(", ")}`,
    draining && `${plural(draining, "backend")} with open connections`];

  const parts = left.filter((part) => part);

  return [badge(state === "drained" ? "ok" : "wait", state),
    state === "drained" ? " nothing is left on it"
      : parts.length ? ` left: ${parts.join(", ")}` : ""];
}

function host(object) {
  const { spec, status } = object;

  return facts([
    ["State", badge(HOST_KIND[status.state], status.state)],
    ["Since", status.since ? when(status.since) : null],
    ["Reason", status.reason],
    ["Maintenance", status.maintenance ? maintenance(status.maintenance)
      : null],
    ["Sees by BFD", status.bfd?.sessions ? `${number(status.bfd.sessions
      - status.bfd.down.length)} of ${plural(status.bfd.sessions, "host")}`
      + (status.bfd.down.length ? `, not ${status.bfd.down.join(", ")}` : "")
      : null],
    ["Holds", `${plural(status.flows ?? 0, "flow")}, `
      + plural(status.groups ?? 0, "group")],
    ["Revision", status.revision === undefined ? null
      : `${number(status.revision)}${status.lag?.revisions
        ? `, ${plural(status.lag.revisions, "revision")} behind` : ""}`],
    ["Tunnels", [`${spec.encap ?? "vxlan"} ${spec.tunnel_ip}`,
      spec.second_tunnel_ip ? `, ${spec.second_tunnel_ip}` : ""]],
    ["Database", spec.ovsdb], ["Open vSwitch", status.ovs_version],
    ["Provider bridges", (status.provider_bridges ?? []).map((b) =>
      `${b.physical} by ${b.bridge}${b.reason ? ` (${b.reason})` : ""}`)
      .join(", ")],
    ["Uplinks", (status.uplinks ?? []).map((u) =>
      `${u.interface}${u.reason ? ` (${u.reason})` : ""}`).join(", ")],
    ["Audit", status.audit ? `missing ${status.audit.missing}, altered `
      + `${status.audit.altered}, unknown ${status.audit.unknown}`
      + (status.audit.repaired ? " (repaired)" : "") : null],
    ...common(object)]);
}

function network(object) {
  const { spec, status } = object;

  return facts([
    ["Ports", number(status.ports)], ["VNI", status.vni],
    ["MTU", status.mtu], ["Without a policy", spec.default],
    ["Physical", spec.provider ? spec.provider.physical
      + (spec.provider.vlan ? `, VLAN ${spec.provider.vlan}` : "") : null],
    ["Subnets", (status.subnets ?? []).map((subnet) => h("div", {},
      `${subnet.cidr}: ${number(subnet.used)} of ${number(subnet.size)} `
      + `addresses used, ${number(subnet.free)} free`))],
    ...common(object)]);
}

function router(object) {
  const { spec, status } = object;
  const t = status.traffic;

  return facts([
    ["Joins", links("networks", spec.interfaces?.map((i) => i.network))],
    ["MAC", status.mac],
    ["Outside", spec.external ? [link("networks", spec.external.network),
      ` as ${spec.external.addresses.join(", ")}`] : null],
    ["Gateway", status.gateway ? link("hosts", status.gateway)
      : spec.external ? badge("bad", "none") : null],
    ["Forwards", t ? `${rate(t.bytes_per_s)}, ${number(t.packets)} packets${
      unread(status)}` : null],
    ["Routes", spec.routes?.length ? spec.routes.map((r) => h("div", {},
      `${r.destination} ${r.blackhole ? "ends here"
        : `via ${r.via.join(", ")}`}`)) : null],
    ...common(object)]);
}

/** The kind of badge for a backend's state. */
const STATES = { serving: "ok", standby: "wait", checking: "wait",
  draining: "wait", drained: "wait", down: "bad", idle: "bad" };

const connections = (load) => `${number(load.connections)} (${
  load.connections_per_s}/s)`;

const BACKEND = ["Port", "Host", { title: "Weight", right: true },
  { title: "Share", right: true }, { title: "Connections", right: true },
  "State", "Why"];

function backendRow(b) {
  const why = b.reason ?? b.health?.reason ?? "";

  return [link("ports", b.port), b.host ?? "–", b.weight,
    b.share === undefined ? "–" : `${b.share} %`, connections(b.load),
    badge(b.port_state === "unknown" ? "bad" : STATES[b.state] ?? "wait",
      b.kept ? `${b.state}, kept` : b.state, why), why];
}

/** How many backends serve; and of the others, those that need not. */
function servingText(status) {
  const count = (...states) => status.backends.filter((b) =>
    states.includes(b.state)).length;
  const drained = count("draining", "drained");
  const standby = count("standby");

  return `${number(status.n_serving)} of ${number(status.n_backends)}`
    + (drained ? `, ${drained} drained` : "")
    + (standby ? `, ${standby} on standby` : "");
}

/** The kind of badge for the state of a balancer's load. */
const LOADS = { normal: "ok", cooling: "wait", unknown: "wait", high: "bad",
  low: "bad" };

function scaleOf({ scale }) {
  const { last } = scale;

  return [badge(LOADS[scale.state] ?? "wait", scale.state, scale.reason),
    scale.value === null ? "" : ` ${scale.value} a second for each backend`,
    last ? `; last event "${last.direction}" ${ago(last.time)}${last.webhook
      ? `, webhook ${last.webhook.result}` : ""}` : ""];
}

/** A port of a balancer, and where it leads. */
export function lbPort(p) {
  return p.end_port ? `${p.port} to ${p.end_port}`
    : p.target && p.target !== p.port
      ? `${p.port} to the backends' ${p.target}` : p.port;
}

/** That figures lack what flows of some hosts count. */
const unread = (status) => status.unread_hosts
  ? `; ${plural(status.unread_hosts, "host")} not read yet` : "";

function balancer(object) {
  const { spec, status } = object;

  return [facts([
    ["Address", `${spec.vip} ${spec.protocol} ${spec.ports.map(lbPort)
      .join(", ")}`],
    ["Networks", links("networks", spec.networks)],
    ["Serving", [servingText(status),
      status.n_unknown ? [" ", badge("bad", `${status.n_unknown} unknown`)]
        : ""]],
    ["Probes", spec.health ? `${spec.health.type}${spec.health.path
      ? ` ${spec.health.path}` : ""}, every ${spec.health.interval_ms} ms`
      : null],
    ["Clients", `${plural(status.load.connections, "connection")} (${
      status.load.connections_per_s} a second), ${
      rate(status.load.bytes_per_s)}${unread(status)}`],
    ["Limit of each", spec.client_limit
      ? `${spec.client_limit.rate} connections a second, ${
        spec.client_limit.burst ?? spec.client_limit.rate} at once; ${
        number(status.limited ?? 0)} were too many` : null],
    ["Scaling", status.scale ? scaleOf(status) : null],
    ["Falls back on", spec.fallback ? link("loadbalancers", spec.fallback)
      : null],
    ["Selector", spec.selector], ...common(object)]),
  part("Backends", status.backends.length
    ? plainTable("Backends", BACKEND, status.backends.map(backendRow))
    : empty("It has no backends.", "Name ports in backends, or give it a "
      + "selector of labels."))];
}

/** An object of a type that has no looks of its own. */
const other = (object) => [
  facts([...fieldFacts(object.spec, ["description", "labels"]),
    ...common(object)]), Object.keys(object.status ?? {}).length
    ? part("State", facts(fieldFacts(object.status))) : null];

const TYPES = { ports: port, hosts: host, networks: network,
  routers: router, loadbalancers: balancer };
export const WORDS = { ports: "Port", hosts: "Host", networks: "Network",
  routers: "Router", loadbalancers: "Balancer" };

export const isType = (type) => type in TYPES;

/** What is first in the panel of an object that was read, of elements that do
 * not listen. */
export const firstOf = (type, object, signal) => (TYPES[type] ?? other)(object,
  signal);

/** The parts of the panel of an object below that. */
export function partsOf(type, name, signal) {
  switch (type) {
    case "ports":
      return [flowsPart(), dropsPart({ port: name }), receiptPart()];
    case "hosts":
      return [portsPart({ host: name }, signal), pathsPart(name),
        dropsPart({ host: name }), receiptPart()];
    case "networks":
      return [portsPart({ network: name }, signal),
        dropsPart({ network: name }), receiptPart()];
    default:
      return [receiptPart()];
  }
}

/** What 'part' shows of the object, as a function that shows it. */
export const loadPart = async (one, object, signal) =>
  await ifAllowed(one.load(object, signal)) ?? (() => replace(one.root));
