// SPDX-License-Identifier: Apache-2.0
//
// The logical network as a graph: from the networks outside by gateways and
// routers to networks, and what hangs on these, virtual and floating addresses
// and ports by a label.  Nodes have their traffic and their drops.  Not for
// where nodes are (layers.js), nor how they look (draw-logical.js).

import { at, get, list } from "../api.js";
import { since } from "../format.js";
import { notUp } from "../object.js";
import { load } from "./cards.js";

const PORTS_MAX = 1000;         // That a filter finds, and are shown.
const FLOATING_MAX = 1000;
/* Balancers that are asked for their backends, and routers for what they
 * forward: each is a call. */
const ASKED_MAX = 20;
const DROPS_S = 3600;           // How far back drops are of interest.
const DROPS_MAX = 1000;

export const LAYERS = ["outside", "gateways", "routers", "floating addresses",
  "networks", "virtual IPs", "ports"];
const [OUTSIDE, GATEWAYS, ROUTERS, FLOATING, NETWORKS, VIRTUAL, PORTS]
  = LAYERS.keys();

/* hv2 before hv10. */
const inOrder = new Intl.Collator("en", { numeric: true });

// What there is.  -----------------------------------------------------------

/** The ports of each balancer's backends, by its name; none of any where there
 * are too many balancers to ask. */
const backendsOf = async (balancers, extras, signal) => new Map((
  await Promise.all((balancers.length > ASKED_MAX ? [] : balancers).map(
    async ({ name }) => [name, await extras.get("backends", name, () =>
      get(at("loadbalancers", name), {}, signal).then(({ status }) =>
        status.backends.map((b) => b.port)), null)])))
  .filter(([, ports]) => ports));

/** What each router forwards, in bytes a second: as far as that is known, and
 * what is to come.  A member of a cluster may wait long for the writer, which
 * the picture does not. */
const forwardedBy = (routers, extras) => extras.behind("traffic of routers",
  (routers.length > ASKED_MAX ? [] : routers).map(({ name }) => name),
  (name) => get(at("routers", name), {}, extras.signal).then(({ status }) =>
    status.traffic?.bytes_per_s ?? null));

/* A selector that is no more than values of labels. */
const VALUES = /^[^=!,()\s]+=[^=!,()\s]+(,[^=!,()\s]+=[^=!,()\s]+)*$/;

/** Those of 'ports' that are asked for, or null: vmnd has to be asked. */
export function matching(ports, { selector, network }) {
  if (!ports || (selector && !VALUES.test(selector))) {
    return null;
  }
  const wanted = selector ? selector.split(",").map((one) => one.split("="))
    : [];

  return ports.filter(({ spec }) => (!network || spec.network === network)
    && wanted.every(([key, value]) => spec.labels?.[key] === value));
}

/** What load() has, and what the graph has besides.  'shown' are the ports
 * with the labels of 'selector', in 'network'; where both are "": all.
 * 'later', if it is there, promises what is to take the place of some. */
export async function loadLogical(wanted, extras, signal) {
  const filtered = Boolean(wanted.selector || wanted.network);
  const [base, floating, drops] = await Promise.all([load(extras, signal),
    list("floating-ips", { signal, most: FLOATING_MAX }),
    extras.get("drops", "", () => get("drops", { since: since(DROPS_S),
      limit: DROPS_MAX }, signal), { counters: [], samples: [] })]);
  const own = matching(base.ports, wanted);
  const found = own ? { items: own, more: false } : filtered
    ? await list("ports", { query: wanted, signal, most: PORTS_MAX }) : null;
  // With a filter only those of its ports' networks are of interest.
  const near = new Set(found?.items.map(({ spec }) => spec.network));
  const asked = filtered ? base.balancers.filter(({ spec }) =>
    spec.networks.some((name) => near.has(name))) : base.balancers;
  const routers = filtered ? base.routers.filter(({ spec }) =>
    spec.interfaces?.some((one) => near.has(one.network))) : base.routers;
  const backends = await backendsOf(asked, extras, signal);
  const forwarded = forwardedBy(routers, extras);

  return { ...base, floating: floating.items, drops, filtered,
    network: wanted.network, shown: found?.items ?? null,
    more: found?.more ?? false, unasked: asked.length > ASKED_MAX,
    unaskedRouters: routers.length > ASKED_MAX,
    cut: { ...base.cut, "floating addresses": floating.more },
    backends, forwarded: forwarded.now,
    later: forwarded.later?.then((map) => ({ forwarded: map })) };
}

