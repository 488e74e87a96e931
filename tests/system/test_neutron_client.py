# SPDX-License-Identifier: Apache-2.0
"""How Neutron's driver (deploy/neutron) gets to vmnd by TCP: TLS, tokens and
certificates, of a client by itself and of a neutron-server; which is installed
and configured as docs/neutron.md says."""

import glob
import os
import re
import subprocess
import sys

import pytest

from conftest import HERE, close_lab, make_lab
from neutron_server import Neutron, add_vm
from test_auth import Pki, make_token
from vmnlab.netns import inside, wait_for

sys.path.insert(0, os.path.join(HERE, "../../deploy/neutron"))

from vmn_neutron import client as vmn  # noqa: E402

PORT = 8443
HERE_BY_TLS = "https://127.0.0.1:%d" % PORT
AWAY = "https://127.0.0.1:%d" % (PORT + 1)


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    pki = Pki(tmp_path_factory.mktemp("pki"))
    for name in "vmnd", "neutron", "stranger":
        pki.issue(name)
    return pki


@pytest.fixture(scope="module")
def lab(pki):
    lab = make_lab("neu", 1, options=[
        "--api-listen=ssl:127.0.0.1:%d" % PORT,
        "--private-key=" + pki.path("vmnd.key"),
        "--certificate=" + pki.path("vmnd.pem"),
        "--ca-cert=" + pki.path("ca.pem")])
    try:
        for name, role in ("neutron", "operator"), ("looker", "viewer"):
            lab.vmnd.api.put("accounts/" + name, {"role": role,
                                                  "certificate": True})
        yield lab
    finally:
        close_lab(lab)


@pytest.fixture
def token(lab, tmp_path):
    """Returns a function that makes a file of an account's token."""
    made = []

    def make(account):
        made.append("token-" + account)
        path = tmp_path / account
        path.write_text(make_token(lab.vmnd.api, made[-1], account) + "\n")
        return str(path)
    yield make
    for name in made:
        lab.vmnd.api.delete("tokens/" + name)


def by_tls(pki, **more):
    return vmn.Client([HERE_BY_TLS], **dict({"ca_file": pki.path("ca.pem")},
                                            **more))


def network(name, **spec):
    return {"type": "networks", "name": name,
            "spec": dict(spec, labels={"neutron": "network"})}


def test_a_token_lets_in(lab, pki, token, monkeypatch):
    path = token("neutron")
    client = by_tls(pki, token_file=path)
    names = ["net-%d" % i for i in range(5)]
    monkeypatch.setattr(vmn, "PAGE", 2)
    with inside(lab.net_ns):
        events = client.events(("binding",))
        assert next(events)[0] == "start"
        client.apply([network(name, vni=5000 + i)
                      for i, name in enumerate(names)])
        assert client.get("networks", "net-1")["spec"]["vni"] == 5001
        assert client.get("networks", "other") is None
        assert [n["name"] for n in client.list("networks", "neutron")] == names
        # It is read anew for each call.
        with open(path) as file:
            right = file.read()
        with open(path, "w") as file:
            file.write("another.one\n")
        with pytest.raises(vmn.Unreachable, match="401"):
            client.get("networks", "net-1")
        with pytest.raises(vmn.Unreachable, match="401"):
            next(client.events(("binding",)))
        with open(path, "w") as file:
            file.write(right)
        client.apply([{"op": "delete", "type": "networks", "name": name}
                      for name in names])
        assert client.list("networks", "neutron") == []
        # One that is listening goes on.
        lab.vmnd.api.put("networks/n", {"labels": {"neutron": "network"}})
        lab.vmnd.api.put("ports/p", {"network": "n", "iface_id": "p"})
        vm = lab.add_vm("p", "h1", "02:00:00:00:00:01", [])
        for kind, data, _ in events:
            assert (kind, data["port"]) == ("binding", "p")
            if data["state"] == "up":
                break
        events.close()
        lab.remove_vm(vm.name)
    for one in "ports/p", "networks/n":
        lab.vmnd.api.delete(one)


def test_who_may_not_is_told_later(lab, pki, token):
    """What vmnd does not let in is nothing that is wrong with an object: an
    administrator sets it right, and then it is told."""
    looker = by_tls(pki, token_file=token("looker"))
    for client, text in (
            (by_tls(pki), "401"), (looker, "403"),
            (by_tls(pki, token_file="/nowhere"), "/nowhere"),
            (by_tls(pki, cert_file=pki.path("stranger.pem"),
                    key_file=pki.path("stranger.key")), "401")):
        with inside(lab.net_ns), pytest.raises(vmn.Unreachable, match=text):
            client.apply([network("net")])
    with inside(lab.net_ns):
        assert looker.list("networks") == []


def test_a_token_file_that_is_no_text(lab, pki, tmp_path):
    path = tmp_path / "token"
    path.write_bytes(b"\xff\xfe\n")
    client = by_tls(pki, token_file=str(path))
    with inside(lab.net_ns):
        with pytest.raises(vmn.Unreachable):
            client.get("networks", "net")
        with pytest.raises(vmn.Unreachable):
            next(client.events(("binding",)))


