// SPDX-License-Identifier: Apache-2.0
//
// What is done with the page, and what must then be seen.  The demonstration's
// shop is there: three hosts, eleven VMs, a router and a balancer.
//
// A scene has play({page, context, url, token, api, shoot, go}), and perhaps:
// stranger (it has no token), dark, elsewhere (it asks another address than
// 'url'), allows (what the console may say), bench (played only when it is
// asked for).  page-scenes-*.mjs have more of them.

import assert from "node:assert/strict";
import { connect, createServer } from "node:net";
import { COUNTED, field, MARKUP, rows, section, until }
  from "./page-helpers.mjs";

export const scenes = {
  token: {
    stranger: true,
    allows: /status of 401/,
    async play({ page, token, go, shoot }) {
      await go("overview");
      const dialog = page.getByRole("dialog", { name: "Sign in" });

      await dialog.waitFor();
      await shoot("asked");
      await page.keyboard.press("Escape");
      await page.getByLabel("Token").fill("not the right one");
      await page.keyboard.press("Enter");
      await page.getByRole("alert").filter({ hasText: "not, or no longer" })
        .waitFor();
      await page.getByLabel("Token").fill(token);
      await page.getByRole("button", { name: "Sign in" }).click();
      await section(page, "Hosts").getByText("3 synced").waitFor();
      assert.equal(await page.evaluate(() =>
        sessionStorage.getItem("vmn-token")), token);
      assert.deepEqual(await page.evaluate(() =>
        Object.keys(localStorage)), []);
      await page.getByRole("button", { name: "Sign out" }).click();
      await dialog.waitFor();
    },
  },

  overview: {
    async play({ page, api, go, shoot }) {
      await go("overview");
      await section(page, "Health").getByText("ok", { exact: true }).waitFor();
      await section(page, "Hosts").getByText("3 synced").waitFor();
      await section(page, "Ports").getByText("11 up").waitFor();
      await section(page, "Balancers").getByText("1 serve").waitFor();
      await section(page, "Needs attention").getByText("All hosts hold all")
        .waitFor();
      // It is of no cluster.
      assert.equal(await section(page, "Cluster").count(), 0);
      assert.equal(await page.locator(".notice").count(), 0);
      await shoot("quiet");
      // A host that nobody answers for, told of without a reload.
      await api("PUT", "hosts/nowhere", { spec: {
        ovsdb: "tcp:127.0.0.1:1", tunnel_ip: "10.99.0.99" } });
      await section(page, "Needs attention").getByText("host nowhere")
        .waitFor();
      await section(page, "Changes of the last hour")
        .getByText("create hosts/nowhere").waitFor();
      await shoot("offline");
      await api("DELETE", "hosts/nowhere");
      await section(page, "Needs attention").getByText("host nowhere")
        .waitFor({ state: "detached" });
      // test_page.py has let a policy deny something.
      await section(page, "Drops of the last hour").getByText("isolated")
        .first().waitFor();
      await rows(section(page, "Packets that were dropped"))
        .filter({ hasText: "buyer1" }).filter({ hasText: "db1" }).first()
        .waitFor();
    },
  },

  // test_page.py stops the members' servers once it sees the first picture,
  // and starts them once it sees the second one.
  cluster: {
    bench: true,
    allows: /ERR_|status of 503/,
    async play({ page, go, shoot, barriers }) {
      const panel = section(page, "Cluster");
      const notice = page.getByRole("alert").filter(
        { hasText: "Nothing can be changed" });
      const member = (name) => panel.getByRole("row", { name });

      page.setDefaultTimeout(120000);
      await go("overview");
      for (const name of ["c1", "c2", "c3"]) {
        await member(name).waitFor();
      }
      // On a busy machine the first one's lease may have ended meanwhile.
      await member(/\(this one\) (writer|standby) 0 /).waitFor();
      await until("one of them to be the writer", async () =>
        await member(/ writer /).count() === 1
        && await member(/ standby /).count() === 2
        && await notice.count() === 0, COUNTED);
      assert.deepEqual(await barriers(page), [], "it is accessible");
      await shoot("members");
      await notice.waitFor();
      await panel.getByText("away", { exact: true }).first().waitFor();
      await go("policies");
      await notice.waitFor();
      await shoot("elsewhere");
      await go("overview");
      await notice.waitFor();
      await panel.getByText("away", { exact: true }).first().waitFor();
      assert.deepEqual(await barriers(page), [], "it is accessible");
      await shoot("stuck");
      await notice.waitFor({ state: "detached" });
      await panel.getByText("away", { exact: true }).first().waitFor(
        { state: "detached" });
    },
  },

  outage: {
    allows: /ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_INCOMPLETE|ERR_EMPTY/,
    elsewhere: true,
    async play({ page, url, api }) {
      // By way of somebody who can go away.
      const open = new Set();
      const way = createServer((socket) => {
        const { hostname, port } = new URL(url);
        const other = connect(Number(port), hostname);

        for (const [one, two] of [[socket, other], [other, socket]]) {
          open.add(one);
          one.on("error", () => {}).on("close", () => two.destroy());
          one.pipe(two);
        }
      });
      const listen = (port) => new Promise((done) =>
        way.listen(port, "127.0.0.1", () => done(way.address().port)));
      const port = await listen(0);

      await page.goto(`http://127.0.0.1:${port}/#/overview`);
      await page.locator("header.top").getByText("live").waitFor();
      await section(page, "Hosts").getByText("3 synced").waitFor();
      way.close();
      open.forEach((socket) => socket.destroy());
      await page.getByText("no connection").waitFor();
      await page.getByRole("alert").getByText("vmnd does not answer")
        .waitFor();
      // What was there stays to be seen; what comes meanwhile, is seen after.
      await section(page, "Hosts").getByText("3 synced").waitFor();
      await api("PUT", "groups/meanwhile", { spec: { selector: "role=x" } });
      await listen(port);
      await page.locator("header.top").getByText("live").waitFor();
      await section(page, "Changes of the last hour")
        .getByText("create groups/meanwhile").waitFor();
      await page.getByRole("alert").waitFor({ state: "detached" });
      await api("DELETE", "groups/meanwhile");
      way.close();
    },
  },

  topology: {
    async play({ page, api, go, shoot }) {
      await api("PATCH", "ports/web1", { spec: { description: MARKUP } });
      await go("topology");
      const picture = page.getByRole("group", { name: "The picture" });
      const card = (name) => picture.getByRole("button", { name });

      // VMs in their hosts, and what goes through these.
      await card(/^host h1, synced, 4 ports/).waitFor();
      assert.equal(await picture.locator("rect.chip").count(), 11);
      await until("traffic", async () => await picture.getByText("bit/s")
        .count() > 0, COUNTED);
      await shoot("hosts");
      await page.getByRole("button", { name: "By network" }).click();
      await card(/^network shop, 7 ports.*balancer shop/).waitFor();
      await card(/^router shop, joins shop, shop-data/).waitFor();
      await shoot("networks");
      // By the keys alone: the first card, and the one beside it.
      await card(/^router shop/).focus();
      await page.keyboard.press("ArrowRight");
      await page.keyboard.press("Enter");
      await section(page, "Network shop").getByText("10.0.0.0/24").waitFor();
      assert.equal(await rows(section(page, "Network shop")).filter(
        { hasText: "web" }).count(), 3);
      // A search, and what it finds.
      await page.keyboard.press("/");
      await page.keyboard.type("10.0.0.11");
      await until("the port of that address", async () =>
        (await rows(section(page, "Found")).allTextContents()).join()
          === "Portr-web1,Portweb1");
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("Enter");
      const detail = section(page, "Port web1");

      await detail.getByText("shop-web").first().waitFor();
      await detail.getByRole("list", { name: "Flows" }).getByText("in_port")
        .first().waitFor();
      await detail.getByText(/installed on|concerns no host's/).waitFor();
      // What would be markup is text.
      await detail.getByText(MARKUP).waitFor();
      assert.equal(await page.locator("main img").count(), 0);
      assert.match(await page.title(), /^Topology/);
    },
  },

  balancer: {
    async play({ page, api, go, shoot }) {
      await api("PATCH", "loadbalancers/shop", { spec: {
        client_limit: { rate: 50 }, scale: { metric: "connections",
          high: 100 } } });
      await until("its load", async () => ((await api("GET",
        "loadbalancers/shop")).status.scale?.value ?? null) !== null,
      COUNTED);
      await go("topology/loadbalancers/shop");
      const detail = section(page, "Balancer shop");

      await detail.getByText("50 connections a second, 50 at once")
        .waitFor();
      await detail.getByText("a second for each backend").waitFor();
      await detail.getByRole("row", { name: /^web1 h1 1 50 % .*serving/ })
        .waitFor();
      await shoot("balancer");
      await api("PATCH", "loadbalancers/shop", { spec: {
        client_limit: null, scale: null } });
    },
  },

  trace: {
    dark: true,
    async play({ page, go, shoot }) {
      await go("trace");
      await field(page, "From").fill("web2");
      await field(page, "To").fill("app2");
      await field(page, "Port").fill("9000");
      await page.keyboard.press("Enter");
      await page.getByRole("status").getByText("delivered").waitFor();
      // By a tunnel, by a rule at either end, and its answer.
      for (const what of ["request", "reply"]) {
        const leg = page.locator(".leg").filter({ has: page.getByRole(
          "heading", { name: what }) });

        await leg.getByRole("img", { name: "by tunnel to h" }).waitFor();
        await leg.getByText("shop-web rule 1").waitFor();
        await leg.getByText("shop-app rule 0").waitFor();
      }
      await page.getByText("firewall.policy").first().click();
      await page.getByText("firewall.verdicts/shop-web").first().waitFor();
      await shoot("delivered");
      await field(page, "To").fill("db1");
      await field(page, "Port").fill("5432");
      await page.getByRole("button", { name: "Trace" }).click();
      await page.getByRole("status").getByText("isolated", { exact: true })
        .waitFor();
      await page.getByText("none of its rules allows this").waitFor();
      await page.getByText(/^Isolated in (in|e)gress by /).waitFor();
      assert(page.url().endsWith("#/trace/web2/db1/tcp/5432"));
      await shoot("dropped");
      // To the balancer: one outcome for each backend.
      await field(page, "From").fill("buyer1");
      await field(page, "To").fill("shop");
      await field(page, "Port").fill("80");
      await page.getByRole("button", { name: "Trace" }).click();
      await page.getByText("50 % of connections").first().waitFor();
      // What the API refuses is told as it says.
      await field(page, "From").fill("nobody");
      await page.getByRole("button", { name: "Trace" }).click();
      await page.getByRole("alert").getByText("nobody").waitFor();
    },
    allows: /status of 4\d\d/,
  },

  policies: {
    async play({ page, api, go, shoot }) {
      await api("PUT", "policies/tried", { spec: { tier: "security",
        mode: "shadow", applies_to: ["shop-buyer"], description: MARKUP,
        rules: [{ direction: "egress", action: "deny",
          services: [{ protocol: "tcp", ports: [9] }],
          windows: [{ days: ["mon", "fri"], start: "08:00", end: "18:00",
            not_after: "2026-01-01T00:00:00Z" }] }] } });
      await go("policies");
      // Lanes in the order of the tiers, quarantine behind emergency.
      const lane = (name) => section(page, name);

      await lane("Tier application").getByText("shop-web").first().waitFor();
      assert.deepEqual(await page.locator(".lane h3").allTextContents(),
        ["emergency", "quarantine", "security", "platform", "application",
          "baseline"]);
      await lane("Tier application").getByRole("button", { name: "shop-web" })
        .click();
      await section(page, "Policy shop-web").getByText("egress to shop-app on")
        .waitFor();
      // A shadow's results, and that it decides from now on.
      await lane("Tier security").getByRole("button", { name: "tried" })
        .click();
      const tried = section(page, "Policy tried");

      await tried.getByText("It decides nothing yet").waitFor();
      await tried.getByText(MARKUP).waitFor();
      // Its time is over.
      await tried.getByText(
        "mon, fri 08:00-18:00 UTC until 2026-01-01T00:00:00Z").waitFor();
      await tried.getByText("(not now)").waitFor();
      await shoot("shadow");
      await page.getByRole("button", { name: "Promote" }).click();
      await page.getByRole("dialog").getByText("updated").waitFor();
      await page.getByRole("dialog").getByRole("button", { name: "Promote" })
        .click();
      await page.getByText("tried decides now").waitFor();
      await tried.getByText("enforce").waitFor();
      assert.equal((await api("GET", "policies/tried")).spec.mode, "enforce");
      // One button cuts a port off, another one undoes it.
      await field(page, "Port").fill("buyer1");
      await page.getByRole("button", { name: "Cut off" }).click();
      await page.getByText("buyer1 is cut off").waitFor();
      await page.getByText("installed on all 3 hosts").waitFor();
      await lane("Quarantine").getByText("buyer1").first().waitFor();
      assert.deepEqual((await api("GET", "ports/buyer1")).status.quarantines,
        ["buyer1"]);
      await shoot("quarantine");
      await page.getByRole("button", { name: "Undo" }).click();
      await page.getByText("buyer1 is released").waitFor();
      await page.getByText("Nobody is in quarantine").waitFor();
      await api("DELETE", "policies/tried");
      await lane("Tier security").getByText("No policies").waitFor();
      await page.getByText("There is no policy tried").waitFor();
    },
  },

  // Somebody asks for a network before the view knows how many ports there
  // are: that is then not to take the answer's place.
  hurriedreachability: {
    async play({ page, go }) {
      let release;
      const held = new Promise((done) => { release = done; });

      await page.route("**/v1/summary?*", async (route) => {
        await held;
        await route.fulfill({ json: { ports: { up: 100000, pending: 0,
          down: 0, unknown: 0 }, networks: [{ name: "shop" }] } });
      });
      const summary = page.waitForResponse(/\/v1\/summary\?/);

      await go("reachability");
      await field(page, "Port").fill("9000");
      await page.getByRole("button", { name: "Show" }).click();
      const cell = page.getByRole("button", { name: "web1 to app1 +1: yes" });

      await cell.waitFor();
      release();
      await (await summary).finished();
      // Whatever follows from it has followed before a later answer comes.
      await page.evaluate(() => fetch("/healthz").then((r) => r.text()));
      assert.equal(await page.getByText("Which network?").count(), 0);
      assert(await cell.isVisible());
    },
  },

  reachability: {
    async play({ page, api, go, shoot }) {
      await go("reachability");
      await field(page, "Port").fill("9000");
      await page.getByRole("button", { name: "Show" }).click();
      const cell = (name) => page.getByRole("button", { name });

      // Which rule decides.
      await cell("web1 to app1 +1: yes").click();
      await section(page, "Cell").getByText("policy shop-app, rule 0")
        .or(section(page, "Cell").getByText("shop-app, rule 0")).first()
        .waitFor();
      await section(page, "Cell").getByText("ingress from shop-web on")
        .waitFor();
      await cell("buyer1 +1 to app1 +1: no, isolated").focus();
      await page.keyboard.press("ArrowRight");
      await page.keyboard.press("ArrowLeft");
      await page.keyboard.press("Enter");
      await section(page, "Cell").getByText("no: isolated").waitFor();
      await shoot("cell");
      // By group.
      await page.getByLabel("By", { exact: true }).selectOption("group");
      await page.getByRole("button", { name: "Show" }).click();
      await cell("shop-web to shop-app: yes").waitFor();
      await page.getByLabel("By", { exact: true }).selectOption("port");
      await page.getByRole("button", { name: "Show" }).click();
      // What a change would do, before it is made.
      await cell("web1 to app1 +1: yes").click();
      await page.getByRole("button", { name: "Edit shop-app" }).click();
      const text = page.getByLabel("Its spec, as JSON");
      const before = (await api("GET", "policies/shop-app")).spec;
      const apply = page.getByRole("button", { name: "Apply" });

      await until("the spec", async () => (await text.inputValue()).includes(
        "shop-web"));
      assert(await apply.isDisabled());
      await text.fill("{");
      await page.getByRole("button", { name: "Compare" }).click();
      await page.getByText("That is no JSON").waitFor();
      await text.fill(JSON.stringify({ ...before, description: MARKUP,
        rules: before.rules.map((rule, i) => i ? rule
          : { ...rule, peers: [{ group: "shop-buyer" }] }) }));
      await page.keyboard.press("Control+Enter");
      await page.getByText("What would be different").waitFor();
      await page.getByText("app firewall").waitFor();
      assert.equal(await cell("web1 to app1 +1: yes").textContent(), "✓→✕");
      assert.equal(await cell("buyer1 +1 to web2").textContent(), "✕");
      assert.deepEqual((await api("GET", "policies/shop-app")).spec, before);
      await shoot("compared");
      await apply.click();
      await page.getByText("installed on all 3 hosts").waitFor();
      await cell("web1 to app1 +1: no, isolated").waitFor();
      // buyers may not send, so a rule that lets them in is not enough.
      await cell("buyer1 +1 to app1 +1: no, isolated").waitFor();
      await api("PUT", "policies/shop-app", { spec: before });
    },
  },

  changes: {
    dark: true,
    async play({ page, api, go }) {
      await go("overview");
      await page.keyboard.press("Escape");
      await page.getByRole("navigation", { name: "Views" })
        .getByText("Changes").click();
      const list = section(page, "Revisions");
      const detail = section(page, "Revision");
      const made = await api("PUT", "groups/watched",
        { spec: { selector: "role=web", description: MARKUP } });
      const row = rows(list).filter({ hasText: "create groups/watched" });

      await row.waitFor();
      await row.getByText("tcp:127.0.0.1").waitFor();
      await list.getByRole("searchbox").fill("groups/watched");
      await until("the filter", async () => await rows(list).count() === 1);
      await row.focus();
      await page.keyboard.press("Enter");
      await detail.getByText(`Revision ${made.revision}`).waitFor();
      await detail.getByText("create").waitFor();
      assert(page.url().endsWith(`#/changes/${made.revision}`));
      await list.getByRole("searchbox").fill("");
      // By the keys alone: the one below, which has a receipt of all hosts.
      const moved = await api("PUT", "ports/web1",
        { spec: { ...(await api("GET", "ports/web1")).spec,
          labels: { role: "web", tenant: "shop", looked: "yes" } } });

      await rows(list).filter({ hasText: "update ports/web1" })
        .filter({ hasText: new RegExp(`^${moved.revision}`) }).focus();
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("ArrowUp");
      await page.keyboard.press("Enter");
      await detail.getByText(`Revision ${moved.revision}`).waitFor();
      await api("DELETE", "groups/watched");
      await rows(list).filter({ hasText: "delete groups/watched" }).waitFor();
    },
  },
};
