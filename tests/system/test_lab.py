# SPDX-License-Identifier: Apache-2.0
"""The lab itself: labs stand side by side, and leave nothing behind."""

import os
import random
import subprocess
import sys

import pytest
from conftest import HERE, lab_name

from vmnlab import lab as lab_module
from vmnlab import netns, traffic
from vmnlab.lab import Lab

VMN_LAB = os.path.join(HERE, "../../deploy/lab/vmn-lab")


def left_of(name):
    """All there is of lab 'name' outside of this process."""
    found = netns.names("vmn-%s-" % name)
    where = os.path.join(lab_module.DIR, name)
    if os.path.exists(where):
        found.append(where)
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % pid, "rb") as words:
                if (where + "/").encode() in words.read():
                    found.append("process " + pid)
        except OSError:
            pass
    return found


def links_and_routes():
    return subprocess.run("ip -br link; ip addr; ip route; ip rule",
                          shell=True, check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def by_hand(lab):
    """Does in a lab of two hosts what vmnd would: a VM on each, and flows
    between them."""
    vms = []
    for host in lab.hosts:
        host.vsctl("add-br", "br-int", "--", "set", "bridge", "br-int",
                   "datapath_type=netdev", "fail_mode=secure",
                   "protocols=OpenFlow15", "--",
                   "add-port", "br-int", "vxlan", "--",
                   "set", "interface", "vxlan", "type=vxlan",
                   "options:key=flow", "options:remote_ip=flow",
                   "ofport_request=40000")
        vms.append(lab.add_vm(
            "vm%d" % host.index, host.name,
            "02:00:00:00:00:%02x" % host.index,
            ["10.0.0.%d/24" % host.index]))
    for host, other, vm in zip(lab.hosts, reversed(lab.hosts), vms):
        number = host.vsctl("get", "interface", vm.link, "ofport").strip()
        host.ofctl("add-flow", "br-int", "in_port=%s,actions=set_field:%s->"
                   "tun_dst,set_field:7->tun_id,output:40000"
                   % (number, other.tunnel_ip))
        host.ofctl("add-flow", "br-int",
                   "in_port=40000,tun_id=7,actions=output:" + number)
    return vms


def test_two_labs_side_by_side_have_the_same_addresses():
    before = links_and_routes()
    labs = [Lab(lab_name("two")) for _ in range(2)]
    try:
        for lab in labs:
            lab.lock(create=True)
            lab.up(2)
            a, b = by_hand(lab)
            assert traffic.ask(a, b.ip, 0, "icmp", 5)
        first, second = labs
        # Only the second one's VM serves, and only its own peer reaches it.
        servers = traffic.Servers().tcp(second.vm("vm2"), 80)
        try:
            assert traffic.ask(second.vm("vm1"), "10.0.0.2", 80, seconds=5)
            assert not traffic.ask(first.vm("vm1"), "10.0.0.2", 80)
            first.down()
            assert not left_of(first.name)
            assert traffic.ask(second.vm("vm1"), "10.0.0.2", 80, seconds=5)
        finally:
            servers.close()
    finally:
        for lab in labs:
            lab.down()
            lab.unlock()
    assert not left_of(labs[0].name) + left_of(labs[1].name)
    assert links_and_routes() == before


def test_vm_moves_and_answers_from_the_other_host():
    lab = Lab(lab_name("move"))
    lab.lock(create=True)
    try:
        lab.up(2)
        a, b = by_hand(lab)
        h1 = lab.hosts[0]
        assert traffic.ask(a, b.ip, 0, "icmp", 5)
        lab.move("vm2", "h1")
        numbers = [h1.vsctl("get", "interface", v.link, "ofport").strip()
                   for v in (a, b)]
        h1.ofctl("del-flows", "br-int")
        for i in (0, 1):
            h1.ofctl("add-flow", "br-int", "in_port=%s,actions=output:%s"
                     % (numbers[i], numbers[1 - i]))
        assert traffic.ask(a, b.ip, 0, "icmp", 5)
        assert lab.hosts[1].vsctl("list-ports", "br-int").split() == ["vxlan"]
    finally:
        lab.down()
        lab.unlock()


@pytest.mark.parametrize("seed", range(8))
def test_down_after_kill_in_the_middle_of_up(seed):
    """Whatever moment `vmn-lab up` is killed at, `vmn-lab down` finds all."""
    print("seed", seed)
    name = lab_name("die")
    before = links_and_routes()
    up = subprocess.Popen(
        [sys.executable, VMN_LAB, "up", "--no-vmnd", "--name", name],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        up.wait(random.Random(seed).uniform(0.05, 0.6))
    except subprocess.TimeoutExpired:
        pass
    up.kill()
    up.wait()
    subprocess.run([sys.executable, VMN_LAB, "down", "--name", name],
                   check=True, stdout=subprocess.DEVNULL)
    assert not left_of(name)
    assert links_and_routes() == before


def test_second_up_is_refused_and_harms_nothing():
    lab = Lab(lab_name("once"))
    lab.lock(create=True)
    try:
        lab.up(1)
        lab.unlock()
        again = subprocess.run(
            [sys.executable, VMN_LAB, "up", "--no-vmnd", "--name", lab.name],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert again.returncode == 1
        assert "is up already" in again.stderr
        assert lab.hosts[0].running()
    finally:
        lab.down()


def test_exec_runs_in_a_vm_and_speaks_with_a_hosts_switch():
    lab = Lab(lab_name("exec"))
    lab.lock(create=True)
    try:
        lab.up(2)
        by_hand(lab)
        lab.unlock()

        def run(*words):
            return subprocess.run(
                [sys.executable, VMN_LAB, "exec", "--name", lab.name] +
                list(words), stdout=subprocess.PIPE, text=True)
        assert "10.0.0.1" in run("vm1", "ip", "addr").stdout
        assert "br-int" in run("h1", "ovs-vsctl", "show").stdout
        assert "tun_id=0x7" in run("h2", "ovs-ofctl", "-O", "OpenFlow15",
                                   "dump-flows", "br-int").stdout
        assert run("vm1", "sh", "-c", "exit 7").returncode == 7
    finally:
        lab.down()