def test_a_certificate_lets_in(lab, pki):
    client = by_tls(pki, cert_file=pki.path("neutron.pem"),
                    key_file=pki.path("neutron.key"))
    with inside(lab.net_ns):
        client.apply([network("net")])
        assert client.get("networks", "net")
        client.apply([{"op": "delete", "type": "networks", "name": "net"}])


def test_another_vmnd_is_told_nothing(lab, pki, token, tmp_path):
    """One whose certificate is of another CA, or for another name, does not
    get the token."""
    path = token("neutron")
    other = Pki(tmp_path, "other")
    for client, text in (
            (by_tls(pki, token_file=path, ca_file=other.path("other.pem")),
             "self-signed|unable to get local issuer"),
            (by_tls(pki, token_file=path, ca_file=None),
             "self-signed|unable to get local issuer"),
            (vmn.Client(["https://localhost:%d" % PORT], token_file=path,
                        ca_file=pki.path("ca.pem")), "Hostname mismatch")):
        with inside(lab.net_ns), pytest.raises(vmn.Unreachable, match=text):
            client.get("networks", "net")


def test_events_of_the_next_server(lab, pki):
    client = vmn.Client([AWAY, HERE_BY_TLS], ca_file=pki.path("ca.pem"),
                        cert_file=pki.path("neutron.pem"),
                        key_file=pki.path("neutron.key"))
    with inside(lab.net_ns):
        events = client.events(("binding",))
        assert next(events)[0] == "start"
        events.close()
    assert client.servers[0].geturl() == HERE_BY_TLS


def test_files_that_are_none_are_named(pki):
    with pytest.raises(ValueError, match="ca_file: .*/nowhere"):
        by_tls(pki, ca_file="/nowhere")
    with pytest.raises(ValueError, match="ca_file: .*vmnd.key"):
        by_tls(pki, ca_file=pki.path("vmnd.key"))
    with pytest.raises(ValueError, match="cert_file, key_file: .*/nowhere"):
        by_tls(pki, cert_file="/nowhere", key_file=pki.path("neutron.key"))
    with pytest.raises(ValueError, match="cert_file, key_file: .*vmnd.key"):
        by_tls(pki, cert_file=pki.path("neutron.pem"),
               key_file=pki.path("vmnd.key"))
    for api in "ftp://127.0.0.1:1", "controller:8443", "https://":
        with pytest.raises(ValueError, match=r"\[vmn\] api"):
            vmn.Client([HERE_BY_TLS, api])
    with pytest.raises(ValueError, match=r"\[vmn\] api: is empty"):
        vmn.Client([])


def documented():
    """Returns what docs/neutron.md has one type: the commands, neutron.conf,
    ml2_conf.ini."""
    with open(os.path.join(HERE, "../../docs/neutron.md")) as file:
        return re.findall("^```(?:ini)?\n(.*?)^```", file.read(),
                          re.DOTALL | re.MULTILINE)[:3]


def install(commands, place):
    """Runs what needs neither a network nor a user "neutron", with all that
    it writes below 'place'.  Returns where Python has the driver then."""
    assert commands.startswith("apt-get install ")
    text = commands.partition("\n")[2].partition("install -d ")[0]
    for path, own in (("/usr/share/vmn/neutron",
                       os.path.realpath(os.path.join(HERE,
                                                     "../../deploy/neutron"))),
                      ("/tmp/vmn-neutron", "%s/source" % place)):
        assert path in text
        text = text.replace(path, own)
    done = subprocess.run(
        ["bash", "-ec", text], cwd=place, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, env={
            "PATH": "/usr/bin:/bin", "HOME": str(place),
            "PIP_ROOT": "%s/root" % place, "PIP_NO_INDEX": "1"})
    assert done.returncode == 0, done.stdout.decode()
    found, = glob.glob("%s/root/usr/local/lib/python3*/dist-packages" % place)
    return found


def test_a_neutron_server_as_documented(lab, pki, token, tmp_path):
    """With an account of role operator, by TLS; of two servers the first is
    away."""
    commands, server, ml2 = documented()
    for name, path in (("vmn-token", token("neutron")),
                       ("vmn-ca.pem", pki.path("ca.pem"))):
        assert "/etc/neutron/" + name in server
        server = server.replace("/etc/neutron/" + name, path)
    neutron = Neutron(tmp_path, AWAY + ", " + HERE_BY_TLS, net_ns=lab.net_ns,
                      code=install(commands, tmp_path), config=server + ml2)
    try:
        neutron.start()
        net = neutron.make("network", name="net")
        neutron.make("subnet", network_id=net["id"], cidr="10.0.0.0/24",
                     ip_version=4)
        port = neutron.make("port", network_id=net["id"])
        vm = add_vm(lab, neutron, "vm", port, "h1")     # It gets ACTIVE.
        lab.remove_vm(vm.name)
        router = neutron.make("router", name="router")
        assert lab.vmnd.api.get("routers/" + router["id"])
        assert neutron.empty() == []
        wait_for("vmnd to be told", lambda: not any(
            lab.vmnd.api.get(kind, selector="neutron")["items"]
            for kind in ("networks", "ports", "routers")), 20)
    finally:
        neutron.stop()
