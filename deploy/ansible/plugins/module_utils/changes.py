# SPDX-License-Identifier: Apache-2.0
"""What modules that change something share: a change is vmnd's, and so is
what is told of it.  In check mode vmnd plans it, with the same refusals, and
nothing is guessed here."""

from __future__ import (absolute_import, division, print_function)

__metaclass__ = type

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.vmn.vmn.plugins.module_utils.api import (
    ApiError, connect, connection_spec, object_path)

# What also_changed calls what outcomes and plans call otherwise.
OUTCOMES = {"create": "created", "update": "updated", "delete": "deleted"}


def wait_spec():
    return dict(wait=dict(type="bool", default=False),
                wait_timeout=dict(type="int", default=60))


def make_module(argument_spec, **more):
    """A module with the options of all that change something."""
    spec = dict(connection_spec(), **wait_spec())
    spec.update(argument_spec)
    return AnsibleModule(
        argument_spec=spec, supports_check_mode=True,
        required_together=[("client_cert", "client_key")], **more)


def fail(module, error):
    """Ends the module by an ApiError."""
    more = {}
    if error.status is not None:
        more = {"status": error.status, "problem": error.problem}
    module.fail_json(msg=str(error), **more)


# What a user has said.  ----------------------------------------------------

def said(value, spec):
    """Returns an option's value without what the user left out, which Ansible
    fills in as None; and numbers as such where 'spec' has them beside texts
    (ports: 80, "8000-8010")."""
    options = spec.get("options")
    if spec["type"] == "list":
        inner = dict(spec, type=spec["elements"])
        return [said(v, inner) for v in value]
    if spec["type"] == "dict" and options:
        return dict((k, said(v, options[k])) for k, v in value.items()
                    if v is not None)
    if spec["type"] == "raw" and isinstance(value, str) and value.isdigit():
        return int(value)
    return value


# What vmnd has answered.  --------------------------------------------------

def changes_of(answer):
    """Returns what an answer, to a change or a plan, says of each object:
    dictionaries with "op" (created, updated, unchanged, deleted), "type",
    "name" and perhaps "fields"."""
    if answer["kind"] == "plan":
        listed = answer["objects"]
    else:
        listed = list(answer.get("results") or [answer])
        listed += answer.get("also_changed") or []
    found = []
    for item in listed:
        if "type" in item:
            op = item.get("op") or item["outcome"]
            found.append(dict(item, op=OUTCOMES.get(op, op)))
    return found


def is_changed(answer):
    if "changed" in answer:
        return answer["changed"]
    return any(c["op"] != "unchanged" for c in changes_of(answer))


def sides(field):
    """Returns what Ansible is to show of a field that differs: before, and
    after."""
    path = field["path"]
    if "left_out" in field:
        text = "(%s)" % field["left_out"]
        return {path: text + " before"}, {path: text + " after"}
    before, after = {}, {}
    for member, side, key in (
            ("before", before, path), ("after", after, path),
            ("removed", before, path + " (removed)"),
            ("added", after, path + " (added)")):
        if member in field:
            side[key] = field[member]
    return before, after


def diff_of(change, spec, old):
    """Returns the difference that one object makes.  'spec' is what was asked
    for, 'old' the spec of an object that goes, if they are known."""
    before, after = {}, {}
    if change["op"] == "created":
        after = {"/spec": spec or {}}
    elif change["op"] == "deleted":
        before = {"/spec": old or {}}
    for field in change.get("fields") or ():
        first, second = sides(field)
        before.update(first)
        after.update(second)
    if change.get("more_fields"):
        after["(more fields)"] = change["more_fields"]
    name = "%s/%s" % (change["type"], change["name"])
    return dict(before_header=name, after_header="%s (%s)" % (
        name, change["op"]), before=before, after=after)


def diffs(api, answer, specs, olds):
    """'specs' and 'olds' are of objects, by (type, name)."""
    found = []
    for change in changes_of(answer):
        if change["op"] != "unchanged":
            key = change["type"], change["name"]
            found.append(diff_of(change, specs.get(key), olds.get(key)))
    return found


