// SPDX-License-Identifier: Apache-2.0
//
// Objects are made, changed and deleted by forms that follow from the schema;
// a network with a router and a way outside by three steps; and what a draft
// would do is looked at before it is applied.

import assert from "node:assert/strict";
import { MARKUP, misfits, rows, section, until } from "./page-helpers.mjs";

const press = (where, name) => where.getByRole("button", { name, exact: true })
  .click();

const entry = (where, name) => where.getByRole("textbox", { name,
  exact: true });

/** An error is at its field, in sight, and read with it. */
async function isWrong(page, input, text) {
  await until(text, async () => await input.getAttribute("aria-invalid")
    === "true" && input.evaluate((e) => e === document.activeElement));
  const said = await input.evaluate((e) => e.getAttribute("aria-describedby")
    .split(" ").map((id) => document.getElementById(id).textContent)
    .join(" "));

  assert(said.includes(text), said);
  const box = await input.boundingBox();

  assert(box.y >= 0 && box.y + box.height <= page.viewportSize().height);
}

/* One object of each type that is there from the beginning. */
const THERE = ["ports/web1", "networks/shop", "loadbalancers/shop",
  "routers/shop", "groups/shop-web", "services/app-service",
  "policies/shop-web", "dns-zones/shop.internal", "hosts/h1",
  "tiers/application", "apps/firewall"];

