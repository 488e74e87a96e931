// SPDX-License-Identifier: Apache-2.0
//
// The page's functions that need no browser: what the logical network is made
// of at sizes that no laboratory has, who is told what, and which answer
// counts.  test_page.py runs it.  Not for what is seen (page.mjs).
//
// usage: node page-functions.mjs MODULES
//
// MODULES is what build-aux/page-modules prints.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const modules = process.argv[2];
const esbuild = createRequire(join(modules, "package.json"))("esbuild");
const { outputFiles } = await esbuild.build({ bundle: true, format: "esm",
  write: false, nodePaths: [join(modules, "node_modules")], stdin: {
    resolveDir: fileURLToPath(new URL("../../controller/page/src",
      import.meta.url)),
    contents: `
      export { makeAsker } from "./asker.js";
      export { rate } from "./format.js";
      export { byHost, troubleText } from "./host-paths.js";
      export { isAbout } from "./object-panel.js";
      export { layout } from "./table.js";
      export { drawnFrom } from "./topology/cards.js";
      export { widths } from "./topology/draw.js";
      export { makeExtras } from "./topology/extras.js";
      export { notShown } from "./topology/filter.js";
      export { fold, foldTo } from "./topology/fold.js";
      export { isLegible, placeAgain } from "./topology/layers.js";
      export * from "./topology/logical.js";
      export { mapOf } from "./traffic-map.js";` } });
const page = await import(`data:text/javascript;base64,${Buffer.from(
  outputFiles[0].contents).toString("base64")}`);

test("columns show all of their texts as long as there is room", () => {
  const columns = [{}, { width: "100px" }, { width: "2fr" }];
  const pixels = (room, wants) => page.layout(columns, wants, room);

  // 36 pixels are between and beside them; what is left goes by weight.
  assert.deepEqual(pixels(636, [100, 50, 150]), ["200px 50px 350px",
    "312px"]);
  assert.deepEqual(pixels(636, [400, 100, 100]), ["400px 100px 100px",
    "312px"]);
  // Too little: one that needs little gives what it does not take.
  assert.deepEqual(pixels(636, [500, 40, 100]), [
    "minmax(76px, 500px) minmax(40px, 40px) minmax(100px, 100px)", "252px"]);
  // So little that it scrolls: there is room again.
  assert.deepEqual(pixels(236, [500, 100, 90]), [
    "minmax(142px, 142px) minmax(100px, 100px) minmax(90px, 90px)",
    "368px"]);
});

const count = (n, make) => Array.from({ length: n }, (_, i) => make(i));
const FRAME = { width: 1000, height: 800 };

/** What GET /v1/summary and lists have, of nothing. */
function dataOf(more = {}) {
  const networks = more.networks ?? [];

  return { summary: { hosts: [], networks: networks.map((name) => ({ name,
    ports: 1, up: 1, bytes_per_s: 1000 })), n_networks: networks.length,
  placements: [], balancers: { degraded: [], partial: 0, idle: 0 } },
  total: 0, ports: [], shown: [], routers: [], balancers: [], floating: [],
  drops: { counters: [], samples: [] }, backends: new Map(), paths: new Map(),
  forwarded: new Map(), cut: {}, filtered: false, network: "", ...more };
}

const port = (name, network, labels, more = {}) => ({ name,
  spec: { network, labels }, status: { state: "up", ...more } });
const router = (name, networks, gateways = {}) => ({ name,
  spec: { interfaces: networks.map((network) => ({ network })),
    ...Object.keys(gateways).length ? { external: { network: "ext",
      gateways: Object.keys(gateways).map((host) => ({ host })) } } : {} },
  status: { gateway: "h1", gateways: Object.entries(gateways).map(
    ([host, state]) => ({ host, state, reason: `it is ${state}` })) } });
const balancer = (name, networks, serving = 2) => ({ name,
  spec: { networks, vip: "10.0.0.100" },
  status: { n_backends: 2, n_serving: serving,
    load: { bytes_per_s: 500 } } });
const nodeOf = (graph, id) => graph.nodes.find((one) => one.id === id);
const edgeOf = (graph, a, b) => graph.edges.filter(({ from, to }) =>
  from.id === a && to.id === b);