def lacking(receipt):
    """Which hosts do not have a change, and why."""
    return ", ".join(
        "%s (%s%s)" % (host["host"], host["state"], ": " + host["reason"]
                       if host.get("reason") else "")
        for host in receipt["hosts"] if host["state"] != "confirmed")


# One change.  --------------------------------------------------------------

def spec_of(api, kind, name):
    """Returns the spec of an object that is to go, or None."""
    try:
        return api.call("GET", object_path(kind, name))["spec"]
    except ApiError:
        return None


class Change(object):
    """A call that changes something: PUT, PATCH, DELETE or apply."""

    def __init__(self, module, api, specs, doomed=()):
        """'specs' are what is asked for, by (type, name), and 'doomed' the
        keys of what is to be deleted: for what --diff shows."""
        self.module = module
        self.api = api
        self.specs = specs
        self.doomed = doomed
        self.olds = {}

    def make(self, method, path, body=None, **query):
        """Does it, or in check mode plans it, and returns vmnd's answer."""
        wait_seconds = 0
        if self.module._diff:
            for kind, name in self.doomed:
                self.olds[kind, name] = spec_of(self.api, kind, name)
        if self.module.check_mode:
            query["dry_run"] = "plan"
        elif self.module.params["wait"]:
            wait_seconds = self.module.params["wait_timeout"]
            query["wait"] = "installed"
            query["timeout"] = "%ds" % wait_seconds
        return self.api.call(method, path, body, query, wait_seconds)

    def result(self, answer):
        """What the module returns of it."""
        found = dict(changed=is_changed(answer))
        if self.module._diff:
            found["diff"] = diffs(self.api, answer, self.specs, self.olds)
        if answer["kind"] == "plan":
            found["plan"] = answer
        for member in ("revision", "results", "also_changed", "receipt",
                       "outcome", "secret"):
            if member in answer:
                found[member] = answer[member]
        if "spec" in answer:
            found["object"] = dict(
                (member, answer[member]) for member in
                ("type", "name", "metadata", "spec", "status"))
        return found

    def end(self, answer):
        """Ends the module by vmnd's answer."""
        result = self.result(answer)
        for warning in answer.get("warnings") or ():
            self.module.warn(warning_text(warning))
        receipt = answer.get("receipt")
        if receipt and not receipt["installed"]:
            self.module.fail_json(
                msg="revision %d is stored, and not installed within %d s: "
                "%s" % (receipt["revision"],
                        self.module.params["wait_timeout"],
                        lacking(receipt)), **result)
        self.module.exit_json(**result)


def warning_text(warning):
    """The text of one of vmnd's warnings, as vmnctl prints it."""
    if "more" in warning:
        return "%d more warnings" % warning["more"]
    if "loosens" in warning:
        return "loosens: " + warning["text"]
    place = "type" in warning and "%s/%s" % (warning["type"], warning["name"])
    return ": ".join(part for part in (place, warning.get("pointer"),
                                       warning["text"]) if part)


# The modules of types.  ----------------------------------------------------

def run_type(kind, fields, required, states):
    """The whole of a module for objects of one type.  'fields' are options
    for the fields of its spec, 'required' names those that PUT requires."""
    common = dict(
        name=dict(type="str", required=True),
        state=dict(type="str", default="present", choices=states))
    if "absent" in states:
        common["cascade"] = dict(type="bool", default=False)
    module = make_module(
        dict(fields, **common),
        required_if=[("state", "present", required)] if required else [])
    name = module.params["name"]
    state = module.params["state"]
    spec = dict((k, said(module.params[k], fields[k])) for k in fields
                if module.params[k] is not None)
    key = kind, name
    try:
        change = Change(module, connect(module.params), {key: spec},
                        [key] if state == "absent" else [])
        path = object_path(kind, name)
        if state == "absent":
            query = {"cascade": "true"} if module.params["cascade"] else {}
            answer = change.make("DELETE", path, **query)
        else:
            answer = change.make("PUT" if state == "present" else "PATCH",
                                 path, {"spec": spec})
        change.end(answer)
    except ApiError as error:
        if state == "absent" and error.is_absent():
            module.exit_json(changed=False, outcome="unchanged")
        fail(module, error)