/** The keys of the ports' labels, those that most ports have first. */
export function labelKeys(ports) {
  const n = new Map();

  for (const port of ports ?? []) {
    for (const key of Object.keys(port.spec.labels ?? {})) {
      n.set(key, (n.get(key) ?? 0) + 1);
    }
  }
  return [...n].sort((a, b) => b[1] - a[1] || inOrder.compare(a[0], b[0]))
    .map(([key]) => key);
}

/** The key by which ports are told apart best: one that most have, and of
 * these the one with the fewest in its largest group. */
export function bestKey(ports) {
  let best = "";
  let least = Infinity;

  for (const key of labelKeys(ports).slice(0, 20)) {
    const n = new Map();

    for (const { spec } of ports) {
      const value = spec.labels?.[key] ?? null;

      n.set(value, (n.get(value) ?? 0) + 1);
    }
    const largest = Math.max(...n.values());

    // As many groups as ports would be none.
    if (largest < least && n.size <= Math.max(2, ports.length / 2)) {
      best = key;
      least = largest;
    }
  }
  return best;
}

// Drops.  -------------------------------------------------------------------

/** How many packets were dropped, by "TYPE/NAME": of ports and networks those
 * that samples tell of, from or to them; of others what their flows count. */
function dropsOf({ counters, samples }) {
  const n = new Map();
  const add = (key, packets) => n.set(key, (n.get(key) ?? 0) + packets);

  for (const one of samples) {
    const ends = new Set([one.src?.port, one.dst?.port]);

    ends.forEach((port) => port && add(`ports/${port}`, one.count));
    if (one.network) {
      add(`networks/${one.network}`, one.count);
    }
  }
  for (const { object, packets } of counters) {
    if (["routers", "loadbalancers", "floating-ips"].includes(object?.type)) {
      add(`${object.type}/${object.name}`, packets);
    }
  }
  return n;
}

/** Whether a node's drops are those that samples tell of, not all. */
export const isSampled = ({ layer, type }) => layer === PORTS
  || type === "networks";

// Groups of ports.  ----------------------------------------------------------

const traffic = ({ status: { traffic: t } }) => t.sent_bytes_per_s
  + t.received_bytes_per_s;

/** Ports of each network by the value of label 'key'; without one, those of a
 * network are a group. */
function groupsOf({ shown, drops }, key) {
  const groups = new Map();
  const values = [...new Set((shown ?? []).map((port) =>
    port.spec.labels?.[key]).filter((value) => value !== undefined))]
    .sort(inOrder.compare);

  for (const port of shown ?? []) {
    const value = key ? port.spec.labels?.[key] : undefined;
    // A value may be empty: that is another group than those without.
    const id = `labels/${port.spec.network}${value === undefined ? ""
      : `/${value}`}`;
    const { state } = port.status;

    if (!groups.has(id)) {
      groups.set(id, { id, layer: PORTS, type: value === undefined
        ? "networks" : "labels", network: port.spec.network, chips: [],
      name: value === undefined ? port.spec.network : `${key}=${value}`,
      title: value !== undefined ? `${key}=${value}` : key
        ? `without ${key}` : `ports of ${port.spec.network}`,
      colour: value === undefined ? 8 : values.indexOf(value) % 8,
      rate: null, rest: 0, drops: 0, members: new Set() });
    }
    const group = groups.get(id);

    group.chips.push({ name: port.name, state, colour: group.colour,
      other: null, held: port.spec.quarantined
        || port.status.quarantines?.length > 0 });
    group.members.add(port.name);
    group.rate = port.status.traffic ? (group.rate ?? 0) + traffic(port)
      : group.rate;
    group.rest += port.spec.enabled !== false
      && state !== "up" && state !== "external";
  }
  const groupOf = new Map([...groups.values()].flatMap((group) =>
    [...group.members].map((port) => [port, group])));

  // A packet from one member to another is one.
  for (const { src, dst, count } of drops.samples) {
    new Set([groupOf.get(src?.port), groupOf.get(dst?.port)]).forEach(
      (group) => {
        if (group) {
          group.drops += count;
        }
      });
  }
  for (const group of groups.values()) {
    group.ports = group.chips.length;
    group.parts = [{ n: group.ports, colour: group.colour,
      other: group.title }];
  }
  return [...groups.values()].sort((a, b) => inOrder.compare(a.network,
    b.network) || inOrder.compare(a.title, b.title));
}

