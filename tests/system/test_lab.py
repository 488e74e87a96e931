# SPDX-License-Identifier: Apache-2.0
"""The lab itself: labs stand side by side, and leave nothing behind."""

import contextlib
import http.client
import os
import random
import re
import shutil
import signal
import subprocess
import sys

import pytest
from cluster import LEASE_MS
from conftest import HERE, lab_name, make_lab

from vmnlab import cluster
from vmnlab import lab as lab_module
from vmnlab import netns, traffic
from vmnlab.lab import Lab
from vmnlab.netns import wait_for

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
                   host.datapath_type, "fail_mode=secure",
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
        lab.revalidated()
        assert traffic.ask(a, b.ip, 0, "icmp", 5)
        assert lab.hosts[1].vsctl("list-ports", "br-int").split() == ["vxlan"]
    finally:
        lab.down()
        lab.unlock()


@pytest.mark.parametrize("seed, words, seconds", [
    *((seed, ["--no-vmnd"], (0.05, 0.6)) for seed in range(8)),
    *((seed, ["--hosts", "1", "--controllers", "3"], (0.3, 3.0))
      for seed in range(8, 12))])
def test_down_after_kill_in_the_middle_of_up(seed, words, seconds):
    """Whatever moment `vmn-lab up` is killed at, `vmn-lab down` finds all."""
    print("seed", seed)
    name = lab_name("die")
    before = links_and_routes()
    up = subprocess.Popen(
        [sys.executable, VMN_LAB, "up", "--name", name] + words,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        up.wait(random.Random(seed).uniform(*seconds))
    except subprocess.TimeoutExpired:
        pass
    finally:
        up.kill()
        up.wait()
        down(name)
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


def down(name):
    """Removes lab 'name', which a test leaves if it fails."""
    subprocess.run([sys.executable, VMN_LAB, "down", "--name", name],
                   check=True, stdout=subprocess.DEVNULL)


def up_without_vmnd(name, *args, **env):
    """Has `vmn-lab up` make lab 'name', and returns how it ended."""
    return subprocess.run(
        [sys.executable, VMN_LAB, "up", "--no-vmnd", "--name", name, *args],
        env=dict(os.environ, **env), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True)


def test_kernels_datapath_is_refused_where_it_has_none():
    if netns.has_generic_netlink("ovs_datapath"):
        pytest.skip("this machine's kernel has the module")
    for args, env in ((["--datapath", "system"], {}),
                      ([], {"VMN_LAB_DATAPATH": "system"})):
        name = lab_name("sys")
        try:
            done = up_without_vmnd(name, *args, **env)
            assert done.returncode == 1
            assert "has no module openvswitch" in done.stderr
            assert not left_of(name)
        finally:
            down(name)


def test_datapath_of_a_lab():
    """That of the command line, before that of the environment."""
    name = lab_name("dp")
    try:
        done = up_without_vmnd(name, VMN_LAB_DATAPATH="dpdk")
        assert done.returncode == 1
        assert "VMN_LAB_DATAPATH: must be netdev or system" in done.stderr
        assert not left_of(name)
        done = up_without_vmnd(name, "--datapath", "netdev",
                               VMN_LAB_DATAPATH="system")
        assert done.returncode == 0, done.stderr
        lab = Lab(name)
        assert lab.load().datapath == "netdev"
        assert "netdev" in lab.hosts[0].vsctl(
            "get", "bridge", "br-phys", "datapath_type")
    finally:
        down(name)


def test_ctrl_c_where_python_cannot_raise(tmp_path):
    """Ctrl-C in a destructor ends the command as it does elsewhere, without a
    traceback."""
    os.mkdir(tmp_path / "vmnlab")
    shutil.copy(VMN_LAB, tmp_path / "vmn-lab")
    with open(tmp_path / "vmnlab/cli.py", "w") as file:
        file.write("import os, signal, time\n"
                   "class Interrupted:\n"
                   "    def __del__(self):\n"
                   "        os.kill(os.getpid(), signal.SIGINT)\n"
                   "def main():\n"
                   "    Interrupted()\n"
                   "    time.sleep(60)\n")
    done = subprocess.run([sys.executable, tmp_path / "vmn-lab"], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=50)
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == 130, done.stderr


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
                list(words), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                text=True)
        assert "10.0.0.1" in run("vm1", "ip", "addr").stdout
        assert "br-int" in run("h1", "ovs-vsctl", "show").stdout
        assert "tun_id=0x7" in run("h2", "ovs-ofctl", "-O", "OpenFlow15",
                                   "dump-flows", "br-int").stdout
        assert run("vm1", "sh", "-c", "exit 7").returncode == 7
        wrong = run("nosuch", "true")
        assert wrong.returncode == 1
        assert wrong.stderr == (
            "vmn-lab: lab %s has neither a VM nor a host nosuch; its VMs: "
            "vm1, vm2; its hosts: h1, h2\n" % lab.name)
        # A reader that has gone, as of "vmn-lab status | head -1".
        read_end, write_end = os.pipe()
        os.close(read_end)
        status = subprocess.run(
            [sys.executable, VMN_LAB, "status", "--name", lab.name],
            stdout=write_end, stderr=subprocess.PIPE, text=True)
        os.close(write_end)
        assert (status.returncode, status.stderr) == (128 + signal.SIGPIPE, "")
    finally:
        lab.down()


