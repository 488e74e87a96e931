// SPDX-License-Identifier: Apache-2.0
//
// The logical network, the traffic in it, and a packet that is sent through
// it.  Each is looked at in light, dark, and on a phone.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { COUNTED, field, MARKUP, misfits, rows, section, unreachable, until }
  from "./page-helpers.mjs";

/** What is shown now, in light and dark, and on a phone: it fits, is legible
 * and is reached by the keyboard. */
async function lookAround(what, { page, barriers, shoot }) {
  for (const [name, width, height, colorScheme] of [
    ["phone", 390, 844, "light"], ["dark", 1280, 800, "dark"],
    ["light", 1280, 800, "light"]]) {
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    assert.deepEqual(await misfits(page), [], `${what}, ${name}`);
    // What there is to be said follows from the colours, not from the size.
    if (name !== "phone") {
      assert.deepEqual(await barriers(page), [], `${what}, ${name}`);
    }
    await page.screenshot({ path: shoot.path(`${what}-${name}`),
      fullPage: name === "phone" });
  }
  assert.deepEqual(await unreachable(page), [], what);
}

/** A way outside for the shop's router, by a host that has no bridge to it. */
const OUTSIDE = [
  { type: "networks", name: "street", spec: {
    provider: { physical: "street" },
    subnets: [{ cidr: "192.0.2.0/24", gateway: "192.0.2.1" }] } },
  { type: "routers", name: "shop", spec: {
    interfaces: [{ network: "shop" }, { network: "shop-data" }],
    external: { network: "street", addresses: ["192.0.2.2"],
      gateways: [{ host: "h1", priority: 1 }] } } },
  { type: "floating-ips", name: "front", spec: { router: "shop",
    ip: "192.0.2.100", load_balancer: "shop" } },
];

/** What GET /v1/paths has where a path is cut. */
const CUT = { measured: true, total: 2, items: [
  { host: "h1", peer: "h3", state: "down",
    reason: `no probe from h1 reaches h3 ${MARKUP}`,
    since: "2026-11-28T20:55:20.991Z", checked: "2026-11-28T20:55:20.991Z",
    lost: 3, probes: 28, mtu: 1450, ports: 2, port_names: ["db1", "web1"] },
  { host: "h1", peer: "h2", state: "up", latency_us: 412, lost: 0,
    probes: 28, mtu: 1450, ports: 0 }] };

