// SPDX-License-Identifier: Apache-2.0
//
// Promoting a shadow policy: it enforces from then on, once its plan was
// agreed to.

import { at, call } from "./api.js";
import { confirm } from "./dialog.js";
import { h } from "./dom.js";
import { planNodes } from "./plan.js";

/** The answer to the change, or null if the user does not agree to it. */
export async function promotePolicy(name, signal) {
  const body = { spec: { mode: "enforce" } };
  const plan = await call("PATCH", at("policies", name), { signal, body,
    query: { dry_run: "plan" } });
  const agreed = await confirm(`Promote ${name}`, [h("p", {},
    "It decides from then on. That would do:"), planNodes(plan)],
  "Promote");

  return agreed ? call("PATCH", at("policies", name), { signal, body,
    query: { wait: "installed", timeout: "10s" } }) : null;
}
