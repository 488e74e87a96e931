// SPDX-License-Identifier: Apache-2.0
//
// Drafts: changes that are kept to be reviewed.  What each would do, to flows,
// to who reaches whom and to open connections; then it is applied, or dropped.
// They are written by vmnctl or the API, or made of a revision that is to be
// undone (views/changes.js).

import { at, call, get, list } from "../api.js";
import { confirm } from "../dialog.js";
import { badge, code, empty, errorBox, facts, h, panel, plainTable, replace }
  from "../dom.js";
import { number, plural, when, WHEN_WIDTH } from "../format.js";
import * as live from "../live-events.js";
import { planNodes, receiptNodes } from "../plan.js";
import { differences, verdictBadge } from "../policy-edit.js";
import { table } from "../table.js";

export const path = "drafts";
export const title = "Drafts";

const CHANGES_SHOWN = 100;
const EMPTY = "vmnctl apply --draft NAME keeps changes as one, and so do "
  + "delete, label, patch and others; and a revision's undo.";

const valueText = (value) => value === undefined ? "(none)"
  : JSON.stringify(value);

// One draft.  ---------------------------------------------------------------

function changeNode(change) {
  const name = [h("strong", {}, change.op ?? "put"),
    ` ${change.type}/${change.name}`, change.cascade
      ? ", and out of what refers to it" : ""];

  return h("li", {}, change.spec === undefined ? name
    : h("details", {}, h("summary", {}, name),
      h("div", {}, code(JSON.stringify(change.spec, null, 1)))));
}

// Of an object as a whole members alone are left out.
function isTold(c) {
  return !c.left_out || (!c.path && Boolean(c.base ?? c.now ?? c.draft));
}

function conflictsTable({ conflicts, n_conflicts: n }) {
  return [h("h3", {}, plural(n, "conflict")),
    h("p", {}, "What it changes has been changed since. It can be planned and "
      + "applied once that is changed back, or the draft is written anew."),
    plainTable("Conflicts", ["Field", "It was", "It is", "The draft makes it",
      "Changed by"], conflicts.map((c) => [
      `${c.type}/${c.name} ${c.path || (c.left_out
        ? "without what is long" : "")}`,
      ...[c.base, c.now, c.draft].map((value) => isTold(c)
        ? code(valueText(value)) : "(long)"),
      c.revision ? [h("a", { href: `#/changes/${c.revision}` },
        number(c.revision)), c.who ? ` ${c.who}` : ""] : "–"])),
    n > conflicts.length ? h("p", { class: "hint" },
      `and ${plural(n - conflicts.length, "more conflict")}`) : null];
}

function connectionsNodes(found) {
  if (!found.networks.length) {
    return h("p", { class: "faint" }, "No network is observed, so open "
      + "connections are not known.");
  }
  return [h("p", {}, found.n_ended
    ? badge("wait", `${plural(found.n_ended, "connection")} would be cut`)
    : badge("ok", "no connection would be cut"),
  ` of ${number(found.observed)} that were observed`,
  found.unchecked ? `; ${number(found.unchecked)} were not compared` : ""),
  found.ended.length ? plainTable("Connections that would be cut", ["From",
    "To", "Service", "Then"], found.ended.map((one) => [one.from, one.to,
    one.service, one.after ? verdictBadge(one.after)
      : badge("off", "its port is gone")])) : null];
}

function effectsNodes(found) {
  const [other, same] = [found.services.filter((s) => s.changes.length),
    found.services.filter((s) => !s.changes.length)];

  return [h("h3", {}, "Who reaches whom"),
    other.map((one) => [h("h4", {}, one.service), differences(one.changes)]),
    same.length ? h("p", { class: "faint" }, "As before on "
      + `${same.map((one) => one.service).join(", ")}.`) : null,
    found.more_services ? h("p", { class: "hint" },
      `${plural(found.more_services, "service")} were not compared.`) : null,
    h("h3", {}, "Connections"), connectionsNodes(found.connections)];
}

/** The effects of the draft whose ETag is 'etag', as elements. */
async function effectsOf(name, etag, signal) {
  try {
    const found = await get(`${at("drafts", name)}/effects`, {}, signal);

    return found.etag === etag ? effectsNodes(found) : h("p", {},
      badge("wait", "changed meanwhile"), " Plan it again.");
  } catch (error) {
    if (error.name === "AbortError") {
      throw error;
    }
    return error.status === 403 ? h("p", { class: "faint" }, "Whom it would "
      + "let reach whom is for accounts without a scope.") : errorBox(error);
  }
}

/** Plan, Apply and Drop.  'done' is called with what is to be said once the
 * draft is gone. */