/** Scene logical, while there is a way outside. */
async function logical(stage) {
  const { page, go } = stage;

  await go("topology/logical");
  const picture = page.getByRole("group", { name: "The picture" });
  const node = (name) => picture.getByRole("button", { name });
  const line = (a, b) => picture.locator(`path[data-ends="${a} ${b}"]`);

  // Everything, from outside to the ports, with its state.
  await node(/^network street/).waitFor();
  await node(/^gateway host h1, unable/).waitFor();
  await node(/^router shop, no gateway/).waitFor();
  await node(/^floating address front, 192.0.2.100/).waitFor();
  await node(/^network shop, 7 ports/).waitFor();
  await node(/^balancer shop, 10.0.0.100, 2\/2/).waitFor();
  await node(/^ports role=web of shop, 2 ports/).waitFor();
  await node(/^ports role=web of rival, 1 port/).waitFor();
  for (const ends of [["networks/street", "hosts/h1"],
    ["hosts/h1", "routers/shop"], ["routers/shop", "networks/shop-data"],
    ["routers/shop", "floating-ips/front"],
    ["floating-ips/front", "loadbalancers/shop"],
    ["networks/shop", "loadbalancers/shop"],
    ["loadbalancers/shop", "labels/role=web"]]) {
    assert.equal(await line(...ends).count(), 1, ends.join(" to "));
  }
  assert.equal(await picture.locator(".group .vm").count(), 11);
  // The others are of the same data, and it is there again.
  await page.getByRole("button", { name: "By host" }).click();
  await node(/^host h1, synced/).waitFor();
  await page.getByRole("button", { name: "Logical" }).click();
  // What goes through; and what test_page.py had dropped.
  await node(/^ports role=db of rival, .*bit\/s/).waitFor(
    { timeout: COUNTED });
  await node(/^ports role=buyer of shop, .*packets? dropped \(sampled\)/)
    .waitFor();
  await picture.locator(".drops").getByText(/drops? sampled/).first()
    .waitFor();
  // What its router forwards is known, be it nothing.
  await section(page, "Logical network").getByRole("row", { name:
    /^Router shop (idle|.*bit\/s) 0/ }).waitFor({ timeout: COUNTED });
  await lookAround("all", stage);
  // By the keys: from the router to what is below it.
  await node(/^router shop/).focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  assert.match(await page.evaluate(() => document.activeElement
    .getAttribute("aria-label")), /^network shop-data/);
  await page.keyboard.press("Enter");
  await section(page, "Network shop-data").getByText("10.0.1.0/24")
    .first().waitFor();
  assert(await line("routers/shop", "networks/shop-data")
    .evaluate((one) => one.classList.contains("picked")));
  // By labels: the ports that have them, and what they hang on.
  await field(page, "Labels of ports").fill("role=db,tenant=rival");
  await page.keyboard.press("Enter");
  await node(/^router shop/).waitFor({ state: "detached" });
  await until("the ports alone", async () => await picture.locator(
    ".card").count() === 2);
  await node(/^ports role=db of rival, 1 port/).waitFor();
  await field(page, "Ports by").selectOption("tenant");
  // Enter on such ports asks for their label.
  await node(/^ports tenant=rival of rival/).focus();
  await page.keyboard.press("Enter");
  assert.equal(await field(page, "Labels of ports").inputValue(),
    "tenant=rival");
  await node(/^ports tenant=rival of rival, 3 ports/).waitFor();
  await field(page, "Labels of ports").fill("role=none");
  await page.keyboard.press("Enter");
  await page.getByText("No port has these labels").waitFor();
  await field(page, "Labels of ports").fill("role in (");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").getByText("selector").waitFor();
  await field(page, "Labels of ports").fill("");
  await page.keyboard.press("Enter");
  await node(/^router shop/).waitFor();
  await page.getByRole("alert").waitFor({ state: "detached" });
  // A floating address is shown among the objects.
  await node(/^floating address front/).click();
  await section(page, "Floating address front").getByText("192.0.2.100")
    .first().waitFor();
}

/** Scene traffic, while the app is loaded. */
async function counted(stage) {
  const { page, api } = stage;

  await page.getByText("no network whose traffic is counted").waitFor();
  await api("PUT", "traffic-counts/all?wait=installed", { spec: {
    all_networks: true, description: MARKUP } });
  // test_page.py has r-web1, on h1, ping r-db1, on h3.
  const map = page.getByRole("group", { name: "Who sends to whom" });
  const end = (name) => map.getByRole("link", { name });

  await end(/^h1, sent .*B, received .*B$/).waitFor();
  await end(/^h3, /).waitFor();
  await map.locator("path.wire.cross").first().waitFor(
    { state: "attached" });
  await map.getByText(/^h1 to h3: .*100 % of it from host to host$/)
    .waitFor({ state: "attached" });
  await page.getByText("100.0 %").first().waitFor();
  await field(page, "By").selectOption("label");
  await map.locator("text.name").getByText("db", { exact: true })
    .waitFor();
  assert(page.url().endsWith("#/traffic/label/role"));
  // A port is in several groups: it counts in each.
  await api("POST", "apply", { objects: [
    { type: "groups", name: "r-all", spec: { selector: "tenant=rival" } },
    { type: "groups", name: "r-data", spec: { ports: ["r-db1"] } }] });
  await field(page, "By").selectOption("group");
  await end(/^r-data, sent /).waitFor();
  await map.getByText(/^r-all to r-data: /).waitFor({ state: "attached" });
  await page.getByText("counts in each of them").waitFor();
  assert.equal(await end(/^r-all, /).getAttribute("href"),
    "#/objects/groups/r-all");
  await stage.shoot("groups");
  await api("DELETE", "groups/r-data");
  await api("DELETE", "groups/r-all");
  await field(page, "By").selectOption("port");
  await end(/^r-web1, /).waitFor();
  const pairs = section(page, "Top pairs");

  await rows(pairs).filter({ hasText: /^r-web1r-db1.*B\d.*B$/ })
    .waitFor();
  await rows(section(page, "Top talkers")).filter({ hasText: "r-db1" })
    .waitFor();
  await lookAround("map", stage);
  await end(/^r-web1, /).click();
  await section(page, "Port r-web1").waitFor();
}