test("lines are one for each two, and none of the layers loses all", () => {
  const graph = page.graphOf(dataOf({ networks: ["ext", ...count(1000, (i) =>
    `n${i}`)],
  routers: count(1000, (i) => router(`r${i}`, [`n${i}`], {
    [`h${i % 10}`]: "active", [`h${(i + 1) % 10}`]: "standby" })),
  balancers: count(1000, (i) => balancer(`b${i}`, [`n${i}`])),
  floating: count(1000, (i) => ({ name: `f${i}`, spec: { router: `r${i}`,
    ip: "192.0.2.1", load_balancer: `b${i}` } })) }), "");

  assert.equal(edgeOf(graph, "networks/ext", "hosts/h3").length, 1);
  // The best of its states: for some router it is active.
  assert.equal(edgeOf(graph, "networks/ext", "hosts/h3")[0].kind, "");
  assert.equal(graph.edges.length, 10 + 2000 + 1000 + 1000 + 2000);
  const cut = page.cutEdges(graph.edges, 4000);
  const ends = (type) => cut.filter(({ to }) => to.type === type).length;

  assert.equal(cut.length, 4000);
  assert.equal(ends("hosts"), 10);
  for (const type of ["routers", "networks", "loadbalancers",
    "floating-ips"]) {
    assert(ends(type) > 600, `${ends(type)} to ${type}`);
  }
  assert.equal(page.cutEdges(graph.edges, 1e6).length, graph.edges.length);
  assert.match(page.notShown(dataOf(), graph.edges.length - 4000).join(),
    /^2,010 lines are not drawn/);
});

test("a gateway is as its worst state, whatever the order", () => {
  const routers = [router("a", [], { h1: "active" }), router("b", [],
    { h1: "unable" }), router("c", [], { h1: "active" }), router("d", [],
    { h2: "standby" }), router("e", [], { h2: "active" })];

  for (const order of [routers, [...routers].reverse()]) {
    const graph = page.graphOf(dataOf({ networks: ["ext"], routers: order }),
      "");

    assert.equal(nodeOf(graph, "hosts/h1").note,
      "unable for 1, active for 2");
    assert.equal(nodeOf(graph, "hosts/h1").kind, "bad");
    assert.equal(nodeOf(graph, "hosts/h2").kind, "ok");
    assert.equal(edgeOf(graph, "hosts/h1", "routers/b")[0].kind, "broken");
    assert.equal(edgeOf(graph, "hosts/h1", "routers/b")[0].said,
      "unable: it is unable");
  }
  assert.equal(nodeOf(page.graphOf(dataOf({ networks: ["ext"],
    routers: [router("a", [], { h1: "active" })] }), ""), "hosts/h1").note,
  "active");
});

test("an empty value of a label is another group than none", () => {
  const shown = [port("p1", "n", { role: "" }), port("p2", "n", {}),
    port("p3", "n", { role: "web" }), port("p4", "n")];
  const groups = page.graphOf(dataOf({ networks: ["n"], shown }), "role")
    .nodes.filter((node) => node.chips);

  assert.deepEqual(groups.map((one) => [one.title, one.ports]), [["role=", 1],
    ["role=web", 1], ["without role", 2]]);
  assert.equal(groups[0].name, "role=");
});

test("what is not known is not told as nothing", () => {
  const graph = page.graphOf(dataOf({ networks: ["n", "m"],
    shown: [port("p1", "n", {}, { traffic: { sent_bytes_per_s: 3,
      received_bytes_per_s: 4 } }), port("p2", "n", {}), port("p3", "m", {})],
    routers: [router("r", ["n"]), router("idle", ["n"]),
      router("busy", ["n"])],
    forwarded: new Map([["idle", 0], ["busy", 9]]), floating: [{ name: "f",
      spec: { router: "r", ip: "192.0.2.1", load_balancer: "b1" } }],
    balancers: [balancer("b1", ["n"]), balancer("b2", ["n"]),
      balancer("b3", ["n", "m"])] }), "");
  const rateOf = (a, b) => edgeOf(graph, a, b)[0].rate;

  assert.equal(page.rate(nodeOf(graph, "routers/r").rate), "–");
  assert.equal(nodeOf(graph, "routers/idle").rate, 0);
  assert.equal(nodeOf(graph, "routers/busy").rate, 9);
  assert.equal(page.rate(nodeOf(graph, "floating-ips/f").rate), "–");
  assert.equal(page.rate(0), "idle");
  assert.equal(nodeOf(graph, "labels/n").rate, 7);
  assert.equal(nodeOf(graph, "labels/m").rate, null);
  // A line has what goes through it, and not all that is at an end.
  assert.equal(rateOf("routers/r", "networks/n"), null);
  assert.equal(rateOf("networks/n", "labels/n"), 7);
  assert.equal(rateOf("networks/n", "loadbalancers/b1"), null);
  assert.equal(rateOf("networks/n", "loadbalancers/b2"), 500);
  assert.equal(rateOf("networks/n", "loadbalancers/b3"), null);
});

