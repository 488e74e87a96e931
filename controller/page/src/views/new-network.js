// SPDX-License-Identifier: Apache-2.0
//
// A network with a router, DHCP and a way outside, made at once: what vmnctl
// apply would take as several objects.

import { at, get, list } from "../api.js";
import { errorBox, h, newId, panel, replace } from "../dom.js";
import { FieldError, tokensOf } from "../form-errors.js";
import { planAndApply } from "../object-edit.js";
import { nameInput } from "../name-input.js";

export const path = "new-network";
export const title = "New network";
export const hidden = true;     // Networks lead here, not the menu.

/** The first address of an IPv4 prefix; "" of anything else. */
function firstOf(cidr) {
  const [, a, b, c, d, length] = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/
    .exec(cidr.trim()) ?? [];
  const bytes = [a, b, c, d].map(Number);

  if (length === undefined || length < 8 || length > 30
      || bytes.some((one) => one > 255)) {
    return "";
  }
  const mask = -1 << (32 - length);
  const first = ((bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3])
    & mask) + 1;

  return [24, 16, 8, 0].map((shift) => first >>> shift & 255).join(".");
}

const words = (input) => input.value.split(/[\s,]+/).filter(Boolean);

/** A field of text: [node, input]. */
function field(label, hint, attributes) {
  const id = newId();
  const input = h("input", { id, autocomplete: "off", spellcheck: "false",
    "aria-describedby": `${id}h`, ...attributes });

  return [h("div", { class: "entry" }, h("label", { for: id }, label), input,
    h("p", { class: "hint", id: `${id}h` }, hint)), input];
}

function check(label, checked, onchange) {
  const id = newId();
  const input = h("input", { id, type: "checkbox", checked, onchange });

  return [h("span", { class: "check" }, input, h("label", { for: id }, label)),
    input];
}

const step = (legend, ...nodes) => h("fieldset", { class: "entries" },
  h("legend", {}, legend), nodes);

/** A value that has to be given. */
function needed(input, what) {
  const text = input.value.trim();

  if (!text) {
    throw new FieldError(`${what} is needed.`, input);
  }
  return text;
}

/** The input of what 'tokens' lead to in an object; 'inputs' are
 * [[path, input], ...], the first that begins so. */
const inputOf = (inputs, tokens) => inputs.find(([where]) =>
  tokens.join("/").startsWith(where))?.[1];

/** The object, or null if there is none. */
const existing = (type, name, signal) => get(at(type, name), {}, signal)
  .catch((error) => {
    if (error.status !== 404) {
      throw error;
    }
    return null;
  });

// The steps: each has its node, and what it makes.  --------------------------

function networkStep() {
  const [nameNode, name] = field("Network", "Its name: small letters, digits, "
    + "\"-\" and \".\".", { required: true });
  const [cidrNode, cidr] = field("Subnet", "Its addresses, as a prefix.",
    { required: true, placeholder: "10.0.0.0/24", oninput: () => {
      gateway.placeholder = firstOf(cidr.value);
    } });
  const [gatewayNode, gateway] = field("Gateway", "The router's address "
    + "there; the first one, where nothing is said.");
  const [dhcpNode, dhcp] = check("VMs get their addresses by DHCP", true);
  const [dnsNode, dns] = field("Resolvers", "Addresses of DNS servers that "
    + "DHCP tells, with a comma between them.");

  return { name, node: step("1. Network", nameNode, cidrNode, gatewayNode,
    dhcpNode, dnsNode),
  find: (tokens) => inputOf([["spec/subnets/0/gateway", gateway],
    ["spec/subnets", cidr], ["spec/dhcp_options", dns], ["", name]], tokens),
  async make(signal) {
    const of = needed(name, "The network's name");
    const prefix = needed(cidr, "The subnet");
    const way = gateway.value.trim() || firstOf(prefix);
    const servers = words(dns);

    if (await existing("networks", of, signal)) {
      throw new FieldError(`There is a network ${of} already.`, name);
    }
    return { type: "networks", name: of, spec: {
      subnets: [{ cidr: prefix, ...(way ? { gateway: way } : {}),
        dhcp: dhcp.checked }],
      ...(servers.length ? { dhcp_options: { dns: servers } } : {}) } };
  } };
}

function routerStep(signal) {
  const router = nameInput("Router", { types: ["routers"], signal,
    placeholder: "a router, or a new name" });

  return { input: router.input,
    node: step("2. Router", h("p", { class: "hint" },
      "The router joins the network to others. Leave it empty for an isolated "
      + "network."), router.nodes),
  /** The router with one interface more; null if none is wanted. */
  async make(network) {
    const name = router.input.value.trim();
    const found = name ? await existing("routers", name, signal) : null;

    return name ? { type: "routers", name, spec: { ...found?.spec,
      interfaces: [...found?.spec.interfaces ?? [], { network }] } } : null;
  } };
}

