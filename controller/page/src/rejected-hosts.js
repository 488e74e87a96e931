// SPDX-License-Identifier: Apache-2.0
//
// Who wanted to be a host and was refused: a panel below the list of hosts,
// which is there while there is anybody.

import { get } from "./api.js";
import { h, panel, plainTable, replace } from "./dom.js";
import { number, when } from "./format.js";

const COLUMNS = ["Address", "Protocol", "Reason", { title: "Times",
  right: true }, "First", "Last"];

const row = (one) => [one.address, one.protocol, one.reason,
  number(one.count), when(one.first), when(one.last)];

/** { root, refresh }; an account with a scope is shown none. */
export function rejectedHosts(signal) {
  const root = h("div", {});

  async function refresh() {
    const { items } = await get("rejected-hosts", {}, signal).catch(
      (error) => {
        if (error.status === 403) {
          return { items: [] };
        }
        throw error;
      });

    replace(root, items.length ? panel("Rejected", {},
      plainTable("Who wanted to be a host and was refused, the newest first",
        COLUMNS, items.map(row)),
      h("p", { class: "hint" }, "What was refused is forgotten when a host's "
        + "switch connects from that address, and when vmnd ends.")) : null);
  }

  return { root, refresh };
}