test("balancers in trouble are found beyond the hundred listed", () => {
  const graph = (degraded, idle) => page.graphOf({ ...dataOf({
    networks: ["n"], balancers: [balancer("a", ["n"], 0),
      balancer("b", ["n"], 1), balancer("c", ["n"], 2)] }),
  summary: { ...dataOf({ networks: ["n"] }).summary, balancers: { degraded,
    partial: 0, idle } } }, "");
  const kinds = (one) => ["a", "b", "c"].map((name) =>
    nodeOf(one, `loadbalancers/${name}`).kind);

  // What is drained is not broken: the list is whole.
  assert.deepEqual(kinds(graph([{ name: "a", serving: 0 }], 1)), ["bad", "ok",
    "ok"]);
  assert.deepEqual(kinds(graph([], 101)), ["bad", "wait", "ok"]);
});

test("a filter leaves what its ports hang on", () => {
  const many = count(25, (i) => balancer(`b${i}`, [i ? "n" : "m"]));
  const graph = page.graphOf(dataOf({ networks: ["m"], filtered: true,
    unasked: true, shown: [port("p1", "n", {})], balancers: many,
    routers: [router("r1", ["n"]), router("r2", ["m"])] }), "");

  // Its network has too few ports to be in the summary.
  assert(nodeOf(graph, "networks/n"));
  assert(nodeOf(graph, "routers/r1"));
  assert(nodeOf(graph, "loadbalancers/b24"));
  assert.equal(nodeOf(graph, "loadbalancers/b0"), undefined);
  assert.equal(nodeOf(graph, "networks/m"), undefined);
  assert.equal(nodeOf(graph, "routers/r2"), undefined);
  assert.match(page.notShown(dataOf({ cut: { routers: true, balancers: false },
    unasked: true }), 0).join(), /more routers than .*too many balancers/);
});

test("filters are by labels and network as vmnd's are", () => {
  const ports = [port("p1", "n", { role: "web", tenant: "a" }),
    port("p2", "m", { role: "web" }), port("p3", "n")];
  const names = (selector, network = "") => page.matching(ports,
    { selector, network })?.map((one) => one.name);

  assert.deepEqual(names("role=web"), ["p1", "p2"]);
  assert.deepEqual(names("role=web,tenant=a"), ["p1"]);
  assert.deepEqual(names("", "n"), ["p1", "p3"]);
  assert.deepEqual(names("role=web", "m"), ["p2"]);
  // What is more than that vmnd has to say.
  for (const other of ["role", "!role", "role=", "role==web", "role!=web",
    "role in (web)", "role in (", "role=web, tenant=a"]) {
    assert.equal(page.matching(ports, { selector: other, network: "" }), null,
      other);
  }
  assert.equal(page.matching(null, { selector: "role=web", network: "" }),
    null);
});

test("what is drawn follows from all that is shown", () => {
  const base = dataOf({ networks: ["n"], routers: [router("r", ["n"])] });
  const was = page.drawnFrom(base);

  assert.equal(page.drawnFrom({ ...base, summary: { ...base.summary,
    revision: 9 } }), was);
  for (const other of [{ routers: [router("r", ["n", "m"])] },
    { routers: [router("r", ["n"], { h1: "unable" })] },
    { floating: [{ name: "f", spec: { router: "r", ip: "192.0.2.1" } }] },
    { backends: new Map([["b", ["p"]]]) },
    { drops: { counters: [], samples: [{ count: 1 }] } },
    { paths: page.byHost([{ host: "a", peer: "b", state: "down" }]) }]) {
    assert.notEqual(page.drawnFrom({ ...base, ...other }), was,
      Object.keys(other)[0]);
  }
  // Probes change all the time, and are not drawn.
  const path = { host: "a", peer: "b", state: "down", probes: 1 };

  assert.equal(page.drawnFrom({ ...base, paths: page.byHost([path]) }),
    page.drawnFrom({ ...base, paths: page.byHost([{ ...path,
      probes: 2 }]) }));
});

