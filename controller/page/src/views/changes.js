// SPDX-License-Identifier: Apache-2.0
//
// The log of revisions: who changed what, on which hosts it is installed, and
// how long it took.

import { call, get } from "../api.js";
import { badge, empty, errorBox, facts, h, panel, plainTable, replace }
  from "../dom.js";
import { changes, installedOn, ms, number, plural, when, WHEN_WIDTH }
  from "../format.js";
import * as live from "../live-events.js";
import { fieldNodes } from "../plan.js";
import { table } from "../table.js";

export const path = "changes";
export const title = "Changes";

const PAGE = 500;
const CONTENTS_MAX = 20;

const STEPS = [["apply", "apply"], ["compile", "compile"], ["store", "store"],
  ["send", "send"], ["installed", "installed, all of it"]];
const HOST_KIND = { confirmed: "ok", pending: "wait", offline: "off",
  failed: "bad" };

// One revision.  ------------------------------------------------------------

function changesTable(list) {
  return plainTable("Changes", ["Change", "Type", "Name"], list.map((c) =>
    [c.op, c.type, c.name]));
}

/** What became of the objects, field by field; of many, of the first ones. */
function contentsNodes(found) {
  const contents = (found.contents ?? []).filter((o) => o.fields?.length);

  return [
    contents.slice(0, CONTENTS_MAX).map((o) => [
      h("h4", {}, `${o.type}/${o.name}`), fieldNodes(o)]),
    contents.length > CONTENTS_MAX ? h("p", { class: "hint" },
      `and ${plural(contents.length - CONTENTS_MAX, "more object")}`) : null];
}

function flowsTable(flows) {
  return plainTable("Flows", ["App", ...["Added", "Changed", "Removed"].map(
    (t) => ({ title: t, right: true }))], flows.map((f) => [f.app,
    ...[f.added, f.changed, f.removed].map(number)]));
}

/** Hosts that have not confirmed come first. */
function hostsTable(hosts) {
  const rank = { failed: 0, offline: 1, pending: 2, confirmed: 3 };
  const made = table({
    label: "Receipts of hosts", most: 14, key: (host) => host.host,
    columns: [
      { title: "Host", width: "1fr", cell: (host) => host.host },
      { title: "State", width: "110px", cell: (host) =>
        badge(HOST_KIND[host.state], host.state) },
      { title: "Time", width: WHEN_WIDTH, cell: (host) => when(host.time) },
      { title: "Reason", width: "2fr", cell: (host) => host.reason ?? "" },
    ],
  });

  return { made, rows: [...hosts].sort((a, b) =>
    rank[a.state] - rank[b.state]) };
}

function receipt(found) {
  const one = found.receipt;

  if (!one) {
    return { parts: empty("There is no receipt of this revision."),
      fill() {} };
  }
  const counts = {};

  for (const host of one.hosts) {
    counts[host.state] = (counts[host.state] ?? 0) + 1;
  }
  const { made, rows } = hostsTable(one.hosts);
  const parts = [
    h("p", {}, one.installed
      ? badge("ok", one.recorded ? installedOn(one.hosts.length)
        : "all hosts are past it")
      : Object.entries(counts).map(([state, n]) => [
        badge(HOST_KIND[state], `${number(n)} ${state}`), " "])),
    one.hosts.length ? made.root : null,
    h("h3", {}, "Flows"),
    one.flows.length ? flowsTable(one.flows)
      : h("p", { class: "faint" }, one.recorded
        ? "No flow was changed by it."
        : "Not recorded: which flows it changed is not known."),
  ];

  return { parts, fill: () => made.set(rows) };
}

/** Puts what would take the revision back into a draft, to be reviewed. */
function undoer(found, signal) {
  const out = h("div", { "aria-live": "polite" });
  const name = `undo-${found.revision}`;

  async function make() {
    try {
      await call("POST", `revisions/${found.revision}/undo`, { signal,
        query: { draft: name } });
      location.hash = `#/drafts/${name}`;
    } catch (error) {
      if (!signal.aborted) {
        replace(out, errorBox(error));
      }
    }
  }
  return [h("p", { class: "buttons start" }, h("button", { type: "button",
    title: `Makes draft ${name}, which is planned and applied by itself`,
    onclick: make }, "Undo by a draft")), out];
}

