// SPDX-License-Identifier: Apache-2.0
//
// Live events: the stream of GET /v1/events, read by fetch since EventSource
// cannot send a token.  If vmnd does not have that call, or the connection is
// lost, polls for new revisions every few seconds.
//
// Listeners get events by kind ("revision", "host", "drop" ...); "reset" if
// events may have been missed, and "tick" every few seconds, for what has no
// events.

import { get, request } from "./api.js";

const POLL_MS = 4000;
const TICK_MS = 5000;
const SILENCE_MS = 40000;
const RETRY_MS = [500, 1000, 2000, 5000, 10000];

const listeners = new Map();    // Kind -> Set of functions.
let state = "connecting";       // "live", "polling", "lost".
let lastId = null;              // Of the stream.
let revision = null;            // While polling.

export function on(kinds, listener, signal) {
  for (const kind of kinds) {
    if (!listeners.has(kind)) {
      listeners.set(kind, new Set());
    }
    listeners.get(kind).add(listener);
    signal?.addEventListener("abort",
      () => listeners.get(kind).delete(listener));
  }
}

function emit(kind, data) {
  for (const listener of [...listeners.get(kind) ?? []]) {
    listener(kind, data);
  }
}

function become(next) {
  if (state !== next) {
    const before = state;

    state = next;
    emit("state", next);
    // Events may have been missed: at the beginning those since views have
    // asked for the first time.
    if (["connecting", "lost"].includes(before) && next !== "lost") {
      emit("reset", null);
    }
  }
}

export const current = () => state;

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** The events of a text/event-stream (HTML standard, 9.2.6), one by one. */
export async function* parse(stream, onBytes = () => {}) {
  const decoder = new TextDecoderStream();
  const reader = stream.pipeThrough(decoder).getReader();
  let rest = "";
  let event = { kind: "message", data: [] };

  for (;;) {
    const { value, done } = await reader.read();

    if (done) {
      return;
    }
    onBytes();
    const lines = (rest + value).split(/\r\n|\n|\r/);

    rest = lines.pop();
    for (const line of lines) {
      const colon = line.indexOf(":");
      const field = colon < 0 ? line : line.slice(0, colon);
      const text = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");

      if (line === "") {
        if (event.data.length) {
          yield { ...event, data: event.data.join("\n") };
        }
        event = { kind: "message", data: [] };
      } else if (field === "event") {
        event.kind = text;
      } else if (field === "data") {
        event.data.push(text);
      } else if (field === "id") {
        event.id = text;
      }
    }
  }
}

/** Whether vmnd has the stream. */
async function hasStream() {
  const index = await get("");

  return index.calls.some((c) => c.call === "GET /v1/events");
}

/** Reads the stream until it ends. */
async function follow() {
  const silence = new AbortController();
  const response = await request("GET", "events", { signal: silence.signal,
    headers: lastId === null ? {} : { "Last-Event-ID": lastId } });
  let timer;
  // vmnd sends at least a heartbeat every 15 s.
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(() => silence.abort(), SILENCE_MS);
  };

  become("live");
  heard();
  for await (const event of parse(response.body, heard)) {
    lastId = event.id ?? lastId;
    if (event.kind === "reset") {
      lastId = event.id ?? null;
    }
    emit(event.kind, JSON.parse(event.data));
  }
  clearTimeout(timer);
}

/** Polls, and emits what is new as events. */
async function poll() {
  const page = await get("revisions", revision === null ? { limit: 1 }
    : { after: revision, limit: 1000 });

  become("polling");
  if (revision !== null) {
    page.items.forEach((item) => emit("revision", item));
  }
  revision = page.revision;
}

export async function start() {
  let failures = 0;
  let streams = null;           // Not known yet.

  setInterval(() => {
    if (!document.hidden) {
      emit("tick", null);
    }
  }, TICK_MS);
  for (;;) {
    try {
      streams ??= await hasStream();
      if (streams) {
        await follow();
      } else {
        await poll();
      }
      failures = 0;
      await sleep(streams ? RETRY_MS[0] : POLL_MS);
    } catch (error) {
      // An account with a scope gets no events; views ask all the same.
      become(error.status === 403 ? "polling" : "lost");
      streams = null;           // Another vmnd may be there next time.
      await sleep(error.status === 403 ? RETRY_MS.at(-1)
        : RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)]);
    }
  }
}

/** Throttles 'work': it runs once at a time, at most every 'ms', and at most a
 * fifth of the time; requests during a run lead to one more run. */
export function calmly(work, ms = 300) {
  let running = false;
  let wanted = false;

  async function run() {
    if (running) {
      wanted = true;
      return;
    }
    const start = performance.now();

    running = true;
    try {
      await work();
    } finally {
      setTimeout(() => {
        running = false;
        if (wanted) {
          wanted = false;
          run();
        }
      }, Math.max(ms, 4 * (performance.now() - start)));
    }
  }
  return run;
}
