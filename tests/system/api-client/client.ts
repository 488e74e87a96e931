// SPDX-License-Identifier: Apache-2.0
// A client that knows of the API only what was generated from its description
// (api.d.ts): it compiles only if the types fit, and ends well only if vmnd
// answers as they say.
// usage: TOKEN=... node client.js URL
import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

type Problem = components["schemas"]["Problem"];

const client = createClient<paths>({
    baseUrl: process.argv[2],
    headers: { Authorization: `Bearer ${process.env.TOKEN}` },
});

function at(name: string) {
    return { params: { path: { name } } };
}

async function creates() {
    const network = await client.PUT("/v1/networks/{name}", {
        ...at("generated"),
        body: { spec: { subnets: [{ cidr: "10.77.0.0/24" }] } },
    });
    assert.equal(network.response.status, 201);
    for (const [name, role] of [["g1", "front"], ["g2", "front"],
      ["g3", "back"]]) {
        const port = await client.PUT("/v1/ports/{name}", {
            ...at(name),
            body: { spec: { network: "generated", labels: { role } } },
        });
        // "kind" is the discriminator: what else there is follows from it.
        assert.ok(port.data?.kind === "change", name);
        assert.match(port.data.status.ips![0], /^10\.77\.0\./);
        assert.equal(port.data.outcome, "created");
    }
}

async function createsOnlyOnce() {
    const again = await client.PUT("/v1/ports/{name}", {
        params: { path: { name: "g1" }, header: { "If-None-Match": "*" } },
        body: { spec: { network: "generated" } },
    });
    assert.equal(again.response.status, 412);
}

async function reads() {
    const { data, response } = await client.GET("/v1/ports/{name}", at("g1"));
    assert.ok(data);
    assert.equal(data.type, "ports");
    assert.equal(data.spec.network, "generated");
    assert.equal(data.status.state, "unbound");
    const etag = response.headers.get("ETag")!;
    assert.ok(etag.startsWith(`"${data.metadata.etag}-`));
    const again = await client.GET("/v1/ports/{name}", {
        params: { path: { name: "g1" }, header: { "If-None-Match": etag } },
    });
    assert.equal(again.response.status, 304);
    return data.metadata.etag;
}

async function lists() {
    const query = { selector: "role=front,role", limit: 1 };
    const first = await client.GET("/v1/ports", { params: { query } });
    assert.deepEqual(first.data?.items.map((port) => port.name), ["g1"]);
    const second = await client.GET("/v1/ports", {
        params: { query: { ...query, after: first.data?.next } },
    });
    assert.deepEqual(second.data?.items.map((port) => port.name), ["g2"]);
    assert.equal(second.data?.next, undefined);
}

async function patches(etag: string) {
    const patch = (tag: string) => client.PATCH("/v1/ports/{name}", {
        params: { path: { name: "g1" }, header: { "If-Match": `"${tag}"` } },
        body: { spec: { quarantined: true, labels: null } },
    });
    const { data } = await patch(etag);
    assert.ok(data && "spec" in data);
    assert.equal(data.spec.quarantined, true);
    assert.equal(data.spec.labels, undefined);
    const again = await patch(etag);
    assert.equal(again.response.status, 412);
    const problem: Problem = again.error!;
    assert.equal(problem.type, "urn:vmn:problem:stale");
}

async function isRefused() {
    const { data, error, response } = await client.PUT("/v1/ports/{name}", {
        ...at("g4"),
        body: { spec: { network: "generated", ips: ["10.0.0.300"],
                        vlan: 5000 } },
    });
    assert.equal(data, undefined);
    assert.equal(response.status, 400);
    assert.deepEqual(error?.errors?.map((fault) => fault.pointer),
                     ["/spec/ips/0", "/spec/vlan"]);
}

async function applies() {
    const objects: components["schemas"]["AnyObject"][] = [
        { type: "groups", name: "g-web", spec: { selector: "role=front" } },
        { type: "policies", name: "g-in", spec: {
            applies_to: ["g-web"],
            rules: [{ direction: "ingress", action: "allow",
                      services: [{ protocol: "tcp", ports: [80] }] }] } },
    ];
    const plan = await client.POST("/v1/apply", {
        params: { query: { dry_run: "plan" } }, body: { objects } });
    assert.ok(plan.data?.kind === "plan");
    assert.equal(plan.data.changed, true);
    assert.deepEqual(plan.data.problems, []);
    const done = await client.POST("/v1/apply", {
        params: { query: { prune: "generated" } }, body: { objects } });
    assert.ok(done.data?.kind === "change");
    assert.equal(done.data.results.length, 2);
    const none = await client.POST("/v1/apply", {
        params: { query: { prune: "generated" } }, body: { objects: [] } });
    assert.ok(none.data?.kind === "change");
    assert.deepEqual(none.data.also_changed?.map((change) => change.op),
                     ["delete", "delete"]);
}

async function deletes() {
    const held = await client.DELETE("/v1/networks/{name}", at("generated"));
    assert.equal(held.response.status, 409);
    const gone = await client.DELETE("/v1/networks/{name}", {
        params: { path: { name: "generated" }, query: { cascade: true } },
    });
    assert.ok(gone.data?.kind === "change");
    assert.equal(gone.data.also_changed?.length, 3);
    const absent = await client.GET("/v1/networks/{name}", at("generated"));
    assert.equal(absent.response.status, 404);
}

await creates();
await createsOnlyOnce();
const etag = await reads();
await lists();
await patches(etag);
await isRefused();
await applies();
await deletes();
console.log("done");
