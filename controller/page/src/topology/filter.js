// SPDX-License-Identifier: Apache-2.0
//
// Above the logical network: which ports are shown, by their labels and their
// network, and by which label they are put together.

import { h, newId, replace } from "../dom.js";
import { number } from "../format.js";
import { nameInput } from "../name-input.js";
import { bestKey, labelKeys } from "./logical.js";

const KEYS_MAX = 50;            // That are offered.

/** @param onChange () => called when another filter or label was chosen */
export function makeFilter(onChange, signal) {
  const ids = [newId(), newId()];
  let offered = "";             // What the list of labels was made of.
  const selector = h("input", { id: ids[0], type: "search",
    placeholder: "role=web,tenant=shop", spellcheck: "false",
    onchange: onChange });
  const key = h("select", { id: ids[1], onchange() {
    sessionStorage.setItem("vmn-topology-label", key.value);
    onChange();
  } });
  const network = nameInput("Network", { signal, types: ["networks"],
    placeholder: "all" });
  const hint = h("p", { class: "hint" });
  const field = (id, label, input) => h("span", { class: "check" },
    h("label", { for: id }, label), input);

  network.input.required = false;
  network.input.addEventListener("change", onChange);
  return {
    root: h("div", {}, h("div", { class: "filters" },
      field(ids[0], "Labels of ports", selector), network.nodes,
      field(ids[1], "Ports by", key)), hint),

    /** What is asked for: { selector, network }, "" if it does not matter. */
    get wanted() {
      return { selector: selector.value.trim(),
        network: network.input.value.trim() };
    },

    /** Asks for ports with a label. */
    only(text) {
      selector.value = text;
      onChange();
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

    /** Tells what of 'data' is not in the picture. */
    tell(data) {
      const { summary, total } = data;

      replace(hint, data.more ? "More ports have these labels than are shown, "
        + `the first ${number(data.shown.length)}: further labels find fewer.`
        : !data.shown ? `There are ${number(total)} ports: a label or a `
          + "network shows those that are of it." : "",
      !data.filtered && summary.n_networks > summary.networks.length
        ? ` Of ${number(summary.n_networks)} networks those with most ports `
          + "are here." : "");
    },
  };
}