function detail(found, signal) {
  const { parts, fill } = receipt(found);
  const duration = found.duration_us;

  return { fill, node: [
    facts([["Time", when(found.time)], ["Who", found.who],
      ["Comment", found.comment ?? null],
      ["Undoes", found.undoes
        ? `changes in revision ${number(found.undoes)}` : null],
      ["Draft", found.draft ? found.draft + (found.draft_author
        && found.draft_author !== found.who ? ` by ${found.draft_author}` : "")
        : null],
      ["Taken back", found.restored_over ? `by revision ${
        number(found.restored_over)}, the restore of a backup` : null],
      ["Duration", duration ? STEPS.filter(([k]) => duration[k] !== undefined
        && duration[k] !== null).map(([k, word]) =>
        `${word} ${ms(duration[k])}`).join(", ") : null]]),
    h("h3", {}, plural(found.changes.length, "change")),
    found.changes.length ? changesTable(found.changes)
      : h("p", { class: "faint" }, "Only what hosts report, which is not "
        + "stored, or it is too old for the log."),
    contentsNodes(found),
    found.contents?.length && !found.restored_over ? undoer(found, signal)
      : null,
    h("h3", {}, "Receipt"), parts,
  ] };
}

// The list.  ----------------------------------------------------------------

/** The progress of the newest revisions: revision -> group. */
function groupOf(groups, revision) {
  return groups.find((g) => g.first_revision !== null
    && g.first_revision <= revision && revision <= g.revision);
}

function progress(hosts, restoredOver) {
  if (restoredOver) {
    return badge("off", "taken back",
      `By revision ${number(restoredOver)}, the restore of a backup`);
  }
  if (!hosts) {
    return h("span", { class: "faint" }, "not known");
  }
  const { concerned, confirmed } = hosts;

  return concerned === confirmed
    ? badge("ok", concerned ? `${number(concerned)}` : "no host",
      "All hosts concerned have it")
    : badge("wait", `${number(confirmed)} of ${number(concerned)}`,
      "Hosts that have it, of those concerned");
}

function makeList(state, open, end) {
  return table({
    label: "Revisions, the newest first", most: 24, end,
    key: (r) => r.revision, open,
    columns: [
      { title: "Revision", width: "76px", right: true,
        cell: (r) => number(r.revision) },
      { title: "Time", width: WHEN_WIDTH, cell: (r) => when(r.time) },
      { title: "Who", width: "minmax(116px, .5fr)", cell: (r) => r.who },
      { title: "Changes", width: "2fr", cell: (r) =>
        (r.undoes ? `undo of changes in ${number(r.undoes)}: ` : "")
        + changes(r.changes) + (r.comment ? ` – ${r.comment}` : "") },
      { title: "Installed", width: "96px",
        cell: (r) => progress(
          groupOf(state.groups, r.revision)?.hosts ?? r.hosts,
          r.restored_over) },
    ],
  });
}

function matches(words, item) {
  const text = `${item.revision} ${item.who} ${item.comment ?? ""} ${
    item.changes.map((c) =>
    `${c.op} ${c.type}/${c.name}`).join(" ")}`.toLowerCase();

  return words.every((word) => text.includes(word));
}