@pytest.mark.parametrize("words, reason", [
    (["--hosts", "0"], "from 1 to 200"),
    (["--hosts", "9999"], "from 1 to 200"),
    (["--vms", "vm1@h9"], "there are h1 to h3"),
    (["--vms", "vm1"], "VM@HOST"),
    (["--vms", "vm1@h1,vm1@h2"], "twice"),
    (["--vms", "vm1@h1=10.9.9.9"], "10.0.0.0/24"),
    (["--vms", "h2@h1"], "another part"),
    (["--vms", "VM_1@h1"], "not a VM's name"),
    (["--vmnd", "/none"], "/none"),
    (["--controllers", "0"], "from 1 to 5"),
    (["--controllers", "6"], "from 1 to 5"),
    (["--controllers", "2", "--no-vmnd"], "--controllers"),
    (["--no-vmnd", "--vms", "vm1@h1"], "--no-vmnd"),
])
def test_wrong_arguments_of_up_make_nothing(words, reason):
    name = lab_name("bad")
    try:
        up = subprocess.run([sys.executable, VMN_LAB, "up", "--name", name]
                            + words, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)
        assert up.returncode == 2, up.stderr
        assert reason in up.stderr
        assert not left_of(name)
        assert name not in lab_module.all_names()
    finally:
        if name in lab_module.all_names():
            down(name)


def test_wrong_arguments_leave_nothing_in_the_lab():
    """What a machine could not be made of says what is wrong, and the machine
    can be made with the right ones then."""
    lab = make_lab("wrg", 2)
    lab.vmnd.api.apply([
        {"type": "networks", "name": "a",
         "spec": {"subnets": [{"cidr": "10.0.0.0/24"}]}},
        {"type": "ports", "name": "p", "spec": {"network": "a"}}])
    lab.unlock()
    mac, ip = ["--mac", "02:00:00:00:00:01"], ["--ip", "10.0.0.1/24"]

    def run(*words):
        done = subprocess.run(
            [sys.executable, VMN_LAB, *words, "--name", lab.name],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            timeout=60)
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stderr

    def is_wrong(reason, *words):
        status, said = run(*words)
        assert status in (1, 2) and reason in said, said

    try:
        before = netns.names(lab.ns(""))
        for reason, *words in (
                ("not a MAC address: 'foo'", "--mac", "foo", *ip),
                ("Cannot assign", "--mac", "ff:ff:ff:ff:ff:ff", *ip),
                ("'10.0.0.300/24'", *mac, "--ip", "10.0.0.300/24"),
                ("10.0.0.1 lacks its length", *mac, "--ip", "10.0.0.1"),
                ("both --mac and --ip", *mac)):
            is_wrong(reason, "plug", "v", "h1", *words)
        is_wrong("no host h9", "plug", "v", "h9", *mac, *ip)
        is_wrong('port "a b" not found', "plug", "a b", "h1")
        net = "192.0.2.5/24"
        for reason, *words in (
                ("'192.0.2.500/24'", "192.0.2.500/24"),
                ("192.0.2.5 lacks its length", "192.0.2.5"),
                ("--vlan", net, "--vlan", "4095"),
                ("--vlan", net, "--vlan", "0"),
                ("gateway: not an IP", net, "--gateway", "none"),
                ("gateway: 10.0.0.1 is not in", net, "--gateway", "10.0.0.1"),
                ("no host h9", net, "--hosts", "h1,h9")):
            is_wrong(reason, "outside", "o", *words)
        with pytest.raises(netns.Error, match="a VLAN is 1 to 4094, not 0"):
            lab.add_outside("o", [net], vlan=0)
        is_wrong("--port", "page", "--port", "65536")
        assert netns.names(lab.ns("")) in (before, sorted(
            before + [lab.wire.ns]))
        assert not Lab(lab.name).load().vms
        assert not Lab(lab.name).load().outsides
        assert run("plug", "v", "h1", *mac, *ip) == (0, "")
        assert run("outside", "o", net, "--vlan", "5") == (0, "")
        # Hosts may come later; it stays what it is.
        for _ in range(2):
            assert run("outside", "o", net, "--vlan", "5", "--hosts",
                       "h1") == (0, "")
        is_wrong("there already", "outside", "o", "192.0.2.6/24", "--vlan",
                 "5")
        is_wrong("there already", "outside", "o", net)
        is_wrong("is no guest of QEMU", "stop", "v")
        is_wrong("a machine outside", "stop", "o")
        assert run("unplug", "v") == run("stop", "h1") == (0, "")
        is_wrong("h1 is stopped", "plug", "v", "h1")
        assert run("plug", "v", "h2") == (0, "")
        is_wrong("h1 is stopped: v stays", "move", "v", "h1")
        is_wrong("v is on h2 already", "plug", "v", "h1")
        assert run("start", "h1") == run("move", "v", "h1") == (0, "")
    finally:
        lab.lock()
        lab.down()
        lab.unlock()


