#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0

from __future__ import (absolute_import, division, print_function)

__metaclass__ = type

DOCUMENTATION = r"""
module: apply
short_description: Change several objects of VMN in one transaction
author: VMN (@vmn)
description:
  - Puts, patches and deletes objects of any type as one transaction and one
    revision. If one is refused, nothing changes.
  - Objects may be in any order and may refer to each other, so check mode is
    exact here, also for what does not exist yet.
  - The objects are those of C(vmnctl apply), so its YAML files can be read by
    C(lookup) and C(from_yaml_all).
extends_documentation_fragment:
  - vmn.vmn.connection
  - vmn.vmn.wait
  - vmn.vmn.attributes
options:
  objects:
    description:
      - The objects. With I(prune) the list may be empty.
    type: list
    elements: dict
    required: true
    suboptions:
      op:
        description:
          - C(put) creates the object, or replaces its whole spec.
          - C(patch) changes what I(spec) names, as a JSON merge patch; null
            takes a field away. The object must be there.
          - C(delete) deletes it. The object must be there.
        type: str
        choices: [put, patch, delete]
        default: put
      type:
        description:
          - Its type, as in the API (C(networks), C(ports), C(policies)).
        type: str
        required: true
      name:
        description:
          - Its name.
        type: str
        required: true
      spec:
        description:
          - What it is to be, as in the API. Fields are documented by the
            module of the type, and checked by C(vmnd).
        type: dict
      cascade:
        description:
          - With I(op=delete), takes the object out of what refers to it;
            what cannot be without it is deleted, too.
        type: bool
        default: false
  prune:
    description:
      - The name of a set. The objects become its members, and members that
        are not in I(objects) any more are deleted, in the same transaction.
      - Objects outside of the set are never pruned.
    type: str
"""

EXAMPLES = r"""
- name: A network with two groups, and who may reach whom
  vmn.vmn.apply:
    objects:
      - type: networks
        name: shop
        spec:
          default: deny
          subnets: [{cidr: 10.0.0.0/24, gateway: 10.0.0.1, dhcp: true}]
      - {type: groups, name: web, spec: {selector: role=web}}
      - type: policies
        name: web-in
        spec:
          applies_to: [web]
          rules:
            - direction: ingress
              action: allow
              services: [{protocol: tcp, ports: [80]}]
    prune: shop
    wait: true

- name: All that a file for vmnctl says
  vmn.vmn.apply:
    objects: "{{ lookup('file', 'shop.yaml') | from_yaml_all | list }}"
    prune: shop

- name: Enforce a policy and remove what it stands in for, at once
  vmn.vmn.apply:
    objects:
      - {op: patch, type: policies, name: web-in, spec: {mode: enforce}}
      - {op: delete, type: policies, name: web-in-old}
"""

RETURN = r"""
results:
  description: The outcome of each object of the request.
  returned: when it was no plan
  type: list
  elements: dict
  sample: [{type: groups, name: web, outcome: created, revision: 6}]
also_changed:
  description: What a cascade or a prune has changed besides.
  returned: when there is any
  type: list
  elements: dict
revision:
  description: The revision of the change; in check mode, of what was planned
    on.
  returned: success
  type: int
receipt:
  description: Which hosts have the change.
  returned: when it was waited for
  type: dict
plan:
  description: What the change would do, down to numbers of flows on hosts.
  returned: in check mode
  type: dict
"""

from ansible_collections.vmn.vmn.plugins.module_utils.api import (
    ApiError, connect)
from ansible_collections.vmn.vmn.plugins.module_utils.changes import (
    Change, fail, make_module)


def request_of(objects):
    """Returns the objects as POST /v1/apply takes them."""
    found = []
    for item in objects:
        wanted = {"type": item["type"], "name": item["name"]}
        if item["op"] != "put":
            wanted["op"] = item["op"]
        if item["op"] != "delete":
            wanted["spec"] = item["spec"] or {}
        elif item["cascade"]:
            wanted["cascade"] = True
        found.append(wanted)
    return found


def main():
    module = make_module(dict(
        objects=dict(type="list", elements="dict", required=True, options=dict(
            op=dict(type="str", choices=["put", "patch", "delete"],
                    default="put"),
            type=dict(type="str", required=True),
            name=dict(type="str", required=True),
            spec=dict(type="dict"),
            cascade=dict(type="bool", default=False))),
        prune=dict(type="str")))
    objects = request_of(module.params["objects"])
    specs = dict(((o["type"], o["name"]), o["spec"]) for o in objects
                 if "spec" in o)
    doomed = [(o["type"], o["name"]) for o in objects
              if o.get("op") == "delete"]
    query = {}
    if module.params["prune"]:
        query["prune"] = module.params["prune"]
    try:
        change = Change(module, connect(module.params), specs, doomed)
        change.end(change.make("POST", "/v1/apply", {"objects": objects},
                               **query))
    except ApiError as error:
        fail(module, error)


if __name__ == "__main__":
    main()