export const scenes = {
  paths: {
    allows: /status of (403|503)/,
    async play(stage) {
      const { page, go } = stage;
      const picture = page.getByRole("group", { name: "The picture" });
      const card = (name) => picture.getByRole("button", { name });
      const host = section(page, "Host h1");

      // Nothing is said of paths where none are measured.
      await go("topology/hosts/h1");
      await host.getByText("Receipt of its last change").waitFor();
      assert.equal(await host.getByText("Paths to").count(), 0);
      await page.route("**/v1/paths?*", (route) => route.fulfill(
        { json: CUT }));
      await page.reload();
      await card(/^host h1, synced, .*1 path down/).waitFor();
      await card(/^host h3, synced, .*1 path down/).waitFor();
      assert.equal(await card(/^host h2, .*path/).count(), 0);
      await host.getByText("Paths to 2 hosts").waitFor();
      await host.getByText(`reaches h3 ${MARKUP}`).waitFor();
      await rows(host).filter({ hasText: /^h3down–3\/281,450/ }).waitFor();
      await rows(host).filter({ hasText: /^h2up0\.41 ms0\/281,450/ })
        .waitFor();
      await lookAround("host", stage);
      // Without what cannot be had there is a picture all the same.
      const refuse = (status, detail) => (route) => route.fulfill({ status,
        json: { title: "refused", status, detail } });

      await page.route("**/v1/paths?*", refuse(503, "h9 is the writer"));
      await page.route("**/v1/drops?*", refuse(403, "not for you"));
      await go("topology/logical");
      await page.reload();
      await card(/^router shop/).waitFor();
      await page.getByText("without paths between hosts: h9 is the writer")
        .waitFor();
      await page.getByText("without drops: not for you").waitFor();
      assert.equal(await page.getByRole("alert").count(), 0);
      // A view that is turned to is in the address.
      await page.getByRole("button", { name: "By host" }).click();
      await card(/^host h1, synced, /).waitFor();
      assert(page.url().endsWith("#/topology/hosts"), page.url());
      // An account with a scope is told so, in whichever view.
      await page.route("**/v1/summary?*", refuse(403, "not yours"));
      await page.reload();
      await page.getByText("this account sees its own scope").waitFor();
      await page.getByRole("button", { name: "Logical" }).click();
      await page.getByText("this account sees its own scope").waitFor();
      await page.unroute("**/v1/summary?*");
      await page.getByRole("button", { name: "By network" }).click();
      await card(/^network shop, /).waitFor();
    },
  },

  logical: {
    allows: /status of 40[04]/,   // 404: the object that is open is deleted.
    async play(stage) {
      const { page, api, go } = stage;
      const before = (await api("GET", "routers/shop")).spec;

      await api("POST", "apply", { objects: OUTSIDE });
      try {
        await logical(stage);
      } finally {
        await api("DELETE", "floating-ips/front");
        await api("PUT", "routers/shop", { spec: before });
        await api("DELETE", "networks/street");
      }
    },
  },

  traffic: {
    async play(stage) {
      const { page, api, go } = stage;

      await go("traffic");
      await page.getByText("app traffic is not loaded").waitFor();
      await page.getByText("vmnctl app load").waitFor();
      // And nothing else.
      assert.equal(await section(page, "Map").count(), 0);
      assert.deepEqual(await stage.barriers(page), []);
      await stage.shoot("absent");
      await api("PUT", "apps/traffic/code?wait=installed", {
        file: "traffic.so", code: readFileSync(join(process.env.VMN_APPDIR
          ?? "_build/normal/appdir", "traffic.so")).toString("base64") });
      try {
        await counted(stage);
        // Its type stays while there are objects of it.
        await api("DELETE", "apps/traffic/code?wait=installed");
        await go("traffic");
        await page.getByText("app traffic is not loaded").waitFor();
        assert.equal(await section(page, "Map").count(), 0);
        await api("DELETE", "traffic-counts/all");
      } catch (error) {
        // Not for the scenes that follow; what went wrong is told.
        for (const what of ["traffic-counts/all", "apps/traffic/code",
          "groups/r-data", "groups/r-all"]) {
          await api("DELETE", what).catch(() => {});
        }
        throw error;
      }
    },
  },

  live: {
    allows: /status of [45]\d\d/,
    async play(stage) {
      const { page, go } = stage;
      const press = () => page.getByRole("button", { name: "Live" }).click();
      const sent = section(page, "Sent");
      const seen = (name) => sent.getByRole("row", { name });

      // As predicted: through both hosts, and stopped before the guest.
      await go("trace/web2/app2/tcp/9000");
      await section(page, "Outcome").waitFor();
      await press();
      await sent.getByRole("status").getByText("as predicted").waitFor();
      await sent.getByText("where it was stopped").waitFor();
      await seen(/^h2 overlay.admit 0 yes yes/).waitFor();
      await seen(/^h3 overlay.deliver 198 yes yes/).waitFor();
      // The prediction itself is there as well, for the same packet.
      await section(page, "Predicted").getByText("shop-app rule 0").first()
        .waitFor();
      assert.equal(await seen(/dhcp.dhcp/).count(), 0);
      await page.getByLabel("all stages").check();
      await seen(/^h2 dhcp.dhcp 17 yes yes/).waitFor();
      await page.getByLabel("all stages").uncheck();
      // What the API refuses is told as it says.
      await field(page, "Protocol").selectOption("icmpv6");
      await press();
      await page.getByRole("alert").getByText("IPv6").waitFor();
      await field(page, "Protocol").selectOption("tcp");

      // Not as predicted: nobody alters a switch for this.
      let asked = 0;

      await page.route("**/v1/live-trace", (route) => ++asked > 2
        ? route.fulfill({ status: 503, json: { title: "Unavailable",
          status: 503, detail: "h3 is not connected" } })
        : asked > 1 ? route.fulfill({ status: 429,
          headers: { "Retry-After": "1" },
          json: { title: "Too Many Requests", status: 429,
            detail: "5 live traces begin in a second" } })
        : route.fulfill({ json: { agrees: false, changing: true,
          difference: `it came to stage a on h1 ${MARKUP}`,
          from: { port: "web2", host: "h2", ip: "10.0.0.12" },
          to: { ip: "10.0.0.22", port: "app2" }, delivered: false,
          predicted: { verdict: "delivered", host: "h3", port: "app2" },
          seen: { verdict: "lost" }, stages: [
            { host: "h2", stage: "overlay.admit", table: 0, result: "same" },
            { host: "h2", stage: "router.route", table: 48,
              result: "differs", differences: ["nw_ttl: 63, seen 64"] },
            { host: "h2", stage: "firewall.track", table: 80,
              result: "missing" },
            { host: "h3", stage: "overlay.admit", table: 0,
              result: "unexpected" }] } }));
      await press();
      await sent.getByText("not as predicted").waitFor();
      await sent.getByText(MARKUP).waitFor();
      await sent.getByText("Something was changed just then").waitFor();
      await seen(/^h2 router.route 48 yes differs The first difference\. .*64/)
        .waitFor();
      await seen(/^h2 firewall.track 80 yes no/).waitFor();
      await seen(/^h3 overlay.admit 0 no yes/).waitFor();
      assert.equal(await sent.locator("tr.differs").count(), 3);
      await lookAround("differs", stage);
      // One that is too much is not tried again behind one's back.
      await press();
      await page.getByRole("alert").getByText("5 live traces begin")
        .waitFor();
      assert.equal(asked, 2);
      // Nor one that could not be put in, and nothing is said to be lost.
      await press();
      await page.getByRole("alert").getByText("h3 is not connected").waitFor();
      assert.equal(await sent.count(), 0);
      assert.equal(asked, 3);
    },
  },
};
