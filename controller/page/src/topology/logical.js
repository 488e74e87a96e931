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
/* Balancers that are asked for their backends: each is a call. */
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

const backends = async (balancers, signal) => new Map(await Promise.all(
  (balancers.length > ASKED_MAX ? [] : balancers).map(async ({ name }) => [
    name, (await get(at("loadbalancers", name), {}, signal)
      .catch(() => null))?.status.backends.map((b) => b.port) ?? []])));

/** What load() has, and what the graph has besides.  'shown' are the ports
 * with the labels of 'selector', in 'network'; where both are "": all. */
export async function loadLogical({ selector, network }, signal) {
  const filtered = Boolean(selector || network);
  const [base, floating, drops, found] = await Promise.all([load(signal),
    list("floating-ips", { signal, most: FLOATING_MAX }),
    get("drops", { since: since(DROPS_S), limit: DROPS_MAX }, signal),
    filtered ? list("ports", { query: { selector, network }, signal,
      most: PORTS_MAX }) : null]);

  return { ...base, floating: floating.items, drops, filtered, network,
    shown: found ? found.items : base.ports, more: found?.more ?? false,
    backends: await backends(base.balancers, signal) };
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

// Groups of ports.  ----------------------------------------------------------

const traffic = ({ status: { traffic: t } }) => t
  ? t.sent_bytes_per_s + t.received_bytes_per_s : 0;

/** Ports of each network by the value of label 'key'; without one, those of a
 * network are a group. */
function groupsOf({ shown, drops }, key) {
  const groups = new Map();
  const values = [...new Set((shown ?? []).map((port) =>
    port.spec.labels?.[key]).filter((value) => value !== undefined))]
    .sort(inOrder.compare);

  for (const port of shown ?? []) {
    const value = key ? port.spec.labels?.[key] : undefined;
    const id = `labels/${port.spec.network}/${value ?? ""}`;
    const { state } = port.status;

    if (!groups.has(id)) {
      groups.set(id, { id, layer: PORTS, type: value === undefined
        ? "networks" : "labels", network: port.spec.network, chips: [],
      name: value === undefined ? port.spec.network : `${key}=${value}`,
      title: value !== undefined ? `${key}=${value}` : key
        ? `without ${key}` : `ports of ${port.spec.network}`,
      colour: value === undefined ? 8 : values.indexOf(value) % 8,
      rate: 0, rest: 0, drops: 0, members: new Set() });
    }
    const group = groups.get(id);

    group.chips.push({ name: port.name, state, colour: group.colour,
      other: null, held: port.spec.quarantined
        || port.status.quarantines?.length > 0 });
    group.members.add(port.name);
    group.rate += traffic(port);
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

/** Nodes, by "TYPE/NAME", and the edges between them. */
class Graph {
  constructor(drops) {
    this.nodes = new Map();
    this.edges = [];
    this.drops = drops;
  }

  add(node) {
    const id = node.id ?? `${node.type}/${node.name}`;

    this.nodes.set(id, { title: node.name, rate: 0, rest: 0, kind: "",
      note: "", drops: this.drops.get(id) ?? 0, ...node, id });
  }

  /** An edge, if both of its ends are shown. */
  join(a, b, more = {}) {
    if (this.nodes.has(a) && this.nodes.has(b)) {
      this.edges.push({ from: this.nodes.get(a), to: this.nodes.get(b),
        rate: 0, kind: "", ...more });
    }
  }
}

const GATEWAY = { active: "ok", standby: "", unable: "bad" };

function addRouters(graph, routers, hosts) {
  const states = new Map(hosts.map((host) => [host.name, host]));

  for (const { name, spec, status } of routers) {
    const outside = spec.external?.network;

    graph.add({ type: "routers", name, layer: ROUTERS,
      kind: outside && !status.gateway ? "bad" : "",
      note: outside ? status.gateway ? `gateway ${status.gateway}`
        : "no gateway" : "" });
    for (const one of spec.interfaces ?? []) {
      const to = graph.nodes.get(`networks/${one.network}`);

      graph.join(`routers/${name}`, `networks/${one.network}`,
        { rate: to?.rate });
    }
    for (const { host } of outside ? spec.external.gateways : []) {
      const { state = "unable", reason } = (status.gateways ?? []).find(
        (one) => one.host === host) ?? {};
      const id = `hosts/${host}`;

      if (!graph.nodes.has(id)) {
        graph.add({ type: "hosts", name: host, layer: GATEWAYS,
          kind: state === "unable" ? "bad" : "", note: state,
          rate: states.get(host)?.tunnel_bytes_per_s ?? 0 });
      }
      const kind = { standby: "out", unable: "broken" }[state] ?? "";

      graph.nodes.get(id).kind ||= GATEWAY[state];
      graph.join(id, `routers/${name}`, { kind,
        said: `${state}${reason ? `: ${reason}` : ""}` });
      graph.join(`networks/${outside}`, id, { kind });
    }
  }
}

function addAddresses(graph, data, groupOf) {
  const down = new Map(data.summary.balancers.degraded.map((one) =>
    [one.name, one]));

  for (const { name, spec, status } of data.balancers) {
    const few = down.get(name);
    const id = `loadbalancers/${name}`;
    const { bytes_per_s: rate } = status.load;

    graph.add({ type: "loadbalancers", name, layer: VIRTUAL, rate,
      kind: few ? few.serving ? "wait" : "bad" : "ok", tag: "◆",
      note: `${spec.vip}, ${status.n_serving}/${status.n_backends}` });
    spec.networks.forEach((n) => graph.join(`networks/${n}`, id, { rate }));
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
 * others. */
function prune(graph, network) {
  const kept = new Set([...graph.nodes.values()].filter((node) =>
    node.layer === PORTS || node.id === `networks/${network}`));
  const above = (layer) => graph.edges.forEach(({ from, to }) => {
    if (from.layer === layer && kept.has(to)) {
      kept.add(from);
    }
  });

  [VIRTUAL, NETWORKS, FLOATING, ROUTERS, GATEWAYS, OUTSIDE].forEach(above);
  for (const [id, node] of graph.nodes) {
    if (!kept.has(node)) {
      graph.nodes.delete(id);
    }
  }
  graph.edges = graph.edges.filter(({ from, to }) => kept.has(from)
    && kept.has(to));
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
  if (data.network && !graph.nodes.has(`networks/${data.network}`)) {
    // One of those with fewer ports than those that are listed.
    graph.add({ type: "networks", name: data.network, layer: NETWORKS,
      ports: data.shown.length });
  }
  groups.forEach((group) => graph.add(group));
  addRouters(graph, routers, summary.hosts);
  for (const { id, network, rate } of groups) {
    graph.join(`networks/${network}`, id, { rate });
  }
  addAddresses(graph, data, groupOf);
  if (data.filtered) {
    prune(graph, data.network);
  }
  return { nodes: [...graph.nodes.values()], edges: graph.edges };
}
