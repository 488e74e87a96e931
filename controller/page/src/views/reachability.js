// SPDX-License-Identifier: Apache-2.0
//
// Reachability on a service as a matrix, the rule that decides each cell, and
// what a change of a policy would alter.

import { at, get } from "../api.js";
import { badge, code, empty, facts, h, newId, panel, replace }
  from "../dom.js";
import { showErrors } from "../form-errors.js";
import { number, peer, plural, service, timeWindow } from "../format.js";
import { reference } from "../object.js";
import { policyEditor, verdictBadge } from "../policy-edit.js";
import { nameInput } from "../name-input.js";
import { address } from "./trace.js";

export const path = "reachability";
export const title = "Reachability";

const PROTOCOLS = ["tcp", "udp", "sctp", "icmp", "icmpv6"];
/* More ports than that are asked about by network. */
const ALL_MAX = 1000;
const MARK = { delivered: "✓", dropped: "✕", unreachable: "✕", mixed: "~",
  unknown: "?" };
const KIND = { delivered: "ok", dropped: "bad", unreachable: "bad",
  mixed: "wait", unknown: "wait" };
const WORD = { delivered: "yes", dropped: "no", unreachable: "unreachable",
  mixed: "some do", unknown: "unknown" };

// The matrix.  --------------------------------------------------------------

/** Which ports the row of those without a group is about. */
function ungroupedText({ n_ungrouped: n, ungrouped: named }) {
  return `${plural(n ?? 0, "port")}: ${(named ?? []).slice(0, 8).join(", ")}`;
}

/** Rows and columns of either kind of reply: [{id, name, note, ports}]. */
function sides(found) {
  if (found.groups) {
    return found.groups.map((name) => ({ id: name,
      name: name === "-" ? "no group" : name,
      note: name === "-" ? ungroupedText(found) : "", ports: [] }));
  }
  return found.classes.map((kind) => ({ id: kind.id,
    name: kind.ports.length === 1 ? kind.ports[0]
      : `${kind.ports[0]} +${kind.ports.length - 1}`,
    note: `${plural(kind.ports.length, "port")} of ${kind.network}`
      + `${kind.groups ? `, in ${kind.groups}` : ""}: `
      + kind.ports.slice(0, 8).join(", "),
    ports: kind.ports, network: kind.network }));
}

function makeMatrix(found, onOpen) {
  const all = sides(found);
  const cells = new Map(found.cells.map((c) => [`${c.from} ${c.to}`, c]));
  const buttons = [];
  const table = h("table", { class: "matrix", "aria-label":
    "Who can reach whom: rows send, columns receive" });

  function cellOf(from, to, row, column) {
    const cell = cells.get(`${from.id} ${to.id}`);

    if (!cell) {
      return h("td", { class: "none" });
    }
    const button = h("button", { type: "button", tabindex: "-1",
      class: KIND[cell.verdict], "data-row": row, "data-column": column,
      "aria-label": `${from.name} to ${to.name}: ${WORD[cell.verdict]}`
        + (cell.reason ? `, ${cell.reason}` : ""),
      title: `${from.name} → ${to.name}` }, MARK[cell.verdict] ?? "?");

    button.info = { from, to, cell };
    buttons.push(button);
    return h("td", {}, button);
  }

  replace(table, h("thead", {}, h("tr", {}, h("th", { scope: "col" },
    "from \\ to"), all.map((one) => h("th", { scope: "col", class: "turned",
    title: one.note || null }, h("span", {}, one.name))))),
  h("tbody", {}, all.map((from, row) => h("tr", {}, h("th", { scope: "row",
    title: from.note || null }, from.name), all.map((to, column) =>
    cellOf(from, to, row, column))))));
  buttons[0]?.setAttribute("tabindex", "0");

  function go(from, rows, columns) {
    const place = (b) => [Number(b.dataset.row), Number(b.dataset.column)];
    const [row, column] = place(from);
    // The next cell in that direction: some pairs have none.
    const next = buttons.filter((b) => {
      const [r, c] = place(b);

      return rows ? c === column && (r - row) * rows > 0
        : r === row && (c - column) * columns > 0;
    }).sort((a, b) => Math.abs(place(a)[0] - row) + Math.abs(place(a)[1]
      - column) - Math.abs(place(b)[0] - row) - Math.abs(place(b)[1]
      - column))[0];

    if (next) {
      from.setAttribute("tabindex", "-1");
      next.setAttribute("tabindex", "0");
      next.focus();
    }
  }

  table.addEventListener("keydown", (event) => {
    const way = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1],
      ArrowRight: [0, 1] }[event.key];

    if (way && event.target.info) {
      event.preventDefault();
      go(event.target, ...way);
    }
  });
  table.addEventListener("click", (event) => {
    const button = event.target.closest("button");

    if (button?.info) {
      table.querySelector(".chosen")?.classList.remove("chosen");
      button.classList.add("chosen");
      onOpen(button.info);
    }
  });
  return { table,
    /** Highlights the cells that 'changes' concern. */
    mark(changes) {
      for (const button of buttons) {
        const { from, to } = button.info;
        const hit = (changes ?? []).find((c) =>
          c.from.some((p) => from.ports.includes(p))
          && c.to.some((p) => to.ports.includes(p)));

        button.classList.toggle("differs", Boolean(hit));
        button.textContent = (MARK[button.info.cell.verdict] ?? "?")
          + (hit ? `→${MARK[hit.after?.verdict] ?? "?"}` : "");
      }
    } };
}

