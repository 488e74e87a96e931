// SPDX-License-Identifier: Apache-2.0
//
// Who sends how much to whom, as switches count it: a map, those who send and
// get most, and how much of it goes from host to host.

import { at, get } from "../api.js";
import { makeAsker } from "../asker.js";
import { empty, h, newId, panel, replace } from "../dom.js";
import { bytes, number, short, since } from "../format.js";
import * as live from "../live-events.js";
import { endName, makeMap } from "../traffic-map.js";
import { table } from "../table.js";

export const path = "traffic";
export const title = "Traffic";

const BY = { host: "host", network: "network", label: "label", group: "group",
  port: "port" };
const APP_TYPE = "traffic-counts";
const PLACES = { host: "topology/hosts", network: "topology/networks",
  group: "objects/groups", port: "topology/ports" };
const SPANS = { 600: "10 minutes", 3600: "hour", 21600: "6 hours" };
const PAIRS_MAX = 500;
const LABEL = "role";           // Until somebody asks for another.

/* Names in parentheses are of no object. */
const addressOf = (by) => (name, deleted) => PLACES[by] && !deleted
  && !name.startsWith("(")
  ? `#/${PLACES[by]}/${encodeURIComponent(name)}` : null;

const named = (by, name, deleted) => {
  const to = addressOf(by)(name, deleted);

  return to ? h("a", { href: to, title: name }, name)
    : endName(name, deleted);
};

const percent = (share) => `${(100 * share).toFixed(1)} %`;

// What there is if nothing is counted.  --------------------------------------

const command = (...lines) => h("pre", { role: "group", tabindex: "0",
  "aria-label": "Commands" }, lines.join("\n"));

/** Why the app counts nothing, or null.  Its type stays while there are
 * objects of it, whether it is loaded or not. */
async function unserved(signal) {
  const { types } = await get("", {}, signal);

  if (!types.some((one) => one.type === APP_TYPE)) {
    return "app traffic is not loaded";
  }
  // An account with a scope may not ask for types.
  const found = await get(at("types", APP_TYPE), {}, signal).catch((error) => {
    if (error.status === 403 || error.status === 404) {
      return null;
    }
    throw error;
  });

  return !found || found.status.served ? null : found.status.reason
    ?? "app traffic is not loaded";
}

/** What to do where the app counts nothing: nodes, or null. */
async function missing(signal) {
  const why = await unserved(signal);

  return why === null ? null : [empty(`Traffic is not counted: ${why}.`,
    "It is one of those that come with VMN. ", why.endsWith("disabled")
      ? "To have it count again:"
      : "Load it, and say for which networks it is to count:"),
  why.endsWith("disabled") ? command("vmnctl app enable traffic") : command(
    "vmnctl app load /usr/lib/*/vmn/apps/traffic.so --wait",
    "vmnctl apply -f - --wait <<'END'", `type: ${APP_TYPE}`,
    "name: all", "spec: {all_networks: true}", "END")];
}

/** Why nothing was counted. */
async function nothing(signal) {
  const { items } = await get(APP_TYPE, { limit: 1 }, signal);

  // An account with a scope may not see those of others.
  return items.length ? empty("Nothing was counted in that time.",
    "Counters are read every few seconds, and the first packets of a pair "
    + "are not among them.") : empty("This account sees no network whose "
    + "traffic is counted.", "An object of type traffic-counts says of which "
    + "networks it is: ", h("a", { href: "#/objects/traffic-counts/+" },
    "make one"), ".");
}

// What was counted.  ---------------------------------------------------------

function shareBar(found) {
  const all = Math.max(1, found.bytes);
  const part = (kind, n, text) => h("span", { class: `part ${kind}`,
    title: `${text}: ${bytes(n)}`, style: { width: `${100 * n / all}%` } });

  return h("div", { class: "share", role: "img", "aria-label":
    `from host to host ${bytes(found.cross_host_bytes)}, on one host ${
      bytes(found.same_host_bytes)}, else ${bytes(found.other_bytes)}` },
  part("cross", found.cross_host_bytes, "from host to host"),
  part("same", found.same_host_bytes, "on one host"),
  part("other", found.other_bytes, "from elsewhere"));
}

const fact = (name, value, kind) => h("li", {}, kind
  ? h("span", { class: `dot ${kind}` }) : null, h("span", { class: "faint" },
  `${name} `), h("strong", {}, value));

function sums(found) {
  return [h("ul", { class: "legend" },
    fact("All", `${bytes(found.bytes)}, ${number(found.packets)} packets`),
    fact("From host to host", bytes(found.cross_host_bytes), "cross"),
    fact("On one host", bytes(found.same_host_bytes), "same"),
    fact("From elsewhere", bytes(found.other_bytes), "other"),
    fact("Cross-host share", percent(found.cross_host_share))),
  shareBar(found)];
}

/** What is not in the figures. */
function doubts(found) {
  const said = [
    found.uncertain_bytes ? `A pair may have up to ${
      bytes(found.uncertain_bytes)} less than is said.` : "",
    found.unlisted_bytes ? `A pair that is not listed has ${
      bytes(found.unlisted_bytes)} at most.` : "",
    found.full_hosts ? `${number(found.full_hosts)} hosts count no further `
      + "pairs." : "",
    found.unread_hosts ? `${number(found.unread_hosts)} hosts are not read `
      + "yet." : "",
    found.matching > found.pairs.length ? `The table has ${
      number(found.pairs.length)} of ${number(found.matching)} pairs.` : "",
    found.talkers.length >= PAIRS_MAX ? "Of those who send and get it has "
      + `${number(PAIRS_MAX)}.` : ""].filter(Boolean);

  return said.length ? h("p", { class: "hint" }, said.join(" ")) : null;
}

