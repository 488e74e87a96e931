# SPDX-License-Identifier: Apache-2.0
"""What VMs are told at 169.254.169.254 and fe80::a9fe:a9fe (docs/apps/
metadata.md), with real packets: who is told what, how much at a time, what
becomes of rubbish, of lost packets and of a vmnd that starts anew.  App
metadata, in a process of its own.  Cloud-init itself asks in
test_metadata_cloud_init.py."""

import concurrent.futures
import json
import os
import re

import pytest
from conftest import World, check_log, close_lab, make_lab
from dhcp_guests import Udhcpc, bare_vm
from metadata_guests import (LINK_LOCAL, SERVER, LossyClient, fetch,
                             fetch_raw, get, on_link, open_connection, route)
from test_app_workers import restart
from test_auth import make_token
from test_live_apps import ctl

from vmnlab import frames, netns, page
from vmnlab.api import Refused
from vmnlab.netns import wait_for

APP = os.path.join(os.environ.get("VMN_APPDIR", "_build/normal/appdir"),
                   "metadata.so")
SUBNETS = [{"cidr": "10.0.0.0/24", "gateway": "10.0.0.254", "dhcp": True},
           {"cidr": "fd00::/64"}]
CONNECTIONS_MAX = 32
SERVER_MAC = "0e:56:4d:ff:00:50"


@pytest.fixture(scope="module")
def lab():
    lab = make_lab("metadata", 2)
    ctl(lab, "app", "load", APP, "--wait")
    yield lab
    close_lab(lab)


class Place(World):
    """A world with the service in networks."""

    def served(self, name, **spec):
        self.put("networks", name, subnets=SUBNETS)
        self.put("metadata-networks", name, network=name,
                 **dict({"tokens": "optional"}, **spec))

    def told(self, name, **spec):
        self.put("metadata", name, **spec)


@pytest.fixture
def world(lab):
    world = Place(lab)
    world.n_ends = worker(lab)["ends"]
    yield world
    world.close()
    check_log(lab.vmnd)
    assert lab.vmnd.pid() is not None, lab.vmnd.last_words(60)
    assert worker(lab)["ends"] <= world.n_ends, worker(lab)


def worker(lab):
    return lab.vmnd.api.get("apps/metadata")["status"]["worker"]


def metric(lab, name):
    return lab.vmnd.api.metrics()["vmn_guest_http_" + name]


def refused(lab):
    """{reason: packets} of the handler, from the metrics."""
    return {re.match(r'.*reason="(.*)"', name)[1]: n
            for name, n in lab.vmnd.api.metrics().items()
            if 'by="metadata.http"' in name}


def quiet(lab):
    """No connection is left: what a test left is no other's.  One whose
    client has lost the end of a reply stays for the reply's 60 s."""
    wait_for("connections to be gone",
             lambda: not metric(lab, "connections"), 90)


# Who is told what.  -------------------------------------------------------

def test_each_vm_is_told_its_own(world):
    world.served("net")
    for name, host in (("a", "h1"), ("b", "h1"), ("c", "h2")):
        world.vm(name, "net", host, labels={"role": "web"})
        world.told("of-" + name, ports=[name], hostname=name + ".example",
                   user_data="#!/bin/sh\necho %s\n" % name)
    world.told("web", selector="role=web", ssh_keys=["ssh-ed25519 AAAA ann"])
    for vm in map(world.lab.vm, "abc"):
        on_link(vm)
        meta = json.loads(get(vm, "/openstack/latest/meta_data.json"))
        assert meta["hostname"] == vm.name + ".example"
        assert meta["uuid"] == "of-" + vm.name
        assert meta["public_keys"] == {"key-0": "ssh-ed25519 AAAA ann"}
        assert get(vm, "/latest/user-data") == (
            "#!/bin/sh\necho %s\n" % vm.name).encode()
        assert get(vm, "/latest/meta-data/mac").decode() == vm.mac
        assert get(vm, "/latest/meta-data/instance-id",
                   ip=LINK_LOCAL).decode() == "of-" + vm.name