const ANOTHER = "";             // A provider network that is not there yet.

function outsideStep(providers) {
  const id = newId();
  const [wantedNode, wanted] = check("What is outside can be reached", false,
    () => { body.hidden = !wanted.checked; });
  const network = h("select", { id, onchange: () => {
    fresh.hidden = network.value !== ANOTHER;
  } }, providers.map((p) => h("option", { value: p.name }, p.name)),
  h("option", { value: ANOTHER }, "a new one"));
  const [nameNode, name] = field("Name of the provider network",
    "Such as internet.");
  const [physicalNode, physical] = field("Physical network",
    "As hosts call it in provider_bridges.");
  const [vlanNode, vlan] = field("VLAN", "None where its packets have no tag.",
    { type: "number", min: 1, max: 4094 });
  const [cidrNode, cidr] = field("Subnet outside", "Its addresses, as a "
    + "prefix.");
  const [gatewayNode, gateway] = field("Gateway outside",
    "The address of who leads further on.");
  const [addressNode, address] = field("The router's addresses outside",
    "With a comma between them; what leaves comes from the first.");
  const [hostsNode, hosts] = field("Gateway hosts", "Hosts that have a bridge "
    + "to the physical network, the first one first.");
  const fresh = h("div", { class: "entries", hidden: providers.length > 0 },
    nameNode, physicalNode, vlanNode, cidrNode, gatewayNode);
  const body = h("div", { class: "entries", hidden: true },
    h("div", { class: "entry" }, h("label", { for: id }, "Provider network"),
      network), fresh, addressNode, hostsNode);

  /** The provider network to make, or null. */
  function provider() {
    return network.value === ANOTHER ? { type: "networks",
      name: needed(name, "The provider network's name"), spec: {
        provider: { physical: needed(physical, "The physical network"),
          ...(vlan.value ? { vlan: Number(vlan.value) } : {}) },
        subnets: [{ cidr: needed(cidr, "The subnet outside"),
          gateway: needed(gateway, "The gateway outside") }] } } : null;
  }

  return { node: step("3. Outside", wantedNode, body),
  find: (tokens) => inputOf([["spec/subnets/0/gateway", gateway],
    ["spec/subnets", cidr], ["spec/provider/vlan", vlan],
    ["spec/provider", physical], ["", name]], tokens),
  findInRouter: (tokens) => inputOf([["spec/external/gateways", hosts],
    ["spec/external/network", network], ["spec/external", address]], tokens),
  make(router, input) {
    if (!wanted.checked) {
      return [];
    }
    if (!router) {
      throw new FieldError("The way outside is by a router: name one.",
        input);
    }
    const made = provider();

    if (router.spec.external) {
      throw new FieldError(`Router ${router.name} has a way outside already.`,
        input);
    }
    needed(address, "The router's address outside");
    needed(hosts, "A gateway host");
    router.spec.external = { network: made?.name ?? network.value,
      addresses: words(address), gateways: words(hosts).map((host, i) =>
        ({ host, priority: i + 1 })) };
    return made ? [made] : [];
  } };
}

// The view.  ----------------------------------------------------------------

async function fill(root, signal) {
  const { items } = await list("networks", { signal });
  const network = networkStep();
  const router = routerStep(signal);
  const outside = outsideStep(items.filter((one) => one.spec.provider));

  let finders = [];             // Of the objects of the request.

  async function request() {
    const first = await network.make(signal);
    const second = await router.make(first.name);
    const more = outside.make(second, router.input);

    finders = [network.find, ...more.map(() => outside.find),
      (tokens) => outside.findInRouter(tokens) ?? router.input];
    return ["POST", "apply", { body: { objects: [first, ...more,
      ...(second ? [second] : [])] } }];
  }

  const find = (pointer) => {
    const [, i, ...tokens] = tokensOf(pointer);

    return finders[i]?.(tokens);
  };
  const { stale, nodes } = planAndApply(request, signal, find,
    (answer, said) => {
      replace(root, panel("A network, with a router and a way outside", {},
        said, answer.results.map((one) => h("p", {}, `${one.outcome} `,
          h("a", { href: `#/objects/${one.type}/${
            encodeURIComponent(one.name)}` }, `${one.type}/${one.name}`)))));
    });

  replace(root, panel("A network, with a router and a way outside", {},
    h("form", { class: "object-form guided", oninput: stale,
      onsubmit: (event) => event.preventDefault() },
    network.node, router.node, outside.node, nodes,
    h("p", {}, h("a", { href: "#/objects/networks" }, "All networks")))));
  network.name.focus({ preventScroll: true });
}

export function mount(root, { signal }) {
  replace(root, h("p", { class: "loading" }, "Loading …"));
  fill(root, signal).catch((error) => {
    if (!signal.aborted) {
      replace(root, errorBox(error));
    }
  });
}
