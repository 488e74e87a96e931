// SPDX-License-Identifier: Apache-2.0
//
// The frame around the views: menu, search, token, theme, and the selection of
// the view.  A new view is a row of 'views'.

import { forgetToken, get, hasToken, onTokenNeeded } from "./api.js";
import { clusterNotice } from "./cluster.js";
import { empty, h, newId, panel, replace, scrollToCurrent }
  from "./dom.js";
import * as live from "./live-events.js";
import { number } from "./format.js";
import * as newNetwork from "./views/new-network.js";
import * as overview from "./views/overview.js";
import * as changes from "./views/changes.js";
import * as drafts from "./views/drafts.js";
import * as objects from "./views/objects.js";
import * as policies from "./views/policies.js";
import * as reachability from "./views/reachability.js";
import * as topology from "./views/topology.js";
import * as trace from "./views/trace.js";
import * as traffic from "./views/traffic.js";

/* Each has a 'path', a 'title', and mount(root, { signal, words }), which
 * fills 'root', and stops when 'signal' is aborted.  'words' are the rest of
 * the address.  It may return a function that is called with these when they
 * change; otherwise it is mounted anew.  One that is 'hidden' is not in the
 * menu. */
const views = [overview, topology, reachability, trace, traffic, policies,
  objects, drafts, changes, newNetwork];

// Theme.  -------------------------------------------------------------------

const THEMES = ["auto", "light", "dark"];

function setTheme(theme) {
  if (theme === "auto") {
    delete document.documentElement.dataset.theme;
    localStorage.removeItem("vmn-theme");
  } else {
    document.documentElement.dataset.theme = theme;
    localStorage.setItem("vmn-theme", theme);
  }
}

function themeButton() {
  let theme = localStorage.getItem("vmn-theme") ?? "auto";
  const button = h("button", { type: "button", class: "quiet",
    onclick() {
      theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
      setTheme(theme);
      tell();
    } });

  function tell() {
    replace(button, { auto: "◐", light: "○", dark: "●" }[theme]);
    button.setAttribute("aria-label", `Theme: ${theme}`);
    button.title = `Theme: ${theme}`;
  }
  setTheme(theme);
  tell();
  return button;
}

// Token.  -------------------------------------------------------------------

function askForToken(refused) {
  return new Promise((done) => {
    const id = newId();
    const input = h("input", { id, type: "password", required: true,
      autocomplete: "off", spellcheck: "false" });
    const dialog = h("dialog", { "aria-labelledby": `${id}t` },
      h("form", { method: "dialog", onsubmit(event) {
        event.preventDefault();
        const token = input.value.trim();

        if (token) {
          dialog.close();
          dialog.remove();
          done(token);
        }
      } },
      h("h2", { id: `${id}t` }, "Sign in"),
      refused ? h("p", { class: "error", role: "alert" },
        "That token is not, or no longer, the right one.") : null,
      h("p", {}, "vmnd wants a token: of an account, as ",
        h("code", {}, "vmnctl token"), " makes it, or the first line of the "
        + "file that its option ", h("code", {}, "--api-token-file"),
        " names. It is kept for this tab, until the tab is closed."),
      h("label", { for: id }, "Token"), input,
      h("div", { class: "buttons" },
        h("button", { class: "main" }, "Sign in"))));

    dialog.addEventListener("cancel", (event) => event.preventDefault());
    document.body.append(dialog);
    dialog.showModal();
    input.focus();
  });
}

// The frame.  ---------------------------------------------------------------

const STATES = {
  live: ["ok", "live", "Told by vmnd as it happens"],
  polling: ["ok", "every 4 s", "vmnd is asked every few seconds"],
  connecting: ["wait", "connecting", "No answer yet"],
  lost: ["bad", "no connection", "vmnd does not answer; it is asked again"],
};