// A cell.  ------------------------------------------------------------------

const either = { across_hosts: "Across hosts", same_host: "On one host",
  ipv4: "IPv4", ipv6: "IPv6" };

function verdictFacts(cell) {
  return facts([["Answer", verdictBadge(cell)],
    ["Lost is", cell.packet === "reply" ? "the answer" : null],
    ["Decided by", cell.object ? [reference(cell.object),
      cell.rule === undefined ? "" : `, rule ${cell.rule}`] : null],
    ["Flow of", cell.owner ? code(cell.owner) : null]]);
}

export function ruleText(rule) {
  return [h("strong", {}, rule.action), ` ${rule.direction} `,
    rule.direction === "ingress" ? "from " : "to ",
    rule.peers?.map(peer).join(", ") ?? "everyone", " on ",
    rule.services?.map(service).join(", ") ?? "everything",
    rule.windows ? `; ${rule.windows.map(timeWindow).join(", or ")}` : ""];
}

async function cellNodes({ from, to, cell }, question, signal) {
  const parts = Object.entries(either).filter(([key]) => cell[key]).map(
    ([key, word]) => [h("h3", {}, word), verdictFacts(cell[key])]);
  const nodes = [h("p", {}, h("strong", {}, from.name), " → ",
    h("strong", {}, to.name)), from.note ? h("p", { class: "faint" },
    "from ", from.note, h("br"), "to ", to.note) : null,
  parts.length ? parts : verdictFacts(cell)];

  if (cell.object?.type === "policies") {
    const policy = await get(at("policies", cell.object.name), {}, signal)
      .catch(() => null);
    const rule = policy?.spec.rules?.[cell.rule];

    nodes.push(rule ? [h("h3", {}, `Rule ${cell.rule} of `
      + cell.object.name), h("p", {}, ruleText(rule))] : null,
    h("p", {}, h("button", { type: "button", "data-policy":
      cell.object.name }, `Edit ${cell.object.name}`)));
  }
  if (from.ports[0] && to.ports.at(-1)) {
    const other = to.ports.find((p) => p !== from.ports[0]) ?? to.ports[0];

    nodes.push(h("p", {}, h("a", { href: address(from.ports[0], other,
      question.protocol, question.port) }, "Trace it")));
  }
  return nodes;
}

// The view.  ----------------------------------------------------------------