def test_networks_with_the_same_addresses_are_told_apart(world):
    """By the port that asks, since addresses say nothing: both VMs have one
    and the same, and ask from one and the same TCP port."""
    for name in ("red", "blue"):
        world.served(name)
        world.vm("vm-" + name, name, "h1", ip="10.0.0.7")
        world.told("of-" + name, ports=["vm-" + name],
                   user_data="I am %s" % name)
    vms = [world.lab.vm("vm-red"), world.lab.vm("vm-blue")]
    for vm in vms:
        on_link(vm)
    conns = [open_connection(vm, source_port=40000) for vm in vms]
    for conn in conns:
        conn.sendall(b"GET /latest/user-data HTTP/1.0\r\n\r\n")
    said = [conn.makefile("rb").read() for conn in conns]
    assert said[0].endswith(b"I am red") and said[1].endswith(b"I am blue")
    for conn in conns:
        conn.close()


def test_with_a_default_route_and_without(lab, world):
    """With one a VM asks its router's MAC address, which the packets never
    reach, else ARP is answered."""
    world.served("net")
    vm = world.vm("a", "net", "h1")
    world.put("routers", "r", interfaces=[{"network": "net"}])
    route(vm, "default via 10.0.0.254")
    assert get(vm, "/latest/meta-data/instance-id") == b"a"
    netns.ip(vm.ns, "route del default")
    on_link(vm)
    assert get(vm, "/latest/meta-data/instance-id") == b"a"
    neighbours = netns.run(["ip", "-n", vm.ns, "neigh", "show", SERVER])
    assert SERVER_MAC in neighbours


def test_a_network_without_the_service_has_none(lab, world):
    world.put("networks", "net", subnets=SUBNETS)
    vm = world.vm("a", "net", "h1")
    on_link(vm)
    with pytest.raises(OSError):
        fetch(vm, "/", timeout=2)
    world.put("metadata-networks", "net", network="net", tokens="optional")

    def is_served():
        # Questions for its MAC address that were not answered may end what
        # is opened now.
        try:
            return get(vm, "/latest/meta-data/instance-id") == b"a"
        except OSError:
            return False
    wait_for("the service", is_served, 30)
    world.delete("metadata-networks", "net")
    world.revalidated()
    with pytest.raises(OSError):
        fetch(vm, "/", timeout=2)


def test_policies_do_not_matter_and_quarantines_do(world):
    world.served("net")
    world.patch("networks", "net", default="deny")
    vm = world.vm("a", "net", "h1")
    on_link(vm)
    assert get(vm, "/latest/meta-data/instance-id") == b"a"
    world.put("quarantines", "q", ports=["a"])
    assert fetch(vm, "/latest/meta-data/instance-id").status == 403


def test_who_sends_by_anothers_address_is_not_heard(lab, world):
    world.served("net")
    vm = world.vm("a", "net", "h1", ip="10.0.0.7")
    other = world.vm("b", "net", "h1", ip="10.0.0.8")
    on_link(vm)
    on_link(other)
    netns.ip(other.ns, "addr add 10.0.0.7/24 dev eth0")
    with pytest.raises(OSError):
        fetch(other, "/latest/user-data", timeout=2, source="10.0.0.7")
    assert get(vm, "/latest/meta-data/instance-id") == b"a"


def test_what_changes_is_told(world):
    world.served("net")
    vm = world.vm("a", "net", "h1")
    on_link(vm)
    assert fetch(vm, "/latest/user-data").status == 404
    world.told("vm", ports=["a"], user_data="one")
    assert get(vm, "/latest/user-data") == b"one"
    world.patch("metadata", "vm", user_data="two")
    assert get(vm, "/latest/user-data") == b"two"
    world.patch("metadata", "vm", user_data=None)
    assert fetch(vm, "/latest/user-data").status == 404


# Tokens.  ------------------------------------------------------------------

TTL = "X-aws-ec2-metadata-token-ttl-seconds"
TOKEN = "X-aws-ec2-metadata-token"