def test_vmnd_is_stopped_and_started_under_running_vms():
    lab = make_lab("dmn", 1)
    try:
        lab.vmnd.api.apply([
            {"type": "networks", "name": "n",
             "spec": {"subnets": [{"cidr": "10.0.0.0/24"}]}},
            {"type": "ports", "name": "a", "spec": {"network": "n"}},
            {"type": "ports", "name": "b", "spec": {"network": "n"}}])
        a, b = (lab.add_vm_of_port(n, "h1") for n in "ab")
        lab.await_ports("ab")
        lab.unlock()

        def run(*words):
            return subprocess.run(
                [sys.executable, VMN_LAB, *words, "--name", lab.name],
                check=True, stdout=subprocess.PIPE, text=True).stdout
        run("stop", "vmnd")
        assert lab.vmnd.pid() is None
        assert "does not answer" in run("status")
        assert traffic.ask(a, b.ip, 0, "icmp", 5)
        run("stop", "vmnd")             # Done already: no error.
        run("start", "vmnd")
        pid = lab.vmnd.pid()
        run("start", "vmnd")
        assert lab.vmnd.pid() == pid is not None
        lab.await_synced()
        assert lab.vmnd.api.get("ports/a")["status"]["state"] == "up"
    finally:
        lab.lock()
        lab.down()
        lab.unlock()


@contextlib.contextmanager
def sleeping(lab, monkeypatch):
    """vmnd gets no turn, so that it misses nobody, and has its hosts as
    synced."""
    pids = lab.vmnd.pids()
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(lab, "host_state", lambda host: "synced")
            yield patch
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def test_silent_cut_is_not_over_before_both_sides_know(monkeypatch):
    """The host counts as synced until vmnd misses it, which would be long
    after: no test is to go on with connections that are about to break."""
    lab = make_lab("sil", 1)
    try:
        host = lab.host("h1")
        wait_for("all to have arrived", lambda: not host.stalled())
        with sleeping(lab, monkeypatch) as patch:
            host.cut(silent=True)
            assert lab.why_not_synced(host) == "it is cut off"
            wait_for("something to be sent in vain", host.stalled, 60)
            # As if it could be heard again, and TCP had not tried yet.
            patch.setattr(host, "is_cut", lambda: False)
            assert "there waits: " in lab.why_not_synced(host)
            # The host gives all up, and nothing of that arrives: what is left
            # is what vmnd has.
            netns.run(["ss", "-K", "dst", lab.control_ip], ns=host.ns)
            wait_for("one end of each to be left", lambda: all(
                line.split()[2].startswith(lab.control_ip + ":")
                for line in host.stalled()))
            assert "there waits: " in lab.why_not_synced(host)
        host.heal()
        lab.await_synced(seconds=120)
        assert not host.was_silent
        # What ends with a word is over with it.
        host.cut()
        wait_for("it to be missed", lambda: lab.host_state(host) == "offline")
        with pytest.raises(netns.Error, match="h1 is not ready: it is "):
            lab.await_synced(seconds=1)
        host.heal()
        lab.await_synced(seconds=60)
    finally:
        lab.down()
        lab.unlock()


