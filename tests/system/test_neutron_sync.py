# SPDX-License-Identifier: Apache-2.0
"""That Neutron's driver (deploy/neutron) tells vmnd the newest, whichever of
several processes comes last and whatever fails in between.  Neutron's database
and vmnd are objects of this file, so each step of each process has its
moment; test_neutron.py has both as they are."""

import copy
import os
import sys
import uuid

import pytest

from conftest import HERE

sys.path.insert(0, os.path.join(HERE, "../../deploy/neutron"))

from vmn_neutron import client, driver, spool, sync, worker  # noqa: E402
from vmn_neutron import source as sources  # noqa: E402


def new_id():
    return str(uuid.uuid4())


class Vmnd:
    """What the driver calls of vmnd; ports refer to networks, and no two ports
    of a network have the same address.  Each of 'before' and 'after' is called
    once, around the next transactions."""

    def __init__(self):
        self.objects = {}
        self.before = []
        self.after = []

    def get(self, kind, name):
        spec = self.objects.get((kind, name))
        return spec and {"name": name, "spec": spec, "status": {}}

    def list(self, kind, selector):
        assert selector == "neutron"
        return [self.get(*one) for one, spec in self.objects.items()
                if one[0] == kind and selector in spec["labels"]]

    def apply(self, requests):
        if self.before:
            self.before.pop(0)()
        self.objects = self._changed(copy.deepcopy(self.objects), requests)
        if self.after:
            self.after.pop(0)()

    def _changed(self, objects, requests):
        index = {}
        for i, request in enumerate(requests):
            one = request["type"], request["name"]
            index[one] = i
            if request.get("op") != "delete":
                objects[one] = request["spec"]
            elif objects.pop(one, None) is None:
                raise refused(404, i, requests, "not found")
        users = {}
        for (kind, name), spec in objects.items():
            if kind != "ports":
                continue
            net = "networks", spec["network"]
            if net not in objects:
                raise refused(409, index.get(net), requests,
                              'network "%s" is referenced by port "%s"'
                              % (spec["network"], name))
            other = users.setdefault((net, spec["ip"]), name)
            if other != name:
                raise refused(409, index.get((kind, name)), requests,
                              '%s is used by port "%s" in the same network'
                              % (spec["ip"], other))
        return objects


def refused(status, index, requests, text):
    return client.Refused(status, {"errors": [{
        "pointer": "/objects/%s" % index if index is not None else "",
        "detail": text}]}, requests)


class Database:
    """What the driver calls of vmn_neutron.source."""

    l3 = None

    def __init__(self):
        self.rows = {}

    def network(self):
        ident = new_id()
        self.rows["network", ident] = {("networks", ident): {
            "labels": {"neutron": ""}}}
        return "network", ident

    def port(self, network, ip="10.0.0.1"):
        ident = new_id()
        self.rows["port", ident] = {("ports", ident): {
            "labels": {"neutron": ""}, "network": network[1], "ip": ip}}
        return "port", ident

    def all_keys(self):
        return list(self.rows)

    def read(self, keys):
        return {key: copy.deepcopy(self.rows.get(key, {})) for key in keys}

    def needs(self, keys):
        return {("network", spec["network"])
                for found in self.read(keys).values()
                for (kind, _), spec in found.items() if kind == "ports"}

    def ports(self, context, ids):
        return []

    def followers(self, context, ports):
        return set()


class Driver:
    """What the worker calls of vmn_neutron.driver."""

    def __init__(self, vmnd, database, place):
        self.client = vmnd
        self.source = database
        self.spool = spool.Spool(str(place))
        self.sync = sync.Synchronizer(vmnd, database, self.spool)
        self.followed = []

    def follow(self, keys):
        self.followed.append(set(keys))


@pytest.fixture
def vmnd():
    return Vmnd()


@pytest.fixture
def database():
    return Database()


@pytest.fixture
def drivers(vmnd, database, tmp_path):
    """Those of two machines."""
    return [Driver(vmnd, database, tmp_path / name) for name in "ab"]


def test_what_was_deleted_meanwhile_is_told_again(vmnd, database, drivers):
    """One process has read a network that another one deletes before the first
    one tells it."""
    slow, quick = (d.sync for d in drivers)
    net = database.network()

    def delete():
        del database.rows[net]
        assert quick.tell([net])
        assert not vmnd.objects
    vmnd.before.append(delete)
    slow.settle([net])
    assert not vmnd.objects


def test_a_port_that_comes_back_is_not_in_its_networks_way(
        vmnd, database, drivers):
    """As before, with a port; before the first process reads again the other
    one deletes the network, too."""
    slow, quick = (d.sync for d in drivers)
    net = database.network()
    port = database.port(net)
    quick.settle([net])

    def delete_port():
        del database.rows[port]
        assert quick.tell([port])

    def delete_network():
        assert ("ports", port[1]) in vmnd.objects
        del database.rows[net]
        assert quick.tell([net])
        assert not vmnd.objects
    vmnd.before.append(delete_port)
    vmnd.after.append(delete_network)
    slow.settle([port])
    assert not vmnd.objects
    for one in drivers:
        assert one.spool.due(True) == {}


