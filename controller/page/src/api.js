// SPDX-License-Identifier: Apache-2.0
//
// A client of the API.  Over TCP it needs a token: the user is asked for it
// when the first call is rejected, and it is kept for this tab only.

const KEY = "vmn-token";
const PATIENCE = 3;             // Times that a call waits for its turn.

let askForToken = null;         // (refused) => Promise of a token.
let asking = null;              // The question that is open.

export function onTokenNeeded(ask) {
  askForToken = ask;
}

export function hasToken() {
  return sessionStorage.getItem(KEY) !== null;
}

export function forgetToken() {
  sessionStorage.removeItem(KEY);
}

/** An error reply, or that there was no reply (status 0). */
export class Problem extends Error {
  constructor(status, body) {
    super(body?.detail ?? body?.title ?? `The answer was ${status}`);
    this.status = status;
    this.kind = body?.type?.replace("urn:vmn:problem:", "");
    this.title = status === 0 ? "vmnd does not answer."
      : status >= 500 ? "vmnd cannot do that now." : "vmnd refused that.";
    this.faults = body?.errors ?? [];
    // A single error repeats 'detail'.
    this.errors = body?.errors?.length > 1 ? body.errors : [];
    this.hint = this.kind === "quota"
      ? "Delete objects, or have an administrator raise the quota."
      : status === 403
      ? "This account may not do that. Another one may: sign out at the top."
      : status === 0
      ? "Is it running? On its machine: systemctl status vmnd"
      : status === 412 ? "Somebody has changed it meanwhile: load it again."
        : "";
  }
}

async function newToken(refused) {
  asking ??= askForToken(refused).finally(() => { asking = null; });
  sessionStorage.setItem(KEY, await asking);
}

/** A response of success, with any contents.  'patience' is how often it
 * waits where the account asks too much. */
export async function request(method, path, { query, body, signal, headers,
  patience = PATIENCE } = {}) {
  const words = new URLSearchParams(Object.entries(query ?? {}).filter(
    ([, value]) => value !== undefined && value !== null && value !== ""));
  let left = patience;
  const url = `/v1${path ? `/${path}` : ""}${words.size ? `?${words}` : ""}`;

  for (;;) {
    const token = sessionStorage.getItem(KEY);
    let response;

    try {
      response = await fetch(url, {
        method, signal, cache: "no-store", credentials: "omit",
        headers: {
          ...(token === null ? {} : { Authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : {
            "Content-Type": method === "PATCH"
              ? "application/merge-patch+json" : "application/json" }),
          ...headers,
        },
        body: body === undefined ? undefined : JSON.stringify(body),
      });
    } catch (error) {
      if (error.name === "AbortError") {
        throw error;
      }
      throw new Problem(0, { detail: "The connection failed." });
    }
    if (response.status === 401) {
      // Another call may have got a valid one meanwhile.
      if (sessionStorage.getItem(KEY) === token) {
        await newToken(token !== null);
      }
      continue;
    }
    if (response.status === 429 && left-- > 0) {
      // The rate limit of the account.
      await new Promise((done) => setTimeout(done, 1000 * Math.min(5,
        Number(response.headers.get("Retry-After")) || 1)));
      continue;
    }
    if (!response.ok) {
      throw new Problem(response.status,
        await response.json().catch(() => null));
    }
    return response;
  }
}

export async function call(method, path, options) {
  return (await request(method, path, options)).json();
}

export const get = (path, query, signal) =>
  call("GET", path, { query, signal });

/** The items of a list, at most 'most'; 'more' is true if there are others. */
export async function list(type, { query, signal, most = 1000 } = {}) {
  const items = [];
  let after;

  do {
    const page = await get(type, { ...query, after,
      limit: Math.min(1000, most - items.length) }, signal);

    items.push(...page.items);
    after = page.next;
  } while (after !== undefined && items.length < most);
  return { items, more: after !== undefined };
}

/** Objects whose names begin with 'text', at most 'most'. */
export async function beginning(type, text, most, signal) {
  // A page follows a name: here the last one that sorts before 'text'.
  const after = text && `${text.slice(0, -1)}${String.fromCharCode(
    text.charCodeAt(text.length - 1) - 1)}~`;
  const page = await get(type, { after, limit: most }, signal);

  return page.items.filter((object) => object.name.startsWith(text));
}

/** A name, escaped for a path. */
export const at = (type, name) => `${type}/${encodeURIComponent(name)}`;