@pytest.mark.parametrize("ovsdb", ["tcp", "inbound"])
def test_controllers(ovsdb):
    """Three vmnd are one; hosts and commands find the one that writes."""
    name = lab_name("ctl")

    def run(*words):
        return subprocess.run(
            [sys.executable, VMN_LAB, *words, "--name", name],
            check=True, stdout=subprocess.PIPE, text=True).stdout

    def roles():
        """{controller: [what vmnd is, whether its database runs]}."""
        return {line.split()[0]: line.split()[1:3]
                for line in run("status").splitlines()
                if re.match(r"c\d ", line)}

    try:
        run("up", "--hosts", "2", "--controllers", "3", "--ovsdb", ovsdb,
            "--vmnd-option=--cluster-lease=%d" % LEASE_MS)
        lab = Lab(name).load()
        folders = [c.dir for c in lab.controllers]
        assert folders == [os.path.join(lab.dir, "c%d" % n) for n in (1, 2, 3)]
        # A writer that got no turn for a while is one no more.
        wait_for("roles", lambda: sorted(roles().values()) == [
            ["standby", "runs"], ["standby", "runs"], ["writer", "runs"]], 30)
        former = lab.vmnd.writer()
        run("stop", former.name)
        assert roles()[former.name] == ["stopped", "stopped"]
        assert lab.vmnd.writer() is not former
        lab.await_synced(seconds=60)
        said = run("page")
        port, token = re.search(r":(\d+)/ +its token: (\S+)", said).groups()
        run("plug", "vm9", "h1", "--mac", "02:00:00:00:00:09",
            "--ip", "10.0.0.9/24")
        run("start", former.name)
        wait_for("it to follow", lambda: cluster.follows(
            former, lab.controllers), 60)
        link = http.client.HTTPConnection("127.0.0.1", int(port), timeout=20)
        link.request("GET", "/v1", headers={"Authorization":
                                            "Bearer " + token})
        assert link.getresponse().status == 200
        # Any of them takes a change, and passes it on.
        for member in lab.controllers:
            assert member.api.put("networks/" + member.name, {})["revision"]
        run("stop", "vmnd")
        assert {vmnd for vmnd, _ in roles().values()} == {"stopped"}
        assert "no writer" in run("status")
        run("start", "vmnd")
        lab.await_synced(seconds=60)
    finally:
        down(name)
    assert not left_of(name)


def test_controller_that_writes_no_more_is_started_anew():
    """As its service would."""
    lab = make_lab("new", 1, controllers=2)
    try:
        writer = lab.vmnd.writer()
        pid = writer.pid()
        writer.ctl("cluster/transfer")
        wait_for("another process", lambda: writer.pid() not in (None, pid),
                 30)
        wait_for("it to follow", lambda: cluster.follows(
            writer, lab.controllers), 60)
    finally:
        lab.down()
        lab.unlock()


def joins_anew(lab, run):
    """c3, whose machine was installed anew, joins c1 and c2; 'run' runs
    commands of the lab."""
    writer, c3 = lab.vmnd.writer(), lab.find_controller("c3")
    wait_for("it to be taken out of the list", lambda: run(
        "exec", writer.name, "vmn-cluster", "remove", "c3")[0] == 0, 60)
    join = "env VMNCTL_SERVER=unix:%s %%s join --address %s %s" % (
        writer.socket, c3.address, writer.address)
    status, said = run("exec", "c3", *(join % "vmn-cluster").split())
    assert status == 0 and "c3 follows the writer\n" in said, said
    assert "\nMEMBER" in said and "may be old" not in said, said


