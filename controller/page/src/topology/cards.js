// SPDX-License-Identifier: Apache-2.0
//
// What the diagram is made of: its cards, which are hosts or networks, with
// their ports; and the colours of what these belong to.

import { get, list } from "../api.js";
import { pathTrouble, troubleText } from "../host-paths.js";
import { notUp } from "../object.js";

/* Above so many ports, each card says how many there are in a bar. */
const PORTS_MAX = 1000;
const NETWORKS_MAX = 1000;
export const PATHS = "paths between hosts"; // As they are called if missing.
export const COLOURS = 8;       // And one for all others; page.css has them.

/* hv2 before hv10. */
const inOrder = new Intl.Collator("en", { numeric: true });

/** What all views of the picture are made of.  'cut' says of which lists there
 * is more; 'extras' (extras.js) has what the picture can do without. */
export async function load(extras, signal) {
  const [summary, routers, balancers, paths] = await Promise.all([
    get("summary", { limit: NETWORKS_MAX }, signal),
    list("routers", { signal }), list("loadbalancers", { signal }),
    extras.get(PATHS, "", () => pathTrouble(signal),
      new Map())]);
  const p = summary.ports;
  const total = p.up + p.pending + p.down + p.unknown + p.unbound
    + p.external;
  const ports = total <= PORTS_MAX
    ? (await list("ports", { signal, most: PORTS_MAX })).items : null;

  return { summary, total, ports, routers: routers.items,
    balancers: balancers.items, paths,
    cut: { routers: routers.more, balancers: balancers.more } };
}

/** All that the picture follows from, as text, so that it is drawn anew only
 * if that is another.  Ports are not in it. */
export const drawnFrom = ({ summary, routers, balancers, paths, floating,
  drops, backends, forwarded, cut }) => JSON.stringify([{ ...summary,
  revision: 0 }, cut,
  routers.map(({ name, spec, status }) => [name, spec.interfaces,
    spec.external, status?.gateway, status?.gateways]),
  balancers.map(({ name, spec, status }) => [name, spec.vip, spec.networks,
    status?.n_serving, status?.n_backends, status?.load?.bytes_per_s]),
  [...paths].map(([host, some]) => [host, troubleText(some)]),
  floating?.map(({ name, spec }) => [name, spec]),
  drops && [drops.counters, drops.samples], backends && [...backends],
  forwarded && [...forwarded]]);

/** The names that get colours, in their order: of the networks (or hosts) that
 * have ports on a host, those with most. */
export function coloured({ summary }, by) {
  const others = by === "hosts" ? summary.networks : summary.hosts;
  const ports = new Map();

  for (const [host, network, n] of summary.placements) {
    if (host >= 0 && n) {
      const name = others[by === "hosts" ? network : host]?.name;

      ports.set(name, (ports.get(name) ?? 0) + n);
    }
  }
  const all = [...ports].sort((a, b) => b[1] - a[1]
    || inOrder.compare(a[0], b[0])).map(([name]) => name);

  // A colour does not change because the numbers of two of them do.
  return { names: all.slice(0, COLOURS).sort(inOrder.compare),
    more: Math.max(0, all.length - COLOURS) };
}

function addChips(cards, ports, hosts, colourOf) {
  const byName = new Map(cards.map((card) => [card.name, card]));

  for (const port of ports ?? []) {
    const card = byName.get(hosts ? port.status.host : port.spec.network);
    const other = hosts ? port.spec.network : port.status.host;

    card?.chips.push({ name: port.name, state: port.status.state,
      held: port.spec.quarantined || port.status.quarantines?.length > 0,
      other, colour: colourOf(other) });
  }
}

/** The contents of a view's cards: the same for hosts and networks. */
function cardsOf(data, by) {
  const { summary, ports, balancers, routers } = data;
  const hosts = by === "hosts";
  const mine = hosts ? summary.hosts : summary.networks;
  const others = hosts ? summary.networks : summary.hosts;
  const cards = mine.map((one) => ({ type: by, ...one, parts: [], chips: [],
    tags: [], rest: notUp(one), rate: one.bytes_per_s,
    trouble: hosts ? data.paths.get(one.name) ?? [] : [] }));
  const colours = new Map(coloured(data, by).names.map((name, i) =>
    [name, i]));
  const colourOf = (name) => colours.get(name) ?? COLOURS;

  for (const [host, network, n] of summary.placements) {
    const card = cards[hosts ? host : network];
    const other = others[hosts ? network : host]?.name ?? null;

    if (card && n) {
      card.parts.push({ n, other, colour: colourOf(other) });
    }
  }
  cards.forEach((card) => card.parts.sort((a, b) => a.colour - b.colour));
  addChips(cards, ports, hosts, colourOf);
  if (!hosts) {
    const byName = new Map(cards.map((card) => [card.name, card]));

    for (const lb of balancers) {
      lb.spec.networks.forEach((n) => byName.get(n)?.tags.push(lb.name));
    }
    for (const router of routers) {
      const outside = byName.get(router.spec.external?.network);

      if (outside) {
        outside.outside = true;
      }
    }
  }
  return cards;
}

/** Networks that a router joins are placed side by side. */
function sortNetworks(cards, routers) {
  const place = new Map();

  routers.forEach((router, i) => [...router.spec.interfaces?.map((one) =>
    one.network) ?? [], router.spec.external?.network].forEach((name) => {
    if (name && !place.has(name)) {
      place.set(name, i);
    }
  }));
  return cards.map((card, i) => [place.get(card.name) ?? routers.length, i,
    card]).sort((a, b) => a[0] - b[0] || a[1] - b[1])
    .map(([, , card]) => card);
}

/** The cards in the order in which they are placed. */
export function sortedCards(data, by) {
  const cards = cardsOf(data, by).sort((a, b) =>
    inOrder.compare(a.name, b.name));

  return by === "hosts" ? cards : sortNetworks(cards, data.routers);
}