function steps(draft, signal, done) {
  const out = h("div", { class: "said", "aria-live": "polite" });
  const button = (label, kind, work) => h("button", { type: "button",
    class: kind, onclick: () => attempt(work) }, label);
  const headers = { "If-Match": `"${draft.metadata.etag}"` };
  const where = at("drafts", draft.name);
  const planner = button("Plan", null, plan);
  const applier = button("Apply", "main", apply);
  const dropper = button("Drop", "danger", drop);
  let planned = false;

  async function attempt(work) {
    planner.disabled = applier.disabled = dropper.disabled = true;
    try {
      await work();
    } catch (error) {
      if (!signal.aborted) {
        planned = false;
        replace(out, errorBox(error));
      }
    } finally {
      planner.disabled = dropper.disabled = false;
      applier.disabled = !planned;
    }
  }

  async function plan() {
    replace(out, h("p", { class: "loading" }, "Planning …"));
    const found = await call("POST", `${where}/apply`, { signal, headers,
      query: { dry_run: "plan" } });
    // The draft itself goes as well, which is no news.
    const objects = found.objects.filter((o) => o.type !== "drafts");
    const effects = await effectsOf(draft.name, draft.metadata.etag, signal);

    planned = true;
    replace(out, h("h3", {}, "Plan"), planNodes({ ...found, objects,
      changed: objects.some((o) => o.op !== "unchanged") }), effects);
  }

  async function apply() {
    const answer = await call("POST", `${where}/apply`, { signal, headers,
      query: { wait: "installed", timeout: "10s" } });

    done([h("p", {}, `Draft ${draft.name} is applied.`),
      receiptNodes(answer)]);
  }

  async function drop() {
    if (await confirm(`Drop draft ${draft.name}`, h("p", {},
      "Its changes are not made, and not kept."), "Drop")) {
      await call("DELETE", where, { signal, headers });
      done(h("p", {}, `Draft ${draft.name} is dropped.`));
    }
  }

  applier.disabled = true;
  return [h("div", { class: "buttons start" }, planner, applier, dropper),
    out];
}

function detail(draft, signal, done) {
  const { spec, status } = draft;
  const changes = spec.changes.filter((change) => !change.unchanged);

  return [facts([["Description", spec.description ?? null],
    ["Author", spec.author || "–"],
    ["Written by", spec.writers?.join(", ") || null],
    ["Written", when(draft.metadata.updated)],
    ["Undoes", spec.undoes ? h("a", { href: `#/changes/${spec.undoes}` },
      `revision ${number(spec.undoes)}`) : null]]),
  status.n_conflicts ? conflictsTable(status) : null,
  h("h3", {}, plural(status.changes, "change")),
  h("ul", { class: "plain history" }, changes.slice(0, CHANGES_SHOWN)
    .map(changeNode)),
  changes.length > CHANGES_SHOWN ? h("p", { class: "hint" },
    `and ${plural(changes.length - CHANGES_SHOWN, "more change")}`)
    : null,
  spec.changes.length > changes.length ? h("p", { class: "hint" },
    `${plural(spec.changes.length - changes.length, "object")} as before`)
    : null,
  steps(draft, signal, done)];
}

// The list.  ----------------------------------------------------------------

const columns = [
  { title: "Name", width: "1.2fr", cell: (o) => o.name },
  { title: "Changes", width: "72px", right: true,
    cell: (o) => number(o.status.changes) },
  { title: "Author", width: "1fr", cell: (o) => o.spec.author || "–" },
  { title: "Written", width: WHEN_WIDTH,
    cell: (o) => when(o.metadata.updated) },
  { title: "Description", width: "2fr",
    cell: (o) => o.spec.description ?? "" },
];

const address = (name) => `#/drafts/${encodeURIComponent(name)}`;

export function mount(root, { signal, words }) {
  const count = h("span", { class: "faint", role: "status" });
  const body = h("div", {});
  const side = h("div", {});
  const sideTitle = h("span", {}, "Draft");
  const made = table({ label: "Drafts", most: 24, key: (o) => o.name, columns,
    open: (o) => { location.hash = address(o.name); } });
  let shown = { name: undefined, etag: null };

  replace(root, h("div", { class: "split even" },
    panel("Drafts", { actions: [count] }, body),
    panel(sideTitle, { classes: "detail" }, side)));

  const refresh = live.calmly(async () => {
    try {
      const { items } = await list("drafts", { signal });

      replace(count, plural(items.length, "draft"));
      if (!items.length) {
        replace(body, empty("There is no draft.", EMPTY));
      } else {
        if (!body.contains(made.root)) {
          replace(body, made.root);
        }
        made.set(items);
      }
      // What is shown is looked at anew only where it is another one by now:
      // its plan stays to be read.
      const now = items.find((o) => o.name === shown.name);

      if (now && shown.etag && now.metadata.etag !== shown.etag) {
        choose(shown.name);
      }
    } catch (error) {
      if (!signal.aborted) {
        replace(body, errorBox(error, refresh));
      }
    }
  });

  function done(said) {
    shown = { name: undefined, etag: null };
    made.choose(null);
    history.replaceState(null, "", "#/drafts");
    replace(sideTitle, "Draft");
    replace(side, said);
    refresh();
  }

  async function choose(name) {
    shown = { name, etag: null };
    made.choose(name ?? null);
    if (name === undefined) {
      replace(sideTitle, "Draft");
      replace(side, empty("Choose a draft.",
        "Its plan tells what it would do."));
      return;
    }
    replace(sideTitle, `Draft ${name}`);
    replace(side, h("p", { class: "loading" }, "Loading …"));
    try {
      const draft = await get(at("drafts", name), {}, signal);

      if (shown.name === name) {
        shown.etag = draft.metadata.etag;
        replace(side, detail(draft, signal, done));
      }
    } catch (error) {
      if (!signal.aborted && shown.name === name) {
        replace(side, error.status === 404 ? empty(
          `There is no draft ${name}.`, "It was applied or dropped: what it "
          + "has changed is among the changes.") : errorBox(error));
      }
    }
  }

  // A list has all that drafts would change, so it is asked for where there is
  // another one alone.
  live.on(["revision"], (_, { changes = [] }) => {
    if (changes.some((c) => c.more || c.type === "drafts")) {
      refresh();
    }
  }, signal);
  live.on(["reset"], refresh, signal);
  refresh();
  choose(words[0]);
  return ([name]) => choose(name);
}