export const scenes = {
  form: {
    allows: /status of 4\d\d/,
    async play({ page, api, go, shoot }) {
      await go("objects/networks");
      await page.getByRole("link", { name: "New network" }).click();
      const made = section(page, "New network");

      await press(made, "Plan");
      await isWrong(page, entry(made, "name (required)"), "It needs a name");
      await entry(made, "name (required)").fill("shop");
      await press(made, "Plan");
      await isWrong(page, entry(made, "name (required)"),
        "There is networks/shop already");
      await entry(made, "name (required)").fill("No_Name");
      await press(made, "Plan");
      await isWrong(page, entry(made, "name (required)"), "must be a name");
      await entry(made, "name (required)").fill("made");
      await entry(made, "labels").fill("a=b\nc");
      await press(made, "Plan");
      await isWrong(page, entry(made, "labels"), "\"c\" is no KEY=VALUE");
      await entry(made, "labels").fill("a=b");
      await press(made, "Add to subnets");
      await entry(made, "cidr (required)").fill("10.9.0.0/33");
      await entry(made, "gateway").fill("x");
      await press(made, "Plan");
      // What vmnd refuses is at its field, each; the first is in sight.
      await isWrong(page, entry(made, "cidr (required)"), "must end with");
      assert.equal(await made.locator("[aria-invalid]").count(), 2);
      await shoot("wrong");
      await entry(made, "gateway").fill("");
      await press(made, "As JSON");
      await press(made, "Plan");
      await isWrong(page, entry(made, "The spec, as JSON"),
        "subnets/0/cidr: must end with");
      await press(made, "As a form");
      await entry(made, "cidr (required)").fill("10.9.0.0/24");
      assert.equal(await made.locator("[aria-invalid]").count(), 0);
      await made.getByLabel("dhcp", { exact: true }).selectOption("yes");
      await press(made, "Plan");
      await made.getByText("networks/made").waitFor();
      await shoot("plan");
      // Nothing is applied but what was planned.
      const apply = made.getByRole("button", { name: "Apply" });

      await entry(made, "description").fill(MARKUP);
      assert(await apply.isDisabled());
      await press(made, "Plan");
      await until("the plan", () => apply.isEnabled());
      await apply.click();
      // What was made is shown, with its receipt; markup is text.
      const detail = section(page, "Network made");

      await detail.getByText(/^revision \d/).first()
        .waitFor();
      await detail.getByText(MARKUP).waitFor();
      assert.deepEqual((await api("GET", "networks/made")).spec.subnets,
        [{ cidr: "10.9.0.0/24", dhcp: true }]);
      await detail.getByRole("link", { name: "Edit" }).click();
      const edited = section(page, "Edit made");

      await entry(edited, "gateway").fill("10.9.0.1");
      await press(edited, "As JSON");
      assert.equal(JSON.parse(await entry(edited, "The spec, as JSON")
        .inputValue()).subnets[0].gateway, "10.9.0.1");
      await press(edited, "As a form");
      await press(edited, "Plan");
      await edited.getByText(/gateway: \(none\) → 10.9.0.1|subnets/).first()
        .waitFor();
      await press(edited, "Apply");
      await detail.getByText(/^revision \d/).first()
        .waitFor();
      assert.deepEqual((await api("GET", "networks/made")).spec.subnets,
        [{ cidr: "10.9.0.0/24", gateway: "10.9.0.1", dhcp: true }]);
      // Deleted after its plan.
      await press(detail, "Delete");
      await page.getByRole("dialog").getByText("networks/made").first()
        .waitFor();
      await press(page.getByRole("dialog"), "Delete");
      await detail.getByText("is deleted").waitFor();
      assert.equal(await page.locator("main img").count(), 0);
    },
  },

  /* A plan names what it opens that was closed. */
  loosening: {
    async play({ page, api, go }) {
      await api("POST", "apply", { objects: [
        { type: "networks", name: "shut", spec: {
          subnets: [{ cidr: "10.9.0.0/24" }] } },
        { type: "ports", name: "shut", spec: { network: "shut" } },
        { type: "groups", name: "shut", spec: { ports: ["shut"] } },
        { type: "policies", name: "shut", spec: { applies_to: ["shut"],
          directions: ["ingress"] } }] });
      await go("objects/policies/shut");
      await press(section(page, "Policy shut"), "Delete");
      const dialog = page.getByRole("dialog");

      await dialog.getByRole("heading", { name: "Loosens" }).waitFor();
      await dialog.getByText("policy \"shut\", which is enforced, is deleted")
        .waitFor();
      await dialog.getByText("port \"shut\" is not isolated any more")
        .waitFor();
      await press(dialog, "Cancel");
      for (const type of ["policies", "groups", "ports", "networks"]) {
        await api("DELETE", `${type}/shut`);
      }
    },
  },

  /* A form that nobody has touched changes nothing, of whatever type. */
  untouched: {
    async play({ page, go }) {
      for (const object of THERE) {
        await go(`objects/${object}/edit`);
        const edited = section(page, `Edit ${object.split("/")[1]}`);

        await press(edited, "Plan");
        await edited.getByText("Nothing would change").waitFor();
        await go("objects");
      }
    },
  },

  /* What is allowed and most likely not meant is told, and done. */
  warned: {
    allows: /status of 404/,
    async play({ page, api, go, shoot }) {
      await go("objects/groups/+");
      const made = section(page, "New group");

      await entry(made, "name (required)").fill("empty");
      await entry(made, "selector").fill("role=webb");
      await press(made, "Plan");
      await made.getByText("groups/empty: matches no port").waitFor();
      await shoot("plan");
      await press(made, "Apply");
      const group = section(page, "Group empty");

      await group.getByText(/^revision \d/).first()
        .waitFor();
      await group.getByText("groups/empty: matches no port").waitFor();
      await go("overview");
      await section(page, "Needs attention").getByText("matches no port")
        .first().waitFor();
      await section(page, "Needs attention").getByRole("link",
        { name: "groups/empty" }).click();
      await section(page, "Group empty").getByText("role=webb").first()
        .waitFor();
      await api("DELETE", "groups/empty");
    },
  },

  secret: {
    allows: /status of 404/,
    async play({ page, api, go }) {
      await api("PUT", "accounts/team", { spec: { role: "viewer" } });
      await go("objects/tokens/+");
      const made = section(page, "New token");

      await entry(made, "name (required)").fill("team");
      await made.getByLabel("account (required)").fill("team");
      await press(made, "Plan");
      await until("the plan", () => made.getByRole("button", { name: "Apply" })
        .isEnabled());
      await press(made, "Apply");
      await section(page, "Token team").getByText(
        "which is told this once: team.").waitFor();
      await api("DELETE", "tokens/team");
      await api("DELETE", "accounts/team");
    },
  },

  guided: {
    allows: /status of 4\d\d/,
    async play({ page, api, go, shoot }) {
      await go("objects/networks");
      await page.getByRole("link", { name: "… with a router" }).click();
      const form = section(page, "A network, with a router and a way outside");

      await entry(form, "Network").fill("front");
      await entry(form, "Subnet").fill("10.20.0.0/24");
      await entry(form, "Resolvers").fill("10.20.0.53, 10.20.0.54");
      await form.getByLabel("Router", { exact: true }).fill("front");
      await form.getByLabel("What is outside can be reached").check();
      await press(form, "Plan");
      await isWrong(page, entry(form, "Name of the provider network"),
        "provider network's name is needed");
      await entry(form, "Name of the provider network").fill("internet");
      await entry(form, "Physical network").fill("dc");
      await form.getByLabel("VLAN").fill("7");
      await entry(form, "Subnet outside").fill("198.51.100.0/24");
      await entry(form, "Gateway outside").fill("198.51.100.1");
      await entry(form, "The router's addresses outside").fill("198.51.100.9");
      await entry(form, "Gateway hosts").fill("h1 h2");
      await press(form, "Plan");
      // h1 has no provider bridge, and the plan says what follows.
      await form.getByText(/routers\/front: host "h1" cannot be its gateway/)
        .waitFor();
      await shoot("plan");
      await press(form, "Apply");
      await form.getByText(/^revision \d/).first()
        .waitFor();
      const spec = async (of) => (await api("GET", of)).spec;

      assert.deepEqual((await spec("networks/front")).subnets,
        [{ cidr: "10.20.0.0/24", gateway: "10.20.0.1", dhcp: true }]);
      assert.deepEqual((await spec("networks/front")).dhcp_options,
        { dns: ["10.20.0.53", "10.20.0.54"] });
      assert.deepEqual((await spec("networks/internet")).provider,
        { physical: "dc", vlan: 7 });
      const { interfaces, external } = await spec("routers/front");

      assert.deepEqual(interfaces, [{ network: "front" }]);
      assert.equal(external.network, "internet");
      assert.deepEqual(external.addresses, ["198.51.100.9"]);
      assert.deepEqual(external.gateways, [{ host: "h1", priority: 1 },
        { host: "h2", priority: 2 }]);
      // A second one at that router.
      await page.reload();
      await entry(form, "Network").fill("back");
      await entry(form, "Subnet").fill("10.21.0.0/24");
      await form.getByLabel("Router", { exact: true }).fill("front");
      await press(form, "Plan");
      await form.getByText("routers/front").first().waitFor();
      await press(form, "Apply");
      await form.getByText(/^revision \d/).first()
        .waitFor();
      assert.deepEqual((await spec("routers/front")).interfaces.map((one) =>
        one.network).sort(), ["back", "front"]);
      for (const of of ["routers/front", "networks/back", "networks/front",
        "networks/internet"]) {
        await api("DELETE", of);
      }
    },
  },
  drafts: {
    allows: /status of 4\d\d/,
    async play({ page, url, api, go, shoot }) {
      const changes = [{ op: "patch", type: "policies", name: "shop-db",
        spec: { mode: "shadow", description: "by draft" } },
      { type: "groups", name: "drafted",
        spec: { ports: ["web1"], description: MARKUP } }];

      await go("drafts");
      await page.getByText("There is no draft.").waitFor();
      await api("PUT", "drafts/open-db", { spec: { changes,
        description: "as asked" } });
      // It comes by itself.
      await rows(section(page, "Drafts")).filter({ hasText: "open-db" })
        .filter({ hasText: "as asked" }).click();
      const draft = section(page, "Draft open-db");

      await draft.getByText("policies/shop-db").waitFor();
      await draft.getByText("groups/drafted").click();
      await draft.getByText("onerror").waitFor();
      const apply = draft.getByRole("button", { name: "Apply" });

      assert(await apply.isDisabled());
      await press(draft, "Plan");
      await draft.getByText(/enforce → shadow/).waitFor();
      await draft.getByText("Who reaches whom").waitFor();
      await draft.getByRole("group", { name: "What would be different" })
        .first().waitFor();
      for (const [name, [width, height]] of Object.entries(
        { laptop: [1280, 800], phone: [390, 844] })) {
        await page.setViewportSize({ width, height });
        assert.deepEqual(await misfits(page), [], name);
        await shoot(name);
      }
      await page.setViewportSize({ width: 1280, height: 800 });
      // What was changed meanwhile is in the way, and is told.
      await api("PATCH", "policies/shop-db", { spec: {
        description: "meanwhile" } });
      await apply.click();
      await draft.getByRole("alert").waitFor();
      await page.reload();
      await draft.getByRole("heading", { name: "1 conflict" }).waitFor();
      await shoot("conflict");
      await api("PATCH", "policies/shop-db", { spec: { description: null } });
      await page.reload();
      await press(draft, "Plan");
      await until("the plan", () => apply.isEnabled());
      await apply.click();
      await page.getByText("Draft open-db is applied.").waitFor();
      assert.equal((await api("GET", "policies/shop-db")).spec.mode,
        "shadow");
      // And back, by a draft that its revision makes.
      await page.getByRole("link", { name: "details" }).click();
      await page.getByText("Undo by a draft").click();
      const undo = section(page, /^Draft undo-\d+$/);

      await press(undo, "Plan");
      await undo.getByText(/shadow → enforce/).waitFor();
      await undo.getByRole("button", { name: "Apply" }).click();
      await page.getByText(/^Draft undo-\d+ is applied/).waitFor();
      assert.equal((await api("GET", "policies/shop-db")).spec.mode,
        "enforce");
      // One that nobody wants.
      await api("PUT", "drafts/no", { spec: { changes } });
      await page.goto(`${url}/#/drafts/no`);
      const no = section(page, "Draft no");

      await press(no, "Drop");
      await press(page.getByRole("dialog"), "Drop");
      await page.getByText("Draft no is dropped.").waitFor();
      await page.getByText("There is no draft.").waitFor();
    },
  },
};
