// SPDX-License-Identifier: Apache-2.0
//
// A question that is asked before something is done.

import { h, newId } from "./dom.js";

/** Asks for confirmation; true if the user agrees. */
export function confirm(title, nodes, word) {
  return new Promise((done) => {
    const id = newId();
    const dialog = h("dialog", { "aria-labelledby": id, onclose() {
      dialog.remove();
      done(dialog.returnValue === "yes");
    } }, h("form", { method: "dialog" }, h("h2", { id }, title), nodes,
      h("div", { class: "buttons" },
        h("button", { value: "no" }, "Cancel"),
        h("button", { value: "yes", class: "main" }, word))));

    document.body.append(dialog);
    dialog.showModal();
  });
}
