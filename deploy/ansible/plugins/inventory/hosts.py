# SPDX-License-Identifier: Apache-2.0

from __future__ import (absolute_import, division, print_function)

__metaclass__ = type

DOCUMENTATION = r"""
name: hosts
short_description: The hypervisors, or the VMs, of VMN
author: VMN (@vmn)
description:
  - Reads the hosts of VMN, or its ports, as the hosts of an inventory.
  - Its configuration is a YAML file whose name ends in C(vmn.yml) or
    C(vmn.yaml).
  - Each has the variables C(vmn_spec), C(vmn_status) and C(vmn_labels). As
    C(ansible_host) hypervisors have their tunnel address, and ports their
    first address; I(compose) may say otherwise.
  - Texts of hosts and tenants are in these variables. All are unsafe to
    templates, so none is taken for one.
extends_documentation_fragment:
  - constructed
options:
  plugin:
    description: Has to be C(vmn.vmn.hosts).
    required: true
    choices: [vmn.vmn.hosts]
  type:
    description: What to list.
    type: str
    choices: [hosts, ports]
    default: hosts
  prefix:
    description:
      - Begins the name that each has in the inventory. The default is
        C(port-) for ports, whose names tenants choose, so that none is that
        of a machine of yours, and nothing for hosts.
      - A port whose name would be that of another host or group of the
        inventory, or one that means something to Ansible, is left out with a
        warning.
    type: str
  selector:
    description: Conditions on labels that must all hold, such as
      C(role=web,env!=dev).
    type: str
  server:
    description: Where C(vmnd) serves its API, as in the modules; a list of
      the members of a cluster.
    type: list
    elements: str
    default: [unix:/run/vmn/vmnd.sock]
    env:
      - name: VMNCTL_SERVER
  token:
    description: The token of an account; not for the unix socket.
    type: str
    env:
      - name: VMNCTL_TOKEN
  token_file:
    description: A file whose first line is the token, used in place of
      I(token). Only its owner may read it.
    type: path
  ca_cert:
    description: The CA that has signed the certificate of C(vmnd).
    type: path
    env:
      - name: VMNCTL_CA_CERT
  client_cert:
    description: A certificate in place of a token.
    type: path
    env:
      - name: VMNCTL_CERTIFICATE
  client_key:
    description: Its private key.
    type: path
    env:
      - name: VMNCTL_PRIVATE_KEY
"""

EXAMPLES = r"""
# hypervisors.vmn.yml: those of a rack by group rack_a1, and so on; and those
# that are not in order as group "broken".
plugin: vmn.vmn.hosts
server: https://vmnd.example.org:8443
ca_cert: /etc/vmn/controller-ca.pem
token_file: ~/.vmn-token
keyed_groups:
  - {key: vmn_labels.rack, prefix: rack}
groups:
  broken: vmn_status.state != 'synced'
"""

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Constructable
from ansible.utils.unsafe_proxy import wrap_var
from ansible_collections.vmn.vmn.plugins.module_utils.api import (
    ApiError, connect, connection_spec)


def address_of(item):
    """Where the host, or the port's VM, may be reached, or None."""
    if item["type"] == "hosts":
        return item["spec"]["tunnel_ip"]
    addresses = item["status"].get("ips")
    return addresses[0] if addresses else None


# Hosts that Ansible makes up, and groups that are always there.
MEANT = ("localhost", "127.0.0.1", "all", "ungrouped")


class InventoryModule(BaseInventoryPlugin, Constructable):
    NAME = "vmn.vmn.hosts"

    def verify_file(self, path):
        return (super(InventoryModule, self).verify_file(path)
                and path.endswith(("vmn.yml", "vmn.yaml")))

    def parse(self, inventory, loader, path, cache=True):
        super(InventoryModule, self).parse(inventory, loader, path, cache)
        self._read_config_data(path)
        options = dict((name, self.get_option(name))
                       for name in connection_spec())
        try:
            items = connect(options).list(
                self.get_option("type"),
                selector=self.get_option("selector"))[0]
        except ApiError as error:
            raise AnsibleParserError(str(error))
        for item in items:
            self._add(item)

    def _has_other(self, name):
        """Whether a host of the inventory has the name, and no port of VMN
        by another file."""
        host = self.inventory.hosts.get(name)
        return (host is not None
                and "network" not in host.vars.get("vmn_spec", {}))

    def _name(self, item):
        """What it is called in the inventory; None if it has no place."""
        is_port = item["type"] == "ports"
        prefix = self.get_option("prefix")
        if prefix is None:
            prefix = "port-" if is_port else ""
        name = prefix + item["name"]
        if is_port and (name in MEANT or name in self.inventory.groups
                        or self._has_other(name)):
            self.display.warning("port %s is left out: the inventory has a "
                                 "\"%s\" already" % (item["name"], name))
            return None
        return name

    def _add(self, item):
        name = self._name(item)
        if name is None:
            return
        self.inventory.add_host(name)
        variables = {"vmn_spec": item["spec"], "vmn_status": item["status"],
                     "vmn_labels": item["spec"].get("labels", {})}
        address = address_of(item)
        if address:
            variables["ansible_host"] = address
        variables = wrap_var(variables)
        for key, value in variables.items():
            self.inventory.set_variable(name, key, value)
        strict = self.get_option("strict")
        self._set_composite_vars(self.get_option("compose"), variables, name,
                                 strict=strict)
        self._add_host_to_composed_groups(
            self.get_option("groups"), variables, name, strict=strict)
        self._add_host_to_keyed_groups(
            self.get_option("keyed_groups"), variables, name, strict=strict)
