// SPDX-License-Identifier: Apache-2.0
//
// The paths between hosts, where app paths measures them: those in trouble for
// the picture, and those of one host.

import { get } from "./api.js";
import { badge, h, renew, replace } from "./dom.js";
import { ago, ms, number, plural } from "./format.js";
import { setRows, table } from "./table.js";

const OF_HOST_MAX = 1000;
const TROUBLE_MAX = 1000;
const KIND = { up: "ok", lossy: "wait", mtu: "wait", down: "bad",
  unknown: "off" };
/* The worst one first. */
const TROUBLE = ["down", "mtu", "lossy"];

/** Paths in trouble, by host: { host: [{ state ... }] }; none are measured
 * where the app is not loaded. */
export async function pathTrouble(signal) {
  // Each by itself: those that are well may be hundreds of thousands.
  const all = await Promise.all(TROUBLE.map(async (state) => (await get(
    "paths", { state, limit: TROUBLE_MAX }, signal)).items.filter((path) =>
    path.state === state)));
  return byHost(all.flat());
}

/** Paths by the host that has them: that end which has more of them in
 * trouble, so that one host that is cut off is not told at all the others;
 * both where neither has. */
export function byHost(paths) {
  const n = new Map();
  const found = new Map();

  for (const { host, peer } of paths) {
    n.set(host, (n.get(host) ?? 0) + 1);
    n.set(peer, (n.get(peer) ?? 0) + 1);
  }
  for (const path of paths) {
    const more = n.get(path.host) - n.get(path.peer);

    for (const host of more > 0 ? [path.host] : more < 0 ? [path.peer]
      : [path.host, path.peer]) {
      found.set(host, found.get(host) ?? []);
      found.get(host).push(path);
    }
  }
  return found;
}

/** "2 paths down, 1 lossy"; "" for none. */
export const troubleText = (paths = []) => TROUBLE.map((state) => [state,
  paths.filter((path) => path.state === state).length])
  .filter(([, n]) => n).map(([state, n], i) => i ? `${n} ${state}`
    : `${n} ${n === 1 ? "path" : "paths"} ${state}`).join(", ");

/** The part of a host's panel; see parts in object.js. */
export function pathsPart(host) {
  const root = h("div", {});
  const head = h("div", {});
  const made = table({
    label: "Paths", most: 8, key: (path) => `${path.host} ${path.peer}`,
    columns: [
      { title: "To", width: "1fr", cell: (path) => path.host === host
        ? path.peer : path.host },
      { title: "State", width: "92px", cell: (path) => badge(KIND[path.state],
        path.state, path.reason) },
      { title: "Latency", width: "78px", right: true, cell: (path) =>
        path.latency_us === undefined ? "–" : ms(path.latency_us) },
      { title: "Lost", width: "70px", right: true, cell: (path) =>
        path.probes ? `${number(path.lost)}/${number(path.probes)}` : "–" },
      { title: "MTU", width: "60px", right: true, cell: (path) =>
        number(path.mtu) },
      { title: "Since", width: "88px", cell: (path) => path.since
        ? ago(path.since) : "–" },
    ],
  });

  function show({ measured, items, total }) {
    if (!measured) {
      replace(root);
      return;
    }
    const trouble = troubleText(items);

    renew(head, h("h3", {}, `Paths to ${plural(total, "host")}`),
      trouble ? h("p", {}, badge("bad", trouble)) : null,
      items.filter(({ reason }) => reason).slice(0, 3).map(({ reason }) =>
        h("p", { class: "faint" }, reason)));
    setRows(root, made, items, [], head);
  }

  return { root, async load(object, signal) {
    try {
      const found = await get("paths", { host, limit: OF_HOST_MAX }, signal);

      return () => show(found);
    } catch (error) {
      if (signal.aborted) {
        throw error;
      }
      return () => replace(root, error.status === 404 ? null
        : h("p", { class: "faint" }, `Paths to others: ${error.message}`));
    }
  } };
}