test("places are kept while nodes and lines are the same", () => {
  const places = {};
  const data = dataOf({ networks: ["n", "m"], routers: [router("r", ["n"])] });
  const first = page.placeAgain(page.graphOf(data, ""), FRAME, places);
  const kept = places.grid;
  const again = page.placeAgain(page.graphOf(data, ""), FRAME, places);
  const at = ({ layers }) => layers.flatMap(({ nodes }) => nodes.map(
    ({ id, x, y, width, height }) => [id, x, y, width, height]));

  assert.equal(places.grid, kept);
  assert.deepEqual(at(again), at(first));
  assert.equal(again.layers[0].nodes[0].rate, null);
  page.placeAgain(page.graphOf({ ...data, routers: [router("r", ["m"])] },
    ""), FRAME, places);
  assert.notEqual(places.grid, kept);
});

test("of more nodes than are legible one stands for the others", () => {
  const names = count(1000, (i) => `n${i}`);
  const data = (rate, troubled) => {
    const one = dataOf({ networks: ["ext", ...names],
      routers: count(250, (i) => router(`r${i}`, names.slice(4 * i, 4 * i + 4),
        { h1: "active", h2: "standby" })),
      balancers: count(100, (i) => balancer(`b${i}`, [`n${8 * i}`])),
      floating: count(250, (i) => ({ name: `f${i}`, spec: { router: `r${i}`,
        ip: "192.0.2.1", port: "p" } })) });

    one.summary.networks.forEach((network, i) => {
      network.ports = 4;
      network.up = troubled.includes(network.name) ? 3 : 4;
      network.external = network.disabled = 0;
      network.bytes_per_s = rate(i);
    });
    return one;
  };
  const graphOf = (rate, troubled = ["n777"]) => page.graphOf(data(rate,
    troubled), "");
  const places = {};
  const whole = graphOf(() => 1000);
  const graph = page.foldTo(whole, FRAME, places);
  const ids = ({ nodes }) => nodes.map(({ id }) => id).sort();
  const more = nodeOf(graph, "more/4");

  assert(whole.nodes.length > 1600);
  assert(graph.nodes.length <= 150, `${graph.nodes.length} nodes`);
  assert(graph.nodes.length > 35, `${graph.nodes.length} nodes`);
  assert(page.isLegible(graph, FRAME));
  // Nothing is lost: each has its card, or is one of the others.
  const networks = graph.nodes.filter(({ type, layer }) => layer === 4
    && type === "networks");

  assert.equal(networks.length - 1 + more.more, 1000);
  assert.equal(networks.reduce((n, { rate }) => n + rate, 0), 1000 * 1000);
  assert(nodeOf(graph, "networks/n777"), "one in trouble is seen");
  assert(nodeOf(graph, "routers/r194"), "and its router");
  // What is outside has no ports, and is not in the summary then.
  const { summary, ...rest } = data(() => 1, []);

  assert.equal(nodeOf(page.graphOf({ ...rest, summary: { ...summary,
    networks: summary.networks.slice(1) } }, ""), "networks/ext").layer, 0);
  assert.equal(more.kind, "");
  assert.equal(nodeOf(graph, "hosts/h2").more, undefined);
  // Lines are between what is there, one for each two.
  const lines = graph.edges.map(({ from, to }) => `${from.id} ${to.id}`);

  assert.equal(new Set(lines).size, lines.length);
  assert(graph.edges.every(({ from, to }) => nodeOf(graph, from.id) === from
    && nodeOf(graph, to.id) === to));
  assert.equal(edgeOf(graph, "more/2", "more/4").length, 1);
  assert.equal(edgeOf(graph, "more/2", "networks/n777").length, 0);
  // What goes through changes all the time, and moves nothing.
  assert.deepEqual(ids(page.foldTo(graphOf((i) => 5000 - i), FRAME, places)),
    ids(graph));
  // More of them in trouble than there is room for: it is told.
  const bad = nodeOf(page.foldTo(graphOf(() => 1, names), FRAME, {}),
    "more/4");

  assert.equal(bad.kind, "wait");
  assert.match(bad.note, /^9\d\d in trouble$/);
  // Where there is room, and a narrow place.
  const small = page.graphOf(dataOf({ networks: names.slice(0, 100) }), "");

  assert.equal(page.foldTo(small, FRAME, {}), small);
  const phone = page.foldTo(whole, { width: 350, height: 1688 }, {});

  assert(page.isLegible(phone, { width: 350, height: 1688 }));
  assert.match(page.notShown(dataOf(), 0, true).join(), /others are in the/);
});

