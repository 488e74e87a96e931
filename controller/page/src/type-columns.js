// SPDX-License-Identifier: Apache-2.0
//
// The types of objects that have a view, and the columns of their lists.

import { badge, h } from "./dom.js";
import { number, rate, service, when, WHEN_WIDTH } from "./format.js";
import { HOST_KIND, lbPort, portState } from "./object.js";

const names = (list) => list?.join(", ") ?? "";

const text = (title, width, cell) => ({ title, width, cell });

const count = (title, cell) => ({ title, width: "72px", right: true,
  cell: (o) => number(cell(o)) });

const NAME = text("Name", "1.2fr", (o) => o.name);
const CHANGED = text("Changed", WHEN_WIDTH, (o) => when(o.metadata.updated));
const DESCRIPTION = text("Description", "2fr",
  (o) => o.spec.description ?? "");

/* From so many hundredths on, a subnet has few addresses left. */
const FEW = 90;

/** How many of a subnet's addresses are used, as a bar with numbers. */
export function addressUse({ cidr, used, size }) {
  const percent = size ? Math.min(100, Math.round(100 * used / size)) : 100;

  return h("span", { class: `use ${used >= size ? "bad"
    : percent >= FEW ? "wait" : ""}`,
  title: `${cidr}: ${number(used)} of ${number(size)} addresses used` },
  h("span", { class: "track" }, h("span", { class: "part",
    style: { width: `${percent}%` } })),
  `${number(used)} of ${number(size)}`, used >= size ? ", none left" : "");
}

/** A list does not say which of the others are drained or stand by, so these
 * are no trouble. */
const serving = ({ status }) => badge(!status.n_serving ? "bad"
  : status.n_unknown ? "wait" : "ok",
`${number(status.n_serving)} of ${number(status.n_backends)}`);

const ports = [NAME,
  text("State", "128px", portState),
  text("Network", "1fr", (o) => o.spec.network),
  text("Host", "80px", (o) => o.status.host ?? "–"),
  text("Addresses", "1.4fr", (o) => names(o.status.ips))];

const networks = [NAME, count("Ports", (o) => o.status.ports),
  text("Subnets", "1.3fr", (o) => names(o.status.subnets?.map((s) => s.cidr))),
  text("Addresses used", "2.2fr", (o) =>
    o.status.subnets?.length ? o.status.subnets.map(addressUse) : "–")];

const loadbalancers = [NAME,
  text("Address", "1.6fr", (o) => `${o.spec.vip} ${o.spec.protocol} `
    + o.spec.ports.map(lbPort).join(", ")),
  text("Serving", "92px", serving),
  text("Traffic", "92px", (o) => rate(o.status.load.bytes_per_s))];

const routers = [NAME,
  text("Joins", "2fr", (o) => names(o.spec.interfaces?.map((i) => i.network))),
  text("Outside", "1fr", (o) => o.spec.external?.network ?? "–"),
  text("Gateway", "92px", (o) => o.status.gateway
    ?? (o.spec.external ? badge("bad", "none") : "–"))];

const groups = [NAME, count("Members", (o) => o.status.n_members),
  text("Selector", "2fr", (o) => o.spec.selector
    ?? names(o.spec.ports ?? o.spec.groups ?? o.spec.cidrs))];

const zones = [NAME, text("Domain", "1.4fr", (o) => o.spec.domain),
  text("Networks", "1.4fr", (o) => names(o.spec.networks)),
  count("Records", (o) => o.spec.records?.length ?? 0)];

const accounts = [NAME, text("Role", "92px", (o) => o.spec.role),
  text("Scope", "1.6fr", (o) => o.spec.scope ?? "everything"),
  text("Enabled", "80px", (o) => o.spec.enabled === false
    ? badge("off", "no") : badge("ok", "yes"))];

const hosts = [NAME,
  text("State", "110px", (o) => badge(HOST_KIND[o.status.state],
    o.status.state, o.status.reason)),
  count("Ports", (o) => o.status.ports), CHANGED];

const plain = [NAME, DESCRIPTION, CHANGED];

/* In the order of the menu: each with its title, what one of them is called,
 * and the columns of its list. */
export const types = [
  ["ports", "Ports", "Port", ports],
  ["networks", "Networks", "Network", networks],
  ["loadbalancers", "Balancers", "Balancer", loadbalancers],
  ["routers", "Routers", "Router", routers],
  ["floating-ips", "Floating addresses", "Floating address", [NAME,
    text("Address", "1fr", (o) => o.spec.ip ?? o.status.ip ?? "–"),
    text("Router", "1fr", (o) => o.spec.router),
    text("For", "1fr", (o) => o.spec.port ?? o.spec.load_balancer ?? "–")]],
  ["groups", "Groups", "Group", groups],
  ["services", "Services", "Service", [NAME, text("Entries", "2fr", (o) =>
    names(o.spec.entries?.map(service))), CHANGED]],
  ["policies", "Policies", "Policy", [NAME,
    text("Tier", "1fr", (o) => o.spec.tier),
    text("Applies to", "1.4fr", (o) => names(o.spec.applies_to)), CHANGED]],
  ["quarantines", "Quarantines", "Quarantine", [NAME,
    count("Ports", (o) => o.status.n_members), CHANGED]],
  ["dns-zones", "DNS", "DNS zone", zones],
  ["hosts", "Hosts", "Host", hosts],
  ["tiers", "Tiers", "Tier", plain],
  ["apps", "Apps", "App", plain],
  ["accounts", "Accounts", "Account", accounts],
  ["tokens", "Tokens", "Token", [NAME,
    text("Account", "1fr", (o) => o.spec.account),
    text("Expires", WHEN_WIDTH, (o) => when(o.spec.expires)), CHANGED]],
  ["quotas", "Quotas", "Quota", [NAME,
    text("Scope", "1.4fr", (o) => o.spec.scope), CHANGED]],
  ["observations", "Observations", "Observation", plain],
  ["telemetries", "Telemetry", "Telemetry", plain],
].map(([type, title, one, columns]) => ({ type, title, one, columns }));

/* "Limits settings" of "limits-settings". */
const heading = (name) => name[0].toUpperCase()
  + name.slice(1).replaceAll(/[-_]/g, " ");

/* Of an object of any shape, what fits into a line. */
const inLine = (value) => value === undefined ? "" : Array.isArray(value)
  && value.some((one) => typeof one === "object") ? number(value.length)
  : Array.isArray(value) ? names(value) : typeof value === "object"
  ? JSON.stringify(value) : `${value}`;

const FIELDS_MAX = 3;           // Of a list's columns.

/** What apps declare: 'own' are the objects of type "types". */
export const ownTypes = (own) => own.map(({ name, spec }) => ({ type: name,
  title: heading(name), one: heading(spec.singular), columns: [NAME,
    ...spec.fields.slice(0, FIELDS_MAX).map((field) => text(
      heading(field.name), "1fr", (o) => inLine(o.spec[field.name]))),
    text("State", "92px", (o) => o.status.unserved
      ? badge("off", "no app", o.status.unserved) : badge("ok", "served")),
    DESCRIPTION] }));
