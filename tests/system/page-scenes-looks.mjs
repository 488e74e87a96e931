// SPDX-License-Identifier: Apache-2.0
//
// How the page looks on screens of several sizes, light and dark: nothing is
// cut off, nothing too faint, and all of it is reached by the keyboard.  And
// what it must not say: colours of what is not there, trouble where somebody
// wanted it so, times without a date, an overview for an address that it does
// not know.

import assert from "node:assert/strict";
import { misfits, rows, section, unreachable, until }
  from "./page-helpers.mjs";

const SCREENS = { laptop: [1280, 800], desk: [1920, 1080], phone: [390, 844] };
/* Widths between these, of which the header is looked at. */
const WIDTHS = [1200, 1100, 1000, 900, 768, 640, 480, 320];

/* A view, and what is there when all of it is. */
const VIEWS = {
  overview: (p) => rows(section(p, "Changes of the last hour")).first(),
  topology: (p) => p.getByRole("button", { name: /^host h1, synced/ }),
  "topology/ports/web1": (p) => p.getByText("Receipt of its last change"),
  "topology/hosts/h1": (p) => p.getByText("Receipt of its last change"),
  "topology/loadbalancers/shop": (p) => p.getByRole("cell", { name: "web1" }),
  "topology/routers/shop": (p) => p.getByText("Receipt of its last change"),
  reachability: (p) => p.getByText("from \\ to"),
  "trace/web2/app2/tcp/9000": (p) => p.getByRole("heading",
    { name: "reply" }),
  "policies/shop-web": (p) => p.getByText("egress to shop-app on"),
  "objects/networks/shop": (p) => p.getByText("Receipt of its last change"),
  "objects/networks/shop/edit": (p) => p.getByLabel("cidr (required)"),
  "objects/policies/+": (p) => p.getByLabel("applies to (required)"),
  "new-network": (p) => p.getByLabel("Subnet", { exact: true }),
  "objects/ports": (p) => rows(section(p, "Ports")).first(),
  "objects/dns-zones/shop.internal": (p) =>
    p.getByText("Receipt of its last change"),
  drafts: (p) => p.getByText("There is no draft."),
  changes: (p) => rows(section(p, "Revisions")).first(),
  "changes/9": (p) => p.getByText("Receipt", { exact: true }),
  "nothing/there": (p) => p.getByText("has no view"),
};

/** Each view on each screen, on a laptop in dark as well, which is no matter
 *  of the size; the keyboard once for each. */
async function lookAt(views, { page, url, barriers, shoot }) {
  for (const [hash, there] of Object.entries(views)) {
    for (const [name, [width, height]] of Object.entries(SCREENS)) {
      await page.setViewportSize({ width, height });
      for (const colorScheme of name === "laptop" ? ["dark", "light"]
        : ["light"]) {
        await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
        await page.goto(`${url}/#/${hash}`);
        await page.reload();
        await there(page).waitFor();
        const where = `${hash} on a ${name}, ${colorScheme}`;

        assert.deepEqual(await misfits(page), [], where);
        assert((await page.locator(".top").boundingBox()).height < 50,
          `${where}: its header has several rows`);
        // Contrast does not follow from the size.
        if (name !== "desk") {
          assert.deepEqual(await barriers(page), [], where);
        }
        await shoot(`${hash.replaceAll("/", "-")}-${name}-${colorScheme}`);
      }
    }
    assert.deepEqual(await unreachable(page), [], hash);
  }
}

export const scenes = {
  looks: {
    play: (stage) => lookAt(VIEWS, stage),
  },

  header: {
    async play({ page, go }) {
      await go("overview");
      await VIEWS.overview(page).waitFor();
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: 800 });
        assert((await page.locator(".top").boundingBox()).height < 50,
          `the header has several rows at ${width} pixels`);
        assert.deepEqual(await misfits(page), [], `at ${width} pixels`);
      }
    },
  },

  truth: {
    async play({ page, api, go }) {
      // A network without ports has no colour; names of VMs are to be seen.
      await api("PUT", "networks/unused", { spec: {} });
      await go("topology");
      const legend = page.getByRole("list", { name: "Networks by their" });

      await legend.getByText("rival").waitFor();
      await page.locator("svg.picture text").getByText("buyer1").waitFor();
      assert.deepEqual(await legend.getByRole("link").allTextContents(),
        ["rival", "shop", "shop-data"]);
      // Most of the picture is something.
      const share = await page.evaluate(() => {
        const box = (e) => e.getBoundingClientRect();
        const svg = document.querySelector("svg.picture");

        return [...svg.querySelectorAll(".card")].reduce((n, card) =>
          n + box(card).width * box(card).height, 0)
          / (box(svg).width * box(svg).height);
      });

      assert(share > 0.4, `cards fill ${share} of the picture`);
      await api("DELETE", "networks/unused");
      // A backend that is drained, as was asked for, is no trouble.
      await api("PATCH", "loadbalancers/shop", { spec: {
        backends: [{ port: "web1", drain: true }] } });
      await until("the drain", async () => (await api("GET",
        "loadbalancers/shop")).status.backends.some((b) =>
        b.state.startsWith("drain")));
      assert.deepEqual((await api("GET", "summary")).balancers,
        { total: 1, partial: 0, idle: 0, degraded: [] });
      await go("overview");
      await section(page, "Balancers").getByText("1 serve").waitFor();
      await section(page, "Needs attention").getByText("All hosts hold all")
        .waitFor();
      await go("topology/loadbalancers/shop");
      await section(page, "Balancer shop").getByText("1 of 2, 1 drained")
        .waitFor();
      await api("PATCH", "loadbalancers/shop", { spec: { backends: null } });
      // So is a port that is not enabled.
      await api("PATCH", "ports/buyer2", { spec: { enabled: false } });
      await until("the port to be down", async () => (await api("GET",
        "summary")).networks.some((n) => n.disabled === 1));
      await go("overview");
      await section(page, "Ports").getByText("1 disabled").waitFor();
      await section(page, "Needs attention").getByText("All hosts hold all")
        .waitFor();
      await api("PATCH", "ports/buyer2", { spec: { enabled: true } });
      await until("the port to be up", async () =>
        (await api("GET", "summary")).ports.up === 11);
      // Times have a date.
      await go("changes");
      await rows(section(page, "Revisions")).first().getByText(
        /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/).waitFor();
      // What nobody knows is told, and not answered by something else.
      await go("nothing/100%");
      await section(page, "Not found").getByText("no view at #/nothing/100%")
        .waitFor();
      await go("topology/things/a");
      await section(page, "Not found").getByText("has no things/a").waitFor();
      await section(page, "Not found").getByRole("button", { name: "Close" })
        .click();
      await section(page, "Hosts").waitFor();
    },
  },
};