// The graph.  ----------------------------------------------------------------

/* Of several states between the same two, the best one. */
export const BEST = ["", "to", "out", "broken"];

/** Nodes, by "TYPE/NAME", and the edges between them, by both ends.  A 'rate'
 * is null where it is not known. */
class Graph {
  constructor(drops) {
    this.nodes = new Map();
    this.joined = new Map();
    this.drops = drops;
  }

  get edges() {
    return [...this.joined.values()];
  }

  add(node) {
    const id = node.id ?? `${node.type}/${node.name}`;

    this.nodes.set(id, { title: node.name, rate: null, rest: 0, kind: "",
      note: "", drops: this.drops.get(id) ?? 0, ...node, id });
  }

  /** An edge, if both of its ends are shown; one for each two. */
  join(a, b, more = {}) {
    const key = JSON.stringify([a, b]);
    const had = this.joined.get(key);
    const made = { from: this.nodes.get(a), to: this.nodes.get(b),
      rate: null, kind: "", ...more };

    if (made.from && made.to && (!had
        || BEST.indexOf(made.kind) < BEST.indexOf(had.kind))) {
      this.joined.set(key, made);
    }
  }
}

/* A gateway is as its worst state is. */
const GATEWAY = { unable: "bad", active: "ok", standby: "" };

/** The hosts that are gateways, with their states for all routers. */
function addGateways(graph, routers, hosts) {
  const known = new Map(hosts.map((host) => [host.name, host]));
  const states = new Map();

  for (const { spec, status } of routers) {
    for (const { host } of spec.external?.gateways ?? []) {
      const n = states.get(host) ?? {};
      const { state } = gatewayOf(status, host);

      n[state] = (n[state] ?? 0) + 1;
      states.set(host, n);
    }
  }
  for (const [name, n] of states) {
    const had = Object.keys(GATEWAY).filter((state) => n[state]);
    const all = had.reduce((sum, state) => sum + n[state], 0);

    graph.add({ type: "hosts", name, layer: GATEWAYS, kind: GATEWAY[had[0]],
      note: all === 1 ? had[0] : had.map((state) =>
        `${state} for ${n[state]}`).join(", "),
      rate: known.get(name)?.tunnel_bytes_per_s ?? null });
  }
}

/** The state of a host as the gateway of a router. */
const gatewayOf = (status, host) => {
  const found = (status.gateways ?? []).find((one) => one.host === host);

  return { state: found?.state in GATEWAY ? found.state : "unable",
    reason: found?.reason };
};

function addRouters(graph, { routers, forwarded }) {
  for (const { name, spec, status } of routers) {
    const outside = spec.external?.network;

    graph.add({ type: "routers", name, layer: ROUTERS,
      rate: forwarded.get(name) ?? null,
      kind: outside && !status.gateway ? "bad" : "",
      note: outside ? status.gateway ? `gateway ${status.gateway}`
        : "no gateway" : "" });
    for (const one of spec.interfaces ?? []) {
      // How much of the network's traffic is routed is not known.
      graph.join(`routers/${name}`, `networks/${one.network}`);
    }
    for (const { host } of outside ? spec.external.gateways ?? [] : []) {
      const { state, reason } = gatewayOf(status, host);
      const kind = { standby: "out", unable: "broken" }[state] ?? "";

      graph.join(`hosts/${host}`, `routers/${name}`, { kind,
        said: `${state}${reason ? `: ${reason}` : ""}` });
      graph.join(`networks/${outside}`, `hosts/${host}`, { kind });
    }
  }
}

/** A balancer's state.  The summary knows which backends are drained or stand
 * by, so need not serve, but lists a hundred balancers in trouble at most:
 * of others it is taken that all are to serve. */
function balancerKind({ name, status }, { degraded, partial, idle }) {
  const listed = degraded.find((one) => one.name === name);
  const { serving, all } = listed ? { serving: listed.serving, all: Infinity }
    : { serving: status.n_serving, all: status.n_backends };

  return !listed && partial + idle <= degraded.length ? "ok"
    : serving >= all ? "ok" : serving ? "wait" : "bad";
}