def token(vm, seconds=60):
    reply = fetch(vm, "/latest/api/token", "PUT", {TTL: str(seconds)})
    assert reply.status == 200, reply.status
    assert reply.headers[TTL] == str(seconds)
    return reply.body.decode()


def test_required_tokens(world):
    """As they are where the network says nothing of tokens."""
    world.put("networks", "net", subnets=SUBNETS)
    world.put("metadata-networks", "net", network="net")
    vm, other = (world.vm(name, "net", "h1") for name in "ab")
    on_link(vm)
    on_link(other)
    path = "/latest/meta-data/instance-id"
    assert fetch(vm, path).status == 401
    assert fetch(vm, "/openstack/latest/meta_data.json").status == 401
    good = token(vm)
    assert fetch(vm, path, headers={TOKEN: good}).body == b"a"
    # It is this port's, and not to be made up.
    assert fetch(other, path, headers={TOKEN: good}).status == 401
    longer = "%016x" % (int(good[:16], 16) + 1000) + good[16:]
    assert fetch(vm, path, headers={TOKEN: longer}).status == 401
    # It is good for as long as was said...
    short = token(vm, 1)
    wait_for("a token to end", lambda: fetch(
        vm, path, headers={TOKEN: short}).status == 401, 10)
    # ...and by vmnd's restart.
    restart(world.lab)
    assert fetch(vm, path, headers={TOKEN: good}).body == b"a"


def test_a_token_goes_no_further_than_the_vm(world):
    """The packets that have it are of TTL 1, and no others."""
    world.served("net")
    vm = world.vm("a", "net", "h1")
    on_link(vm)
    with frames.Capture(vm.ns) as capture:
        token(vm)
        get(vm, "/latest/meta-data/instance-id")
        ttls = {"token": set(), "other": set()}
        for frame in capture.read():
            if frame[12:14] == b"\x08\x00" and frame[26:30] == bytes(
                    [169, 254, 169, 254]):
                ttls["token" if b"HTTP" in frame and TTL.encode() in frame
                     else "other"].add(frame[22])
    assert ttls["token"] == {1}
    assert 64 in ttls["other"]


# How much.  ----------------------------------------------------------------

BIG = "".join("%06d line of user data\n" % i for i in range(2580))


@pytest.mark.parametrize("mtu", [1500, 576])
def test_big_user_data_arrives_whole(world, mtu):
    world.served("net")
    vm = world.vm("a", "net", "h1")
    world.told("vm", ports=["a"], user_data=BIG)
    assert 60000 < len(BIG) <= 65536
    if mtu != 1500:
        netns.ip(vm.ns, "link set eth0 mtu %d" % mtu)
    on_link(vm, ipv6=mtu >= 1280)
    assert get(vm, "/latest/user-data", timeout=30).decode() == BIG


def test_lost_packets_are_sent_again(world):
    """A sixth of what the server sends, and of what the client does."""
    world.served("net")
    vm = world.vm("a", "net", "h1", ip=["10.0.0.7", "10.0.0.8"])
    netns.ip(vm.ns, "addr del 10.0.0.8/24 dev eth0")
    world.told("vm", ports=["a"], user_data=BIG[:20000])
    client = LossyClient(vm, "10.0.0.8", 6)
    said = client.fetch("/latest/user-data").decode()
    assert said.split("\r\n\r\n", 1)[1] == BIG[:20000]
    assert client.n_lost > 5


def test_parallel_connections_are_bounded(lab, world):
    world.served("net")
    vm, other = (world.vm(name, "net", "h1") for name in "ab")
    on_link(vm)
    on_link(other)
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        said = list(pool.map(lambda i: get(
            vm, "/latest/meta-data/instance-id", timeout=30), range(20)))
    assert said == [b"a"] * 20
    quiet(lab)
    held = []
    for _ in range(CONNECTIONS_MAX):
        held.append(open_connection(vm))
    wait_for("connections", lambda: metric(lab, "connections")
             == CONNECTIONS_MAX)
    with pytest.raises(OSError):
        open_connection(vm, timeout=2)
    assert refused(lab)["too many connections"] > 0
    # Others have their own.
    assert get(other, "/latest/meta-data/instance-id") == b"b"
    # Those that say nothing are ended, and there is room again.
    wait_for("silent connections to be ended", lambda: get(
        vm, "/latest/meta-data/instance-id", timeout=30) == b"a", 60)
    for conn in held:
        conn.close()


