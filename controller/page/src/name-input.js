// SPDX-License-Identifier: Apache-2.0
//
// An input field for the name of a port (or of another type): it suggests the
// names that begin with the text.

import { beginning } from "./api.js";
import { h, newId, replace } from "./dom.js";

const OFFERED = 12;

export function nameInput(label, { types = ["ports"], value, signal,
  placeholder, isLazy } = {}) {
  const id = newId();
  const offers = h("datalist", { id: `${id}l` });
  const input = h("input", { id, list: `${id}l`, value: value ?? "",
    placeholder, autocomplete: "off", spellcheck: "false", required: true,
    oninput: () => offer() });
  let timer;

  function offer() {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const text = input.value.trim().toLowerCase();
      const names = [];

      if (!/^[a-z0-9.-]*$/.test(text)) {
        return;
      }
      for (const type of types) {
        const found = await beginning(type, text, OFFERED, signal)
          .catch(() => []);

        names.push(...found.map((o) => o.name));
      }
      replace(offers, [...new Set(names)].map((name) =>
        h("option", { value: name })));
    }, 150);
  }

  if (isLazy) {
    // It may not even be seen: nothing is asked before it is used.
    input.addEventListener("focus", offer, { once: true });
  } else {
    offer();
  }
  return { input, nodes: h("span", { class: "field" },
    h("label", { for: id }, label), input, offers) };
}