export function mount(root, { signal, words }) {
  const state = { items: [], groups: [], older: true, loading: false,
    looked: false };
  const search = h("input", { type: "search", "aria-label": "Search",
    placeholder: "who, type or name …", oninput: () => draw() });
  const people = h("input", { type: "checkbox", onchange: () => draw() });
  const failed = h("div", {});
  const count = h("span", { class: "faint", role: "status" });
  const side = h("div", {}, empty("Choose a revision.",
    "Its receipts tell which hosts have it."));
  const body = h("div", {});
  const list = makeList(state, (r) => {
    history.replaceState(null, "", `#/changes/${r.revision}`);
    choose(r.revision);
  }, () => loadOlder());

  replace(root, failed, h("div", { class: "split" },
    panel("Revisions", { actions: [count] },
      h("div", { class: "filters" }, search,
        h("label", {}, people, " without what hosts report")), body),
    panel("Revision", { classes: "detail" }, side)));

  function draw() {
    const terms = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const rows = state.items.filter((item) => matches(terms, item)
      && !(people.checked && item.who?.startsWith("host:")));

    replace(count, `${number(rows.length)} of the newest `
      + number(state.items.length));
    if (rows.length) {
      if (!body.contains(list.root)) {
        replace(body, list.root);
      }
      list.set(rows);
    } else {
      replace(body, state.items.length
        ? empty("Nothing matches.", "Only what is loaded is searched.",
          state.older ? h("button", { type: "button",
            onclick: () => loadOlder() }, "Load older ones") : null)
        : state.scoped ? empty("This account has changed nothing yet.",
          "Changes of other accounts are not shown to it.")
        : empty("Nothing was changed yet.", "Whatever vmnctl or another "
          + "client changes is here at once."));
    }
  }

  let chosen = null;

  async function choose(revision) {
    chosen = revision;
    list.choose(revision);
    try {
      const found = await get(`revisions/${revision}`, { contents: true },
        signal);

      if (chosen === revision) {
        const made = detail(found, signal);

        replace(side, h("h3", {}, `Revision ${number(found.revision)}`),
          made.node);
        made.fill();
      }
    } catch (error) {
      if (!signal.aborted) {
        replace(side, errorBox(error));
      }
    }
  }

  /** The newest own changes of an account with a scope: one answer may have
   * none, and say where vmnd has stopped to look. */
  async function ownBefore(before) {
    for (;;) {
      const page = await get("revisions", { limit: PAGE,
        ...before === undefined ? {} : { before } }, signal);

      if (page.items.length || page.next === undefined) {
        return page;
      }
      before = page.next;
    }
  }

  async function loadOlder() {
    const first = state.items.at(-1)?.revision;

    if (state.loading || !state.older || first === undefined || first <= 1) {
      return;
    }
    state.loading = true;
    try {
      // Revision numbers have gaps: reports of hosts are not stored.
      const after = Math.max(0, first - 1 - PAGE);
      const page = await (state.scoped ? ownBefore(first)
        : get("revisions", { after, limit: PAGE }, signal));
      const items = page.items.filter((item) => item.revision < first);

      state.older = state.scoped ? page.next !== undefined : after > 0;
      state.items.push(...items.reverse());
      draw();
    } catch (error) {
      if (!signal.aborted) {
        replace(failed, errorBox(error));
      }
    } finally {
      state.loading = false;
    }
  }

  const refresh = live.calmly(async () => {
    try {
      const newest = state.items[0]?.revision;
      // What vmnd did for them is of the whole network: an account with a
      // scope sees the changes that it has made itself.
      const activity = await get("activity", { limit: 256 }, signal).catch(
        (error) => {
          if (error.status !== 403) {
            throw error;
          }
          state.scoped = true;
          return { items: [] };
        });
      // All of the log is looked through once: not each time that there is
      // nothing.
      const page = await (state.scoped && !state.looked ? ownBefore()
        : get("revisions", newest === undefined || state.scoped
          ? { limit: PAGE } : { after: newest, limit: 1000 }, signal));

      state.looked = true;
      state.groups = activity.items;
      state.items = [...page.items.filter((item) => newest === undefined
        || item.revision > newest).reverse(), ...state.items];
      replace(failed);
      draw();
      if (chosen !== null && chosen >= (newest ?? 0) - 50) {
        choose(chosen);
      }
    } catch (error) {
      if (!signal.aborted) {
        replace(failed, errorBox(error, refresh));
      }
    }
  });

  live.on(["revision", "installed", "tick", "reset"], refresh, signal);
  if (/^\d+$/.test(words[0] ?? "")) {
    choose(Number(words[0]));
  }
  refresh();
}