def test_a_connection_serves_several_requests_until_there_are_too_many(
        lab, world):
    world.served("net")
    vm = world.vm("a", "net", "h1")
    on_link(vm)
    before = metric(lab, "requests_rate_limited_total")
    request = (b"GET /latest/meta-data/instance-id HTTP/1.1\r\nHost: x\r\n"
               b"\r\n")
    said = fetch_raw(vm, request * 10, until=lambda got: got.count(
        b"200 OK") == 10)
    assert said.count(b"\r\n\r\na") == 10
    conn = open_connection(vm)
    for _ in range(10):
        conn.sendall(request * 20)
    said = conn.makefile("rb").read()
    assert b"429 Too Many Requests" in said
    assert metric(lab, "requests_rate_limited_total") > before
    conn.close()


def test_large_objects_of_a_tenant_are_its_own_matter(lab, world):
    """VMs that many large objects are for get their answers and so do others;
    the app's process goes on (world's end looks)."""
    world.served("net")
    world.put("networks", "other", subnets=[{"cidr": "10.1.0.0/24"}])
    world.put("metadata-networks", "other", network="other",
              tokens="optional")
    large = {"user_data": BIG, "vendor_data": BIG,
             "ssh_keys": ["ssh-ed25519 %d%s" % (i, "k" * 16000)
                          for i in range(7)]}
    for i in range(60):
        world.told("large-%02d" % i, selector="role=large", priority=1,
                   **large)
    with pytest.raises(Refused) as refused:
        world.api.put("metadata/larger", {"selector": "role=large", **dict(
            large, ssh_keys=["k%d%s" % (i, "k" * 16000) for i in range(9)])})
    assert "at most 262144 bytes" in str(refused.value)
    vms = [world.vm("vm%d" % i, "net", "h1", labels={"role": "large"})
           for i in range(13)]
    vm = world.vm("a", "other", "h1")
    for guest in [vm, *vms]:
        on_link(guest, ipv6=False)
    for guest in vms:
        for path in ("/latest/meta-data/instance-id", "/latest/user-data"):
            reply = fetch(guest, path)
            assert reply.status == 200, (guest.name, reply.status)
    assert get(vm, "/latest/meta-data/instance-id") == b"a"


# Trouble.  -----------------------------------------------------------------

RUBBISH = [
    b"\x00" * 100, b"GET", b"\r\n" * 50, b"GET / HTTP/9.9\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n", b"A" * 9000,
    b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n",
    b"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"GET " + b"/x" * 5000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /latest/meta-data/%00%ff HTTP/1.1\r\nHost: x\r\n\r\n",
]


def test_rubbish_breaks_nothing(lab, world):
    world.served("net")
    vm = world.vm("a", "net", "h1")
    on_link(vm)
    for bytes_ in RUBBISH:
        said = fetch_raw(vm, bytes_, shutdown=True)
        assert not said or re.match(rb"HTTP/1.1 (4\d\d|50[15]) ", said), said
        wait_for("the bucket", lambda: get(
            vm, "/latest/meta-data/instance-id", timeout=30) == b"a")
    # Segments that are none, and of no connection.
    for i in range(60):
        frames.send(vm, frames.ipv4(SERVER_MAC, vm.mac, vm.ip, SERVER, 6,
                                    b"\xc0\x00\x00\x50" + os.urandom(i)))
    wait_for("an answer", lambda: get(
        vm, "/latest/meta-data/instance-id", timeout=30) == b"a")


