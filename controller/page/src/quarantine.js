// SPDX-License-Identifier: Apache-2.0
//
// Cuts a port off by a quarantine of its name, and releases it.

import { at, call } from "./api.js";

const change = (method, name, signal, body) =>
  call(method, at("quarantines", name), { signal, body,
    query: { wait: "installed", timeout: "10s" } });

/** Both return the answer to the change. */
export const cutOff = (port, signal) =>
  change("PUT", port, signal, { spec: { ports: [port] } });
export const releaseFrom = (name, signal) => change("DELETE", name, signal);