/** What the figures of groups add up to. */
const overlap = (by) => by === "group" ? h("p", { class: "hint" }, "A port "
  + "that is in several groups counts in each of them, and in the sums above "
  + "once.") : null;

const talkerTable = (by) => table({
  label: "Top talkers", most: 12, key: (t) => endName(t.name, t.deleted),
  columns: [{ title: "Who", width: "1.4fr",
    cell: (t) => named(by, t.name, t.deleted) },
    { title: "Sent", width: "86px", right: true,
      cell: (t) => bytes(t.sent_bytes) },
    { title: "Received", width: "86px", right: true,
      cell: (t) => bytes(t.received_bytes) }],
});

const pairTable = (by) => table({
  label: "Top pairs", most: 12, key: (p) => `${p.src} ${p.dst} ${
    p.src_deleted} ${p.dst_deleted}`,
  columns: [{ title: "From", width: "1fr",
    cell: (p) => named(by, p.src, p.src_deleted) },
  { title: "To", width: "1fr",
    cell: (p) => named(by, p.dst, p.dst_deleted) },
  { title: "Bytes", width: "86px", right: true,
    cell: (p) => bytes(p.bytes) },
  { title: "Packets", width: "70px", right: true,
    cell: (p) => short(p.packets) },
  { title: "Host to host", width: "86px", right: true,
    cell: (p) => bytes(p.cross_host_bytes) }],
});

// The view.  -----------------------------------------------------------------

export function mount(root, { signal, words }) {
  const ids = [newId(), newId(), newId()];
  const failed = h("div", {});
  const body = h("div", { class: "stack" }, h("p", { class: "loading" },
    "Loading …"));
  const options = (all) => Object.entries(all).map(([value, text]) =>
    h("option", { value }, text));
  const by = h("select", { id: ids[0], onchange: ask }, options(BY));
  const label = h("input", { id: ids[1], class: "short", spellcheck: "false",
    value: words[1] ?? LABEL, onchange: ask });
  const span = h("select", { id: ids[2], onchange: ask }, options(SPANS));
  const field = (i, text, input) => h("span", { class: "field" },
    h("label", { for: ids[i] }, text), input);
  const labelField = field(1, "Key of the label", label);
  let shown = null;             // Of what: { key, map, talkers, pairs, sums }.
  let found = null;             // What the map is of, or null.
  let wanted = null;            // What is asked: { by, label, span }.
  let asked = false;            // Whether the app is known to be loaded.

  if (words[0] in BY) {
    by.value = words[0];
  }
  span.value = 3600;
  const question = panel("Traffic", {}, h("form", { class: "question",
    onsubmit(event) {
      event.preventDefault();
      ask();
    } }, field(0, "By", by), labelField, field(2, "In the last", span)));

  replace(root, failed, h("div", { class: "stack" }, question, body));

  /** The parts for what is asked now. */
  function parts() {
    const made = { key: `${wanted.by} ${wanted.label}`, map: makeMap(),
      sums: h("div", {}), talkers: talkerTable(wanted.by),
      pairs: pairTable(wanted.by) };

    replace(body, panel("Map", {}, made.sums, made.map.root),
      h("div", { class: "columns" }, h("div", {}, panel("Top talkers", {},
        made.talkers.root)), h("div", {}, panel("Top pairs", {},
        made.pairs.root))));
    return made;
  }

  function showFound() {
    if (shown?.key !== `${wanted.by} ${wanted.label}`) {
      shown = parts();
    }
    replace(shown.sums, sums(found), overlap(wanted.by), doubts(found));
    shown.map.set(found, addressOf(wanted.by));
    shown.talkers.set([...found.talkers].sort((a, b) => b.sent_bytes
      + b.received_bytes - a.sent_bytes - a.received_bytes));
    shown.pairs.set(found.pairs);
  }

  /** { why } where nothing is counted, or { found, none }. */
  async function request(call) {
    const why = asked ? null : await missing(call);

    if (why) {
      return { why };
    }
    const reply = await get("traffic", { group_by: wanted.by, limit: PAIRS_MAX,
      label: wanted.by === "label" ? wanted.label : undefined,
      since: since(Number(wanted.span)) }, call);

    return { found: reply, none: reply.pairs.length ? null
      : await nothing(call) };
  }

  function show(reply) {
    const instead = reply.why ?? reply.none;

    asked = !reply.why;
    found = instead ? null : reply.found;
    question.hidden = Boolean(reply.why);
    if (!instead) {
      showFound();
      return;
    }
    const made = panel("Not counted", {}, instead, reply.found
      ? doubts(reply.found) : null);

    // A box that is the same keeps what is selected in it.
    if (shown || body.textContent !== made.textContent) {
      replace(body, made);
    }
    shown = null;
  }

  const asker = makeAsker({ question: () => JSON.stringify(wanted),
    ask: request, show, failed, signal });

  /** What is asked changes when it is entered, not while it is typed. */
  function read() {
    wanted = { by: by.value, label: label.value.trim(), span: span.value };
    labelField.hidden = wanted.by !== "label";
  }

  function ask() {
    read();
    found = null;               // What is drawn is the answer to another.
    history.replaceState(null, "", `#/traffic/${wanted.by}${
      wanted.by === "label" ? `/${encodeURIComponent(wanted.label)}` : ""}`);
    asker.now();
  }

  read();
  question.hidden = true;       // Until it is known that there is something.
  window.addEventListener("resize", live.calmly(async () => found
    && showFound()), { signal });
  live.on(["tick"], asker.soon, signal);
  live.on(["reset"], () => {
    asked = false;              // Another vmnd may be there.
    asker.again();
  }, signal);
  live.on(["revision"], () => {
    asked = false;              // It may be counted from now on, or no more.
    asker.again();
  }, signal);
  asker.now();
}
