// SPDX-License-Identifier: Apache-2.0
//
// Above the logical network: which ports are shown, by their labels and their
// network, and by which label they are put together.

import { h, newId, replace } from "../dom.js";
import { number } from "../format.js";
import { nameInput } from "../name-input.js";
import { bestKey, labelKeys } from "./logical.js";

const KEYS_MAX = 50;            // That are offered.

/** What of 'data' is not in the picture, in sentences; 'folded' is whether
 * some cards stand for others. */
export function notShown(data, undrawn, folded) {
  const { summary, total, shown, cut, drops } = data;
  const said = [];

  if (data.more) {
    said.push("More ports have these labels than are shown, the first "
      + `${number(shown.length)}: further labels find fewer.`);
  } else if (!shown) {
    said.push(`There are ${number(total)} ports: a label or a network shows `
      + "those that are of it.");
  }
  if (!data.filtered && summary.n_networks > summary.networks.length) {
    said.push(`Of ${number(summary.n_networks)} networks those with most `
      + "ports are here.");
  }
  const lists = Object.keys(cut).filter((what) => cut[what]);

  if (lists.length) {
    said.push(`There are more ${lists.join(" and ")} than are asked for, the `
      + "first 1,000 by name: what the others join is not seen here.");
  }
  if (data.unasked) {
    said.push("There are too many balancers to ask for their backends: one "
      + "network has fewer.");
  }
  if (data.unaskedRouters) {
    said.push("There are too many routers to ask for their traffic: one "
      + "network has fewer.");
  }
  if (drops.samples_matching > drops.samples.length
      || drops.matching > drops.counters.length) {
    said.push("Not all drops of the last hour are told, but the newest.");
  }
  if (folded) {
    said.push("There is room for those in trouble, and with most ports: "
      + "others are in the table, and in the cards that say how many more "
      + "there are.");
  }
  if (undrawn) {
    said.push(`${number(undrawn)} lines are not drawn: labels or a network `
      + "leave fewer.");
  }
  return said;
}

/** @param onFilter () => called when other ports are asked for
 * @param onLabel  () => called when they are to be put together otherwise */
export function makeFilter({ onFilter, onLabel }, signal) {
  const ids = [newId(), newId()];
  let wanted = { selector: "", network: "" };
  let offered = null;           // What the list of labels was made of.
  const selector = h("input", { id: ids[0], type: "search",
    placeholder: "role=web,tenant=shop", spellcheck: "false",
    onchange: () => enter() });
  const key = h("select", { id: ids[1], onchange() {
    sessionStorage.setItem("vmn-topology-label", key.value);
    onLabel();
  } });
  const network = nameInput("Network", { signal, types: ["networks"],
    placeholder: "all", isLazy: true });
  const hint = h("p", { class: "hint" });
  const field = (id, label, input) => h("span", { class: "check" },
    h("label", { for: id }, label), input);

  network.input.required = false;
  network.input.addEventListener("change", enter);

  /** What is asked for changes when it is entered, not while it is typed. */
  function enter() {
    wanted = { selector: selector.value.trim(),
      network: network.input.value.trim() };
    onFilter();
  }

  return {
    root: h("div", {}, h("div", { class: "filters" },
      field(ids[0], "Labels of ports", selector), network.nodes,
      field(ids[1], "Ports by", key)), hint),

    /** What is asked for: { selector, network }, "" if it does not matter. */
    get wanted() {
      return wanted;
    },

    /** Asks for ports with a label. */
    only(text) {
      selector.value = text;
      enter();
    },

    /** The label's key for these data ("": by network alone). */
    keyFor(data) {
      // Those of all ports, so that a filter does not choose another one.
      const ports = data.ports ?? data.shown;
      const keys = labelKeys(ports).slice(0, KEYS_MAX);
      const chosen = sessionStorage.getItem("vmn-topology-label");

      if (offered !== keys.join()) {
        offered = keys.join();
        replace(key, h("option", { value: "" }, "network"),
          keys.map((one) => h("option", { value: one }, one)));
      }
      key.disabled = !keys.length;
      key.value = chosen === "" || keys.includes(chosen) ? chosen
        : bestKey(ports);
      return key.value;
    },

    /** Tells what of 'data' is not in the picture, how many lines are not
     * drawn, and whether cards stand for others. */
    tell(data, undrawn, folded) {
      const text = notShown(data, undrawn, folded).join(" ");

      if (hint.textContent !== text) {
        replace(hint, text);
      }
    },
  };
}
