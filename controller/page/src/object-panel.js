// SPDX-License-Identifier: Apache-2.0
//
// The panel of one object, which is kept as the object is now for as long as
// it is shown.  Not for what is in it: object.js.

import { at, get } from "./api.js";
import { makeAsker } from "./asker.js";
import { errorBox, h, renew, replace } from "./dom.js";
import { historyOf } from "./history.js";
import * as live from "./live-events.js";
import { firstOf, loadPart, partsOf } from "./object.js";

const MS = 1000;                // It is asked for at most that often.
const TICKS = 3;                // Of which one asks for what has no events.

/* Members of events that name objects. */
const NAMES = { hosts: ["host", "from", "candidate", "before", "peer"],
  ports: ["port"], networks: ["network"], routers: ["router"],
  loadbalancers: ["loadbalancer"] };
const EVENTS = ["revision", "installed", "host", "binding", "ports", "claim",
  "audit", "health", "monitor", "path", "standby", "scale", "gateway"];

/** Whether an event is about an object; 'revision' is its last one. */
export function isAbout(kind, data, type, name, revision) {
  switch (kind) {
    case "revision":
      // Of many changes there is only how many "more" there are.
      return data.changes?.some((one) => one.more || (one.type === type
        && one.name === name)) ?? true;
    case "installed":
      return data.first_revision <= revision && revision <= data.revision;
    case "ports":
      return type === "ports" ? data.n_ports > data.ports.length
        || data.ports.includes(name) : type === "hosts" && data.host === name;
    default:
      return NAMES[type]?.some((member) => data[member] === name) ?? false;
  }
}

/** Shows the object in 'root', below what is 'said', if anything, until
 * 'signal' ends or something else is in 'root'. */
export function showObject(root, type, name, signal, said = []) {
  const told = h("div", {}, said);
  const failed = h("div", {});
  const first = h("div", {}, h("p", { class: "loading" }, "Loading …"));
  const past = h("div", {});
  const rest = h("div", {});
  const box = h("div", {}, told, failed, first, past, rest);
  let parts = null;             // While the object is there.
  let history = null;           // Once it is known what to say first.
  let revision = null;
  let unread = null;            // The error of the object itself.
  let ticks = 0;

  function showHistory() {
    if (history) {
      history.refresh().catch(() => {
        revision = null;        // It is to be asked for again.
      });
    } else {
      history = historyOf(type, name, signal, (nodes) => {
        replace(told, nodes);
        asker.now();
      });
      replace(past, history.nodes);
    }
  }

  async function ask(call) {
    const object = await get(at(type, name), {}, call).catch((error) => {
      unread = error;
      throw error;
    });
    const now = parts ?? partsOf(type, name, signal);
    const [nodes, ...shows] = await Promise.all([firstOf(type, object, call),
      ...now.map((one) => loadPart(one, object, call))]);

    return { object, parts: now, nodes, shows };
  }

  function show({ object, parts: now, nodes, shows }) {
    renew(first, nodes);
    if (parts !== now) {
      parts = now;
      replace(rest, parts.map((one) => one.root));
    }
    shows.forEach((one) => one());
    if (!history || revision !== object.metadata.revision) {
      revision = object.metadata.revision;
      showHistory();
    }
  }

  /** Of one that is not there, nothing is left; what could not be asked for
   * stays as it was. */
  function refused(error) {
    if (error.status === 404 && error === unread) {
      const isNews = parts || !history;

      parts = null;
      revision = null;
      replace(failed);
      renew(first, errorBox(error));
      replace(rest);
      if (isNews) {
        showHistory();          // One that was deleted comes back by it.
      }
      return true;
    }
    if (!parts) {
      replace(first);
    }
    return false;
  }

  const asker = makeAsker({ failed, signal, refused, ask, show, ms: MS,
    question: () => `${type}/${name}` });
  const isShown = () => box.isConnected && !signal.aborted;

  live.on(EVENTS, (kind, data) => {
    if (isShown() && isAbout(kind, data, type, name, revision)) {
      asker.again();
    }
  }, signal);
  live.on(["reset"], () => isShown() && asker.again(), signal);
  live.on(["tick"], () => {
    if (isShown() && ++ticks % TICKS === 0) {
      asker.soon();
    }
  }, signal);
  replace(root, box);
  asker.now();
}
