# SPDX-License-Identifier: Apache-2.0
"""Two guests that share an address by VRRP (keepalived)."""

import os

import pytest
from conftest import close_lab, make_lab

from vmnlab import traffic
from vmnlab.netns import wait_for

VIP = "10.0.0.100"
# RFC 5798, section 7.3.
VIRTUAL_MAC = "00:00:5e:00:01:07"

CONFIG = """
global_defs {
    router_id %(name)s
}
vrrp_instance shared {
    state BACKUP
    interface eth0
    virtual_router_id 7
    priority %(priority)d
    advert_int 0.2
    %(more)s
    virtual_ipaddress {
        %(vip)s/24
    }
}
"""


@pytest.fixture(scope="module")
def module_lab(request):
    lab = make_lab("vrrp", 3)
    yield lab
    close_lab(lab)


class Keepalived:
    """keepalived in a guest."""

    def __init__(self, guest, priority, folder, more="", vip=VIP):
        self.guest = guest
        self.vip = vip
        self.folder = str(folder)
        os.makedirs(self.folder)
        with open(self.path("conf"), "w") as out:
            out.write(CONFIG % {"name": guest.name, "priority": priority,
                                "vip": vip, "more": more})
        self.start()

    def path(self, name):
        return os.path.join(self.folder, name)

    def start(self):
        self.guest.run("keepalived", "--vrrp",
                       "--use-file=" + self.path("conf"),
                       "--pid=" + self.path("pid"),
                       "--vrrp_pid=" + self.path("vrrp.pid"))

    def kill(self, signal):
        """All of it: with KILL nobody else hears of it."""
        for name in ("pid", "vrrp.pid"):
            try:
                with open(self.path(name)) as pid:
                    self.guest.run("kill", "-" + signal, pid.read().strip(),
                                   check=False)
            except FileNotFoundError:
                pass

    def holds(self):
        return self.vip in self.guest.run("ip", "-4", "-o", "addr")


@pytest.mark.parametrize("virtual", [False, True], ids=["own", "virtual-mac"])
def test_guests_share_an_address_by_vrrp(world, tmp_path, virtual):
    world.network("net")
    allowed = [{"ip": VIP}]
    if virtual:
        # Linux answers from its own MAC address where routes lead there.
        allowed.append({"ip": VIP, "mac": VIRTUAL_MAC})
    one = world.vm("one", "net", "h1", "10.0.0.11", allowed_addresses=allowed)
    two = world.vm("two", "net", "h2", "10.0.0.12", allowed_addresses=allowed)
    clients = [world.vm("near", "net", "h1", "10.0.0.21"),
               world.vm("far", "net", "h3", "10.0.0.22")]
    for guest in (one, two):
        world.servers.tcp(guest, 80, "0.0.0.0")
    more = "use_vmac\n    vmac_xmit_base" if virtual else ""
    daemons = [Keepalived(one, 150, tmp_path / "one", more),
               Keepalived(two, 100, tmp_path / "two", more)]
    try:
        for holder, other in ((0, 1), (1, 0)):
            wait_for("the address to be taken", lambda: daemons[holder].holds()
                     and not daemons[other].holds(), 60)
            for client in clients:
                assert wait_for("an answer of who has it", lambda: (
                    traffic.ask(client, VIP, 80) == ("one", "two")[holder]),
                    30)
            if holder == 0:
                daemons[0].kill("TERM")
                daemons[0].guest.run("ip", "addr", "flush", "to", VIP)
            else:
                daemons[0].start()
    finally:
        for daemon in daemons:
            daemon.kill("KILL")