def test_vmnd_restarts_in_between(lab, world):
    """Connections that were open are reset, and new ones are served: the
    switch has its flows all the time."""
    world.served("net")
    vm = world.vm("a", "net", "h1")
    world.told("vm", ports=["a"], user_data="kept")
    on_link(vm)
    conn = open_connection(vm)
    restart(lab)
    with pytest.raises(ConnectionResetError):
        conn.settimeout(20)
        conn.sendall(b"GET /latest/user-data HTTP/1.0\r\n\r\n")
        assert not conn.recv(100)
        raise ConnectionResetError
    conn.close()
    wait_for("an answer", lambda: get(vm, "/latest/user-data",
                                      timeout=20) == b"kept", 60)


def test_the_app_is_ended_and_started_again(lab, world):
    world.served("net")
    vm = world.vm("a", "net", "h1")
    on_link(vm)
    before = worker(lab)["pid"]
    world.n_ends += 1
    os.kill(before, 9)
    wait_for("another process", lambda: get(
        vm, "/latest/meta-data/instance-id", timeout=20) == b"a"
        and worker(lab)["pid"] not in (0, before), 60)


# Others.  ------------------------------------------------------------------

def test_dhcp_tells_of_the_route(world, tmp_path):
    world.served("net")
    vm = bare_vm(world, "a", "net", "h1")
    with Udhcpc(vm, tmp_path, "-O", "staticroutes") as client:
        told = client.wait("bound")
        assert told["staticroutes"] == ("169.254.169.254/32 0.0.0.0 "
                                        "0.0.0.0/0 10.0.0.254")
        client.stop()


def ask(lab, token, path, body=None):
    """What a client with a token is told, as text."""
    more = ["-d", json.dumps(body), "-H", "Content-Type: application/json"]
    return netns.run(["curl", "-s", "-m", "20", "-H",
                      "Authorization: Bearer " + token,
                      "http://127.0.0.1:%d%s" % (page.API_PORT, path)]
                     + (more if body else []), lab.net_ns)


def test_who_may_read_what_is_secret(lab, world):
    """Who may change the object; nobody in differences and in the log, and no
    viewer by having a trace ask."""
    world.served("net")
    world.vm("a", "net", "h1")
    world.told("vm", ports=["a"], user_data="SECRET 1")
    world.patch("metadata", "vm", user_data="SECRET 2")
    tokens = {}
    for role in ("viewer", "operator"):
        world.put("accounts", role, role=role)
        tokens[role] = make_token(lab.vmnd.api, role, role)
    trace = {"from": "a", "to": SERVER, "protocol": "tcp", "port": 80,
             "destination_mac": SERVER_MAC, "payload":
             "GET /latest/user-data HTTP/1.1\r\nHost: x\r\n\r\n"}
    for path in ("/v1/metadata", "/v1/metadata/vm"):
        assert "SECRET" not in ask(lab, tokens["viewer"], path)
        assert "SECRET 2" in ask(lab, tokens["operator"], path)
    number = lab.vmnd.api.get("status")["revision"]
    for path in ["/v1/revisions?limit=1000", "/v1/status"] + [
            "/v1/revisions/%d?contents=true" % n
            for n in range(number - 4, number + 1)]:
        for token in tokens.values():
            assert "SECRET" not in ask(lab, token, path), path
    said = ask(lab, tokens["viewer"], "/v1/trace", trace)
    assert "HTTP 200" in said and "SECRET" not in said
    assert "SECRET 2" in ask(lab, tokens["operator"], "/v1/trace", trace)


def undo(lab):
    """Takes the last change back."""
    api = lab.vmnd.api
    api.call("POST", "/v1/revisions/%d/undo" % api.get("status")["revision"])


def test_what_was_secret_is_not_brought_back_without_it(lab, world):
    """Undoing what has changed a secret is refused, rather than done without
    it."""
    world.served("net")
    world.vm("a", "net", "h1")
    world.told("vm", ports=["a"], user_data="one", hostname="a")
    world.patch("metadata", "vm", hostname="b")
    undo(lab)
    assert lab.vmnd.api.get("metadata/vm")["spec"]["hostname"] == "a"
    world.delete("metadata", "vm")
    with pytest.raises(Refused):
        undo(lab)