function addAddresses(graph, data, groupOf) {
  const floated = new Set(data.floating.map(({ spec }) => spec.load_balancer));

  for (const one of data.balancers) {
    const { name, spec, status } = one;
    const id = `loadbalancers/${name}`;
    const rate = status.load?.bytes_per_s ?? null;

    graph.add({ type: "loadbalancers", name, layer: VIRTUAL, rate,
      kind: balancerKind(one, data.summary.balancers), tag: "◆",
      note: `${spec.vip}, ${status.n_serving}/${status.n_backends}` });
    // Where clients come by several ways it is not known by which.
    spec.networks.forEach((n) => graph.join(`networks/${n}`, id, {
      rate: spec.networks.length > 1 || floated.has(name) ? null : rate }));
    new Set((data.backends.get(name) ?? []).map((port) => groupOf.get(port)))
      .forEach((group) => group && graph.join(id, group, { kind: "to" }));
  }
  for (const { name, spec } of data.floating) {
    const id = `floating-ips/${name}`;

    graph.add({ type: "floating-ips", name, layer: FLOATING, tag: "⇅",
      note: spec.ip });
    graph.join(`routers/${spec.router}`, id, { kind: "to" });
    graph.join(id, spec.port ? groupOf.get(spec.port)
      : `loadbalancers/${spec.load_balancer}`, { kind: "to" });
  }
}

/** With a filter: its network, and the nodes that the ports hang on; no
 * others.  Balancers whose backends are not known are kept if they are in a
 * network of the ports. */
function prune(graph, { network, backends, shown }) {
  const near = new Set((shown ?? []).map(({ spec }) =>
    `networks/${spec.network}`));
  const kept = new Set([...graph.nodes.values()].filter((node) =>
    node.layer === PORTS || node.id === `networks/${network}`));
  const { edges } = graph;
  const above = (layer) => edges.forEach(({ from, to }) => {
    if (from.layer === layer && kept.has(to)) {
      kept.add(from);
    }
  });

  for (const { from, to } of edges) {
    if (to.layer === VIRTUAL && near.has(from.id)
        && !backends.has(to.name)) {
      kept.add(to);
    }
  }

  [VIRTUAL, NETWORKS, FLOATING, ROUTERS, GATEWAYS, OUTSIDE].forEach(above);
  for (const [id, node] of graph.nodes) {
    if (!kept.has(node)) {
      graph.nodes.delete(id);
    }
  }
  for (const [key, { from, to }] of graph.joined) {
    if (!kept.has(from) || !kept.has(to)) {
      graph.joined.delete(key);
    }
  }
}

/** At most 'most' of the edges: those between two layers make room for those
 * between others only where they are more, so that none has none. */
export function cutEdges(edges, most) {
  const kinds = new Map();

  for (const edge of edges) {
    const kind = `${edge.from.layer} ${edge.to.layer}`;

    kinds.set(kind, kinds.get(kind) ?? []);
    kinds.get(kind).push(edge);
  }
  const sorted = [...kinds.values()].sort((a, b) => a.length - b.length);
  let left = most;

  return sorted.flatMap((some, i) => {
    const part = some.slice(0, Math.floor(left / (sorted.length - i)));

    left -= part.length;
    return part;
  });
}

/** { nodes, edges }: nodes by layer, edges from an upper one to a lower. */
export function graphOf(data, key) {
  const { summary, routers } = data;
  const graph = new Graph(dropsOf(data.drops));
  const groups = groupsOf(data, key);
  const groupOf = new Map(groups.flatMap(({ id, members }) =>
    [...members].map((port) => [port, id])));
  const outside = new Set(routers.map(({ spec }) => spec.external?.network));

  for (const one of summary.networks) {
    graph.add({ type: "networks", name: one.name, rate: one.bytes_per_s,
      layer: outside.has(one.name) ? OUTSIDE : NETWORKS, ports: one.ports,
      rest: notUp(one) });
  }
  for (const name of [data.network, ...groups.map((one) => one.network),
    ...outside]) {
    // With fewer ports than those that are listed: how many is not known.
    if (name && !graph.nodes.has(`networks/${name}`)) {
      graph.add({ type: "networks", name,
        layer: outside.has(name) ? OUTSIDE : NETWORKS });
    }
  }
  groups.forEach((group) => graph.add(group));
  addGateways(graph, routers, summary.hosts);
  addRouters(graph, data);
  for (const { id, network, rate } of groups) {
    graph.join(`networks/${network}`, id, { rate });
  }
  addAddresses(graph, data, groupOf);
  if (data.filtered) {
    prune(graph, data);
  }
  return { nodes: [...graph.nodes.values()], edges: graph.edges };
}