def test_a_port_that_comes_back_keeps_no_address(vmnd, database, drivers):
    slow, quick = (d.sync for d in drivers)
    net = database.network()
    old = database.port(net)
    quick.settle([net])
    new = []

    def delete():
        del database.rows[old]
        assert quick.tell([old])

    def make():
        new.append(database.port(net))
        assert quick.tell(new, new)
    vmnd.before.append(delete)
    vmnd.after.append(make)
    slow.settle([old])
    assert set(vmnd.objects) == {("networks", net[1]), ("ports", new[0][1])}


def test_a_worker_puts_away_what_is_in_the_way(vmnd, database, drivers):
    """Also what nobody tells any more: the worker has the network's mark
    alone."""
    net = database.network()
    port = database.port(net)
    one = drivers[0]
    one.sync.settle([net, port])
    database.rows.clear()
    assert one.sync.tell_all([net]) == set()
    assert not vmnd.objects


def test_what_vmnd_does_not_let_go_of_is_told_again(
        vmnd, database, drivers, monkeypatch):
    """Somebody's own port is in a network that Neutron deletes, and stays,
    whatever its name is."""
    one = drivers[0]
    net = database.network()
    one.sync.settle([net])
    own = "ports", new_id()
    vmnd.objects[own] = {"labels": {}, "network": net[1], "ip": ""}
    one.spool.begin(net)
    del database.rows[net]
    with pytest.raises(client.Refused, match="by port"):
        one.sync.tell([net])
    assert list(one.spool.due(True).values()) == [net]
    assert not one.spool.due()              # Not at once.
    monkeypatch.setattr(spool, "OLD_S", -1)
    helper = worker.Worker(one)
    helper._tell_marked()
    assert ("networks", net[1]) in vmnd.objects
    del vmnd.objects[own]
    helper._tell_marked()
    assert not vmnd.objects
    assert not one.spool.due()


def test_what_vmnd_refuses_of_what_is_there_is_not_told_again(
        vmnd, database, drivers):
    one = drivers[0]
    net = database.network()
    ports = [database.port(net) for _ in range(2)]
    one.sync.settle([net, ports[0]])
    one.spool.begin(ports[1])
    with pytest.raises(client.Refused, match=ports[0][1]):
        one.sync.tell(ports[1:], ports[1:])
    assert one.spool.due(True) == {}


def test_a_comparison_tells_again_what_vmnd_does_not_let_go_of(
        vmnd, database, drivers):
    one = drivers[0]
    net = database.network()
    one.sync.settle([net])
    vmnd.objects["ports", "own"] = {"labels": {}, "network": net[1], "ip": ""}
    del database.rows[net]
    helper = worker.Worker(one)
    helper._see_to(one.sync.compare())
    assert list(one.spool.due(True).values()) == [net]


def test_marks_stay_until_neutron_knows(vmnd, database, drivers):
    """What follows in Neutron may fail, as its database may."""
    one = drivers[0]
    net = database.network()

    def fail(keys):
        raise RuntimeError("the database is away")
    follow, one.follow = one.follow, fail
    one.spool.retry([net])
    helper = worker.Worker(one)
    with pytest.raises(RuntimeError):
        helper._tell_marked()
    assert list(one.spool.due().values()) == [net]
    one.follow = follow
    helper._tell_marked()
    assert one.followed == [{net}]
    assert one.spool.due(True) == {}


def test_what_cannot_follow_after_a_call_is_the_workers(
        vmnd, database, drivers):
    real = object.__new__(driver.VmnMechanismDriver)
    real.sync, real.spool = drivers[0].sync, drivers[0].spool
    net = database.network()

    def fail(keys):
        raise RuntimeError("the database is away")
    real.follow = fail
    real.mark([net])
    real.tell([net], [net])
    assert ("networks", net[1]) in vmnd.objects
    assert list(real.spool.due().values()) == [net]


def test_a_binding_that_came_and_went_untold_is_told(
        vmnd, database, drivers, monkeypatch):
    """vmnd has a port's second host; the binding has gone before that could
    be read once more."""
    one = drivers[0]
    port = database.port(database.network())
    found = {(port[1], "h2")}
    monkeypatch.setattr(sources, "bindings", lambda *_, **__: found)
    helper = worker.Worker(one)
    told = []

    def tell_all(keys):
        told.append(set(keys))
        if len(told) == 1:
            raise client.Unreachable("away")
        return set()
    monkeypatch.setattr(one.sync, "tell_all", tell_all)
    with pytest.raises(client.Unreachable):
        helper._tell_migrating()
    found = set()
    helper._tell_migrating()
    helper._tell_migrating()
    assert told == [{port}, {port}]
    assert one.followed == [{port}]
