// SPDX-License-Identifier: Apache-2.0
//
// Lists of objects of each type, the history of one, and its undo; what an
// account with a scope is shown.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { field, MARKUP, misfits, rows, section, until }
  from "./page-helpers.mjs";

const menu = (page, name) => page.getByRole("navigation", { name: "Types" })
  .getByRole("link", { name, exact: true });

/** Opens the revision of the history that did 'op' last. */
const opened = async (detail, op) => {
  const entry = detail.getByRole("listitem").filter({ has:
    detail.page().locator("summary", { hasText: op }) }).first();

  await entry.locator("summary").click();
  return entry;
};

/* An app with a type of its own, and nothing else. */
const LIMITS = `return { name = "limits", types = { {
  name = "limits", singular = "limit", doc = "What ports may send.",
  fields = {
    { name = "network", type = "ref", ref = "networks", required = true,
      doc = "Where it holds." },
    { name = "rate", type = "int", min = 1, default = 100, max = 1000,
      doc = "Packets a second." } } } } }`;

export const scenes = {
  own: {
    async play({ page, api, go, shoot }) {
      await api("PUT", "apps/limits/code", { file: "limits.lua",
        code: Buffer.from(LIMITS).toString("base64") });
      await api("PUT", "limits/slow", { spec: { network: "shop", rate: 7 } });
      await go("objects/limits");
      const list = section(page, "Limits");

      await rows(list).filter({ hasText: "slow" }).filter({ hasText: "7" })
        .filter({ hasText: "served" }).waitFor();
      await rows(list).first().click();
      await section(page, "Limit slow").getByText("shop").first().waitFor();
      await shoot("own");
      await api("DELETE", "apps/limits/code");
      await rows(list).filter({ hasText: "no app" }).waitFor();
      // What is shown is asked for again and again.
      await go("objects/networks");
      await api("DELETE", "limits/slow");
      await api("DELETE", "types/limits");
    },
  },
  // How a guest is: asked by app monitors, and what its switch knows of it.
  guest: {
    async play({ page, url, api, go, shoot }) {
      await api("PUT", "apps/monitors/code", { file: "monitors.so",
        code: readFileSync(`${process.env.VMN_APPDIR
          ?? "_build/normal/appdir"}/monitors.so`).toString("base64") });
      await api("PUT", "groups/asked", { spec: { ports: ["web1"] } });
      await api("PUT", "monitors/asked", { spec: { group: "asked",
        interval_ms: 1000, timeout_ms: 500 } });
      await until("the guest to have answered", async () => (await api("GET",
        "ports/web1")).status.monitor?.state === "up");
      for (const [name, [width, height]] of Object.entries(
        { laptop: [1280, 800], phone: [390, 844] })) {
        await page.setViewportSize({ width, height });
        await page.goto(`${url}/#/topology/ports/web1`);
        await page.reload();
        const detail = section(page, "Port web1");

        await detail.getByText("Addresses that the guest uses").or(
          detail.getByRole("group", { name: "Addresses that the guest uses" }))
          .first().waitFor();
        await detail.getByText(/^up since/).waitFor();
        await detail.getByText(", link up").waitFor();
        assert.deepEqual(await misfits(page), [], name);
        await detail.getByRole("heading", { name: "Guest" })
          .scrollIntoViewIfNeeded();
        await shoot(name);
      }
      await page.setViewportSize({ width: 1280, height: 800 });
      await go("objects/monitors");
      await rows(section(page, "Monitors")).filter({ hasText: "asked" })
        .first().waitFor();
      await shoot("monitors");
      await go("objects/networks");
      await api("DELETE", "monitors/asked");
      await api("DELETE", "groups/asked");
      await api("DELETE", "apps/monitors/code");
    },
  },
  // What is open stays as the object is, and where its reader is in it.
  followed: {
    allows: /status of (404|503)/,
    async play({ page, api, go }) {
      const name = "followed";
      const describe = (description) => api("PATCH", `groups/${name}`,
        { spec: { description } });
      const errors = () => section(page, `Group ${name}`).getByRole("alert");

      await api("PUT", `groups/${name}`, { spec: { selector: "role=a" } });
      await go(`objects/groups/${name}`);
      const detail = section(page, `Group ${name}`);
      const entry = await opened(detail, "create");

      await entry.getByText("selector").waitFor();
      await entry.locator("summary").focus();
      await describe("the second");
      await detail.getByText("the second", { exact: true }).waitFor();
      await detail.locator("summary", { hasText: "update" }).waitFor();
      assert(await entry.getByText("selector").isVisible());
      assert(await entry.locator("summary").evaluate((summary) =>
        summary === document.activeElement));
      // A vmnd that does not answer takes away nothing.
      await page.route(`**/v1/groups/${name}`, (route) => route.fulfill({
        status: 503, json: { title: "Busy", detail: "it is busy" } }));
      await describe("the third");
      await errors().getByText("it is busy").waitFor();
      assert(await detail.getByText("the second", { exact: true })
        .isVisible());
      await page.unroute(`**/v1/groups/${name}`);
      await describe("the fourth");
      await detail.getByText("the fourth", { exact: true }).waitFor();
      await until("no error", async () => await errors().count() === 0);
      // Of one that is gone there is its history.
      await api("DELETE", `groups/${name}`);
      await errors().waitFor();
      await detail.locator("summary", { hasText: "delete" }).waitFor();
      await until("what it was to go", async () => await detail.getByText(
        "the fourth", { exact: true }).count() === 0);
      await api("PUT", `groups/${name}`, { spec: { selector: "role=b" } });
      await detail.getByText("role=b", { exact: true }).first().waitFor();
      await until("no error", async () => await errors().count() === 0);
      await go("objects/networks");
      await api("DELETE", `groups/${name}`);
    },
  },
  // A port that moves, as its status has it; and hosts that are in maintenance
  // or lost.
  moving: {
    allows: /status of 404/,    // The host that is deleted, read once more.
    async play({ page, api, go, shoot }) {
      await page.route("**/v1/ports/web1", async (route) => {
        const response = await route.fetch();
        const port = await response.json();

        port.status.migration = { from: "h1", to: "h2", state: "prepared",
          reason: `not yet announced ${MARKUP}` };
        await route.fulfill({ response, json: port });
      });
      await go("topology/ports/web1");
      await section(page, "Port web1").getByText(
        `from h1 to h2: prepared (not yet announced ${MARKUP})`,
        { exact: true }).waitFor();
      assert.deepEqual(await misfits(page), []);
      await shoot("port");
      await page.unroute("**/v1/ports/web1");

      const spec = { ovsdb: "tcp:127.0.0.1:1", tunnel_ip: "10.99.0.99" };

      // More ports than the demonstration has.
      const limits = [];

      await page.route((url) => url.pathname === "/v1/ports"
        && url.searchParams.get("host") === "gone", (route) => {
        const { searchParams } = new URL(route.request().url());
        const limit = Number(searchParams.get("limit"));
        const first = searchParams.has("after")
          ? Number(searchParams.get("after").slice(1)) + 1 : 100;
        const items = Array.from({ length: Math.min(limit, 600 - first) },
          (_, i) => ({ name: `p${first + i}`, spec: { network: "shop" },
            status: { state: "up" } }));

        limits.push(limit);
        return route.fulfill({ json: { items, ...first + limit < 600
          ? { next: items.at(-1).name } : {} } });
      });
      await api("PUT", "hosts/gone", { spec: { ...spec, lost: true } });
      await go("topology/hosts/gone");
      const gone = section(page, "Host gone");

      await gone.getByText("lost", { exact: true }).first().waitFor();
      assert.deepEqual(await misfits(page), []);
      await shoot("lost");
      await gone.getByRole("button", { name: "More" }).click();
      const ports = gone.getByRole("grid", { name: "Ports" });

      await until("the next ports", async () => await ports.getAttribute(
        "aria-rowcount") === "401");
      await ports.evaluate((list) => { list.scrollTop = 9000; });
      await ports.getByText("p420", { exact: true }).waitFor();
      limits.length = 0;
      await api("PUT", "hosts/gone", { spec: { ...spec, lost: false,
        maintenance: true } });
      // The panel is open.
      await gone.getByText("offline", { exact: true }).first().waitFor();
      await gone.getByText("nothing is left on it").waitFor();
      await until("all its ports to be asked for",
        () => limits.includes(400));
      assert.equal(await ports.getAttribute("aria-rowcount"), "401");
      assert.equal(await ports.evaluate((list) => list.scrollTop), 9000);
      await shoot("maintenance");
      // What is left where it is still in use.
      await page.route("**/v1/hosts/h1", async (route) => {
        const response = await route.fetch();
        const host = await response.json();

        host.status.maintenance = { state: "draining", routers: ["shop"],
          ports: 3, migrating: 1, draining: 1 };
        host.status.bfd = { sessions: 2, down: ["h3"] };
        await route.fulfill({ response, json: host });
      });
      await go("topology/hosts/h1");
      const h1 = section(page, "Host h1");

      await h1.getByText("left: 3 ports, 1 port on the way, the gateway of "
        + "shop, 1 backend with open connections").waitFor();
      await h1.getByText("1 of 2 hosts, not h3").waitFor();
      assert.deepEqual(await misfits(page), []);
      await shoot("draining");
      await page.unroute("**/v1/hosts/h1");
      await go("objects/networks");
      await api("DELETE", "hosts/gone");
    },
  },
  objects: {
    allows: /status of 404/,
    async play({ page, api, go, shoot }) {
      await api("PUT", "groups/seen", { spec: { selector: "role=web",
        description: MARKUP } });
      await api("PUT", "accounts/team", { spec: { role: "operator",
        scope: "project=team" } });
      await go("objects/networks");
      await rows(section(page, "Networks")).filter({ hasText: "shop-data" })
        .getByText("1 of 253").waitFor();
      await shoot("networks");
      // By the menu: what each type's list has of its own.
      for (const [title, name, text] of [["Balancers", "shop", "2 of 2"],
        ["Routers", "shop", "shop, shop-data"],
        ["Groups", "shop-web", "role=web,tenant=shop"],
        ["DNS", "shop.internal", "shop, shop-data"],
        ["Accounts", "team", "project=team"], ["Ports", "web1", "10.0.0.11"],
        ["Services", "app-service", "tcp/9000"], ["Hosts", "h1", "synced"],
        ["Policies", "shop-web", "application"]]) {
        await menu(page, title).click();
        await rows(section(page, title)).filter({ hasText: name })
          .filter({ hasText: text }).first().waitFor();
      }
      // A search by a label, and by the beginning of a name.
      await menu(page, "Ports").click();
      const list = section(page, "Ports");

      await list.getByRole("searchbox").fill("role=web,tenant=shop");
      await until("two ports", async () => await rows(list).count() === 2);
      await list.getByRole("searchbox").fill("buyer");
      await until("the buyers", async () => (await rows(list)
        .allTextContents()).every((text) => text.startsWith("buyer")));
      await rows(list).first().focus();
      await page.keyboard.press("Enter");
      await section(page, "Port buyer1").getByText("Trace a packet").waitFor();
      // Of a type without looks of its own, all fields; markup is text.
      await go("objects/groups/seen");
      await section(page, "Group seen").getByText(MARKUP).waitFor();
      await section(page, "Group seen").getByText("web1, web2").waitFor();
      assert.equal(await page.locator("main img").count(), 0);
      await go("objects/things");
      await section(page, "Not found").getByText("no objects of type things")
        .waitFor();
      await api("DELETE", "groups/seen");
      await api("DELETE", "accounts/team");
    },
  },

  history: {
    allows: /status of 40[49]/,
    async play({ page, api, go, shoot }) {
      const name = "remembered";
      const selector = async () => (await api("GET", `groups/${name}`))
        .spec.selector;

      await api("PUT", `groups/${name}`, { spec: { selector: "role=a" } });
      await api("PATCH", `groups/${name}`, { spec: { selector: "role=b",
        description: MARKUP } });
      await go(`objects/groups/${name}`);
      const detail = section(page, `Group ${name}`);
      let entry = await opened(detail, "update");

      await entry.getByText("selector: role=a → role=b").waitFor();
      await entry.getByText(MARKUP).waitFor();
      assert.equal(await page.locator("main img").count(), 0);
      await shoot("fields");
      // The plan first: who cancels has changed nothing.
      await entry.getByRole("button", { name: "Undo" }).click();
      await page.getByRole("dialog").getByText("selector: role=b → role=a")
        .waitFor();
      await page.getByRole("button", { name: "Cancel" }).click();
      assert.equal(await selector(), "role=b");
      await entry.getByRole("button", { name: "Undo" }).click();
      await page.getByRole("dialog").getByRole("button", { name: "Undo" })
        .click();
      await detail.getByText("is undone").waitFor();
      assert.equal(await selector(), "role=a");
      // What was changed again since is refused, unless one insists.
      await api("PATCH", `groups/${name}`, { spec: { selector: "role=c" } });
      await page.reload();
      await detail.locator("summary").nth(2).waitFor();
      entry = detail.getByRole("listitem").nth(1);
      await entry.locator("summary").click();
      await entry.getByRole("button", { name: "Undo" }).click();
      await detail.getByRole("alert").waitFor();
      await detail.getByRole("button", { name: "Undo it all the same" })
        .click();
      await page.getByRole("dialog").getByRole("button", { name: "Undo" })
        .click();
      await detail.getByText("is undone").waitFor();
      assert.equal(await selector(), "role=b");
      // One that was deleted comes back.
      await api("DELETE", `groups/${name}`);
      await page.reload();
      await detail.getByRole("alert").waitFor();
      entry = await opened(detail, "delete");
      await entry.getByRole("button", { name: "Undo" }).click();
      await page.getByRole("dialog").getByRole("button", { name: "Undo" })
        .click();
      await detail.getByText("is undone").waitFor();
      assert.equal(await selector(), "role=b");
      await api("DELETE", `groups/${name}`);
    },
  },

  scoped: {
    stranger: true,
    allows: /status of 40[134]/,
    async play({ page, api, go }) {
      await api("PUT", "accounts/team", { spec: { role: "operator",
        scope: "project=team" } });
      await api("PUT", "networks/team", { spec: {
        labels: { project: "team" } } });
      const { secret } = await api("PUT", "tokens/team",
        { spec: { account: "team" } });

      await go("overview");
      await page.getByLabel("Token").fill(secret);
      await page.keyboard.press("Enter");
      await page.getByRole("link", { name: "The objects of its scope" })
        .click();
      await menu(page, "Networks").click();
      await until("its network alone", async () => (await rows(
        section(page, "Networks")).allTextContents()).join().startsWith(
        "team0"));
      assert.equal(await rows(section(page, "Networks")).count(), 1);
      // It hears of the events of its own objects.
      await page.locator("header.top").getByText("live").waitFor();
      // What is of the whole network says so, and does not load for ever.
      await go("topology");
      await page.getByText("The topology is of the whole network").waitFor();
      assert.equal(await page.getByText("Loading").count(), 0);
      await go("changes");
      await page.getByText("This account has changed nothing yet.").waitFor();
      // Its own change is listed there, with its comment.
      await go("objects/networks/team");
      await page.getByRole("link", { name: "Edit" }).click();
      const edited = section(page, "Edit team");

      await edited.getByRole("textbox", { name: "description", exact: true })
        .fill("ours");
      await edited.getByLabel("Comment").fill("ticket 4711");
      await edited.getByRole("button", { name: "Plan", exact: true }).click();
      await until("the plan", () => edited.getByRole("button",
        { name: "Apply" }).isEnabled());
      await edited.getByRole("button", { name: "Apply" }).click();
      await section(page, "Network team").getByText(/^revision \d/).first()
        .waitFor();
      await go("changes");
      await page.getByText("account:team/team").first().waitFor();
      const made = (await api("GET", "revisions?who=account:team")).items;

      assert.deepEqual(made.map((one) => one.comment), ["ticket 4711"]);
      // Nor do thousands of later ones by others hide it.
      for (let i = 0; i < 2100; i++) {
        await api("PUT", "groups/others", { spec: {
          description: `change ${i}` } });
      }
      assert.equal((await api("GET", "revisions?who=account:team")).items
        .length, 0);
      await go("objects/networks/team");
      await page.reload();
      await go("changes");
      await page.getByText("account:team/team").first().waitFor();
      await api("DELETE", "groups/others");
      await api("DELETE", "tokens/team");
      await api("DELETE", "networks/team");
      await api("DELETE", "accounts/team");
    },
  },

  // What an account with a scope is told of packets.
  scopedtrace: {
    stranger: true,
    allows: /status of 40[134]/,   // 404: the revision of another.
    async play({ page, api, go }) {
      const { spec } = await api("GET", "ports/web1");
      const { status } = await api("GET", "ports/db1");

      assert.equal(spec.labels.role, "web");
      await api("PUT", "accounts/web", { spec: { role: "viewer",
        scope: "tenant=shop,role=web" } });
      const { secret } = await api("PUT", "tokens/web",
        { spec: { account: "web" } });

      await go("overview");
      await page.getByLabel("Token").fill(secret);
      await page.keyboard.press("Enter");
      await section(page, "Drops of the last hour").waitFor();
      await go("objects/ports/web1");
      await section(page, "Port web1").getByText("Recent drops").waitFor();
      await section(page, "Port web1").getByText("Trace a packet").click();
      await field(page, "To").fill(status.ips[0]);
      await field(page, "Port").fill("5432");
      await page.getByRole("button", { name: "Trace" }).click();
      await page.getByRole("status").getByText("dropped").waitFor();
      const said = section(page, "Outcome");

      await said.getByText("(out of scope)").first().waitFor();
      assert(!/db1|h3/.test(await said.textContent()),
        await said.textContent());
      await page.getByText("This account has a scope").waitFor();
      await api("DELETE", "tokens/web");
      await api("DELETE", "accounts/web");
    },
  },

  // Who wanted to be a host: test_page.py has tried it from there.
  rejected: {
    async play({ page, go, shoot }) {
      await go("objects/hosts");
      const one = section(page, "Rejected").getByRole("row").filter(
        { hasText: "127.0.0.2" });

      await one.getByText("OpenFlow 1.5 (0x06) is needed").waitFor();
      const cells = await one.getByRole("cell").allTextContents();

      assert.deepEqual(cells.slice(0, 2), ["127.0.0.2", "openflow"]);
      assert.equal(cells[3], "1");
      assert.match(cells[5], /[0-9]{2}:[0-9]{2}:[0-9]{2}/);
      await shoot("list");
      await go("objects/ports");
      await section(page, "Ports").waitFor();
      assert.equal(await section(page, "Rejected").count(), 0);
    },
  },
};
