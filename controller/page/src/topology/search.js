// SPDX-License-Identifier: Apache-2.0
//
// What the search of the topology finds.

import { beginning } from "../api.js";
import { WORDS } from "../object.js";
import { table } from "../table.js";

const FOUND_MAX = 50;

/** [{ type, name }] of what has 'text' in its name; ports also by an address
 * or a label. */
export async function find(text, data, signal) {
  const has = (one) => one.name.includes(text);
  const rows = (type, items) => items.filter(has).slice(0, FOUND_MAX)
    .map((one) => ({ type, name: one.name }));
  const found = [...rows("hosts", data.summary.hosts),
    ...rows("networks", data.summary.networks),
    ...rows("routers", data.routers),
    ...rows("loadbalancers", data.balancers)];

  if (data.ports) {
    const ports = data.ports.filter((p) => has(p)
      || p.status.ips?.includes(text)
      || Object.entries(p.spec.labels ?? {}).some(([k, v]) =>
        `${k}=${v}` === text));

    return [...found, ...ports.slice(0, FOUND_MAX).map((p) =>
      ({ type: "ports", name: p.name }))];
  }
  // By prefix, as lists can be continued from a name.
  for (const type of ["ports", "networks"]) {
    const some = await beginning(type, text, FOUND_MAX, signal);

    found.push(...some.map(({ name }) => ({ type, name })));
  }
  const seen = new Set();

  return found.filter(({ type, name }) => !seen.has(`${type}/${name}`)
    && seen.add(`${type}/${name}`));
}

export function resultTable() {
  return table({
    label: "Found", most: 20, key: (r) => `${r.type}/${r.name}`,
    open: (r) => { location.hash =
      `#/topology/${r.type}/${encodeURIComponent(r.name)}`; },
    columns: [{ title: "Type", width: "100px", cell: (r) => WORDS[r.type] },
      { title: "Name", width: "1fr", cell: (r) => r.name }],
  });
}
