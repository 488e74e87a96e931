#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0

from __future__ import (absolute_import, division, print_function)

__metaclass__ = type

DOCUMENTATION = r"""
module: object_info
short_description: Read objects of VMN
author: VMN (@vmn)
description:
  - Reads objects of a type with what was asked for (C(spec)) and what is
    observed (C(status)), one by its name, or all that fit.
extends_documentation_fragment:
  - vmn.vmn.connection
attributes:
  check_mode:
    description: Changes nothing in any mode.
    support: full
options:
  type:
    description:
      - The type, as in the API (C(hosts), C(networks), C(ports)), or one such
        object (C(host), C(network), C(port)).
    type: str
    required: true
  name:
    description:
      - The name of one object. If there is none, the list is empty.
    type: str
  selector:
    description:
      - Conditions on labels that must all hold, such as
        C(role=web,env!=dev).
    type: str
  network:
    description:
      - With I(type=ports), those in this network.
    type: str
  host:
    description:
      - With I(type=ports), those on this host.
    type: str
"""

EXAMPLES = r"""
- name: Where is web-1?
  vmn.vmn.object_info:
    type: ports
    name: web-1
  register: port

- ansible.builtin.debug:
    msg: "{{ port.objects[0].status.host | default('on no host') }}"

- name: Wait until a hypervisor is in the state that it is to have
  vmn.vmn.object_info:
    type: hosts
    name: hv1
  register: host
  until: host.objects | map(attribute='status.state') | list == ['synced']
  retries: 30
  delay: 2
"""

RETURN = r"""
objects:
  description: The objects, by name.
  returned: success
  type: list
  elements: dict
  contains:
    type:
      description: The type.
      type: str
      returned: always
    name:
      description: The name.
      type: str
      returned: always
    metadata:
      description: Its version, and when it was made.
      type: dict
      returned: always
    spec:
      description: What was asked for, with defaults.
      type: dict
      returned: always
    status:
      description: What is observed, or was allocated.
      type: dict
      returned: always
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.vmn.vmn.plugins.module_utils.api import (
    ApiError, connect, connection_spec, object_path)
from ansible_collections.vmn.vmn.plugins.module_utils.changes import fail


def plural_of(api, kind):
    """Returns the type that 'kind' names, by its plural or its singular."""
    types = api.call("GET", "/v1")["types"]
    for one in types:
        if kind in (one["type"], one.get("singular")):
            return one["type"]
    raise ApiError("there is no type \"%s\", but %s" % (
        kind, ", ".join(sorted(one["type"] for one in types))))


def read(api, params):
    params = dict(params, type=plural_of(api, params["type"]))
    if not params["name"]:
        return api.list(params["type"], selector=params["selector"],
                        network=params["network"], host=params["host"])[0]
    try:
        return [api.call("GET", object_path(params["type"], params["name"]))]
    except ApiError as error:
        if not error.is_absent():
            raise
        return []


def main():
    module = AnsibleModule(
        argument_spec=dict(
            connection_spec(), type=dict(type="str", required=True),
            name=dict(type="str"), selector=dict(type="str"),
            network=dict(type="str"), host=dict(type="str")),
        mutually_exclusive=[("name", "selector"), ("name", "network"),
                            ("name", "host")],
        required_together=[("client_cert", "client_key")],
        supports_check_mode=True)
    try:
        module.exit_json(changed=False, objects=read(
            connect(module.params), module.params))
    except ApiError as error:
        fail(module, error)


if __name__ == "__main__":
    main()
