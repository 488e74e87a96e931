// SPDX-License-Identifier: Apache-2.0
//
// What is done with the page, and what must then be seen.  The demonstration's
// shop is there: three hosts, eleven VMs, a router and a balancer.
//
// A scene has play({page, url, token, api, shoot, go}), and perhaps: stranger
// (it has no token), dark, allows (what the console may say), bench (played
// only when it is asked for).

import assert from "node:assert/strict";

/** What a view shows as its rows, as text. */
const rows = (where) => where.locator("[role=rowgroup] [role=row]");

const section = (page, name) => page.getByRole("region", { name,
  exact: true });

/** Until it is so, as expect() would. */
async function until(what, condition) {
  const end = Date.now() + 15000;

  for (;;) {
    const value = await condition();

    if (value) {
      return value;
    }
    assert(Date.now() < end, `${what} did not come about`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

/** Something that would run if it were taken for markup. */
const MARKUP = "<img src=x onerror=\"document.title='owned'\">";

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
      await section(page, "Health").getByText("good").waitFor();
      await section(page, "Hosts").getByText("3 synced").waitFor();
      await section(page, "Ports").getByText("11 up").waitFor();
      await section(page, "Balancers").getByText("1 serve").waitFor();
      await section(page, "Needs attention").getByText("All hosts hold all")
        .waitFor();
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

      await rows(list).filter({ hasText: "update ports/web1" }).first()
        .focus();
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("ArrowUp");
      await page.keyboard.press("Enter");
      await detail.getByText(`Revision ${moved.revision}`).waitFor();
      await api("DELETE", "groups/watched");
      await rows(list).filter({ hasText: "delete groups/watched" }).waitFor();
    },
  },
};