def test_machine_of_a_controller():
    """What an operator would call there is there; docs/handbook/cluster.md
    has the rest."""
    lab = make_lab("mch", 1, controllers=3,
                   options=["--cluster-lease=%d" % LEASE_MS])
    lab.unlock()

    def run(*words):
        """(status, what it prints)"""
        done = subprocess.run(
            [sys.executable, VMN_LAB, words[0], "--name", lab.name,
             *words[1:]], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True)
        return done.returncode, done.stdout

    try:
        c3 = lab.find_controller("c3")
        assert run("exec", "c3", "systemctl", "is-active", "vmnd",
                   "vmn-ovsdb.service") == (
                       0, "vmnd.service: active\nvmn-ovsdb.service: active\n")
        # vmnctl asks the one of its machine.
        c3.api.put("networks/n", {})
        assert " n " in " ".join(run("exec", "c3", "vmnctl", "get",
                                     "networks")[1].split())
        # In a shell there, commands of another one's machine are that one's.
        where = "timeout 60 ovs-appctl -t /run/vmn/vmnd.ctl cluster/status"
        said = run("exec", "c3", "sh", "-c", "%s %s exec --name %s c2 %s %s "
                   "exec --name %s c3 sh -c '%s; command -v vmnctl'" % (
                       2 * (sys.executable, VMN_LAB, lab.name) + (where,)))
        assert said[0] == 0 and said[1].startswith("member: c3\n"), said
        assert said[1].endswith(c3.path("bin/vmnctl") + "\n"), said
        pid = c3.pid()
        assert run("exec", "c3", "systemctl", "kill", "-s", "KILL",
                   "vmnd") == (0, "")
        assert not os.path.exists("/proc/%d" % pid)
        assert run("exec", "c3", "systemctl", "is-active", "--quiet",
                   "vmnd") == (3, "")
        assert "does not run" in run("exec", "c3", "systemctl", "kill",
                                     "vmnd")[1]
        assert c3.server_pid()
        assert run("exec", "c3", "systemctl", "start", "vmnd") == (0, "")
        wait_for("it to follow", lambda: cluster.follows(
            c3, lab.controllers), 60)
        for words, why in ((["stop", "sshd"], "units vmnd and vmn-ovsdb"),
                           (["halt"], "the lab's systemctl has start"),
                           (["kill", "-s", "NO", "vmnd"], "no signal NO"),
                           (["stop", "--force", "vmnd"], "no option --force"),
                           (["restart"], "needs a unit")):
            status, said = run("exec", "c3", "systemctl", *words)
            assert status == 1 and why in said, said
        assert "nothing is to be recovered" in run(
            "exec", "c3", "vmn-cluster", "recover", "--yes")[1]
        # A machine that was installed anew.
        assert run("wipe", "c3") == (0, "")
        assert c3.pid() is None and c3.server_pid() is None
        assert os.listdir(c3.dir) == ["vmnd.json"]
        assert "vmn-cluster join makes it one" in run("start", "c3")[1]
        assert run("wipe", "h1") == (
            1, "vmn-lab: lab %s has no controller h1; it has c1, c2, c3\n"
            % lab.name)
        joins_anew(lab, run)
        # The others are still begun, whatever has become of it.
        assert run("stop", "vmnd")[0] == 0
        assert run("start", "vmnd")[0] == 0
    finally:
        lab.lock()
        lab.down()
        lab.unlock()


def test_page_is_shown_on_this_machine_and_ends_with_the_lab():
    lab = make_lab("pag", 1)
    lab.unlock()
    try:
        def run(*words):
            return subprocess.run(
                [sys.executable, VMN_LAB, *words, "--name", lab.name],
                check=True, stdout=subprocess.PIPE, text=True,
                timeout=60).stdout
        said = run("page")
        port, token = re.search(r":(\d+)/ +its token: (\S+)", said).groups()
        assert run("page") == said      # The same one.

        def get(path, **headers):
            link = http.client.HTTPConnection("127.0.0.1", int(port),
                                              timeout=20)
            link.request("GET", path, headers=headers)
            reply = link.getresponse()
            return reply.status, reply.read()

        assert get("/")[0] in (200, 404)        # 404: built without it.
        assert get("/v1")[0] == 401
        assert get("/v1", Authorization="Bearer " + token)[0] == 200
        run("stop", "vmnd")
        with pytest.raises((http.client.HTTPException, ConnectionError)):
            get("/")
        run("start", "vmnd")
        assert get("/v1", Authorization="Bearer " + token)[0] == 200
    finally:
        lab.lock()
        lab.down()
        lab.unlock()
    with pytest.raises(ConnectionError):
        get("/")
