# SPDX-License-Identifier: Apache-2.0
"""VMs of libvirt: what deploy/libvirt shows is what libvirt takes, and what it
does with it binds the port.  The one VM here is a real one, without KVM: its
firmware asks for an address and loads what it is told to from another VM."""

import contextlib
import os
import re
import subprocess
import threading
import xml.etree.ElementTree as tree
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import yaml
from conftest import HERE

from vmnlab import netns
from vmnlab.netns import wait_for

SAMPLES = os.path.join(HERE, "../../deploy/libvirt")
DOMAIN = os.path.join(SAMPLES, "web1.xml")
NETWORK = os.path.join(SAMPLES, "network.xml")
OBJECTS = os.path.join(SAMPLES, "web1.yaml")

# Where what libvirt needs around it is not wanted here: no logger, no control
# groups, no namespaces of its own, no other user.
QEMU_CONF = """security_driver = "none"
user = "root"
group = "root"
stdio_handler = "file"
cgroup_controllers = []
namespaces = []
remember_owner = 0
"""

# libvirt looks for the users of Debian's libvirt-daemon-system, whatever it is
# told, and that package would start services on this machine.
START = """
cp /etc/passwd /etc/group "$1"
for file in passwd group; do
    grep -q ^libvirt-qemu: "$1/$file" || case $file in
        passwd) echo libvirt-qemu:x:64055:64055::/:/usr/sbin/nologin ;;
        group) echo libvirt-qemu:x:64055: ;;
    esac >>"$1/$file"
    mount --bind "$1/$file" "/etc/$file"
done
exec virt-qemu-run -v -r "$1" "$2"
"""

# What the VM loads: stays, and answers pings.
SCRIPT = b"#!ipxe\n:stay\nsleep 60\ngoto stay\n"


def objects():
    """The sample's objects, by type."""
    with open(OBJECTS) as text:
        return {o["type"]: o for o in yaml.safe_load_all(text)}


def domain():
    return tree.parse(DOMAIN).getroot()


# What libvirt says of the samples.  -----------------------------------------

@pytest.mark.parametrize("sample,schema", [(DOMAIN, "domain"),
                                           (NETWORK, "network")])
def test_samples_follow_libvirts_schema(sample, schema):
    netns.run(["virt-xml-validate", sample, schema])


def test_schema_would_tell_of_a_fault(tmp_path):
    """An interfaceid that is no UUID, which is the likely mistake."""
    wrong = tmp_path / "wrong.xml"
    with open(DOMAIN) as text:
        wrong.write_text(re.sub("interfaceid='[^']*'", "interfaceid='web1'",
                                text.read()))
    with pytest.raises(netns.Error, match="fails to validate"):
        netns.run(["virt-xml-validate", str(wrong), "domain"])


def test_libvirt_takes_the_samples(tmp_path):
    """Its own parser, of a driver that starts nothing."""
    xml = tmp_path / "domain.xml"
    with open(DOMAIN) as text:
        xml.write_text(text.read().replace("type='kvm'", "type='test'"))
    said = netns.run(["virsh", "-c", "test:///default",
                      "define --validate %s; net-define --validate %s; "
                      "dumpxml web1" % (xml, NETWORK)])
    shown = tree.fromstring(said[said.index("<domain"):])
    port = objects()["ports"]["spec"]
    parameters = shown.find("devices/interface/virtualport/parameters")
    assert parameters.get("interfaceid") == port["iface_id"]
    assert shown.find("devices/interface/mac").get("address") == port["mac"]


# What libvirt does.  --------------------------------------------------------

class Boot(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.seen.append((self.client_address[0], self.path))
        self.send_response(200)
        self.send_header("Content-Length", str(len(SCRIPT)))
        self.end_headers()
        self.wfile.write(SCRIPT)

    def log_message(self, *args):
        pass


@contextlib.contextmanager
def boot_server(vm):
    """A web server in 'vm' that has what machines boot; its 'seen' lists who
    asked for what."""
    with netns.inside(vm.ns):
        server = ThreadingHTTPServer((vm.ip, 8080), Boot)
    server.seen = []
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def without_kvm(text):
    """The sample's XML for a machine that may have none, and for a small VM
    that has no disk."""
    return text.replace("type='kvm'", "type='qemu'").replace(
        "<boot dev='hd'/>", "").replace(">512<", ">64<")


@contextlib.contextmanager
def libvirt_vm(host, folder, edit=without_kvm):
    """The sample's VM, run by libvirt on 'host', as 'edit' makes its XML."""
    root = folder / "libvirt"
    (root / "etc").mkdir(parents=True)
    (root / "etc/qemu.conf").write_text(QEMU_CONF)
    xml = folder / "vm.xml"
    with open(DOMAIN) as text:
        xml.write_text(edit(text.read()))
    log = folder / "virt-qemu-run.log"
    process = netns.spawn(["unshare", "-m", "sh", "-euc", START, "sh", root,
                           xml], host.ns, host.env, str(log))
    try:
        yield process, log
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def interface(host, iface_id):
    """{name: value} of external_ids of the interface that has 'iface_id'; none
    if there is no such."""
    text = host.vsctl("--bare", "--columns=name,external_ids", "find",
                      "interface", 'external_ids:iface-id="%s"' % iface_id)
    return dict(word.split("=", 1) for word in text.split() if "=" in word)


def test_vm_of_libvirt_is_bound_and_talks(module_lab, world, tmp_path):
    found = objects()
    net, port = found["networks"], found["ports"]
    world.put("networks", net["name"], **dict(
        net["spec"],
        dhcp_options={"boot_file": "http://10.0.0.12:8080/web1.ipxe"}))
    peer = world.vm("peer", net["name"], "h2", "10.0.0.12")
    world.put("ports", port["name"], **port["spec"])
    host = module_lab.host("h1")
    iface_id = port["spec"]["iface_id"]
    assert interface(host, iface_id) == {}

    with boot_server(peer) as server, \
            libvirt_vm(host, tmp_path) as (process, log):
        def running():
            assert process.poll() is None, log.read_text()
            return interface(host, iface_id)

        # Whatever libvirt writes there, the port is bound by the iface-id.
        ids = wait_for("libvirt's interface", running, 30)
        assert ids["attached-mac"] == port["spec"]["mac"]
        assert ids["vm-id"] == domain().findtext("uuid")
        assert ids["iface-status"] == "active"
        module_lab.await_ports([port["name"]])
        status = world.api.get("ports/web1")["status"]
        assert (status["host"], status["state"]) == ("h1", "up")
        # DHCP, then TCP to a VM of another host.
        wait_for("the VM to boot", lambda: server.seen, 60)
        assert server.seen[0] == ("10.0.0.11", "/web1.ipxe")
        assert "1 received" in peer.run("ping", "-c1", "-W10", "10.0.0.11")

    # It is gone with the VM.
    wait_for("libvirt to remove its interface",
             lambda: not interface(host, iface_id), 20)
    wait_for("the port to be unbound", lambda: world.api.get("ports/web1")
             ["status"]["state"] == "unbound", 20)