test("a scale takes more values than a call takes arguments", () => {
  assert.equal(page.widths(count(200000, () => null))(0), 1.2);
});

test("a host that is cut off is told at itself", () => {
  const paths = [["h1", "h9"], ["h2", "h9"], ["h9", "h3"], ["h4", "h5"]]
    .map(([host, peer]) => ({ host, peer, state: "down" }));
  const found = page.byHost(paths);

  assert.deepEqual([...found].map(([host, some]) => [host,
    page.troubleText(some)]), [["h9", "3 paths down"],
    ["h4", "1 path down"], ["h5", "1 path down"]]);
});

test("deleted ports are others than those of their names", () => {
  const { ends, lines } = page.mapOf({ talkers: [
    { name: "a", sent_bytes: 5, received_bytes: 9 },
    { name: "a", deleted: true, sent_bytes: 9, received_bytes: 1 }],
  pairs: [{ src: "a", src_deleted: true, dst: "a", bytes: 9,
    cross_host_bytes: 0 }, { src: "a", dst: "a", bytes: 4,
    cross_host_bytes: 0 }] }, 24);

  assert.deepEqual(ends.map((end) => [end.title, end.sent, end.received]),
    [["a", 5, 9], ["a (deleted)", 9, 1]]);
  assert.deepEqual(lines.map((line) => [line.a.title, line.b.title,
    line.bytes]), [["a", "a (deleted)", 9], ["a", "a", 4]]);
});

const problem = (status) => Object.assign(new Error(`it is ${status}`),
  { status });

test("what takes long comes later, one after the other", async () => {
  const extras = page.makeExtras();
  const asked = [];
  const answers = new Map();
  const ask = (name) => new Promise((done, failed) => {
    asked.push(name);
    answers.set(name, { done, failed });
  });
  const turn = () => new Promise((done) => { setImmediate(done); });
  const behind = (...names) => extras.behind("rates", names, ask);
  const first = behind("r1", "r2");

  assert.deepEqual([...first.now], []);
  assert.deepEqual(asked, ["r1"]);
  answers.get("r1").done(0);
  await turn();
  // Meanwhile others are wanted: r2 was asked for before.
  assert.deepEqual([...behind("r1", "r3").now], [["r1", 0]]);
  answers.get("r2").failed(problem(503));
  await turn();
  assert.deepEqual(asked, ["r1", "r2", "r3"]);
  const last = behind("r1", "r3").later;

  answers.get("r3").done(7);
  assert.deepEqual([...await last], [["r1", 0], ["r3", 7]]);
  assert.deepEqual([...await first.later], [["r1", 0]]);
  assert.deepEqual(extras.missing, [["rates", "it is 503"]]);
  assert.equal(behind("r1", "r3").later, null);
  extras.age();
  // What is known is shown until there is more.
  const again = behind("r1", "r3");

  assert.deepEqual([...again.now], [["r1", 0], ["r3", 7]]);
  answers.get("r1").done(1);
  await turn();
  answers.get("r3").failed(problem(404));
  assert.deepEqual([...await again.later], [["r1", 1]]);
  assert.equal(asked.length, 5);
});

