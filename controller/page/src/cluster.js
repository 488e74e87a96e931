// SPDX-License-Identifier: Apache-2.0
//
// The cluster that vmnd is a member of: a notice above all views while nothing
// can be changed, and a panel of its members.  Where vmnd is of none, nothing
// of it is shown, and it is asked once.

import { get } from "./api.js";
import { badge, h, panel, plainTable, replace } from "./dom.js";
import { duration, number, plural } from "./format.js";
import * as live from "./live-events.js";

const FILLING = 90;             // From which percentage on a disk is told.

const listeners = new Set();
let cluster = null;             // The last answer; null: none, or of none.
let alone = false;

/** Calls 'listener' with the cluster, or null, now and whenever it is asked
 * for anew, until 'signal' is aborted. */
function onCluster(listener, signal) {
  listeners.add(listener);
  signal?.addEventListener("abort", () => listeners.delete(listener));
  listener(cluster);
}

const ask = live.calmly(async () => {
  try {
    const answer = await get("cluster");

    alone = answer.role === "alone";
    cluster = alone ? null : answer;
  } catch (error) {
    if (error.status !== 403) {
      return;                   // It is away: the badge at the top says so.
    }
    alone = true;               // Not for this account.
    cluster = null;
  }
  listeners.forEach((listener) => listener(cluster));
});

// The notice.  --------------------------------------------------------------

function trouble({ connected, member, problem }) {
  return !connected ? ["Nothing can be changed. ", `Member ${member} does not `
    + "see the cluster's database, or most of its servers are gone. Traffic "
    + "goes on. Start the servers that are away: on their machines, systemctl "
    + "status vmn-ovsdb"]
    : problem ? [`Member ${member} has a problem. `, problem] : null;
}

/** What is above all views; asks from now on. */
export function clusterNotice() {
  const root = h("div", { class: "notices" });
  let shown = "";

  onCluster((found) => {
    const said = found && trouble(found);

    // Not anew each time: it is read aloud when it comes.
    if (String(said) !== shown) {
      shown = String(said);
      replace(root, said ? h("div", { class: "notice", role: "alert" },
        h("strong", {}, said[0]), said[1]) : null);
    }
  });
  live.on(["tick"], () => alone || ask());
  live.on(["reset", "state"], ask);     // Another vmnd may be there.
  ask();
  return root;
}

// The panel.  ---------------------------------------------------------------

const COLUMNS = ["Member", "Role", { title: "Behind", right: true },
  { title: "Hosts", right: true }, { title: "Heard", right: true }, "Version",
  "API"];

const ROLE_KIND = { writer: "ok", standby: "off", away: "bad" };

function row(one, { member }) {
  return [one.name === member ? `${one.name} (this one)` : one.name,
    badge(ROLE_KIND[one.role] ?? "wait", one.role),
    one.behind ? badge("wait", number(one.behind)) : "0",
    number(one.hosts),
    one.name === member ? "–"
      : one.role === "away" ? `${duration(Math.floor(one.heard))} ago`
        : `${one.heard.toFixed(1)} s ago`,
    one.version, one.address ?? "–"];
}

function contents(found) {
  const versions = new Set(found.members.map((one) => one.version));

  return panel("Cluster", { classes: "cluster" },
    plainTable("The members of the cluster", COLUMNS,
      found.members.map((one) => row(one, found))),
    found.writer ? null : h("p", { class: "hint" },
      "No member is the writer now."),
    versions.size > 1 ? h("p", { class: "hint" }, "Versions differ: do not "
      + "use yet what the older one does not know.") : null,
    found.unknown_fields ? h("p", { class: "hint" }, `Member ${found.member}: `
      + plural(found.unknown_fields, "row has", "rows have")
      + " fields that its version does not know. They are kept, and have no "
      + "effect while it is the writer.") : null,
    found.members.filter((one) => one.database_disk > FILLING).map((one) =>
      h("p", { class: "hint" }, "The disk of the cluster's database of member "
        + `${one.name} is full by ${one.database_disk} %. Make room: its `
        + "server takes no part any more once there is none.")));
}

/** The members, who writes, and how far each is behind; nothing where vmnd is
 * of no cluster. */
export function clusterPanel(signal) {
  const root = h("div", {});

  onCluster((found) => replace(root, found ? contents(found) : null), signal);
  return root;
}