export function mount(root, { signal, words }) {
  const id = newId();
  const protocol = h("select", { id: `${id}p`, onchange: () => tell() },
    PROTOCOLS.map((p) => h("option", { value: p }, p)));
  const port = h("input", { id: `${id}n`, type: "number", min: 1, max: 65535,
    value: "80", class: "short" });
  const network = nameInput("Network", { types: ["networks"], signal,
    placeholder: "all" });
  const by = h("select", { id: `${id}b` },
    h("option", { value: "port" }, "kinds of ports"),
    h("option", { value: "group" }, "groups"));
  const policy = nameInput("Policy to edit", { types: ["policies"], signal,
    placeholder: "a policy, or a new name" });
  const out = h("div", { class: "fold" });
  const note = h("span", { class: "faint", role: "status" });
  const cell = h("div", {}, empty("Choose a cell.",
    "It tells which rule decides."));
  const button = h("button", { class: "main" }, "Show");
  let matrix = null;
  let asked = false;            // What begin() finds is not to replace it.
  const editor = policyEditor({ signal, query: () => question(),
    compared: (changes) => matrix?.mark(changes), applied: () => run() });
  const edit = h("form", { class: "question", onsubmit(event) {
    event.preventDefault();
    openEditor(policy.input.value.trim());
  } }, policy.nodes, h("button", {}, "Edit"));

  network.input.required = false;

  function question() {
    const icmp = protocol.value.startsWith("icmp");

    return { protocol: protocol.value, port: icmp ? undefined : port.value,
      network: network.input.value.trim() || undefined };
  }

  function tell() {
    port.disabled = protocol.value.startsWith("icmp");
  }

  function openEditor(name) {
    if (!name) {
      return;
    }
    policy.input.value = name;
    history.replaceState(null, "", `#/reachability/edit/`
      + encodeURIComponent(name));
    if (!editor.root.isConnected) {
      edit.after(editor.root);
    }
    editor.open(name);
  }

  async function run() {
    asked = true;
    button.disabled = true;
    showErrors(button.form, out, null);
    try {
      const found = await get("reachability", { ...question(),
        by: by.value }, signal);
      const many = found.groups ?? found.classes;

      matrix = makeMatrix(found, async (info) => {
        replace(cell, await cellNodes(info, question(), signal));
      });
      replace(out, many.length ? matrix.table : empty("There is nobody to "
        + "ask about.", "Ports must be on a host, and enabled."));
      replace(note, `${number(found.cells.length)} pairs`
        + (found.absent?.length ? `; ${plural(found.absent.length, "port")} `
          + "on no host, or on one that is unreachable, left out" : "")
        + (found.n_ungrouped ? `; ${plural(found.n_ungrouped, "port")} in no `
          + `group: ${found.ungrouped.slice(0, 8).join(", ")}${
            found.n_ungrouped > 8 ? ", ..." : ""}` : ""));
    } catch (error) {
      if (!signal.aborted) {
        if (error.status === 413) {
          error.hint = "Ask for one network, or for groups.";
        }
        showErrors(button.form, out, error, (pointer, { parameter }) => ({
          network: network.input, protocol, port, by })[parameter]);
      }
    } finally {
      button.disabled = false;
    }
  }

  /** All ports at once only if there are not too many. */
  async function begin() {
    const { ports, networks } = await get("summary", { limit: 1 }, signal)
      .catch(() => ({}));
    const n = ports ? ports.up + ports.pending + ports.down
      + ports.unknown : 0;

    if (asked) {
      return;
    }
    if (n > ALL_MAX) {
      replace(out, empty(`Which network? There are ${number(n)} ports, too `
        + "many for one matrix.", `Name one, such as ${networks[0]?.name}.`));
      // Somebody may be typing elsewhere by now.
      if (document.activeElement === document.body) {
        network.input.focus();
      }
    } else {
      run();
    }
  }

  cell.addEventListener("click", (event) => {
    const name = event.target.dataset?.policy;

    if (name) {
      openEditor(name);
    }
  });
  replace(root, panel("Service", {}, h("form", { class: "question",
    onsubmit(event) {
      event.preventDefault();
      run();
    } },
  h("span", { class: "field" }, h("label", { for: `${id}p` }, "Protocol"),
    protocol),
  h("span", { class: "field" }, h("label", { for: `${id}n` }, "Port"), port),
  network.nodes,
  h("span", { class: "field" }, h("label", { for: `${id}b` }, "By"), by),
  button, h("ul", { class: "legend" }, ["delivered", "dropped", "mixed"].map(
    (v) => h("li", {}, badge(KIND[v], `${MARK[v]} ${WORD[v]}`))))),
  ), h("div", { class: "split" },
    panel("Who can reach whom", { actions: [note] }, out),
    h("div", { class: "stack" }, panel("Cell", {}, cell),
      panel("Change a policy", {}, edit))));
  tell();
  begin();
  if (words[0] === "edit" && words[1]) {
    openEditor(words[1]);
  }
}