test("the picture is shown without what cannot be had", async () => {
  const extras = page.makeExtras();
  let asked = 0;
  const get = (result) => extras.get("drops", "", async () => {
    asked++;
    if (result instanceof Error) {
      throw result;
    }
    return result;
  }, "instead");

  assert.equal(await get("drops"), "drops");
  assert.equal(await get("others"), "drops");   // It is not old yet.
  assert.equal(asked, 1);
  extras.age();
  assert.equal(await get(problem(503)), "instead");
  assert.deepEqual(extras.missing, [["drops", "it is 503"]]);
  extras.age();
  assert.equal(await get("again"), "again");
  assert.deepEqual(extras.missing, []);
  extras.age();
  assert.equal(await get(problem(404)), "instead");
  extras.age();
  asked = 0;
  assert.equal(await get("too late"), "instead");
  assert.equal(asked, 0);                       // Nor is it asked for.
  assert.deepEqual(extras.missing, [["drops", "it is 404"]]);
  extras.age();
  extras.age();
  assert.deepEqual(extras.missing, []);         // Nobody wants it any more.
  extras.forget();
  assert.equal(await get("of another vmnd"), "of another vmnd");
  extras.age();
  await assert.rejects(get(Object.assign(new Error("aborted"),
    { name: "AbortError" })), /aborted/);
});

/** An element, as far as an asker has to do with it. */
class Element {
  constructor(text = "") {
    this.textContent = text;
  }

  setAttribute() {}

  addEventListener() {}

  replaceChildren() {
    this.textContent = "";
  }

  append(...children) {
    children.forEach((one) => { this.textContent += one.textContent ?? one; });
    this.appended = (this.appended ?? 0) + 1;
  }
}

test("the last question's answer counts, and refusals are final", async () => {
  globalThis.Node = Element;
  globalThis.document = { hidden: false, createElement: () => new Element(),
    addEventListener() {} };
  const calls = [];
  const shown = [];
  const failed = new Element();
  let question = "a";
  const asker = page.makeAsker({ failed, question: () => question,
    signal: new AbortController().signal, show: (what) => shown.push(what),
    ask: (signal) => new Promise((done, fail) => calls.push({ done, fail,
      signal })) });
  const settled = () => new Promise((done) => setImmediate(done));

  asker.now();
  question = "b";
  asker.now();
  assert(calls[0].signal.aborted);
  calls[1].done("of b");
  await settled();
  calls[0].fail(problem(500));                  // Of a: nobody asks any more.
  await settled();
  assert.deepEqual(shown, ["of b"]);
  assert.equal(failed.textContent, "");
  // A question that is refused is asked again for another one, or anew.
  asker.now();
  calls[2].fail(problem(400));
  await settled();
  assert.match(failed.textContent, /it is 400/);
  const boxes = failed.appended;

  await asker.soon();
  assert.equal(calls.length, 3);
  asker.now();
  calls[3].fail(problem(400));
  await settled();
  assert.equal(failed.appended, boxes);         // It is not told twice.
  question = "c";
  asker.now();
  calls[4].done("of c");
  await settled();
  assert.deepEqual(shown, ["of b", "of c"]);
  assert.equal(failed.textContent, "");
});

test("an event is about the objects that it names", () => {
  const change = { op: "update", type: "ports", name: "a" };
  const isAbout = (kind, data, type = "ports", name = "a", revision = 7) =>
    page.isAbout(kind, data, type, name, revision);

  assert(isAbout("revision", { changes: [change] }));
  assert(!isAbout("revision", { changes: [change] }, "groups"));
  assert(!isAbout("revision", { changes: [change] }, "ports", "b"));
  // Not all of them are named.
  assert(isAbout("revision", { changes: [change, { more: 9 }] }, "hosts"));
  assert(isAbout("installed", { first_revision: 5, revision: 7 }));
  assert(!isAbout("installed", { first_revision: 8, revision: 9 }));
  assert(isAbout("host", { host: "a" }, "hosts"));
  assert(!isAbout("host", { host: "a" }));
  assert(isAbout("binding", { port: "a", host: null }));
  assert(isAbout("binding", { port: "a", host: "b", from: "c" }, "hosts",
    "c"));
  assert(isAbout("ports", { host: "h", n_ports: 1, ports: ["a"] }));
  assert(!isAbout("ports", { host: "h", n_ports: 1, ports: ["b"] }));
  assert(isAbout("ports", { host: "h", n_ports: 101, ports: ["b"] }));
  assert(isAbout("ports", { host: "h", n_ports: 1, ports: ["a"] }, "hosts",
    "h"));
  // How many they are, of a path.
  assert(isAbout("path", { host: "a", peer: "b", ports: 3 }, "hosts", "b"));
  assert(!isAbout("gateway", { router: "r", host: "b" }, "groups", "r"));
});