function frame() {
  const shown = views.filter((view) => !view.hidden);
  const links = shown.map((view, i) => h("a", { href: `#/${view.path}`,
    "data-path": view.path, title: `${view.title} (${i + 1})` }, view.title));
  const revision = h("span", { class: "revision",
    title: "The newest revision" });
  const state = h("span", { class: "badge wait", role: "status" });
  const main = h("main", { id: "main", tabindex: "-1" });
  const signOut = h("button", { type: "button", class: "quiet", hidden: true,
    onclick() {
      forgetToken();
      location.reload();
    } }, "Sign out");

  function tellState() {
    const [kind, text, title] = STATES[live.current()];

    state.className = `badge ${kind}`;
    state.title = title;
    replace(state, text);
    signOut.hidden = !hasToken();
  }
  live.on(["state"], tellState);
  live.on(["revision"], (_, data) =>
    replace(revision, `revision ${number(data.revision)}`));
  tellState();
  document.body.append(
    h("a", { class: "skip", href: "#main", onclick(event) {
      event.preventDefault();
      main.focus();
    } }, "To the content"),
    h("header", { class: "top" },
      h("a", { class: "brand", href: "#/overview", "aria-label": "VMN" },
        h("img", { src: "/page/icon.svg", alt: "", width: 22, height: 22 }),
        "VMN"),
      h("nav", { class: "scrolls", "aria-label": "Views" }, links),
      h("div", { class: "right" }, revision, state, themeButton(), signOut),
      clusterNotice()),
    main);
  return { links, main, revision };
}

// Routing.  -----------------------------------------------------------------

let mounted = null;             // { controller, view, update }

/** A word of the address, which somebody may have written by hand. */
function decoded(word) {
  try {
    return decodeURIComponent(word);
  } catch {
    return word;
  }
}

/** What is shown for an address that no view has. */
const unknown = {
  title: "Not found",
  mount(root) {
    replace(root, panel("Not found", {}, empty(
      `The page has no view at ${location.hash}.`, "It has ",
      views.filter((one) => !one.hidden).map((view, i) => [i ? ", " : "",
        h("a", { href: `#/${view.path}` }, view.title)]), ".")));
    return () => unknown.mount(root);
  },
};

function show({ links, main }) {
  const [path, ...words] = location.hash.replace(/^#\/?/, "").split("/")
    .filter(Boolean).map(decoded);
  const view = path === undefined ? views[0]
    : views.find((v) => v.path === path) ?? unknown;

  if (mounted?.view === view && mounted.update) {
    mounted.update(words);
    return;
  }
  mounted?.controller.abort();
  mounted = { controller: new AbortController(), view };
  for (const link of links) {
    if (link.dataset.path === view.path) {
      link.setAttribute("aria-current", "page");
    } else {
      link.removeAttribute("aria-current");
    }
  }
  scrollToCurrent(document.body);
  document.title = `${view.title} · VMN`;
  const root = h("div", { class: `view ${view.path ?? ""}` });

  replace(main, h("h1", { class: "sr" }, view.title), root);
  main.focus({ preventScroll: true });
  window.scrollTo(0, 0);
  mounted.update = view.mount(root, { signal: mounted.controller.signal,
    words });
}

/** Keyboard shortcuts, except in text fields: the views by their number. */
function onKey(event) {
  if (event.ctrlKey || event.altKey || event.metaKey
      || event.target.closest("input, textarea, select, dialog")) {
    return;
  }
  const view = views.filter((one) => !one.hidden)[Number(event.key) - 1];

  if (view) {
    location.hash = `#/${view.path}`;
  } else if (event.key === "/") {
    const search = document.querySelector("main input[type=search]");

    if (search) {
      event.preventDefault();
      search.focus();
    }
  }
}

async function begin() {
  const parts = frame();

  onTokenNeeded(askForToken);
  window.addEventListener("hashchange", () => show(parts));
  window.addEventListener("keydown", onKey);
  show(parts);
  try {
    const page = await get("revisions", { limit: 1 });

    replace(parts.revision, `revision ${number(page.revision)}`);
  } catch {
    // The view reports it.
  }
  live.start();
}

begin();
