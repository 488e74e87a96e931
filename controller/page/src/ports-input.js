// SPDX-License-Identifier: Apache-2.0
//
// A field for the name of a port (or of something else, as it is told): it
// offers those that begin as what is written.

import { get } from "./api.js";
import { h, newId, replace } from "./dom.js";

const OFFERED = 12;

export function nameInput(label, { types = ["ports"], value, signal,
  placeholder } = {}) {
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
        const [page, one] = await Promise.all([
          get(type, { after: text, limit: OFFERED }, signal),
          text ? list(type, text, signal) : null]).catch(() => [null]);

        names.push(...one ?? [], ...(page?.items ?? []).map((o) => o.name)
          .filter((name) => name.startsWith(text)));
      }
      replace(offers, [...new Set(names)].map((name) =>
        h("option", { value: name })));
    }, 150);
  }

  offer();
  return { input, nodes: h("span", { class: "field" },
    h("label", { for: id }, label), input, offers) };
}

/** The one that has just this name, which no list goes on behind. */
async function list(type, name, signal) {
  const before = name.slice(0, -1)
    + String.fromCharCode(name.charCodeAt(name.length - 1) - 1);
  const page = await get(type, { after: before, limit: 1 }, signal);

  return page.items.filter((o) => o.name === name).map((o) => o.name);
}
